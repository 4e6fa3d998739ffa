"""`python -m lyric_lm` is the command `lyric-lm`."""

import sys

from lyric_lm.cli import main

if __name__ == "__main__":
    sys.exit(main())
