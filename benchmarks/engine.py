"""The engine's speed, as ratios in one run: python benchmarks/engine.py.

report / tomllib     one pass from network to report, 500 layers, against tomllib's parse of the same file: at most 0.5
load / tomllib       reading and building that file: at most 2.5; as people write one, with five widths, and the worst
                     that there is, where no two convolutions are alike, so that nothing can be remembered
10,000 / 10          the time a layer at 10,000 layers against that at 10: within 20 %
torch meta / report  a forward of the same net on torch's meta device (its second: the first imports sympy), ResNet-50
                     and ResNet-152: at least 50
report / bare        one pass of ResNet-152 against the bare arithmetic: W' and a product for each layer, from a list of
                     numbers: at most 4

A net keeps the report of its declared input; a pass is a check at that input, given.
"""

from __future__ import annotations

import tomllib
from functools import partial
from typing import TYPE_CHECKING, Any

from medians import seconds

from cnnshape import loads
from cnnshape.file.reader import read_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnnshape import Network

LAYERS = """\
  {{ name = "conv{i}", type = "conv", out_channels = {channels}, kernel_size = 3, padding = 1 }},
  {{ name = "norm{i}", type = "batch_norm" }},
  "relu","""


def flat(layers: int, *, alike: bool) -> str:
    """A net of so many layers, three kinds in turn: with few widths, or with one for each convolution."""
    widths = [64 << (5 * i * 3 // layers) if alike else 64 + i for i in range(-(-layers // 3))]
    lines = "\n".join(LAYERS.format(i=i, channels=width) for i, width in enumerate(widths)).splitlines()[:layers]
    return "input = [3, 64, 64]\nlayers = [\n" + "\n".join(lines) + "\n]\n"


RESNET = """
input = [3, 224, 224]
include = "architectures/blocks/resnet.toml"
layer_defaults.conv = {{ bias = false }}
layers = [
  {{ type = "conv", out_channels = 64, kernel_size = 7, stride = 2, padding = 3 }}, "batch_norm", "relu",
  {{ type = "max_pool", kernel_size = 3, stride = 2, padding = 1 }},
  {{ block = "stage", width = 64, depth = {0} }},
  {{ block = "stage", width = 128, depth = {1}, stride = 2 }},
  {{ block = "stage", width = 256, depth = {2}, stride = 2 }},
  {{ block = "stage", width = 512, depth = {3}, stride = 2 }},
  "global_avg_pool", "flatten", {{ type = "linear", out_features = 1000 }},
]
"""


def resnet_of_torch(depths: tuple[int, ...]) -> Callable[[], Any]:
    """The forward of a ResNet with bottlenecks on the meta device, as people write it."""
    import torch
    from torch import nn

    class Bottleneck(nn.Module):
        def __init__(self, channels: int, width: int, stride: int):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width)
            self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
            self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
            self.relu = nn.ReLU()
            self.downsample = nn.Identity()
            if stride != 1 or channels != 4 * width:
                shortcut = nn.Conv2d(channels, 4 * width, 1, stride, bias=False)
                self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(4 * width))

        def forward(self, x):
            y = self.relu(self.bn1(self.conv1(x)))
            y = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(y)))))
            return self.relu(y + self.downsample(x))

    stages: list[nn.Module] = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    channels = 64
    for i, (width, depth) in enumerate(zip((64, 128, 256, 512), depths, strict=True)):
        for j in range(depth):
            stages.append(Bottleneck(channels, width, 2 if i and not j else 1))
            channels = 4 * width
    model = nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000)).to("meta").eval()
    x = torch.empty(1, 3, 224, 224, device="meta")

    def forward() -> None:
        with torch.inference_mode():
            model(x)

    return forward


def one_pass(net: Network) -> Callable[[], Any]:
    """A check that is not answered from the net's memory."""
    return partial(net.check, {name: shape for name, shape in net.inputs.items() if shape})


def bare(net: Network) -> Callable[[], Any]:
    """The arithmetic alone of a net of square windows: a loop over numbers that are there already."""
    first = net.inputs["input"] or ()
    numbers = []
    for row in net.check().layers:
        kernel, stride, padding = (
            getattr(row.node.layer, name, (one,)) for name, one in (("kernel_size", 1), ("stride", 1), ("padding", 0))
        )
        extent, step, ends = (value[0] if isinstance(value, tuple) else value for value in (kernel, stride, padding))
        numbers.append((extent, step or extent, ends, row.inputs[0][0], row.output[0]))

    def run() -> tuple[int, int]:
        height, width, parameters, macs = *first[1:], 0, 0
        for extent, stride, padding, channels, filters in numbers:
            height = (height - extent + 2 * padding) // stride + 1
            width = (width - extent + 2 * padding) // stride + 1
            weights = extent * extent * channels * filters
            parameters += weights + filters
            macs += weights * height * width
        return parameters, macs

    return run


def main() -> None:
    for alike, kind in ((True, "few widths"), (False, "all different")):
        text = flat(500, alike=alike)
        parse, read, load, report = seconds(
            partial(tomllib.loads, text), partial(read_text, text), partial(loads, text), one_pass(loads(text))
        )
        milliseconds = (f"{1e3 * time:.2f}" for time in (parse, read, load, report))
        print("500 layers, {}: tomllib {} ms, read {} ms, load {} ms, report {} ms".format(kind, *milliseconds))
        print(f"  report / tomllib  {report / parse:.2f}  (at most 0.5)")
        print(f"  read / tomllib    {read / parse:.2f}")
        print(f"  load / tomllib    {load / parse:.2f}  (at most 2.5)")

    few, many = loads(flat(10, alike=False)), loads(flat(10_000, alike=False))
    small, large = one_pass(few), one_pass(many)
    one, other = seconds(lambda: [small() for _ in range(1000)], large, rounds=7)
    print(f"a layer at 10,000 layers / at 10: {other / one:.2f}  (within 20 %; {other / 10_000 * 1e6:.1f} us a layer)")

    for name, depths in (("ResNet-50", (3, 4, 6, 3)), ("ResNet-152", (3, 8, 36, 3))):
        net = loads(RESNET.format(*depths))
        meta, report = seconds(resnet_of_torch(depths), one_pass(net))
        print(
            f"{name}: torch meta {meta * 1e3:.1f} ms / report {report * 1e3:.2f} ms = {meta / report:.0f}  (at least 50)"
        )

    report, arithmetic = seconds(one_pass(net), bare(net))
    print(
        f"ResNet-152: report {report * 1e3:.2f} ms / bare {arithmetic * 1e3:.2f} ms = {report / arithmetic:.1f}  (at most 4)"
    )


if __name__ == "__main__":
    main()
