"""The pytest plugin, as other people's test runs see it."""

import importlib.util
import json
import re
import subprocess
import sys
from importlib.metadata import entry_points
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from helpers.paths import ROOT

from cnnshape.cli import main

if importlib.util.find_spec("torch"):
    import cnnshape.pytorch.crosscheck
    import cnnshape.pytorch.live  # noqa: F401 -- torch must not be imported anew in each of the runs within this one

pytest_plugins = "pytester"

ARCHITECTURES = ROOT / "architectures"
INSTALLED = any(point.name == "cnnshape" for point in entry_points(group="pytest11"))
PLUGIN = [] if INSTALLED else ["-p", "cnnshape.pytest_plugin"]

GOOD = """
input = [1, 12, 12]
layers = [
  { name = "conv1", type = "conv", out_channels = 2, kernel_size = 3 },
  "relu",
  { name = "stage", block = "unit", repeat = 2 },
  "flatten",
  { name = "fc", type = "linear", out_features = 10 },
]
[blocks.unit]
layers = [{ name = "conv2", type = "conv", out_channels = 2, kernel_size = 3 }]
[claims]
output = [10]
"""
BAD = GOOD.replace(
    'name = "conv2", type = "conv", out_channels = 2, kernel_size = 3',
    'name = "conv2", type = "conv", out_channels = 2, kernel_size = 7',
)
LAYERS = ["conv1", "relu1", "stage.0.conv2", "stage.1.conv2", "flatten1", "fc"]


@pytest.fixture
def run(pytester, monkeypatch):
    """Run pytest in a folder with a good and a bad architecture file, and something else in TOML."""
    monkeypatch.setenv("COLUMNS", "200")
    (pytester.path / "arch").mkdir()
    (pytester.path / "arch" / "good.toml").write_text(GOOD)
    (pytester.path / "arch" / "bad.toml").write_text(BAD)
    pytester.makepyprojecttoml('[tool.pytest.ini_options]\ncnnshape_no_torch = true\n[tool.x]\nlayers = ["relu"]\n')
    return lambda *args: pytester.runpytest_inprocess(*PLUGIN, *args)


def set_ini(pytester, *lines):
    pytester.makepyprojecttoml("\n".join(["[tool.pytest.ini_options]", *lines]))


FILES = 'cnnshape_files = ["arch/*.toml"]'
NO_TORCH = "cnnshape_no_torch = true"


def outcomes(result):
    return {name: n for name, n in result.parseoutcomes().items() if name not in ("warning", "warnings")}


# Which files, and which tests


def test_a_file_on_the_command_line_is_tests_of_its_layers(run):
    result = run("arch/good.toml", "-v")
    assert outcomes(result) == {"passed": 7}
    passed = re.findall(r"^(arch/\S+) PASSED", str(result.stdout), re.MULTILINE)
    assert passed == [f"arch/good.toml::{name}" for name in ["good.toml", *LAYERS]]


def test_collecting_shows_the_tree(run):
    result = run("--collect-only", "arch/good.toml")
    result.stdout.fnmatch_lines(["*<ArchitectureFile good.toml>", "*<ArchitectureItem conv1>"])


@pytest.mark.parametrize(
    ("args", "tests"),
    [
        (["arch/good.toml::stage.1.conv2"], ["stage.1.conv2"]),
        (["arch/good.toml", "-k", "conv2"], ["stage.0.conv2", "stage.1.conv2"]),
        (["arch/good.toml", "-k", "good and not stage and not fc"], ["good.toml", "conv1", "relu1", "flatten1"]),
        (["arch/good.toml", "--cnnshape-granularity", "file"], ["good.toml"]),
    ],
)
def test_tests_can_be_chosen(run, args, tests):
    result = run("-v", *args)
    assert re.findall(r"^arch/good\.toml::(\S+) PASSED", str(result.stdout), re.MULTILINE) == tests


def test_other_toml_stays_in_peace(run, pytester):
    (pytester.path / "arch" / "settings.toml").write_text("[tool]\nlayers = 3\n")
    (pytester.path / "arch" / "torn.toml").write_text("[tool\n")
    assert run().ret == pytest.ExitCode.NO_TESTS_COLLECTED
    for name in ("pyproject.toml", "arch/settings.toml", "arch/torn.toml"):
        assert run(name).ret == pytest.ExitCode.USAGE_ERROR, "as any file that has no tests"


