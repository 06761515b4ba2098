"""The cost of a diagnosis, as multiples of load and check of the sound net: python benchmarks/diagnosis.py [COUNT].

Broken nets of tests/broken against load and check of themselves, which are nearly as large as the sound ones; random
faults of a net of 50 layers, COUNT of them; and ResNet-152 with a wrong number. A clean check pays nothing at all.
"""

from __future__ import annotations

import random
import statistics
import sys
import tomllib
from pathlib import Path
from typing import Any

from medians import seconds

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from cnnshape.assemble.network import assemble  # noqa: E402 -- of the tree at hand
from cnnshape.diagnosis.diagnose import diagnose  # noqa: E402
from cnnshape.diagnosis.operations import Operation  # noqa: E402
from cnnshape.diagnosis.text import edited  # noqa: E402
from cnnshape.file.files import Files  # noqa: E402
from cnnshape.file.reader import read, read_source  # noqa: E402
from cnnshape.file.source import Source  # noqa: E402

FLAT = "alexnet.toml", "vgg16.toml", "segnet.toml", "mobilenet_v1.toml"  # with uses of blocks: some 50 layers


def ratio(text: str, file: Path) -> tuple[float, float, int]:
    """Return how many loads and checks a diagnosis takes, its seconds, and its trials."""
    source = Source.from_text(text, str(file))
    trials = diagnose(source, Files(file), None, strict=False).trials
    plain, whole = seconds(
        lambda: assemble(read_source(Source.from_text(text, str(file)), Files(file))).check(),
        lambda: diagnose(source, Files(file), None, strict=False),
        rounds=3,
    )
    return whole / plain, whole, trials.count + trials.probes


def line(name: str, found: list[tuple[float, float, int]]) -> str:
    ratios = sorted(one[0] for one in found)
    trials = statistics.median(one[2] for one in found)
    high = ratios[int(len(ratios) * 0.95)]
    return f"{name:32} {len(found):4}  median {statistics.median(ratios):5.1f}  95 % {high:5.1f}  most {ratios[-1]:6.1f}  trials {trials:.0f}"


def main(count: int = 40) -> None:
    """Print a line for each group of nets."""
    broken = [ratio(file.read_text(encoding="utf-8"), file) for file in sorted((ROOT / "tests/broken").glob("*.toml"))]
    print(line("broken nets", broken))
    chance, faults = random.Random(1), []
    while len(faults) < count:
        file = ROOT / "architectures" / chance.choice(FLAT)
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        steps: list[Any] = data["layers"]
        index = chance.randrange(len(steps))
        numbers = (
            [key for key, value in steps[index].items() if type(value) is int] if isinstance(steps[index], dict) else []
        )
        if numbers:
            key = chance.choice(numbers)
            text = edited(
                file.read_text(encoding="utf-8"), [Operation("set", ("layers", index, key), steps[index][key] + 1)]
            )
            if text and not assemble(read_source(Source.from_text(text, str(file)), Files(file))).check().ok:
                faults.append(ratio(text, file))
    print(line("random faults, 50 layers", faults))
    file = ROOT / "architectures/resnet152.toml"
    text = edited(file.read_text(encoding="utf-8"), [Operation("set", ("layers", 5, "stride"), 3)]) or ""
    found = ratio(text, file)
    print(line("ResNet-152", [found]), f" {found[1]:.2f} s")
    assert read(file).problems == ()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
