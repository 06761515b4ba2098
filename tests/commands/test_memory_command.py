"""`cnnshape memory`: its screen, its JSON, what fits, and what it says where nothing can be stated."""

import json
import re

import pytest
from helpers.cli import PLAIN, CliRunner, write

import cnnshape
from cnnshape.cli import main
from cnnshape.show.memory import parse_bytes

NET = """
name = "small"
input = [3, 16, 16]
layers = [
  { name = "stem.conv", type = "conv", out_channels = 8, kernel_size = 3, padding = 1 },
  { name = "stem.norm", type = "batch_norm" },
  { name = "act", type = "relu" },
  { name = "pool", type = "global_avg_pool" },
  "flatten",
  { name = "fc", type = "linear", out_features = 10 },
]

[training]
batch_size = 4
optimizer = { name = "sgd", momentum = 0.9 }
"""
MAP = 8 * 16 * 16 * 4  # bytes of the map of a sample
IMAGE = 3 * 16 * 16 * 4


def memory(folder, *arguments, text=NET, columns=None):
    environment = PLAIN | ({"COLUMNS": str(columns)} if columns else {})
    return CliRunner(env=environment).invoke(main, ["memory", str(write(folder, text)), *arguments])


def numbers(done):
    return json.loads(done.output)


def test_the_table_says_where_the_tape_is_largest(tmp_path):
    done = memory(tmp_path, "--depth", "2")
    assert done.exit_code == 0
    rows = [line.split() for line in done.output.splitlines()]
    norm, act = (next(row for row in rows if row and row[0] == name) for name in ("stem.norm", "act"))
    assert (len(norm[-1]), len(act[-1])) == (30, 30)  # bars
    assert not any(row and row[0] in {"pool", "flatten"} for row in rows)  # they keep nothing
    saved = 4 * (IMAGE + 2 * MAP + 8 * 4) + 2 * 8 * 4
    assert re.search(rf"kept for the backward pass +{saved:,}\n", done.output)
    assert "sgd's step" in done.output
    assert done.output.endswith("✓ known to the byte for a batch of 4\n")


def test_blocks_are_folded(tmp_path):
    assert re.search(r"\nstem +2 layers +8x16x16 ", memory(tmp_path).output)


@pytest.mark.parametrize("columns", [30, 50, 80, 120])
def test_a_table_fits_the_screen(tmp_path, columns):
    done = memory(tmp_path, "--depth", "2", columns=columns)
    table = done.output.partition("bytes")[0].splitlines()[2:]
    assert max(map(len, table)) <= max(columns, 44)
    assert ("batch_norm" in done.output) == (columns > 50)


def test_a_net_that_keeps_nothing_says_so(tmp_path):
    done = memory(tmp_path, text='input = [3, 4, 4]\nlayers = ["relu"]')
    assert "no layer keeps anything for the backward pass" in done.output
    assert "│" not in done.output
    assert " step\n" in done.output  # without an optimizer


def test_several_inputs_are_named(tmp_path):
    text = 'inputs = { a = [2, 4], b = [2, 4] }\nlayers = [{ type = "mul", from = ["a", "b"] }, "scale"]'
    assert "\ninput     a 2x4, b 2x4\n" in memory(tmp_path, text=text).output


def test_json_has_every_number(tmp_path):
    found = numbers(memory(tmp_path, "--batch", "7", "--optimizer", "adam", "--format", "json"))
    expected = cnnshape.loads(NET).memory(7, "adam")
    for name in (
        "batch",
        "saved",
        "output",
        "parameters",
        "buffers",
        "optimizer",
        "gradients",
        "temporaries",
        "inference",
    ):
        assert found[name] == getattr(expected, name)
    assert (found["fixed"], found["peak"], found["layers"]) == (expected.fixed, expected.peak, expected.layers)
    assert (found["version"], found["reason"], found["fit"]) == (1, None, None)
    assert (found["inputs"], found["optimizer_name"], found["device"]) == ({"input": [3, 16, 16]}, "adam", "cpu")


def test_fit_finds_the_largest_batch_on_cuda(tmp_path):
    found = numbers(memory(tmp_path, "--fit", "1MB", "--format", "json"))
    largest = cnnshape.loads(NET).largest_batch(10**6, device="cuda")
    assert found["fit"] == {"limit": "1MB", "largest_batch": largest}
    assert (found["batch"], found["device"]) == (largest, "cuda")
    done = memory(tmp_path, "--fit", "1MB", "--device", "cpu")
    assert done.output.endswith(f"✓ no batch larger than {largest} fits into 1MB on the CPU; this one may\n")


def test_nothing_that_fits_is_status_1(tmp_path):
    done = memory(tmp_path, "--fit", "2KB")
    assert done.exit_code == 1
    assert done.output.endswith("✗ not even a batch of 1 fits into 2KB on cuda\n")
    done = memory(tmp_path, "--fit", "2KB", "--batch", "3")
    assert done.exit_code == 1
    assert done.output.endswith("✗ no valid input fits into 2KB on cuda at a batch of 3\n")


