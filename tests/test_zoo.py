"""The zoo: every network against the figures that others print; the list, the files, the package that has them."""

import csv
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from functools import cache

import pytest
from click.testing import CliRunner
from helpers.paths import ROOT

import cnnshape
from cnnshape import ArchitectureError
from cnnshape.cli import main
from cnnshape.file import zoo
from cnnshape.show.zoo_list import networks

FILES = zoo.files()
NAMES = sorted(name for name in FILES if "/" not in name)
PUBLISHED = tomllib.loads((ROOT / "tests" / "published_figures.toml").read_text())


def load(name):
    return cnnshape.load(f"zoo:{name}")


def run(*args, **env):
    env = {"COLUMNS": None, "FORCE_COLOR": None, "NO_COLOR": None} | env
    return CliRunner(env=env).invoke(main, [*map(str, args)])


# What the files say


@pytest.mark.parametrize("name", NAMES)
def test_there_is_no_problem(name):
    net = load(name)
    assert net.check(strict=True).problems == ()
    claims = {claim.name.partition(".")[0] for claim in net.claims}
    assert claims in ({"parameters", "macs", one, "valid_sizes"} for one in ("output", "outputs"))
    assert net.name
    assert net.source


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
def test_the_file_names_its_schema(path):
    """Which is asked about it in test_schema.py."""
    location = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("#:schema ")
    assert (path.parent / location).resolve() == ROOT / "docs" / "architecture.schema.json"


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_figures_are_the_published_ones(name):
    report, published = load(name).check(), PUBLISHED[name]
    assert report.inputs == {"input": tuple(published["input"])}
    assert report.output == tuple(published["output"])
    assert (report.parameters, report.macs) == (published["parameters"], published["macs"])


def test_without_weight_norm_the_generator_has_the_other_figure():
    text = FILES["hifigan_v1"].read_text(encoding="utf-8")
    report = cnnshape.loads(text.replace('parametrization = "weight_norm"', "")).check()
    assert (report.parameters, report.macs) == (13_926_017, PUBLISHED["hifigan_v1"]["macs"])


KERAS = {  # the table of keras.io/api/applications, as it was until 2020: with running statistics
    "mobilenet_v1": 4_253_864,
    "mobilenet_v2": 3_538_984,
    "densenet121": 8_062_504,
    "densenet169": 14_307_880,
    "densenet201": 20_242_984,
}


@pytest.mark.parametrize("name", KERAS)
def test_parameters_with_buffers_are_those_of_keras(name):
    assert load(name).check().parameters_with_buffers == KERAS[name]


# The list

DEPTHS = {  # as their papers count
    "alexnet": 8,
    "darknet53": 53,
    "densenet121": 121,
    "densenet169": 169,
    "densenet201": 201,
    "dpn68": 68,
    "dpn92": 92,
    "dpn98": 98,
    "dpn107": 107,
    "googlenet": 22,
    "googlenet_aux": 22,
    "lenet5": 5,
    "preact_resnet50": 50,
    "resnet18": 18,
    "resnet34": 34,
    "resnet50": 50,
    "resnet101": 101,
    "resnet152": 152,
    "resnext50_32x4d": 50,
    "unet_original": 23,
    "vgg11": 11,
    "vgg13": 13,
    "vgg16": 16,
    "vgg19": 19,
    "wide_resnet50_2": 50,
    "zfnet": 8,
}


@cache
def listed():
    return list(networks())


def test_depth_is_counted_as_the_papers_do():
    assert {entry.name: entry.depth for entry in listed() if entry.name in DEPTHS} == DEPTHS


def test_the_list_is_in_order():
    names = [entry.name for entry in listed()]
    assert sorted(names) == NAMES
    assert names.index("resnet50") < names.index("resnet101")
    assert names.index("vgg16") < names.index("vgg16_bn") < names.index("vgg19")


@pytest.mark.parametrize("width", [80, 100, 200])
def test_the_list_fits(width):
    lines = run("zoo", COLUMNS=str(width)).stdout.splitlines()
    assert max(map(len, lines)) <= width
    rows = {line.split()[0]: line.split() for line in lines if re.match(r"\w+  +\d+x", line)}
    assert sorted(rows) == NAMES
    for name, figures in PUBLISHED.items():
        shape = "x".join(map(str, figures["input"]))
        assert rows[name][1:4] == [shape, f"{figures['parameters']:,}", f"{figures['macs']:,}"]
    words = " ".join(" ".join(lines).split())
    for entry in listed():
        assert entry.source in words
    assert f"{len(NAMES)} networks" in lines


def test_in_a_pipe_a_network_is_a_line():
    lines = run("zoo").stdout.splitlines()
    [line] = [line for line in lines if line.startswith("resnet50 ")]
    source = "He, Zhang, Ren, Sun 2015 (arXiv:1512.03385), table 1; stride on the 3x3, as torchvision"
    assert re.split("  +", line) == ["resnet50", "3x224x224", "25,557,032", "4,089,184,256", "50", source]
    assert "\x1b" not in "".join(lines)


