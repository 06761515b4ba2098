"""What the worst small files cost, in seconds of processor time: python benchmarks/hostile.py [NAME...].

A file of up to 100 kB may take a command 5 seconds, one of 1 MiB 15. The files are those of tests/helpers/hostile.py, as
they are in tests/network/test_effort.py, which counts their steps; a command is a process of its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

COMMANDS = (("check", "--no-torch"), ("sizes",), ("sizes", "--layers"), ("sizes", "--format", "json"))
LARGE = 110_000  # bytes: beyond, a file may take longer
MOST = {False: 5, True: 15}  # seconds


def seconds(*command: str) -> float:
    """The processor time of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "cnnshape", *command], stdout=subprocess.DEVNULL, check=False, timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    from helpers.hostile import HOSTILE

    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or HOSTILE:
            file = Path(folder, f"{name}.toml")
            file.write_text(HOSTILE[name])
            most = MOST[file.stat().st_size > LARGE]
            spent = [seconds(*command, str(file)) for command in COMMANDS]
            mark = "" if max(spent) <= most else "  TOO LONG"
            print(
                f"{name:14} {file.stat().st_size // 1000:4} kB ", *(f"{each:5.1f}" for each in spent), mark, flush=True
            )


if __name__ == "__main__":
    main()
