"""What whole processes cost, without torch: python benchmarks/startup.py.

Pairs of processes take turns, and the median of the ratios of their processor times counts. Modules are compiled
beforehand, as an installed package's are.

AlexNet / imports        in a pipe, against a Python that imports click and rich.table: at most 1.2
ResNet-152, DenseNet-201 the same: at most 1.5
AlexNet / rich           on a terminal, against a click command that prints the rows of the csv with rich.table: at most 1.1
table / csv              of a net of 1,000 layers: at most 1.5
1,000 files / click      one command, against a Python that imports click: at most 70
"""

from __future__ import annotations

import os
import pty
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Thread

from engine import flat

ROOT = Path(__file__).parent.parent
ROUNDS = 21

IMPORTS = "import click, rich.table"
COMMAND = "from cnnshape.cli import main; main({})"
WITH_RICH = """
import csv, click
@click.command()
@click.argument("file")
def main(file):
    from rich.console import Console
    from rich.table import Table
    table = Table()
    titles, *rows = csv.reader(open(file))
    for title in titles: table.add_column(title)
    for row in rows: table.add_row(*row)
    Console().print(table)
main([{!r}])
"""


def check(*arguments: str) -> str:
    return COMMAND.format(["check", "--no-torch", *arguments])


def of_zoo(name: str) -> str:
    return check(f"architectures/{name}.toml")


def seconds(code: str, environment: dict[str, str], *, terminal: bool = False) -> float:
    """Return the processor time of a Python that runs the code, its output read by us."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out, screen = pty.openpty() if terminal else (None, subprocess.PIPE)
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=screen)
    if out is None:
        process.communicate()
    else:
        Thread(target=_drain, args=[out], daemon=True).start()
        process.wait()
        os.close(screen)
    if process.returncode:
        raise RuntimeError(f"{code!r} ended with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _drain(out: int) -> None:
    try:
        while os.read(out, 2**16):
            pass
    except OSError:  # the terminal is closed
        os.close(out)


def compared(title: str, limit: float, ours: str, other: str, environment: dict[str, str], **how: bool) -> bool:
    """Print the median ratio of two processes, and say whether it is within the limit."""
    for code in (ours, other):
        seconds(code, environment, **how)
    pairs = [(seconds(ours, environment, **how), seconds(other, environment, **how)) for _ in range(ROUNDS)]
    mine, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(mine / theirs for mine, theirs in pairs)
    print(f"{title:26} {1000 * mine:5.0f} ms / {1000 * theirs:4.0f} ms = {ratio:5.2f}  (at most {limit})", flush=True)
    return ratio <= limit


def main() -> bool:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment |= {"PYTHONPYCACHEPREFIX": str(folder / "compiled"), "COLUMNS": "160", "TERM": "xterm-256color"}
        (folder / "large.toml").write_text(flat(1000, alike=False))
        many = folder / "many"
        many.mkdir()
        for number in range(1000):
            (many / f"{number}.toml").write_text((ROOT / "architectures" / "alexnet.toml").read_text())
        rows = check("--format", "csv", "architectures/alexnet.toml")
        with (folder / "rows.csv").open("w") as file:
            subprocess.run([sys.executable, "-c", rows], cwd=ROOT, env=environment, stdout=file, check=True)
        large = str(folder / "large.toml")
        rich = WITH_RICH.format(str(folder / "rows.csv"))
        return all(
            [
                compared("AlexNet / imports", 1.2, of_zoo("alexnet"), IMPORTS, environment),
                compared("ResNet-152 / imports", 1.5, of_zoo("resnet152"), IMPORTS, environment),
                compared("DenseNet-201 / imports", 1.5, of_zoo("densenet201"), IMPORTS, environment),
                compared("AlexNet / rich", 1.1, of_zoo("alexnet"), rich, environment, terminal=True),
                compared("table / csv", 1.5, check(large), check("--format", "csv", large), environment),
                compared("1,000 files / click", 70, check(str(many)), "import click", environment),
            ]
        )


if __name__ == "__main__":
    sys.exit(not main())
