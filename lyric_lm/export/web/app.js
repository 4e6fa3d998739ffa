"use strict";

const TEXTS = {
  en: {
    title: "Lyrics in a browser", prefix: "Begin with", temperature: "Temperature (0 plays safe, above 1 dares):",
    length: "Characters", seed: "Seed", write: "Write", other: "中文", loading: "Loading the model …",
    ready: "Ready.", done: (rate) => `${rate} characters per second.`,
    unknown: (characters) => `Not known to the model, so not read: ${characters}`,
    nothing: "The model knows no character of that; begin with others.",
    failed: (error) => `This browser cannot run the model (${error}); try a current Chrome, Firefox or Safari.`,
  },
  zh: {
    title: "在浏览器里写歌词", prefix: "开头", temperature: "采样温度（0 最稳妥，大于 1 更大胆）：",
    length: "字数", seed: "随机种子", write: "写", other: "English", loading: "正在载入模型……",
    ready: "可以写了。", done: (rate) => `每秒 ${rate} 个字。`,
    unknown: (characters) => `这些字模型不认识，已跳过：${characters}`,
    nothing: "开头的字模型一个都不认识，请换个开头。",
    failed: (error) => `这个浏览器运行不了模型（${error}），请换用新版 Chrome、Firefox 或 Safari。`,
  },
};

const SONG_END = "\u001e"; // begins and ends each song, where the model has learnt songs apart
const element = (id) => document.getElementById(id);
const ids = new Map(MODEL.characters.map((character, id) => [character, id]));
let language = navigator.language.startsWith("zh") ? "zh" : "en";
let ort, session, sizes;
let report = (texts) => texts.loading;

function show() {
  const texts = TEXTS[language];
  document.documentElement.lang = language;
  document.title = texts.title;
  document.querySelectorAll("[data-text]").forEach((node) => { node.textContent = texts[node.dataset.text]; });
  element("language").textContent = texts.other;
  element("status").textContent = report(texts);
  element("shown").textContent = element("temperature").value;
}

function say(makeText) {
  report = makeText;
  show();
}

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function load() {
  // All of it is in the scripts, since a page opened from a disk may fetch nothing.
  const url = URL.createObjectURL(new Blob([RUNTIME.module], { type: "text/javascript" }));
  ort = await import(url);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = (await unpacked(RUNTIME.wasm)).buffer;
  session = await ort.InferenceSession.create(await unpacked(MODEL.onnx), { executionProviders: ["wasm"] });
  sizes = Object.fromEntries(
    session.inputMetadata.filter((input) => input.name !== "ids").map((input) => [input.name, input.shape.at(-1)]),
  );
}

async function step(id, state) {
  const outputs = await session.run({ ids: new ort.Tensor("int32", Int32Array.of(id), [1, 1]), ...state });
  const next = Object.fromEntries(Object.keys(state).map((name) => [name, outputs[`next_${name}`]]));
  return [outputs.logits.data, next];
}

// Mulberry32: numbers in [0, 1), the same for the same seed.
function randomNumbers(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function choose(logits, temperature, random) {
  // An unknown token, if the model has one, comes after the characters and is never written.
  const known = logits.subarray(0, MODEL.characters.length);
  let best = 0;
  known.forEach((logit, id) => { if (logit > known[best]) best = id; });
  if (temperature === 0) return best;
  const weights = Array.from(known, (logit) => Math.exp((logit - known[best]) / temperature));
  let target = random() * weights.reduce((sum, weight) => sum + weight, 0);
  for (let id = 0; id < weights.length; id++) {
    target -= weights[id];
    if (target < 0) return id;
  }
  return best;
}

async function write(prefix, length, temperature, seed, onText) {
  const known = Array.from(SONG_END + prefix).filter((character) => ids.has(character));
  let state = Object.fromEntries(
    Object.entries(sizes).map(([name, size]) => [name, new ort.Tensor("float32", new Float32Array(size), [1, size])]),
  );
  let logits, text = prefix;
  for (const character of known) [logits, state] = await step(ids.get(character), state);
  const random = randomNumbers(seed);
  for (let written = 0; written < length; written++) {
    const id = choose(logits, temperature, random);
    if (MODEL.characters[id] === SONG_END) break;
    text += MODEL.characters[id];
    if (written % 8 === 0 || written === length - 1) {
      onText(text);
      await new Promise((resolve) => setTimeout(resolve));
    }
    [logits, state] = await step(id, state);
  }
  onText(text);
  return text;
}

element("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const prefix = element("prefix").value;
  const unknown = Array.from(prefix).filter((character) => !ids.has(character)).join("");
  if (Array.from(prefix).length === Array.from(unknown).length && !(ids.has(SONG_END) && !prefix)) return say((texts) => texts.nothing);
  const song = document.createElement("p");
  element("songs").prepend(song);
  element("write").disabled = true;
  const length = Number(element("length").value), began = performance.now();
  try {
    const written = await write(prefix, length, Number(element("temperature").value), Number(element("seed").value), (text) => {
      song.textContent = text;
    });
    const rate = Math.round((1000 * (Array.from(written).length - Array.from(prefix).length)) / (performance.now() - began));
    say((texts) => (unknown ? texts.unknown(unknown) : texts.done(rate)));
    element("seed").value = (Number(element("seed").value) + 1) % 2 ** 32;
  } catch (error) {
    say((texts) => texts.failed(error.message));
  } finally {
    element("write").disabled = false;
  }
});

element("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  show();
});
element("temperature").addEventListener("input", show);
element("prefix").required = !ids.has(SONG_END);
element("prefix").value = MODEL.characters.includes("分") && MODEL.characters.includes("开") ? "分开" : "";

show();
load().then(
  () => { element("write").disabled = false; say((texts) => texts.ready); },
  (error) => say((texts) => texts.failed(error.message)),
);