def test_the_ini_names_files(run, pytester):
    set_ini(pytester, 'cnnshape_files = ["arch/**/*.toml", "more/g*.toml"]', NO_TORCH)
    (pytester.path / "arch" / "blocks").mkdir()
    (pytester.path / "arch" / "blocks" / "unit.toml").write_text("[blocks.b]\nlayers = ['relu']\n")  # to include
    (pytester.path / "more").mkdir()
    (pytester.path / "more" / "g.toml").write_text(GOOD)
    (pytester.path / "more" / "h.toml").write_text(GOOD)
    collected = re.findall(r"^(.*toml)::\w+\.toml", str(run("--collect-only", "-q").stdout), re.MULTILINE)
    assert sorted(collected) == ["arch/bad.toml", "arch/good.toml", "more/g.toml"]
    assert outcomes(run("-o", f"cnnshape_files={pytester.path}/more/g*.toml")) == {"passed": 7}
    collected = re.findall(r"^(.*toml)::\w+\.toml", str(run("--collect-only", "-q", "more").stdout), re.MULTILINE)
    assert collected == ["more/g.toml"]


def test_a_wide_glob_leaves_files_of_others_in_peace(run, pytester):
    set_ini(pytester, 'cnnshape_files = ["**/*.toml"]', NO_TORCH)
    (pytester.path / "Cargo.toml").write_text('[package]\nname = "x"\n')
    (pytester.path / "empty.toml").write_text("")
    (pytester.path / "misspelt.toml").write_text('input = [1, 8, 8]\nlayer = ["relu"]\n')
    collected = re.findall(r"^(\S*toml)::\w+\.toml", str(run("--collect-only", "-q").stdout), re.MULTILINE)
    assert sorted(collected) == ["arch/bad.toml", "arch/good.toml", "empty.toml", "misspelt.toml"]
    result = run("empty.toml", "misspelt.toml", "-rf")
    assert outcomes(result) == {"failed": 2}
    result.stdout.fnmatch_lines(["FAILED empty.toml::empty.toml - error[[]missing-key]: *"])


def test_the_inis_files_are_tested_beside_the_test_paths(run, pytester):
    set_ini(pytester, FILES, NO_TORCH, 'testpaths = ["tests"]')
    (pytester.path / "tests").mkdir()
    (pytester.path / "tests" / "test_a.py").write_text("def test_a(): pass\n")
    assert outcomes(run("-k", "good or test_a")) == {"passed": 8, "deselected": 7}
    assert outcomes(run("tests")) == {"passed": 1}, "but not where somebody says what to test"


def test_granularity_in_the_ini_and_on_the_command_line(run, pytester):
    set_ini(pytester, FILES, NO_TORCH, 'cnnshape_granularity = "file"')
    assert outcomes(run()) == {"passed": 1, "failed": 1}
    assert outcomes(run("--cnnshape-granularity=layer", "-k", "good")) == {"passed": 7, "deselected": 7}


# What a failure says


def test_a_failure_is_told_as_on_the_command_line(run, pytester):
    result = run("arch/bad.toml")
    checked = CliRunner(env={"COLUMNS": "100"}).invoke(main, ["check", "--no-torch", "arch/bad.toml"])
    problem = checked.stdout[checked.stdout.index("arch/bad.toml:11:") :].partition("\n\n")[0]
    assert "error[window-too-large]: a window of 7 does not fit a side of 4 with padding 0" in problem
    assert "in layer stage.1.conv2, used at arch/bad.toml:6:3" in problem
    assert problem in str(result.stdout)
    assert "Traceback" not in str(result.stdout)
    assert "pytest_plugin.py" not in str(result.stdout)


def test_the_summary_has_one_useful_line(run):
    result = run("arch/bad.toml", "-rf")
    (line,) = [line for line in result.outlines if line.startswith("FAILED")]
    assert (
        line
        == "FAILED arch/bad.toml::stage.1.conv2 - error[window-too-large]: a window of 7 does not fit a side of 4 with padding 0"
    )


