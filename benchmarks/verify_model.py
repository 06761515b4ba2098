"""What holding a live model against its file costs: python benchmarks/verify_model.py.

verify(net, model=resnet50()) against building the model and one plain forward of one sample: at most 1.5. What is
measured on both sides begins with nothing but imports and the net; each pair is one after the other, with one thread.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import torch

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from models.residual import Bottleneck, ResNet  # noqa: E402 -- the models of the tests

import cnnshape  # noqa: E402

ROUNDS = 9
LIMIT = 1.5


def build() -> torch.nn.Module:
    return ResNet(Bottleneck, (3, 4, 6, 3))


def plain() -> float:
    """Build the model and run it once; return the seconds."""
    start = time.perf_counter()
    model = build().eval()
    with torch.no_grad():
        model(torch.rand(1, 3, 224, 224))
    return time.perf_counter() - start


def verified(net: cnnshape.Network) -> tuple[float, float]:
    """Build the model and verify it; return the seconds of both."""
    start = time.perf_counter()
    model = build()
    built = time.perf_counter()
    assert cnnshape.verify(net, "cpu", model=model).ok
    return built - start, time.perf_counter() - built


def main() -> int:
    torch.set_num_threads(1)
    net = cnnshape.load(ROOT / "architectures" / "resnet50.toml")
    plain()
    verified(net)  # the first run of anything in torch is slow
    pairs = [(plain(), verified(net)) for _ in range(ROUNDS)]
    ratio = statistics.median(verify / forward for forward, (_, verify) in pairs)
    with_building = statistics.median((built + verify) / forward for forward, (built, verify) in pairs)
    seconds = statistics.median(verify for _, (_, verify) in pairs), statistics.median(forward for forward, _ in pairs)
    print(
        f"ResNet-50: verify {seconds[0]:.2f} s / build and forward {seconds[1]:.2f} s = {ratio:.2f} (at most {LIMIT})"
    )
    print(f"           with building on both sides {with_building:.2f}")
    return with_building > LIMIT


if __name__ == "__main__":
    sys.exit(main())
