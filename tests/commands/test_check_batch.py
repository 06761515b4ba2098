"""`cnnshape check --batch`: what autograd keeps, as a column of the table and a field of the formats."""

import csv
import io
import json
import re
import subprocess

import pytest
from helpers import formats
from helpers.cli import process, run, write
from helpers.screen import facts, row, shown, table_of

import cnnshape
from cnnshape.show.rows import front

NET = """
input = [3, 16, 16]
layers = [
  { name = "stem.conv", type = "conv", out_channels = 8, kernel_size = 3, padding = 1 },
  { name = "stem.norm", type = "batch_norm" },
  { name = "act", type = "relu" },
  { name = "pool", type = "global_avg_pool" },
  "flatten",
  { name = "fc", type = "linear", out_features = 10 },
]
"""
STEM = 400 * 4 * (3 + 8) * 16 * 16 + 2 * 8 * 4  # bytes in a batch of 400: image and map, and the batch's statistics
ACT = 400 * 4 * 8 * 16 * 16
FC = 400 * 4 * 8
RECURRENT = """
input = [4, 9]
layers = [
  { name = "s", type = "scale" },
  { name = "r", type = "lstm", hidden_size = 3, over = 2 },
  { name = "t", type = "tanh" },
]
"""
BROKEN = 'input = [1, 8, 8]\nlayers = [{ name = "c", type = "conv", out_channels = 2, kernel_size = 9 }]\n'
BLOCKS = ["zoo:resnet50", "zoo:unet", "zoo:googlenet"]


def mebibytes(count):
    return f"{count / 2**20:,.1f}"


def column(lines, title="kept, MiB"):
    """The cells of a column of numbers, which end where its title does, by the first words of their rows."""
    head, rows, total = table_of(lines)
    end = head.index(title) + len(title)
    cells = {line.removeprefix("✗ ").split()[0]: line[:end] for line in [*rows, total]}
    return {name: cell.split("  ")[-1].strip() if len(cell) == end else "" for name, cell in cells.items()}


def test_the_column_has_each_rows_share(tmp_path):
    lines = shown(write(tmp_path, NET), "--batch", "400", width=200)
    kept = column(lines)
    assert (kept["stem"], kept["act"], kept["pool"]) == (mebibytes(STEM), mebibytes(ACT), "")
    whole = STEM + ACT + FC
    assert kept["6"] == mebibytes(whole)  # layers
    assert facts(lines)["kept"] == (
        f"{whole:,} bytes for a batch of 400 at the end of the forward pass (cnnshape memory says more)"
    )


@pytest.mark.parametrize("file", BLOCKS)
def test_folded_rows_are_sums(file):
    lines = shown(file, "--batch", "8", width=200)
    found = cnnshape.load(file).memory(8)
    sums = {}
    for name, count in found.layers.items():
        sums[front(name, 1)] = sums.get(front(name, 1), 0) + count
    kept = column(lines)
    assert {name: kept[name] for name in sums} == {name: mebibytes(n) if n else "" for name, n in sums.items()}
    assert list(kept.values())[-1] == mebibytes(found.saved)
    assert f"{found.saved:,} bytes" in facts(lines)["kept"]


def test_unfolded_rows_have_their_own():
    found = cnnshape.load("zoo:resnet18").memory(8)
    kept = column(shown("zoo:resnet18", "--batch", "8", "--depth", "9", width=200))
    for name, count in found.layers.items():
        assert kept[name] == (mebibytes(count) if count else "")


def test_without_it_nothing_is_there(tmp_path):
    file = write(tmp_path, NET)
    lines = shown(file)
    assert "kept" not in "\n".join(lines)
    assert "kept" not in formats.check("csv", file).stdout + formats.check("markdown", file).stdout
    (report,) = formats.report(file)
    assert "kept" not in report
    assert not any("kept" in layer for layer in report["layers"])