def test_what_only_follows_is_skipped_and_says_so(run):
    result = run("arch/bad.toml", "-rs")
    assert outcomes(result) == {"passed": 4, "failed": 1, "skipped": 2}
    result.stdout.fnmatch_lines([
        "SKIPPED [[]1] arch/bad.toml:7: what enters is not known: stage.1.conv2 fails",
        "SKIPPED [[]1] arch/bad.toml:8: what enters is not known: stage.1.conv2 fails",
    ])  # fmt: skip


def test_a_claim_fails_the_file_and_not_a_layer(run, pytester):
    (pytester.path / "arch" / "good.toml").write_text(GOOD.replace("output = [10]", "output = [11]"))
    result = run("arch/good.toml", "-rf")
    assert outcomes(result) == {"passed": 6, "failed": 1}
    result.stdout.fnmatch_lines(["FAILED arch/good.toml::good.toml - error[[]claim-differs]: output is claimed*"])


def test_a_file_that_does_not_read_is_one_failing_test_and_the_run_goes_on(run, pytester):
    set_ini(pytester, FILES, NO_TORCH)
    (pytester.path / "arch" / "broken.toml").write_text("layers = [")
    (pytester.path / "arch" / "bad.toml").write_bytes(b"\xff\xfe")
    result = run("-rf")
    assert outcomes(result) == {"failed": 2, "passed": 7}
    assert outcomes(run("arch/broken.toml")) == {"failed": 1}
    result.stdout.fnmatch_lines(["FAILED arch/broken.toml::broken.toml - error[[]not-toml]: This is not TOML*"])


def test_what_is_wrong_by_itself_is_one_test_for_each_mistake(run, pytester):
    (pytester.path / "arch" / "bad.toml").write_text(
        GOOD.replace('"relu"', '"rule"').replace("out_features = 10", "out_features = 0")
    )
    result = run("arch/bad.toml", "-rf")
    failed = re.findall(r"^FAILED arch/bad.toml::(\S+) - error\[([\w-]+)\]", str(result.stdout), re.MULTILINE)
    assert failed == [("rule1", "unknown-type"), ("fc", "out-of-range")]


def test_warnings_are_warnings_or_errors(run, pytester):
    file = pytester.path / "arch" / "good.toml"
    file.write_text(
        'input = [1, 8, 8]\nlayers = [\n  { name = "a", type = "relu" },\n  { name = "b", type = "relu", from = "input" },\n]\n'
    )
    result = run("arch/good.toml", "-W", "default")
    assert outcomes(result) == {"passed": 3}
    result.stdout.fnmatch_lines(
        ["*arch/good.toml:3: ArchitectureWarning: arch/good.toml:3:3: warning[[]unused-result]*"]
    )
    for args in (["--cnnshape-strict"], ["-W", "error"], ["-o", "cnnshape_strict=true"]):
        result = run("arch/good.toml", "-rf", *args)
        assert outcomes(result) == {"passed": 2, "failed": 1}
        result.stdout.fnmatch_lines(
            ["FAILED arch/good.toml::a - *[[]unused-result]: nothing uses this layer's result*"]
        )
        assert "Traceback" not in str(result.stdout)


def test_places_are_those_of_the_file_that_has_the_layer(run, pytester):
    include = GOOD.partition("[blocks.unit]")[0].replace("input =", 'include = "blocks/unit.toml"\ninput =')
    (pytester.path / "arch" / "blocks").mkdir()
    unit = 'layers = [\n  { name = "conv2", type = "conv", out_channels = 2, kernel_size = 3 },\n]\n'
    (pytester.path / "arch" / "blocks" / "unit.toml").write_text(f"# a unit\n[blocks.unit]\n{unit}")
    (pytester.path / "arch" / "good.toml").write_text(include)
    places = pytester.path / "places.json"
    pytester.makeconftest(f"""
        import json, pathlib
        def pytest_collection_finish(session):
            places = [item.location for item in session.items]
            pathlib.Path({str(places)!r}).write_text(json.dumps(places))
    """)
    assert outcomes(run("arch/good.toml")) == {"passed": 7}
    found = {title: (file, line + 1) for file, line, title in json.loads(places.read_text())}
    assert found["conv1 of good.toml"] == ("arch/good.toml", 5)
    assert found["stage.1.conv2 of good.toml"] == ("arch/blocks/unit.toml", 4)
    assert found["fc of good.toml"] == ("arch/good.toml", 9)


