"""A short run, TensorBoard started by the line that the command prints, and Chromium to look at it.

Screenshots of every page are kept in tests/output/dashboards.
"""

import contextlib
import csv
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lyric_lm.display.fonts import cjk_font

webdriver = pytest.importorskip("selenium.webdriver")

OUTPUT = Path(__file__).parent / "output" / "dashboards"
EPOCHS, PREFIXES = 24, ("分开", "不分开")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
# Without the background flags Chromium asks hosts on the internet for updates; it refuses to run as root
# in its sandbox, and a test machine has no graphics card.
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"),
    "--window-size=1500,1100",
]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None or DRIVER is None, reason="needs a browser: apt-get install chromium chromium-driver"
    ),
]

# All that a person sees, also inside the shadow trees and frames that TensorBoard is made of.
SEEN = """
const seen = [];
function walk(node) {
  if (node.nodeType === Node.TEXT_NODE) {
    const parent = node.parentElement || node.parentNode.host;
    const shown = parent && parent.getClientRects().length && !/^(SCRIPT|STYLE)$/.test(parent.tagName);
    if (shown && node.data.trim()) seen.push(node.data);
    return;
  }
  if (node.tagName === 'INPUT') seen.push(node.value);
  if (node.shadowRoot) walk(node.shadowRoot);
  if (node.tagName === 'IFRAME' && node.contentDocument) walk(node.contentDocument);
  for (const child of node.childNodes) walk(child);
}
walk(document.body);
return seen.join(' ');
"""
FIND = """
function find(root, selector) {
  if (root.shadowRoot) return find(root.shadowRoot, selector);
  for (const node of root.querySelectorAll('*')) {
    if (node.matches(selector)) return node;
    const inner = node.shadowRoot || (node.tagName === 'IFRAME' && node.contentDocument);
    const found = inner && find(inner, selector);
    if (found) return found;
  }
  return null;
}
return Array.from(arguments).reduce((root, selector) => root && find(root, selector), document);
"""


class Run:
    """A run of the command: its folder, and what the command printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        words = ["--epochs", EPOCHS, "--every", EPOCHS, "--hidden-size", 64, "--optimizer", "adam"]
        words += ["--samples-every", 1, "--histograms-every", 6, "--validation-split", 0.1]
        command = [sys.executable, "-m", "lyric_lm", "train", "--run-dir", folder, *words]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
        (self.line,) = re.findall(r"^See it at (?:\S+) with: (tensorboard .*)$", done.stdout, re.MULTILINE)

    def history(self, name: str) -> float:
        """A log's last value."""
        with (self.folder / "history.csv").open(encoding="utf-8") as file:
            return float(list(csv.DictReader(file))[-1][name])

    def samples(self) -> list[str]:
        """What the last report printed."""
        lines = (self.folder / "samples.txt").read_text(encoding="utf-8").splitlines()
        return [line.removeprefix(" - ") for line in lines[-len(PREFIXES) :]]


class Page:
    """TensorBoard in a browser window."""

    def __init__(self, driver: Any, address: str) -> None:
        self.driver, self.address = driver, address

    def open(self, name: str) -> None:
        self.driver.get("about:blank")  # else only the part after # changes, and nothing is loaded
        self.driver.get(f"{self.address}?smoothing=0#{name}")

    def seen(self) -> str:
        return _spaced(self.driver.execute_script(SEEN))

    def wait_for(self, *texts: str, until: Callable[[], bool] = lambda: True) -> str:
        """The page's text, once it holds all of these."""
        end = time.monotonic() + 60
        while missing := [text for text in texts if _spaced(text) not in self.seen()] or not until():
            assert time.monotonic() < end, f"not shown: {missing}; but:\n{self.seen()}"
            time.sleep(0.3)
        return self.seen()

    def find(self, *selectors: str) -> Any:
        """The first element that fits, inside the first that fits the selector before, and so on."""
        return self.driver.execute_script(FIND, *selectors)

    def keep(self, name: str) -> None:
        time.sleep(1.5)  # charts fade in
        OUTPUT.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(OUTPUT / f"{name}.png"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: Any) -> Run:
    return Run(tmp_path_factory.mktemp("runs") / "a run")


