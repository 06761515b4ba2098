"""Expansions: a block that was built with equal arguments and shapes is copied."""

import gc
import weakref

import pytest

import cnnshape
from cnnshape.assemble.network import assemble
from cnnshape.file.reader import read_text
from cnnshape.network.flow import measured

COPIED = """
input = [4, 16, 16]
outputs = ["last", "same.sum", "inside"]
layers = [
  { name = "a", block = "pair", width = 4 },
  { name = "b", block = "pair", width = 4, allow = ["dropped-rows"] },
  { name = "c", block = "pair", width = 4, from = "a" },
  { name = "same", block = "join", from = ["a", "a"] },
  { name = "other", block = "join", from = ["a", "b"] },
  { name = "again", block = "join", from = ["c", "c"] },
  { name = "stack", block = "outer", repeat = 3, expect = [4, 16, 16] },
  { block = "outer" },
  { block = "outer" },
  { name = "inside", type = "add", from = ["stack.1.one.conv", "stack.two.1.conv", "b.conv", "other.sum"] },
  { name = "all", type = "concat", from = ["stack.*.one.conv", "again.sum"] },
  { name = "twin", block = "outer", shares = "stack.0", from = "a" },
  { name = "tied", block = "tied", repeat = 3, from = "a" },
  { name = "lost", block = "pair", width = 4 },
  { name = "pool1", type = "max_pool", kernel_size = 2, from = "a" },
  { name = "up1", block = "up" },
  { name = "pool2", type = "max_pool", kernel_size = 3, stride = 2, padding = 1, from = "a" },
  { name = "up2", block = "up" },
  { name = "last", type = "concat", from = ["twin", "all", "tied", "tied.0.two", "up1", "up2", "skip"] },
]
[blocks.pair]
arguments = ["width"]
layers = [
  { name = "conv", type = "conv", out_channels = "width", kernel_size = 1, expect = [4, 16, 16] },
  { type = "conv", out_channels = "width", kernel_size = 1 },
]
[blocks.tied]
layers = [
  { name = "one", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "two", type = "conv", shares = "one" },
]
[blocks.up]
layers = [{ type = "max_unpool", indices = "input" }]
[blocks.join]
layers = [{ name = "sum", type = "add", from = ["input0", "input1"] }, "relu"]
[blocks.outer]
layers = [
  { type = "relu", when = false, expect = [4, 16, 16] },
  { name = "one", block = "pair", width = 4 },
  { name = "two", block = "pair", width = 4, repeat = 2 },
  { name = "none", type = "relu", when = false },
]
"""


@pytest.mark.parametrize(
    "text",
    [
        COPIED,
        COPIED.replace("skip", "a"),
        COPIED.replace('skip"', 'a"').replace('"relu"]', '"relu", { type = "relu", from = "sum" }]'),
        COPIED.replace("skip", "stack.9.one.conv"),
    ],
)
def test_a_copied_block_is_as_if_built(monkeypatch, text):
    copied = built(text)
    monkeypatch.setattr("cnnshape.assemble.uses.MAX_EXPANSIONS", 0)
    assert copied == built(text)


def built(text):
    net = assemble(read_text(text))
    report = net.check()
    nodes = [node._replace(place=str(node.place), used_at=[*map(str, node.used_at)]) for node in net.nodes]
    expectations = [e._replace(place=str(e.place), used_at=[*map(str, e.used_at)]) for e in net.expectations]
    problems = [(*map(str, [problem, *problem.used_at]),) for problem in report.problems]
    return nodes, net.outputs, expectations, problems, [row.output for row in report.layers]


def test_the_nodes_of_a_net_that_is_gone_wait_for_no_garbage_collector():
    """A file has its blocks, and a block its file: what a block came to is not kept in this circle."""
    conv = '{ type = "conv", out_channels = 3, kernel_size = 1 }'
    text = f'input = [3, 8, 8]\nlayers = [{{ block = "b" }}, {{ block = "b" }}]\n[blocks.b]\nlayers = [{conv}]'
    gc.disable()
    try:
        layer = weakref.ref(cnnshape.loads(text).nodes[1].layer)
        measured.cache_clear()
        assert layer() is None
    finally:
        gc.enable()
