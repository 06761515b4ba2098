"""JSON of checked nets, as docs/report.schema.json says."""

import json
import tomllib
from copy import deepcopy
from pathlib import Path

import pytest
from helpers.formats import BAD, SCHEMA, SHARED, VALIDATOR, check, report
from helpers.paths import ALEXNET, RESNET50
from jsonschema import Draft202012Validator


def test_json_has_what_the_file_says():
    (alexnet,) = report(ALEXNET)
    data = tomllib.loads(ALEXNET.read_text())
    assert alexnet["file"] == str(ALEXNET)
    assert (alexnet["name"], alexnet["ok"], alexnet["layout"]) == ("AlexNet", True, "channels_last")
    assert alexnet["inputs"] == {"input": [3, 227, 227]}  # channels first, whatever the layout
    assert alexnet["outputs"] == {"fc8": [1000]}
    assert alexnet["parameters"] == data["claims"]["parameters"]
    assert alexnet["macs"] == data["claims"]["macs"]
    assert (alexnet["problems"], alexnet["crosscheck"], alexnet["no_crosscheck"]) == ([], None, "--no-torch")
    lines = ALEXNET.read_text().splitlines()
    entries = [entry if isinstance(entry, dict) else {"type": entry} for entry in data["layers"]]
    assert len(alexnet["layers"]) == len(entries)
    for layer, entry in zip(alexnet["layers"], entries, strict=True):
        assert layer["type"] == entry["type"]
        assert f'"{entry["type"]}"' in lines[layer["line"] - 1]
        assert layer["torch"] is None
        if "name" in entry:
            assert layer["name"] == entry["name"]
            assert f'name = "{entry["name"]}"' in lines[layer["line"] - 1]
        if "expect" in entry:
            *space, channels = entry["expect"]
            assert layer["output"] == [channels, *space]
    assert sum(layer["parameters"] for layer in alexnet["layers"]) == alexnet["parameters"]
    conv1 = alexnet["layers"][0]
    assert (conv1["inputs"], conv1["parameters"], conv1["macs"]) == ([[3, 227, 227]], 34_944, 105_415_200)
    assert (conv1["remainder"], conv1["dropped"]) == ([0, 0], [0, 0])


def test_json_never_folds():
    (resnet,) = report(RESNET50, "--depth", 1)
    assert len(resnet["layers"]) == 175
    inner = next(layer for layer in resnet["layers"] if layer["name"] == "layer1.0.conv2")
    assert Path(inner["file"]).name == "resnet.toml"  # where it is written
    assert 'name = "conv2"' in Path(inner["file"]).read_text().splitlines()[inner["line"] - 1]
    stem = resnet["layers"][0]
    assert (stem["remainder"], stem["dropped"]) == ([1, 1], [0, 0])  # (224 + 2*3 - 7) mod 2, and padding it is


def test_json_of_a_bad_net(file):
    (bad,) = report(file(BAD))
    layers = {layer["name"]: layer for layer in bad["layers"]}
    assert not bad["ok"]
    assert layers["b.inner"]["output"] is None
    assert layers["c"]["inputs"] == [None]
    assert layers["fc"]["parameters"] is None
    assert bad["parameters"] is None
    problems = {problem["code"]: problem for problem in bad["problems"]}
    assert problems.keys() == {"window-too-large", "unused-result", "linear-on-space"}
    window, unused = problems["window-too-large"], problems["unused-result"]
    assert (window["severity"], unused["severity"]) == ("error", "warning")
    assert (window["layer"], unused["layer"]) == ("b.inner", "lost")
    lines = BAD.splitlines()
    assert lines[window["line"] - 1][window["column"] - 1 :].startswith('"k"')
    (place,) = window["used_at"]
    assert lines[place["line"] - 1][place["column"] - 1 :].startswith('{ name = "b"')
    assert unused["used_at"] == []


