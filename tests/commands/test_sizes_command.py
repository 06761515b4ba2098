"""`cnnshape sizes`: exit status and options."""

import pytest
from helpers.cli import write
from helpers.paths import ALEXNET
from helpers.sizes import as_json, labelled, sizes


def test_a_wrong_file_is_1(tmp_path):
    result = sizes(write(tmp_path, 'input = [1, 8]\nlayers = ["rleu"]\n'))
    assert result.exit_code == 1
    assert "net.toml:2:11: error[unknown-type]" in result.output
    assert result.output.endswith("\n✗ 1 error\n")


@pytest.mark.parametrize("text", [b"input = [", b"\xff"])
def test_an_unreadable_file_is_2(tmp_path, text):
    path = tmp_path / "net.toml"
    path.write_bytes(text)
    assert sizes(path).exit_code == 2
    assert sizes(tmp_path / "missing.toml").exit_code == 2


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--layer", "nix", "--output", "6x6"], "the net has no layer 'nix'"),
        (["--layer", "conv1"], "a layer is named, but not what its output is to be"),
        (["--layer", "conv1", "--output", "6"], "conv1 has 2 sides, and 6 is asked for"),
        (["--output", "0x6"], "'0x6' is no shape"),
        (["--output", "[]"], "'[]' is no shape"),
        (["--vary", "left"], "the net has no input 'left'; it has input"),
        (["--format", "csv"], "'csv' is not one of 'table', 'json'"),
    ],
)
def test_a_wrong_command_line_is_2(options, why):
    result = sizes(ALEXNET, *options)
    assert result.exit_code == 2
    assert why in result.stderr


def test_a_free_side_and_the_same_sides(tmp_path):
    path = write(
        tmp_path,
        'input = [1, 8, 9]\nlayers = [{ type = "max_pool", kernel_size = 2, ceil_mode = true }, { type = "upsample", scale_factor = 2 }]\n',
    )
    assert labelled(sizes(path, "--output", "4x*").output)["asked"] == ["sizes with 4x* at the output"]
    found = as_json(path, "--output", "*x6")
    assert (found["output"], found["same"]) == ([None, 6], False)
    assert [axis["text"] for axis in found["valid_sizes"]["axes"]] == ["every size", "5 or 6"]
    assert [axis["text"] for axis in as_json(path, "--output", "*x*")["valid_sizes"]["axes"]] == ["every size"] * 2
    result = sizes(path, "--same")
    assert labelled(result.output)["asked"] == ["sizes that are the same at the output"]
    assert labelled(result.output)["sizes"] == ["each side: multiples of 2, from 2"]
    assert as_json(path, "--same")["same"] is True
    assert sizes(path, "--output", "*x*x*").exit_code == sizes(path, "--same", "--output", "6x6").exit_code == 2