def test_without_it_nothing_is_imported(tmp_path):
    code = (
        "import sys\nfrom cnnshape.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print('cnnshape.network.memory' in sys.modules, file=sys.stderr)"
    )
    file = write(tmp_path, NET)
    for more, there in (([], "False"), (["--batch", "2"], "True")):
        with process("check", "--no-torch", file, *more, code=code, stdout=subprocess.DEVNULL) as running:
            assert running.communicate()[1].strip() == there


def test_json_has_the_bytes():
    for file in BLOCKS:
        (report,) = formats.report(file, "--batch", 8)
        found = cnnshape.load(file).memory(8)
        assert report["kept"] == {"batch": 8, "bytes": found.saved, "reason": None}
        assert {layer["name"]: layer["kept"] for layer in report["layers"]} == found.layers
        assert sum(layer["kept"] for layer in report["layers"]) == found.saved


def test_csv_has_the_bytes_at_the_end():
    rows = list(csv.DictReader(io.StringIO(formats.check("csv", "zoo:resnet18", "--batch", 8).stdout)))
    assert list(rows[0])[-2:] == ["torch", "kept"]
    assert {row["name"]: int(row["kept"]) for row in rows} == cnnshape.load("zoo:resnet18").memory(8).layers


def test_markdown_has_the_bytes(tmp_path):
    lines = formats.check("markdown", write(tmp_path, NET), "--batch", 400).stdout.splitlines()
    title, rule, *rows, total = ([cell.strip() for cell in line.split("|")] for line in lines if line.startswith("|"))
    place = title.index("kept, bytes")
    assert (rule[place], len({*map(len, [title, rule, *rows, total])})) == ("---:", 1)
    assert [row[place] for row in rows] == [f"{STEM:,}", f"{ACT:,}", "", "", f"{FC:,}"]
    whole = STEM + ACT + FC
    assert total[place] == f"**{whole:,}**"
    assert any(line.startswith(f"- kept: {whole:,} bytes for a batch of 400") for line in lines)


def test_a_layer_of_which_nothing_is_stated(tmp_path):
    file = write(tmp_path, RECURRENT)
    lines = shown(file, "--batch", "2", width=200)
    kept = column(lines)
    assert (kept["s"], kept["r"], kept["t"], kept["3"]) == ("0.0", "?", "?", "?")
    assert facts(lines)["kept"] == "not stated behind r: it keeps a workspace of its own"
    (report,) = formats.report(file, "--batch", 2)
    assert report["kept"] == {
        "batch": 2, "bytes": None, "reason": "not stated behind r: it keeps a workspace of its own"
    }  # fmt: skip
    assert [layer["kept"] for layer in report["layers"]] == [2 * 4 * 9 * 4, None, None]
    rows = list(csv.DictReader(io.StringIO(formats.check("csv", file, "--batch", 2).stdout)))
    assert [row["kept"] for row in rows] == ["288", "", ""]
    markdown = formats.check("markdown", file, "--batch", 2).stdout
    assert "| ? |\n| **3 layers**" in markdown
    assert "| **?** |" in markdown


def test_a_net_that_is_broken(tmp_path):
    file = write(tmp_path, BROKEN)
    lines = shown(file, "--batch", "2", width=200)
    assert row(lines, "c").split()[-1] == "?"
    assert facts(lines)["kept"] == "nothing is stated of a net that is broken"
    (report,) = formats.report(file, "--batch", 2)
    assert report["kept"]["reason"] == "nothing is stated of a net that is broken"
    for text, status, kept in (("layers = [", 2, None), ("input = [1, 4, 4]\nlayers = []", 0, 0)):
        file = write(tmp_path, text)
        assert run("check", "--no-torch", file, "--batch", "2")[0] == status
        (report,) = formats.report(file, "--batch", 2)
        assert (report["layers"], report["kept"]["bytes"]) == ([], kept)


