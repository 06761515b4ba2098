"""The memory of a cross-check: what does not fit is skipped, what is done is freed."""

import gc
import os
import time

import pytest

pytest.importorskip("torch")

import torch
from helpers.crosscheck import net_of, verdicts
from helpers.paths import ARCHITECTURES

import cnnshape
from cnnshape.layers import TYPES, Layer
from cnnshape.pytorch import memory


def test_what_needs_too_much_memory_is_skipped():
    net = net_of([3, 1_000_000, 1_000_000], 'type = "conv", out_channels = 64, kernel_size = 3', "relu")
    start = time.perf_counter()
    first, second = cnnshape.verify(net, "cpu").layers
    assert time.perf_counter() - start < 5
    assert (first.verdict, second.verdict) == ("skipped", "not run")
    assert "GiB" in first.reason


def test_weights_count_as_memory():
    side = 1_000_000
    assert verdicts(net_of([side], f'type = "linear", out_features = {side}')) == ["skipped"]


def test_a_million_cells_are_no_trouble():
    net = net_of(
        [3, 1_000_000], 'type = "conv", out_channels = 2, kernel_size = 3', 'type = "max_pool", kernel_size = 2'
    )
    found = cnnshape.verify(net, "cpu").layers
    assert [layer.verdict for layer in found] == ["agrees", "agrees"]
    assert found[-1].output == (2, 499_999)


def test_more_than_64_bits_of_elements_are_not_tried():
    net = net_of([8, 9], f'type = "pad", padding = {2**61}')
    assert {problem.code for problem in net.check().problems} == {"too-many-elements"}
    assert verdicts(net) == verdicts(net, "meta") == ["skipped"]


def test_memory_counts_tensors_that_wait(monkeypatch):
    """A relu of 4,000 bytes needs 24,000, its tensors thrice; in the second net the input waits besides."""
    chain = net_of([1000], "relu", "relu")
    waiting = cnnshape.loads("""
input = [1000]
layers = ["relu", "relu", { type = "add", from = ["input", "input"] }]
allow = ["unused-result"]
""")
    monkeypatch.setattr(memory, "available", lambda device: 24_000)
    assert verdicts(chain) == ["agrees", "agrees"]
    assert verdicts(waiting) == ["agrees", "skipped", "skipped"]
    monkeypatch.setattr(memory, "available", lambda device: 28_000)
    assert verdicts(waiting) == ["agrees", "agrees", "skipped"]


CONVOLUTION = 'type = "conv", out_channels = 8, kernel_size = 5, padding = 2, groups = 2'
TRANSPOSED = 'type = "conv_transpose", out_channels = 8, kernel_size = 5, padding = 2, groups = 2'
REPLICATING = 'type = "conv", out_channels = 8, kernel_size = 5, padding = 2, groups = 2, padding_mode = "replicate"'
OVER_CHANNELS = 'type = "local_response_norm", size = 1000'


@pytest.mark.parametrize(
    ("shape", "layer", "written_out"),
    [
        ([16, 10, 10], CONVOLUTION, 16 * 25 * 10 * 10),  # a small input: torch writes out what each window reads
        ([16, 10, 10], TRANSPOSED, 8 * 25 * 10 * 10),
        ([16, 40, 40], CONVOLUTION, 0),  # oneDNN does it in place
        ([16, 40, 40], TRANSPOSED, 0),
        ([16, 40, 40], TRANSPOSED + ", output_padding = 1, dilation = 2", 8 * 25 * 40 * 40),
        ([16, 40, 40], REPLICATING, 2 * 16 * 45 * 45),
        ([16, 10, 10], OVER_CHANNELS, 1000 * 10 * 10),
        ([16, 50], 'type = "attention", num_heads = 2, over = 2', 4 * 16 * 50 + 2 * 50 * 50),  # each head, all by all
        ([16, 50], 'type = "lstm", hidden_size = 3, bidirectional = true, over = 2', 2 * (4 + 2) * 3 * 50),
    ],
)
@pytest.mark.skipif(not memory.HAS_ONEDNN, reason="torch has no oneDNN here")
def test_what_torch_writes_out_counts(monkeypatch, shape, layer, written_out):
    net = net_of(shape, layer)
    (row,) = net.check().layers
    through = sum(torch.Size(side).numel() for side in (*row.inputs, row.output))
    enough = 4 * (3 * through + row.parameters + written_out)
    monkeypatch.setattr(memory, "available", lambda device: enough)
    assert verdicts(net) == ["agrees"]
    monkeypatch.setattr(memory, "available", lambda device: enough - 1)
    assert verdicts(net) == ["skipped"]


def test_all_convolutions_write_out_where_torch_has_no_onednn(monkeypatch):
    net = net_of([16, 40, 40], CONVOLUTION)
    monkeypatch.setattr(memory, "available", lambda device: 4 * 3 * 24 * 40 * 40 + 4 * 16 * 25 * 40 * 40)
    monkeypatch.setattr(memory, "HAS_ONEDNN", False)
    assert verdicts(net) == ["skipped"]


