"""What recording a live model costs: python benchmarks/capture.py.

record(resnet50) against one plain forward of the same model on the meta device: at most 1.5, both without building the model.
Each pair is one after the other, with one thread; the least of the rounds counts, since others only add.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from models.residual import Bottleneck, ResNet  # noqa: E402 -- the models of the tests

from cnnshape.pytorch.record import record  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 15
LIMIT = 1.5


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> int:
    torch.set_num_threads(1)
    model, sample = ResNet(Bottleneck, (3, 4, 6, 3)).eval(), torch.empty(1, 3, 224, 224, device="meta")
    bare = ResNet(Bottleneck, (3, 4, 6, 3)).eval().to("meta")

    def plain() -> None:
        with torch.no_grad():
            bare(sample)

    def recorded() -> None:
        record(model, {"input": (3, 224, 224)})

    plain(), recorded()
    pairs = [(seconds(plain), seconds(recorded)) for _ in range(ROUNDS)]
    forward, recording = map(min, zip(*pairs, strict=True))
    ratio = recording / forward
    print(f"forward {1000 * forward:.1f} ms, recorded {1000 * recording:.1f} ms: {ratio:.2f} times (limit {LIMIT})")
    return ratio > LIMIT


if __name__ == "__main__":
    sys.exit(main())
