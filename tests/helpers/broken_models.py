"""Broken models of tests/files/broken_models.txt: their code, the lines at which torch raises, and the code mended."""

import re
from typing import NamedTuple

from helpers.paths import ROOT

HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n\n"
FAULT = re.compile(r"  # fault (\d)")
SOUND = re.compile(r"(\s*)(.*?)((?:  # fault \d)*)  # sound (\d): (.*)")


class BrokenModel(NamedTuple):
    name: str
    input: str  # as --input has it
    code: str
    faults: dict[int, int]  # by its number, the line at which torch raises for each

    def mended(self, *but: int) -> str:
        """The code without its faults, but for some; as many lines, with the marks of faults."""
        lines = []
        for line in self.code.split("\n"):
            found = SOUND.fullmatch(line)
            mends = found and int(found[4]) not in but
            lines.append(f"{found[1]}{found[5]}{found[3]}" if found and mends else line)
        return "\n".join(lines)

    def shape(self) -> tuple[int, ...]:
        return tuple(map(int, self.input.split("x")))


def with_fix(fix, code, size):
    """The code and the input with a fix of a live model, which changes the one or the other."""
    return (fix.apply(code), size) if fix.changes else (code, fix.summary.removeprefix("--input "))


def broken_models():
    text = (ROOT / "tests" / "files" / "broken_models.txt").read_text()
    for part in text.split("\n==== ")[1:]:
        title, _, body = part.partition("\n")
        code = HEAD + body
        lines = enumerate(code.split("\n"), 1)
        faults = {int(number): row for row, line in lines for number in FAULT.findall(line)}
        yield BrokenModel(*title.split(), code, faults)