@pytest.mark.parametrize(
    "layer", ['type = "conv", out_channels = 2, kernel_size = 3, padding = 100_000_000', OVER_CHANNELS + "_000_000"]
)
def test_a_setting_that_fills_the_memory_is_skipped(layer):
    assert verdicts(net_of([8, 9], layer)) == ["skipped"]


def test_memory_is_a_share_of_what_there_is(monkeypatch, tmp_path):
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < memory.available("cpu") <= there / 2
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "CGROUP", limit)
    assert memory.available("cpu") == there // 2
    limit.write_text("max\n")
    assert memory.available("cpu") == there // 2
    limit.write_text("1000000\n")
    assert memory.available("cpu") == 500_000
    monkeypatch.delattr(os, "sysconf")
    limit.write_text("max\n")
    assert memory.available("cpu") == memory.MEMORY_ASSUMED // 2


def test_running_out_of_memory_is_no_refusal(monkeypatch):
    """The layer is refused for its in_features; torch cannot even make its weights, 400 TB."""
    monkeypatch.setattr(memory, "available", lambda device: 2**62)
    net = net_of([8], 'type = "linear", in_features = 10_000_000, out_features = 10_000_000', "relu")
    skipped, behind = cnnshape.verify(net, "cpu").layers
    assert (skipped.verdict, behind.verdict) == ("skipped", "not run")
    assert "memory" in skipped.reason


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), RuntimeError("MPS backend out of memory")],
    ids=repr,
)
def test_running_out_of_memory_is_no_disagreement(monkeypatch, error):
    def call(self, torch, module, *tensors):
        raise error

    monkeypatch.setattr(Layer, "call", call)
    (layer,) = (found := cnnshape.verify(net_of([8], "relu"), "cpu")).layers
    assert layer.verdict == "skipped"
    assert found.ok


def live_bytes():
    """The bytes of all tensors that exist; views counted once. Other classes than these two may be without memory."""
    storages = {}
    for found in gc.get_objects():
        if type(found) in {torch.Tensor, torch.nn.Parameter}:
            storage = found.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
    return sum(storages.values())


@pytest.fixture
def alive(monkeypatch):
    """What is alive whenever a layer is called, beyond what was before."""
    before, found = live_bytes(), []

    def watched(kind):
        call = kind.call

        def watch(self, torch, module, *tensors):
            found.append(live_bytes() - before)
            return call(self, torch, module, *tensors)

        monkeypatch.setattr(kind, "call", watch)

    for kind in {kind for type_ in TYPES.values() for kind in type_.__mro__ if "call" in vars(kind)}:
        watched(kind)
    return found


def test_a_layer_is_freed_before_the_next(alive):
    """Of VGG-19 there are never more weights than one layer's, and never more tensors than the one that it reads."""
    net = cnnshape.load(ARCHITECTURES / "vgg19.toml")
    report = net.check()
    cnnshape.verify(net, "cpu", report=report)
    ran = {}
    for row in report.layers:
        ran.setdefault((row.node.layer, row.inputs), row)  # layers that are alike run once
    for row, there in zip(ran.values(), alive, strict=True):
        (entering,) = (torch.Size(shape).numel() for shape in row.inputs)
        assert there == 4 * (entering + row.parameters), row.name
    assert max(alive) < 4 * report.parameters


def test_a_tensor_is_freed_after_its_last_reader(alive):
    """Sizes in elements: the input's 10 wait for the sum, the 20 of the pad for nobody after the pool."""
    net = cnnshape.loads("""
input = [1, 10]
outputs = ["last", "side"]
layers = [
  { name = "wide", type = "pad", padding = [[0, 10]] },
  { name = "pool", type = "max_pool", kernel_size = 2, from = "wide" },
  { name = "side", type = "relu", from = "wide" },
  { name = "sum", type = "add", from = ["pool", "input"] },
  { name = "last", type = "relu" },
]
""")
    assert verdicts(net) == ["agrees"] * 5
    assert [there // 4 for there in alive] == [10, 10 + 20, 10 + 20 + 10, 10 + 10, 10]


def test_what_torch_would_give_where_we_refuse_counts_as_memory():
    """A sum that may not broadcast: torch would make a square of its two edges, 3 * 4 bytes for each of 10**14 cells."""
    side = 10_000_000
    net = cnnshape.loads(f"""
input = [1, 1, {side}]
layers = [
  {{ name = "high", type = "reshape", shape = [1, {side}, 1] }},
  {{ type = "add", from = ["input", "high"] }},
]
""")
    _, verdict = cnnshape.verify(net, "cpu").layers
    assert verdict.verdict == "skipped"
    assert "needs 1,117,587.3 GiB" in verdict.reason