def test_a_claim_that_fails_is_no_broken_net(tmp_path):
    (report,) = formats.report(write(tmp_path, NET + "[claims]\nparameters = 7\n"), "--batch", 4)
    assert (report["ok"], report["kept"]["bytes"]) == (False, cnnshape.loads(NET).memory(4).saved)


def test_many_rows_of_which_nothing_is_known_are_one(tmp_path):
    rest = "".join(f'  {{ name = "r{n}", type = "relu" }},\n' for n in range(9))
    lines = shown(
        write(tmp_path, BROKEN.replace('"conv"', '"cnov"').replace("9 }]", f"9 }},\n{rest}]")),
        "--batch",
        "2",
        width=200,
    )
    assert column(lines)["…"] == "?"


def test_at_another_input(tmp_path):
    (report,) = formats.report(write(tmp_path, NET), "--batch", 4, "--input", "3x20x24")
    assert report["kept"]["bytes"] == cnnshape.loads(NET).memory(4, input=(3, 20, 24)).saved


def test_several_files(tmp_path):
    one, two, three = (write(tmp_path, text, f"{n}.toml") for n, text in enumerate([NET, RECURRENT, "layers = ["]))
    found = formats.report(one, two, three, "--batch", 4)
    assert [report["kept"]["bytes"] for report in found] == [cnnshape.loads(NET).memory(4).saved, None, None]
    rows = list(csv.DictReader(io.StringIO(formats.check("csv", one, two, three, "--batch", 4).stdout)))
    assert [row["kept"] != "" for row in rows] == [True] * 7 + [False] * 2
    assert run("check", "--no-torch", one, two, "--batch", "4")[1].count("kept, MiB") == 2


def test_a_live_model(own_folder):
    pytest.importorskip("torch")
    text = (
        "from torch import nn\nnet = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1568, 9))\n"
    )
    (own_folder / "live_of_batch.py").write_text(text)
    (report,) = formats.report("live_of_batch:net", "--input", "3x16x16", "--batch", 4)
    image, feature = 4 * 3 * 16 * 16 * 4, 4 * 8 * 14 * 14 * 4  # relu and fc need the same one
    assert report["kept"] == {"batch": 4, "bytes": image + feature, "reason": None}
    assert [layer["kept"] for layer in report["layers"]] == [image, feature, 0, 0]


def test_torch_and_the_column_stand_side_by_side(tmp_path):
    pytest.importorskip("torch")
    done = formats.check("table", write(tmp_path, NET), "--batch", 4, torch=True)
    assert re.search(r"kept, MiB  torch", done.stdout)
    rows = list(
        csv.DictReader(io.StringIO(formats.check("csv", tmp_path / "net.toml", "--batch", 4, torch=True).stdout))
    )
    assert {row["torch"] for row in rows} == {"agrees"}
    assert sum(int(row["kept"]) for row in rows) == cnnshape.loads(NET).memory(4).saved


@pytest.mark.parametrize("batch", ["0", "-1", "many", str(2**63), "1" * 400])
@pytest.mark.parametrize("command", ["check", "memory"])
def test_what_is_no_batch_is_an_error_of_usage(tmp_path, batch, command):
    status, output = run(command, write(tmp_path, NET), "--batch", batch)
    assert (status, "Invalid value for '--batch'" in output) == (2, True)
    assert run(command, tmp_path / "net.toml", "--batch", 2**63 - 1)[0] == 0


def test_verify_has_no_such_option():
    status, output = run("verify", "zoo:lenet5", "--model", "x:y", "--batch", "2")
    assert (status, "No such option" in output) == (2, True)


def test_json_is_that_of_the_command_memory():
    (report,) = formats.report("zoo:lenet5", "--batch", 3)
    status, output = run("memory", "zoo:lenet5", "--batch", "3", "--format", "json")
    memory = json.loads(output)
    assert (status, report["kept"]["bytes"]) == (0, memory["saved"])
    assert {layer["name"]: layer["kept"] for layer in report["layers"]} == memory["layers"]