def test_junit(run, pytester):
    run("arch/bad.toml", "--junitxml=report.xml")
    cases = {case.get("name"): case for case in ET.parse(pytester.path / "report.xml").iter("testcase")}
    assert [*cases] == ["bad.toml", *LAYERS]
    assert cases["conv1"].get("classname") == "arch.bad.toml"
    (failure,) = cases["stage.1.conv2"]
    assert failure.get("message") == "error[window-too-large]: a window of 7 does not fit a side of 4 with padding 0"
    assert failure.text.startswith("arch/bad.toml:11:")
    (skipped,) = cases["fc"]
    assert skipped.get("message") == "what enters is not known: stage.1.conv2 fails"


def test_the_last_failed_layer_alone(run, pytester):
    set_ini(pytester, FILES, NO_TORCH)
    run()
    assert outcomes(run("--lf")) == {"failed": 1}
    assert outcomes(run("-x", "arch/bad.toml")) == {"passed": 4, "failed": 1}


def test_what_a_block_should_give_fails_at_its_last_layer(run, pytester):
    (pytester.path / "arch" / "bad.toml").write_text("""
input = [1, 8, 8]
layers = [{ name = "b", block = "pair", repeat = 2, expect = [1, 7, 7] }]
[blocks.pair]
layers = ["relu", { name = "last", type = "tanh" }]
""")
    result = run("-rf", "arch/bad.toml")
    assert outcomes(result) == {"failed": 1, "passed": 4}
    result.stdout.fnmatch_lines(["FAILED arch/bad.toml::b.1.last - error[[]expect-differs]: *"])


# Torch


def test_torch_is_asked_and_its_word_is_the_layers(run, pytester, torch):
    pytester.makeconftest("""
        from cnnshape.layers.convolution import Conv
        def pytest_configure(config):
            Conv.biases = lambda self: 7
        def pytest_unconfigure(config):
            del Conv.biases
    """)
    good = ["arch/good.toml", "-rf", "-k", "conv1 or relu1"]
    assert outcomes(run(*good)) == {"passed": 2, "deselected": 5}
    result = run("-o", "cnnshape_no_torch=false", *good)
    assert outcomes(result) == {"failed": 1, "passed": 1, "deselected": 5}
    result.stdout.fnmatch_lines(["FAILED arch/good.toml::conv1 - error[[]disagrees-with-torch]: *"])


def test_a_device(run, pytester, torch):
    set_ini(pytester, FILES, 'cnnshape_device = "cpu"')
    result = run("-k", "good")
    assert outcomes(result) == {"passed": 7, "deselected": 7}
    result.stdout.fnmatch_lines(["cnnshape: 2 files match cnnshape_files, cross-check with torch on cpu"])
    result = run("--cnnshape-no-torch", "-k", "good")
    result.stdout.fnmatch_lines(["cnnshape: 2 files match cnnshape_files, no cross-check"])


def test_a_choice_that_there_is_not(run):
    assert run("--cnnshape-device=tpu").ret == pytest.ExitCode.USAGE_ERROR
    result = run("-o", "cnnshape_granularity=layers")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: cnnshape_granularity is one of layer, file, not 'layers'"])
    result = run("-o", "cnnshape_files=zoo:lenet5")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: cnnshape_files has paths of this repository, not zoo:lenet5: use the mark *"])


def test_a_torch_that_cannot_be_imported(run, monkeypatch, torch):
    monkeypatch.setitem(sys.modules, "cnnshape.pytorch.crosscheck", None)
    result = run("-o", "cnnshape_no_torch=false", "arch/good.toml", "-rf", "-k", "conv1")
    result.stdout.fnmatch_lines(["FAILED arch/good.toml::conv1 - Failed: torch cannot be asked: *"])
    assert "another exception" not in str(result.stdout)


