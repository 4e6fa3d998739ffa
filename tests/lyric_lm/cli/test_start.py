"""How the command's process starts."""

import platform
import subprocess
import sys

import pytest

# How often the system had to hand out memory while 64 MB were taken and freed ten times.
COUNT_FAULTS = """
import resource
from lyric_lm.cli.start import keep_memory

if {kept}:
    keep_memory()
size = 64 << 20
b"x" * size
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    b"x" * size
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc can be told")
def test_freed_memory_is_kept_for_the_next_use() -> None:
    def handed_out(*, kept: bool) -> int:
        code = COUNT_FAULTS.format(kept=kept)
        return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)

    assert 10 * handed_out(kept=True) < handed_out(kept=False)