@pytest.fixture(scope="module")
def page(run: Run, tmp_path_factory: Any) -> Iterator[Page]:
    with _tensorboard(run.line) as address, _chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield Page(driver, address)


@contextlib.contextmanager
def _tensorboard(line: str) -> Iterator[str]:
    _, *words = shlex.split(line)
    command = [sys.executable, "-m", "tensorboard.main", *words, "--port", "0", "--host", "localhost"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            address = next(
                found[0] for line in server.stderr if (found := re.search(r"http://localhost:\d+/", line))
            )
            # A pipe that nobody empties would stop the server.
            threading.Thread(target=server.stderr.read, daemon=True).start()
            yield address
        finally:
            server.terminate()


@contextlib.contextmanager
def _chromium(profile: Path) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS, f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def _spaced(text: str) -> str:
    """With one space wherever a browser may draw several or none."""
    return re.sub(r"\s+", " ", text)


def _holds_number(text: str, value: float) -> bool:
    numbers = re.findall(r"\d+(?:\.\d+)?", text.replace(",", ""))
    return any(abs(float(number) - value) < 2e-3 * value for number in numbers)


def test_the_first_page_shows_perplexity_and_samples_without_a_click(page: Page, run: Run) -> None:
    page.open("")
    text = page.wait_for("learning /perplexity", "learning /samples", "validation", "train")
    assert "clipping_theta" not in text
    assert _holds_number(text, run.history("perplexity"))
    assert _holds_number(text, run.history("val_perplexity"))
    if cjk_font() is not None:
        page.wait_for(until=lambda: page.find("image-card img") is not None)
        picture = page.find("image-card img")
        assert picture.rect["y"] + picture.rect["height"] < 1100 - 100, "below the window's edge"
        assert page.driver.execute_script("return arguments[0].naturalWidth", picture) == 600
    page.keep("first-page")


def test_all_curves_have_a_chart(page: Page) -> None:
    page.open("scalars")
    page.wait_for("learning", "loss", "optimizer", "result", "speed", "perplexity")
    page.keep("scalars")


def test_samples_are_kept_for_every_epoch_with_their_characters(page: Page, run: Run) -> None:
    page.open("text")
    text = page.wait_for(*(f"samples/{prefix}" for prefix in PREFIXES), f"step {EPOCHS}", *run.samples())
    steps = {int(step) for step in re.findall(r"step (\d+)", text)}
    assert steps == set(range(1, EPOCHS + 1)), "TensorBoard keeps ten, were it not for the flag"
    page.keep("text")


def test_settings_and_results_stand_in_a_row(page: Page, run: Run) -> None:
    page.open("hparams")
    text = page.wait_for(
        "hidden_size", "optimizer", "adam", "64.000", f"{run.folder.name} ({run.folder.parent})"
    )
    assert text.index("best_validation_perplexity") < text.index(
        "validation_perplexity", text.index("best_") + 9
    )
    assert _holds_number(text, run.history("perplexity"))
    assert _holds_number(text, run.history("val_perplexity"))
    page.keep("hparams")


def test_weights_and_states_have_histograms(page: Page) -> None:
    page.open("histograms")
    page.wait_for("state/layer_1", "weights/layer_1/recurrent_kernel", "weights/output/bias")
    page.keep("histograms")


def test_the_graph_shows_the_layers(page: Page) -> None:
    page.open("graphs")
    page.wait_for("characters", "one_hot", "layer_1", "output", "logits")
    page.keep("graph")


def test_the_projector_labels_each_point_with_its_character(page: Page, run: Run) -> None:
    labels = (run.folder / "tensorboard/train/metadata.tsv").read_text(encoding="utf-8").splitlines()[1:]
    page.open("projector")
    page.wait_for(f"Points: {len(labels)}", f"characters at epoch {EPOCHS}", "Dimension: 64")
    page.keep("projector")
    try:
        while frame := page.find("iframe"):  # one in the other
            page.driver.switch_to.frame(frame)
        search = page.find("vz-projector-inspector-panel", "input")
        search.click()
        search.send_keys("开")
        # The only point that is found is selected, and what is known of it shown.
        page.wait_for("Nearest points in the original space", "character 开", "kind Chinese", "U+5F00")
    finally:
        page.driver.switch_to.default_content()
    page.keep("projector-search")