def test_a_device_that_is_not_there(run, torch):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    result = run("-o", "cnnshape_no_torch=false", "--cnnshape-device=cuda", "arch/good.toml", "-rf", "-k", "conv1")
    result.stdout.fnmatch_lines(
        ["FAILED arch/good.toml::conv1 - Failed: torch cannot be asked: torch finds no cuda device here"]
    )


# How often


COUNTING = """
    import os, pathlib
    from cnnshape.diagnosis import door
    from cnnshape.network.network import Network

    def counted(what, function):
        def call(*args, **how):
            with pathlib.Path({folder!r}, os.environ.get("PYTEST_XDIST_WORKER", "main")).open("a") as file:
                file.write(what + "\\n")
            return function(*args, **how)
        return call

    def pytest_configure(config):
        config.originals = door.assemble, Network.check
        door.assemble = counted("assemble", door.assemble)
        Network.check = counted("check", Network.check)
        if not config.getini("cnnshape_no_torch"):
            from cnnshape.pytorch import crosscheck
            config.verify = crosscheck, crosscheck.verify
            crosscheck.verify = counted("verify", crosscheck.verify)

    def pytest_unconfigure(config):
        door.assemble, Network.check = config.originals
        if hasattr(config, "verify"):
            crosscheck, crosscheck.verify = config.verify
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_a_file_is_loaded_and_checked_once_a_worker(run, pytester, tmp_path, workers, torch):
    pytester.makeconftest(COUNTING.format(folder=str(tmp_path)))
    set_ini(pytester, FILES, *[NO_TORCH] * bool(workers))
    how = [f"-n{workers}"] if workers else []
    assert outcomes(run("-k", "good", *how))["passed"] == 7
    counts = {file.name: file.read_text().split() for file in tmp_path.iterdir() if file.is_file()}
    ran = [sorted(did) for did in counts.values()]
    assert len(ran) == (workers or 1)
    for did in ran:
        asked = [] if workers else ["verify"]
        assert did == ["assemble", "assemble", "check", *asked], "two files are there, and the tests of one are run"


def test_with_xdist_all_is_as_without(run, pytester):
    set_ini(pytester, FILES, NO_TORCH, 'testpaths = ["tests"]')
    (pytester.path / "tests").mkdir()
    pytester.makepyfile(**{"tests/test_a": "def test_a(): pass"})
    alone, together = run("-rfs"), run("-rfs", "-n2", "-p", "no:cacheprovider")
    assert outcomes(alone) == outcomes(together) == {"passed": 12, "failed": 1, "skipped": 2}
    summaries = [
        sorted(line for line in result.outlines if re.match("FAILED|SKIPPED", line)) for result in (alone, together)
    ]
    assert summaries[0] == summaries[1]
    assert "    in layer stage.1.conv2, used at arch/bad.toml:6:3" in together.outlines


def test_without_the_cache_plugin(run):
    assert outcomes(run("-p", "no:cacheprovider", "arch/good.toml")) == {"passed": 7}


# In test code

MODEL = """
    import pytest, torch
    from torch import nn

    def model(channels=2):
        return nn.Sequential(nn.Conv2d(1, channels, 3), nn.ReLU(), nn.Conv2d(channels, 2, 3), nn.Conv2d(2, 2, 3),
                             nn.Flatten(), nn.Linear(72, 10))