@pytest.mark.parametrize("limit", [30_000, 100_000, 10**6, 10**8])
def test_fit_with_a_batch_finds_the_largest_input(tmp_path, limit):
    net = cnnshape.loads(NET)
    found = numbers(memory(tmp_path, "--fit", str(limit), "--batch", "2", "--format", "json"))
    side = found["fit"]["largest_side"]
    assert found["inputs"] == {"input": [3, side, side]}
    assert found["peak"] == net.memory(2, input=(3, side, side), device="cuda").peak <= limit
    assert net.memory(2, input=(3, side + 1, side + 1), device="cuda").peak > limit


def test_the_largest_input_is_a_valid_one(tmp_path):
    text = 'input = [1, 8, 8]\nlayers = ["scale", { type = "require", multiple_of = 8, at_most = 64 }, "tanh"]'
    for limit, side in ((8 * 24 * 24 + 1000, 24), (10**9, 64)):
        found = numbers(memory(tmp_path, "--fit", str(limit), "--batch", "1", "--format", "json", text=text))
        assert found["fit"]["largest_side"] == side


def test_where_nothing_is_known_there_is_no_bound(tmp_path):
    text = 'input = [4, 9]\nlayers = ["scale", { name = "r", type = "lstm", hidden_size = 3, over = 2 }]'
    done = memory(tmp_path, text=text)
    assert (done.exit_code, "!" in done.output) == (0, True)
    assert done.output.endswith("! not stated behind r: it keeps a workspace of its own\n")
    for more in ((), ("--batch", "2")):
        done = memory(tmp_path, "--fit", "1GB", *more, text=text)
        assert done.exit_code == 0
        assert "! no bound can be given for 1GB on cuda: not stated behind r" in done.output


def test_an_input_larger_than_torch_can_count_does_not_fit(tmp_path):
    found = numbers(memory(tmp_path, "--fit", f"{10**30}", "--batch", "1", "--format", "json"))
    side = found["fit"]["largest_side"]
    assert 8 * side**2 < 2**63 <= 8 * (side + 1) ** 2  # the elements of a sample
    done = memory(tmp_path, "--fit", "1MB", "--batch", "1")
    found = re.search(
        r"✓ no input larger than (\d+) fits into 1MB on cuda at a batch of 1; this one may\n$", done.output
    )
    assert f"input     3x{found[1]}x{found[1]}, the largest that can fit\n" in done.output


def test_an_input_is_no_larger_than_torch_can_count_where_no_layer_is(tmp_path):
    text = 'input = [3, 32, 32]\nlayers = ["global_avg_pool"]'
    found = numbers(memory(tmp_path, "--fit", f"{10**30}", "--batch", "1", "--format", "json", text=text))
    side = found["fit"]["largest_side"]
    assert 3 * side**2 < 2**63 <= 3 * (side + 1) ** 2


def test_the_smallest_inputs_may_be_refused_in_training(tmp_path):
    text = 'input = [3, 16, 16]\nlayers = ["batch_norm", "tanh"]'
    least = cnnshape.loads(text).memory(1).step
    done = memory(tmp_path, "--fit", str(least), "--batch", "1", text=text)
    assert done.output.endswith("cuda: the smallest inputs cannot be trained at this batch size\n")
    assert memory(tmp_path, "--fit", str(least - 1), "--batch", "1", text=text).exit_code == 1


def test_an_input_may_be_given(tmp_path):
    found = numbers(memory(tmp_path, "--input", "3x32x32", "--format", "json"))
    assert found["saved"] == cnnshape.loads(NET).memory(4, input=(3, 32, 32)).saved


def test_a_broken_net_names_its_layer(tmp_path):
    done = memory(tmp_path, text=NET.replace('"fc", type = "linear"', '"fc", type = "linear", in_features = 9'))
    assert done.exit_code == 1
    assert "error[declared-differs]" in done.output
    assert done.output.endswith("✗ nothing is stated of a net that is broken\n")


def test_sizes_without_a_closed_form_are_not_sought(tmp_path):
    text = 'input = [3, 9, 9]\nlayers = ["scale", { name = "up", type = "upsample", scale_factor = 0.7 }]'
    done = memory(tmp_path, "--fit", "1GB", "--batch", "2", text=text)
    assert done.exit_code == 1
    assert "✗ the largest input cannot be sought: up: " in done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("--fit", "24XB"),
        ("--fit", "GB"),
        ("--fit", "-3GB"),
        ("--batch", "0"),
        ("--optimizer", "lion"),
        ("--device", "mps"),
        ("--fit", "1GB", "--batch", "2", "--input", "3x32x32"),
    ],
)
def test_a_wrong_option_is_status_2(tmp_path, arguments):
    assert memory(tmp_path, *arguments).exit_code == 2


def test_a_file_that_is_not_there_is_status_2(tmp_path):
    assert CliRunner().invoke(main, ["memory", str(tmp_path / "none.toml")]).exit_code == 2


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("24GB", 24 * 10**9),
        ("24 GiB", 24 * 2**30),
        ("1.5gb", 1_500_000_000),
        ("0.5KiB", 512),
        ("700", 700),
        ("3B", 3),
        ("80MB", 80 * 10**6),
        ("2TiB", 2**41),
    ],
)
def test_sizes_of_memories(words, count):
    assert parse_bytes(words) == count
