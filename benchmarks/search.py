"""What a candidate of a search costs: python benchmarks/search.py.

A ResNet of 82 layers on average, whose width, depths and input vary, as five constants and a side: 21,000 of its million
candidates, taken evenly from all of it, in processor time, against reading the text with its values, building and checking,
as a loop without a plan does: at least 20 times less. A million takes 60 s at most on two processors, as far as processor
time tells. Then 40,000 candidates on two processes, and on two local workers of dask where it is installed, which take turns:
dask at most 1.6 times as long.
"""

from __future__ import annotations

import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any

from medians import seconds

import cnnshape
from cnnshape.space.searching import searched

if TYPE_CHECKING:
    from concurrent.futures import Executor

LEAST = 20.0  # times a loop without a plan
MOST_SECONDS = 60.0  # a million candidates, on two processors
MOST_DASK = 1.6
MILLION = 1_000_000
APART = 51_237  # candidates between those taken: shares no factor with the sizes

TEXT = """
constants = {{ width = {width}, one = {one}, two = {two}, three = {three}, last = {last} }}
include = ["zoo:blocks/conv", "zoo:blocks/resnet"]
input = [3, 224, 224]
layers = [
  {{ name = "conv1", block = "conv_bn_act", width = "width", kernel_size = 7, stride = 2 }},
  {{ name = "maxpool", type = "max_pool", kernel_size = 3, stride = 2, padding = 1 }},
  {{ name = "layer1", block = "basic_stage", width = "width", depth = "one" }},
  {{ name = "layer2", block = "basic_stage", width = "2 * width", depth = "two", stride = 2 }},
  {{ name = "layer3", block = "basic_stage", width = "4 * width", depth = "three", stride = 2 }},
  {{ name = "conv4", block = "conv_bn_act", width = "last", kernel_size = 3 }},
  {{ name = "avgpool", type = "global_avg_pool" }},
  "flatten",
  {{ name = "fc", type = "linear", out_features = 1000 }},
]
"""
SPACE = {
    "width": range(16, 16 + 8 * 25, 8),
    "input": range(64, 64 + 16 * 20, 16),
    "one": range(1, 7),
    "two": range(1, 7),
    "three": range(1, 7),
    "last": range(128, 128 + 64 * 10, 64),
}
WHERE = "macs < 600e6 and output.channels == 1000"


def a_candidate() -> tuple[float, float, float]:
    """Return the processor seconds of a loop without a plan and of a search, for one candidate, and the layers of one."""
    search = searched(cnnshape.loads(TEXT.format(width=16, one=1, two=1, three=1, last=128)), SPACE, WHERE)
    size = search.space.size
    some = [search.space[number] for number in range(0, size, APART)]
    layers: list[int] = []

    def looped() -> None:
        for values in some:
            side = values["input"]
            report = cnnshape.loads(TEXT.format(**values)).check(input=(3, side, side))
            layers.append(len(report.layers))

    def planned() -> None:
        for start in range(0, size - 1_000, APART):  # chunks of neighbours
            search.chunk(start, start + 1_000)

    alone, planned_in = seconds(looped, planned, rounds=3)
    return alone / len(some), planned_in / (1_000 * len(range(0, size - 1_000, APART))), statistics.mean(layers)


def wall(executor: Executor, net: Any) -> float:
    start = time.perf_counter()
    space = SPACE | {"width": range(16, 24, 8), "last": range(128, 128 + 640, 64)}
    found = list(cnnshape.search(net, space, WHERE, executor))
    assert found
    return time.perf_counter() - start


def on_dask() -> float | None:
    """Return the median of the ratios of dask to processes, None where it is not installed."""
    try:
        from dask.distributed import Client, LocalCluster
    except ImportError:
        return None
    net = cnnshape.loads(TEXT.format(width=16, one=1, two=1, three=1, last=128))
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
        client.get_executor() as theirs,
        ProcessPoolExecutor(2) as ours,
    ):
        pairs = [(wall(theirs, net), wall(ours, net)) for _ in range(6)][1:]  # the first warms up
    return statistics.median(one / other for one, other in pairs)


if __name__ == "__main__":
    loop, search, layers = a_candidate()
    million = search * MILLION / 2
    print(
        f"a candidate of {layers:.0f} layers: read, built and checked {1e3 * loop:.2f} ms, searched {1e6 * search:.0f} us"
    )
    print(
        f"ratio {loop / search:.0f} (at least {LEAST:.0f}); a million on two processors {million:.0f} s (limit {MOST_SECONDS:.0f} s)"
    )
    dask = on_dask()
    print("dask is not installed" if dask is None else f"dask {dask:.2f} of processes (limit {MOST_DASK})")
    sys.exit(loop / search < LEAST or million > MOST_SECONDS or (dask or 0) > MOST_DASK)