"""


def test_the_fixture(run, pytester, torch):
    pytester.makepyfile(
        MODEL
        + """
    def test_good(assert_shapes):
        assert_shapes(model(), "arch/good.toml")

    def test_bad(assert_shapes):
        assert_shapes(model(3), "arch/good.toml")
    """
    )
    result = run("-o", "cnnshape_device=cpu")
    assert outcomes(result) == {"passed": 1, "failed": 1}
    result.stdout.fnmatch_lines([
        "E       AssertionError: Sequential is not what arch/good.toml says",
        "E       conv1 *conv -> 2x10x10, 20 parameters *0 -> 3x10x10, 30 parameters *differs",
        "E       arch/good.toml:4:*: error[[]model-differs]: out_channels 2, 20 parameters, *",
    ])  # fmt: skip
    assert "testing.py" not in str(result.stdout)


def test_the_mark_runs_a_test_with_each_file(run, pytester):
    (pytester.path / "arch" / "bad.toml").write_text("layers = [")
    pytester.makepyfile("""
    import pytest

    @pytest.mark.cnnshape("arch/*.toml")
    def test_net(net):
        assert net.check().output == (10,)

    @pytest.mark.cnnshape("arch/good.toml", "arch/*.toml")
    @pytest.mark.parametrize("n", [1, 2])
    def test_both(n, net):
        assert net.inputs == {"input": (1, 12, 12)}
    """)
    result = run("-v")
    assert outcomes(result) == {"passed": 3, "errors": 3}
    result.stdout.fnmatch_lines(["*::test_net[[]arch/good.toml] PASSED*", "*::test_both[[]arch/good.toml-1] PASSED*"])
    result.stdout.fnmatch_lines(["ERROR *test_net[[]arch/bad.toml] - Failed: arch/bad.toml:1:11: error[[]not-toml]*"])


def test_names_of_tests_move_no_cursor(run, pytester):
    set_ini(pytester, FILES, NO_TORCH)
    (pytester.path / "arch" / "bad.toml").write_text('input = [1]\nlayers = [{ type = "\\u001b[2J::error" }]')
    result = run("-v", "-W", "error")
    assert "\x1b[2J" not in str(result.stdout)
    assert r"arch/bad.toml::\x1b[2J::error1" in str(result.stdout)


def test_a_glob_of_the_ini_that_matches_nothing_is_a_warning(run, pytester):
    set_ini(pytester, 'cnnshape_files = ["arch/g*.toml", "archs/*.toml"]', NO_TORCH)
    result = run()
    assert outcomes(result) == {"passed": 7}
    warning = f"no file matches 'archs/*.toml' of cnnshape_files, from {pytester.path}"
    result.stdout.fnmatch_lines([f"*ArchitectureWarning: {warning}"])
    assert run("-W", "error").ret != 0


@pytest.mark.parametrize(
    ("mark", "arguments", "said"),
    [
        (
            'cnnshape("nowhere/*.toml")',
            "net",
            "no architecture file matches 'nowhere/*.toml' of the mark cnnshape, from",
        ),
        (
            'cnnshape("arch/*.toml", "nowhere/*.toml")',
            "net",
            "no architecture file matches 'nowhere/*.toml' of the mark cnnshape, from",
        ),
        ("cnnshape()", "net", "no architecture file matches '' of the mark cnnshape, from"),
        ('cnnshape("arch/*.toml")', "", "test_it must take the argument net, for its mark"),
        ('cnnshape_sizes("arch/good.toml")', "net", "test_it must take the argument shape, for its mark"),
        ('cnnshape_sizes("arch/good.toml", 0)', "shape", "cnnshape_sizes() needs n of at least 1, not 0"),
        ('cnnshape_sizes("arch/good.toml", size=3)', "shape", "unexpected keyword argument 'size'"),
        ("cnnshape_sizes", "shape", "missing 1 required positional argument: 'file'"),
        ('cnnshape_sizes("arch/good.toml", 2.5)', "shape", "the mark cannot be read: 'float' object"),
        ("cnnshape(3)", "net", "the mark cannot be read: expected str, bytes or os.PathLike object, not int"),
        ('cnnshape(glob="arch/*.toml")', "net", "unexpected keyword argument 'glob'"),
    ],
)
def test_a_mark_that_cannot_work_says_why(run, pytester, mark, arguments, said):
    pytester.makepyfile(f"import pytest\n@pytest.mark.{mark}\ndef test_it({arguments}): pass")
    result = run()
    assert said in str(result.stdout)
    assert "another exception" not in str(result.stdout)
    assert outcomes(result) == {"errors": 1}


def test_the_mark_leaves_blocks_out_and_takes_paths(run, pytester):
    (pytester.path / "arch" / "bad.toml").write_text('[blocks.b]\nlayers = ["relu"]\n')
    pytester.makepyfile("""
    import pathlib, pytest

    @pytest.mark.cnnshape("arch/*.toml", pathlib.Path("arch/good.toml"))
    def test_net(net): pass
    """)
    assert outcomes(run()) == {"passed": 1}  # named twice, tested once


def test_the_zoo_is_named_as_everywhere(run, pytester, torch):
    pytester.makepyfile("""
    import pytest
    from torch import nn

    @pytest.mark.cnnshape("zoo:lenet?", "arch/good.toml")
    def test_net(net):
        assert net.check().ok

    def test_model(assert_shapes):
        with pytest.raises(AssertionError, match="ReLU is not what zoo:lenet5 says"):
            assert_shapes(nn.ReLU(), "zoo:lenet5")
    """)
    result = run("-v")
    assert outcomes(result) == {"passed": 3}
    result.stdout.fnmatch_lines(["*::test_net[[]zoo:lenet5] PASSED*"])


def test_the_marks_are_known(run, pytester):
    result = run("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.cnnshape(*globs): *", "@pytest.mark.cnnshape_sizes(file, n=8): *"])


def test_the_mark_for_sizes(run, pytester, torch):
    pytester.makepyfile(
        MODEL
        + """
    @pytest.mark.cnnshape_sizes("arch/good.toml", n=5)
    def test_size(shape):
        net = nn.Sequential(*list(model())[:-1])
        net(torch.zeros(1, *shape))

    @pytest.mark.cnnshape_sizes("arch/good.toml")
    def test_net(net, shape):
        assert net.check(shape).ok
    """
    )
    (pytester.path / "arch" / "good.toml").write_text(
        GOOD.replace('  { name = "fc", type = "linear", out_features = 10 },\n', "").partition("[claims]")[0]
    )
    result = run("-v")
    assert outcomes(result) == {"passed": 13}
    result.stdout.fnmatch_lines(["*::test_size[[]1x12x12] PASSED*", "*::test_size[[]1x7x7] PASSED*"])


def test_sizes_of_a_net_that_has_none_or_does_not_say(run, pytester):
    pytester.makepyfile("""
    import pytest

    @pytest.mark.cnnshape_sizes("arch/none.toml")
    def test_none(shape): pass

    @pytest.mark.cnnshape_sizes("arch/broken.toml")
    def test_broken(shape): pass

    @pytest.mark.cnnshape_sizes("arch/absent.toml")
    def test_absent(shape): pass
    """)
    (pytester.path / "arch" / "broken.toml").write_text("layers = [")
    (pytester.path / "arch" / "none.toml").write_text(
        'input = [1, 8, 8]\nlayers = [\n  { type = "linear", out_features = 3 },\n  { type = "reshape", shape = [7, 7] },\n]\n'
    )
    result = run()
    assert outcomes(result) == {"errors": 3}
    assert "none.toml accepts no size" in str(result.stdout)
    assert "broken.toml:1:11: error[not-toml]" in str(result.stdout)
    assert "absent.toml" in str(result.stdout)


# Those who do not use it pay nothing


def modules_after(folder, *args):
    """The modules that are imported once pytest has run here, as a process of its own."""
    (folder / "test_here.py").write_text(
        "import sys, json\n\ndef test_modules():\n    open('modules.json', 'w').write(json.dumps(sorted(sys.modules)))\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *PLUGIN, *args]
    done = subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {*json.loads((folder / "modules.json").read_text())}


def test_nothing_is_imported_where_the_plugin_is_not_used(tmp_path):
    (tmp_path / "settings.toml").write_text("layers = 3")
    modules = modules_after(tmp_path)
    assert {"cnnshape", "cnnshape.pytest_plugin"} == {m for m in modules if m.partition(".")[0] == "cnnshape"}
    assert not {"torch", "rich", "click", "tree_sitter", "hypothesis", "numpy"} & modules


def test_that_test_can_fail(tmp_path):
    (tmp_path / "net.toml").write_text(GOOD)
    modules = modules_after(tmp_path, "net.toml", "test_here.py", "--cnnshape-no-torch")
    assert {"cnnshape.assemble.network", "cnnshape.file.source"} <= modules
    assert "torch" not in modules
