"""What the cross-check costs, against building the plain model and one forward: python benchmarks/crosscheck.py.

Each measurement is a process of its own, after its imports, with one thread; ours and torch's take turns.

seconds   verify(net) against building the model as torch initialises it and one forward of one sample: at most 1.0, and
          0.5 for nets of blocks, whose layers are alike
memory    the peak of the process above what its imports need, for VGG-19: far below 1.0
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
ROUNDS = 5


def plain_alexnet(nn: Any) -> Any:
    return nn.Sequential(
        *(nn.Conv2d(3, 96, 11, 4), nn.ReLU(), nn.MaxPool2d(3, 2), nn.LocalResponseNorm(5)),
        *(nn.Conv2d(96, 256, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.LocalResponseNorm(5)),
        *(nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 384, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten()),
        *(nn.Linear(9216, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()),
        nn.Linear(4096, 1000),
    )


def plain_vgg(nn: Any, depth: int) -> Any:
    layers, channels = [], 3
    for width, convolutions in zip((64, 128, 256, 512, 512), (2, 2, depth, depth, depth), strict=True):
        for _ in range(convolutions):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    layers += [nn.Flatten(), nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(), nn.Linear(4096, 1000))


def plain_resnet(nn: Any, depths: tuple[int, ...]) -> Any:
    class Bottleneck(nn.Module):
        def __init__(self, channels: int, width: int, stride: int):
            super().__init__()
            self.main = nn.Sequential(
                *(nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
                *(nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
                *(nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)),
            )
            self.shortcut = nn.Identity()
            if channels != 4 * width:
                conv = nn.Conv2d(channels, 4 * width, 1, stride, bias=False)
                self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(4 * width))
            self.relu = nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.relu(self.main(x) + self.shortcut(x))

    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for stage, depth in enumerate(depths):
        width = 64 * 2**stage
        for i in range(depth):
            layers.append(Bottleneck(channels, width, 2 if stage and not i else 1))
            channels = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000))


NETS: dict[str, tuple[str, int, Callable[[Any], Any]]] = {
    "AlexNet": ("architectures/alexnet.toml", 227, plain_alexnet),
    "VGG-16": ("architectures/vgg16.toml", 224, lambda nn: plain_vgg(nn, 3)),
    "VGG-19": ("architectures/vgg19.toml", 224, lambda nn: plain_vgg(nn, 4)),
    "ResNet-50": ("architectures/resnet50.toml", 224, lambda nn: plain_resnet(nn, (3, 4, 6, 3))),
    "ResNet-152": ("architectures/resnet152.toml", 224, lambda nn: plain_resnet(nn, (3, 8, 36, 3))),
}


def measure(who: str, name: str) -> tuple[float, float]:
    """Run a net in this process; return seconds and the MiB that the peak rose by."""
    import resource

    import torch

    import cnnshape
    import cnnshape.pytorch.crosscheck

    file, side, plain = NETS[name]
    net = cnnshape.load(ROOT / file)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    if who == "ours":
        assert all(layer.verdict == "agrees" for layer in cnnshape.verify(net, "cpu").layers)
    else:
        model = plain(torch.nn).eval()
        with torch.inference_mode():
            assert tuple(model(torch.zeros(1, 3, side, side)).shape) == (1, 1000)
    seconds = time.perf_counter() - start
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return seconds, kibibytes / (2**20 if sys.platform == "darwin" else 2**10)


def child(who: str, name: str) -> tuple[float, float]:
    """Measure in a fresh process."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, __file__, who, name]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    seconds, memory = json.loads(done.stdout)
    return seconds, memory


def main() -> None:
    for name in NETS:
        limit = 0.5 if name.startswith("ResNet") else 1.0
        rounds = [(child("ours", name), child("torch", name)) for _ in range(ROUNDS)]
        (ours, our_memory), (plain, plain_memory) = (
            [statistics.median(column) for column in zip(*side, strict=True)] for side in zip(*rounds, strict=True)
        )
        print(
            f"{name:10} verify {ours:.2f} s / build and forward {plain:.2f} s = {ours / plain:.2f}  (at most {limit})"
        )
        print(f"{'':10} peak {our_memory:.0f} MiB / {plain_memory:.0f} MiB = {our_memory / plain_memory:.2f}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(*sys.argv[1:])))
    else:
        main()