def test_json_of_shared_weights_and_several_inputs(file):
    (shared,) = report(file(SHARED))
    first, second, both = shared["layers"]
    assert (first["shares"], second["shares"]) == (None, "l")
    assert (first["parameters"], second["parameters"], shared["parameters"]) == (10, 0, 10)
    assert shared["inputs"] == {"left": [1, 8, 9], "right": [1, 8, 9]}
    assert shared["outputs"] == {"l": [2, 4, 4], "both": [4, 4, 4]}
    assert both["inputs"] == [[2, 4, 4], [2, 4, 4]]
    assert first["dropped"] == [0, 1]


def test_json_of_what_cannot_be_read(file, tmp_path):
    syntax, missing, good = report(file("layers = ["), tmp_path / "missing.toml", ALEXNET)
    assert (syntax["ok"], syntax["layers"]) == (False, [])
    (problem,) = syntax["problems"]
    assert (problem["code"], problem["line"]) == ("not-toml", 1)
    assert (missing["ok"], missing["layers"]) == (False, [])
    assert good["ok"]


def test_json_of_a_suggestion(file):
    (bad,) = report(file('input = [3, 8, 8]\nlayers = ["cnov"]'))
    (problem,) = bad["problems"]
    assert problem["suggestions"] == [{"kind": "meant", "words": ["conv"]}]
    assert problem["message"].endswith("; did you mean conv?")


def test_json_of_a_cross_check(file, torch):
    good, bad = report(file(SHARED), file(BAD, "bad.toml"), "--device", "cpu", torch=True)
    assert good["crosscheck"]["device"] == "cpu"
    assert good["crosscheck"]["ok"]
    assert good["no_crosscheck"] is None
    assert [layer["torch"] for layer in good["layers"]] == [{"verdict": "agrees", "reason": None}] * 3
    verdicts = {layer["name"]: layer["torch"] for layer in bad["layers"]}
    assert verdicts["b.inner"]["verdict"] == "refuses"
    assert "RuntimeError" in verdicts["b.inner"]["reason"]
    assert verdicts["c"]["verdict"] == "not run"


def properties(schema):
    """The schemas of all keys, by name."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {}).items()
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from properties(part)


def undocumented(value, schema):
    """Keys of a document that the schema does not know."""
    while "$ref" in schema or "anyOf" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema["anyOf"][-1]
    if isinstance(value, dict) and "properties" in schema:
        for key, part in value.items():
            if key not in schema["properties"]:
                yield key
            else:
                yield from undocumented(part, schema["properties"][key])
    elif isinstance(value, list) and "items" in schema:
        for part in value:
            yield from undocumented(part, schema["items"])


def test_the_schema_is_one_and_says_all(file):
    Draft202012Validator.check_schema(SCHEMA)
    document = json.loads(check("json", file(BAD), ALEXNET, torch=False).stdout)
    assert list(undocumented(document, SCHEMA)) == []
    document["files"][0]["problems"][0]["used_at"] = [{"surprise": 1}]
    assert list(undocumented(document, SCHEMA)) == ["surprise"]
    assert [name for name, schema in properties(SCHEMA) if not schema.get("description")] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 2),
        (("files", 0, "layers", 0, "output"), "96x55x55"),
        (("files", 0, "layers", 0, "output"), [96, 55, "?"]),
        (("files", 0, "layers", 0, "line"), 0),
        (("files", 0, "layers", 0, "torch"), "agrees"),
        (("files", 0, "layout"), "channels"),
        (("files", 0, "problems"), None),
        (("files", 0, "parameters"), "62,378,344"),
    ],
)
def test_the_schema_refuses(path, value):
    document = json.loads(check("json", ALEXNET).stdout)
    VALIDATOR.validate(document)
    wrong = deepcopy(document)
    *steps, last = path
    inner = wrong
    for step in steps:
        inner = inner[step]
    inner[last] = value
    assert not VALIDATOR.is_valid(wrong)
    del inner[last]
    assert not VALIDATOR.is_valid(wrong)
