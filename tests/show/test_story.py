"""The story of a net: its problems, with the arithmetic of each layer on the ways to them."""

import pytest
from helpers.broken_nets import FOLDER
from helpers.cli import CliRunner

from cnnshape.cli import main


def story(*args):
    result = CliRunner(env={"COLUMNS": "100"}).invoke(main, ["explain", *map(str, args)])
    return result.exit_code, result.stdout.splitlines()


def test_a_join_has_the_formulas_of_both_ways_and_each_layer_once():
    (file,) = FOLDER.glob("17-*.toml")
    status, lines = story(file)
    assert status == 1
    assert "    cause   p2 (line 10) halves 25 and drops a row: doubled again it is 24" in lines
    titles = [line.strip().partition(":")[0] for line in lines if " -> " in line]
    assert titles == ["p0", "p1", "p2", "up2.grow", "up2.cat"]
    assert any("floor((25 - 2 + 2*0)/2) + 1 = 12" in line for line in lines)


def test_a_problem_that_follows_is_a_line():
    (file,) = FOLDER.glob("13-*.toml")
    status, lines = story(file)
    assert status == 1
    assert sum("error[" in line for line in lines) == 1
    assert any(line.startswith("    and so  squeeze") for line in lines)


def test_a_layer_on_the_ways_to_two_problems_is_told_once(tmp_path):
    file = tmp_path / "net.toml"
    joins = "".join(
        f'{{ name = "{j}", type = "add", from = ["{up}", "input"] }},\n' for j, up in [("j", "u"), ("k", "v")]
    )
    ups = "".join(f'{{ name = "{up}", type = "upsample", scale_factor = 2, from = "p" }},\n' for up in "uv")
    pool = '{ name = "p", type = "max_pool", kernel_size = 2 },\n'
    file.write_text(f'input = [3, 9, 9]\noutputs = ["j", "k"]\nlayers = [\n{pool}{ups}{joins}]', encoding="utf-8")
    status, lines = story(file)
    assert status == 1
    titles = [line.strip().partition(":")[0] for line in lines if " -> " in line]
    assert titles.count("p") == 1
    assert {"j", "k"} <= {*titles}


def test_a_net_that_is_well_has_its_sizes_in_short():
    status, lines = story("zoo:lenet5")
    assert status == 0
    assert "sizes     32 → 28 → 14 → 10 → 5 → 1" in lines
    assert lines[-1] == "✓ no problems"


@pytest.mark.parametrize("text", ["input = [", 'input = [3, 8, 8]\nlayers = ["cnov"]'])
def test_a_file_that_is_wrong_has_its_problems(tmp_path, text):
    file = tmp_path / "net.toml"
    file.write_text(text, encoding="utf-8")
    status, lines = story(file)
    assert status in {1, 2}
    assert any("error[" in line for line in lines)
