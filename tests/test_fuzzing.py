"""Coverage-guided fuzzing of everything that reads a file: corpora, archives, settings, checkpoints."""

import bz2
import gzip
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lyric_lm.data import load_lyrics
from lyric_lm.data.readers import SUFFIXES
from lyric_lm.runs.checkpoints import Checkpoint, encode_checkpoint
from lyric_lm.runs.record import describe_run
from lyric_lm.settings.config import TrainConfig

KINDS = (*SUFFIXES, ".gz", ".bz2", ".zst", ".zip")  # as fuzzing.py has them
KIND_SEEDS = {
    ".lrc": "[ti:x]\n[00:01.00][00:02.5]la <00:03.00>la\n[00:01.00]lo\n",
    ".srt": "1\n00:00:01,000 --> 00:00:02,000\n<i>la</i>\n\n",
    ".md": "---\na: b\n---\n# x\n- **la** [la](x) <!-- y -->\n",
    ".html": "<html><meta charset=gbk><h1>x</h1><p>la<br>la &amp;<div data-lyrics-container=true>lo</div>",
    ".csv": 'a,lyrics\n1,"la\nla"\n',
    ".json": '[{"lyrics": ["la", "la"]}, {"a": {"text": "lo"}}]',
    ".jsonl": '{"text": "la"}\n{"text": "lo"}\n',
    ".txt": "3 ContributorsX Lyrics[Chorus]\nla\nYou might also like7Embed",
}
SCRIPT = Path(__file__).with_name("fuzzing.py")


def write_seeds(folder: Path) -> None:
    """A valid file of each kind to begin with."""
    lyrics = load_lyrics("built-in", max_chars=40)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.txt", lyrics.text)
    memory = {"EarlyStopping 1": {"wait": 1, "best": np.float32(2), "pair": (1.5, [np.ones(2)])}}
    checkpoint = encode_checkpoint(Checkpoint(1, False, [np.ones((2, 3), np.float32)], [], memory))
    size = int.from_bytes(checkpoint[8:16], "little")
    signed = checkpoint[16 : 16 + size] + b"\0" + checkpoint[16 + size : -32]
    config = json.dumps(describe_run(TrainConfig(), lyrics)).encode()
    seeds = {0: lyrics.text.encode(), 1: archive.getvalue(), 2: checkpoint, 3: signed, 4: config}
    # READERS are six, and the first byte picks one of them.
    seeds |= {6: lyrics.text.encode("gb18030"), 12: "說好不哭".encode("big5") * 9}
    for first, seed in seeds.items():
        (folder / f"seed-{first}").write_bytes(bytes([first]) + seed)
    for kind, suffix in enumerate(KINDS):
        seed = KIND_SEEDS.get(suffix, "la\nla\n").encode()
        (folder / f"seed{suffix}").write_bytes(bytes([5, kind]) + seed)
    for suffix, compress in ((".gz", gzip.compress), (".bz2", bz2.compress)):
        (folder / f"seed{suffix}").write_bytes(bytes([5, KINDS.index(suffix)]) + compress(b"la\nla\n"))


@pytest.mark.slow
def test_ten_minutes_of_mutated_files_bring_up_nothing_but_our_own_errors(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris is not installed: pip install -e .[fuzz]")
    (tmp_path / "seeds").mkdir()
    write_seeds(tmp_path / "seeds")
    limits = [f"-max_total_time={os.environ.get('LYRIC_LM_FUZZ_SECONDS', '600')}", "-rss_limit_mb=4000"]
    command = [sys.executable, str(SCRIPT), *limits, "-timeout=20", "-max_len=8192", str(tmp_path / "seeds")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-5000:]
    print(done.stderr.strip().splitlines()[-1])