def test_the_list_for_programs():
    networks = {network["name"]: network for network in json.loads(run("zoo", "--format", "json").stdout)["networks"]}
    assert sorted(networks) == NAMES
    assert networks["alexnet"] == {
        "name": "alexnet",
        "title": "AlexNet",
        "source": "Krizhevsky, Sutskever, Hinton 2012; single-tower reading, 227 input",
        "layout": "channels_last",
        "inputs": {"input": [3, 227, 227]},
        "parameters": 62_378_344,
        "macs": 1_135_256_096,
        "depth": 8,
    }
    rows = list(csv.DictReader(io.StringIO(run("zoo", "--format", "csv").stdout)))
    assert sorted(row["name"] for row in rows) == NAMES
    assert {name: rows[0][name] for name in ("name", "input", "macs", "depth")} == {
        "name": "alexnet",
        "input": "227x227x3",
        "macs": "1135256096",
        "depth": "8",
    }
    head, rule, first, *others = run("zoo", "--format", "markdown").stdout.splitlines()
    assert head == "| network | input | parameters | MACs | depth | source |"
    assert rule == "| --- | --- | ---: | ---: | ---: | --- |"
    assert first.startswith("| alexnet | 227x227x3 | 62,378,344 | 1,135,256,096 | 8 | Krizhevsky, ")
    assert len(others) == len(NAMES) - 1


# A network by its name


def test_the_file_of_a_network_is_printed_but_for_the_paths_of_the_zoo():
    text = (ROOT / "architectures" / "efficientnet_b0.toml").read_text()
    _, _, text = text.partition("\n\n")  # behind the comment with the path of the schema
    here, elsewhere = (
        '["blocks/conv.toml", "blocks/efficientnet.toml"]',
        '["zoo:blocks/conv", "zoo:blocks/efficientnet"]',
    )
    assert run("zoo", "efficientnet_b0").stdout == text.replace(here, elsewhere) != text
    assert run("zoo", "zoo:lenet5").stdout in (ROOT / "architectures" / "lenet5.toml").read_text()  # includes nothing


@pytest.mark.parametrize("name", FILES)
def test_what_is_printed_works_elsewhere(name, tmp_path):
    (tmp_path / "net.toml").write_text(run("zoo", name).stdout, encoding="utf-8")
    assert [problem for problem in problems_of(tmp_path / "net.toml") if problem.code != "only-blocks"] == []


def problems_of(file):
    try:
        return cnnshape.load(file).check().problems
    except ArchitectureError as error:
        return error.problems


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("resnet-50", "did you mean zoo:resnet50?"),
        ("VGG16", "did you mean zoo:vgg16?"),
        ("blocks/resnets", "did you mean zoo:blocks/resnet?"),
        ("transformer", "cnnshape zoo lists what it has"),
        ("../pyproject", "cnnshape zoo lists what it has"),
    ],
)
@pytest.mark.parametrize("command", [["zoo", "{}"], ["check", "zoo:{}", "--no-torch"], ["explain", "zoo:{}", "conv1"]])
def test_a_network_that_is_not_there(command, name, hint):
    result = run(*(word.format(name) for word in command))
    assert result.exit_code == 2
    assert f'there is no "{name}" in the zoo; {hint}' in result.output


def test_format_is_for_the_list():
    result = run("zoo", "resnet50", "--format", "csv")
    assert (result.exit_code, "--format is for the list" in result.output) == (2, True)


def test_a_network_is_known_by_name_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks" / "resnet.toml").write_text("not TOML")  # it is the zoo's own that is included
    assert cnnshape.load("zoo:resnet50").check().parameters == 25_557_032
    checked = run("check", "zoo:resnet50", "zoo:lenet5", "--no-torch")
    assert checked.exit_code == 0
    assert checked.stdout.splitlines()[0] == "ResNet-50  zoo:resnet50"
    assert "in_features" in run("explain", "zoo:lenet5", "F6").stdout


def test_places_are_those_of_the_zoo():
    [problem, *_] = load("alexnet").check((3, 100, 20)).problems
    assert repr(problem).startswith("zoo:alexnet:15:54: error[window-too-large]")
    [problem, *_] = load("vgg16").check((3, 8, 8)).problems
    assert problem.file == str(FILES["blocks/vgg"])
    assert [str(place).rpartition(":")[0] for place in problem.used_at] == ["zoo:vgg16:12"]


def test_blocks_of_the_zoo_are_for_everybody():
    text = 'input = [3, 8, 8]\ninclude = "zoo:blocks/conv"\nlayers = [{ block = "conv_bn_act", width = 4 }]\n'
    assert cnnshape.loads(text).check().output == (4, 8, 8)
    with pytest.raises(
        ArchitectureError, match=r"<string>:2:11: error\[include-not-in-zoo\]: there is no .*blocks/conv\?"
    ):
        cnnshape.loads(text.replace("conv", "comv", 1))


# The installed package


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the package as a wheel brings it."""
    if not importlib.util.find_spec("hatchling"):
        pytest.skip("hatchling, which builds the wheel, is not installed")
    folder = tmp_path_factory.mktemp("installed")
    build = "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT
    subprocess.run([sys.executable, "-m", *build], check=True)
    [wheel] = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_the_wheel_has_the_zoo(installed):
    folder = installed / "cnnshape" / "architectures"
    names = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.toml")}
    assert names == FILES.keys()


@pytest.mark.parametrize(
    "command", [["check", "zoo:lenet5", "--no-torch"], ["check", "zoo:resnet50", "--no-torch"], ["zoo"]]
)
def test_the_installed_package_knows_the_zoo(installed, tmp_path, command):
    code = f"import cnnshape.cli; assert cnnshape.__file__.startswith({str(installed)!r}); cnnshape.cli.main()"
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONUTF8": "1"}
    words = [sys.executable, "-c", code, *command]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "✓ no problems" in done.stdout or "resnet50 " in done.stdout
