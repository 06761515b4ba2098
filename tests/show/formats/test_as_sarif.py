"""SARIF: its own schema, of what this tool writes of it; and the published one, where it can be had."""

import json
from urllib.error import URLError
from urllib.request import urlopen

import jsonschema
import pytest
from helpers.broken_nets import FOLDER
from helpers.formats import BAD, check

from cnnshape.show.formats.as_sarif import SCHEMA, _location

NET = (
    'input = [3, 8, 8]  # é\nlayers = [{ name = "é", type = "Conv2d", out_channels = 2, kernel_size = 3 }, "flatten"]\n'
)
JOINED = """input = [3, 8, 8]
layers = [
  { name = "a", block = "b", width = 4 },
  { name = "fc", type = "linear", in_features = 5, out_features = 2, from = "a.flat" },
]
outputs = ["fc"]
[blocks.b]
arguments = ["width"]
layers = [
  { name = "conv", type = "conv", out_channels = "width", kernel_size = 3, in_channels = 5 },
  { name = "flat", type = "flatten" },
]
"""


def an_object(optional=(), **required):
    return {
        "type": "object",
        "required": [*required],
        "properties": required | dict(optional),
        "additionalProperties": False,
    }


NUMBER = {"type": "integer", "minimum": 1}
URI = {"type": "string", "format": "uri-reference", "pattern": r"^[\x21-\x7e]+$"}
TEXT = an_object(text={"type": "string", "minLength": 1})
REGION = an_object(startLine=NUMBER, startColumn=NUMBER, endLine=NUMBER, endColumn=NUMBER)
PHYSICAL = an_object({"region": REGION}, artifactLocation=an_object(uri=URI))
LOCATION = {
    "id": NUMBER,
    "message": TEXT,
    "logicalLocations": {"type": "array", "items": an_object(fullyQualifiedName={}, kind={"const": "object"})},
}
LOCATIONS = {"type": "array", "items": an_object(LOCATION, physicalLocation=PHYSICAL), "uniqueItems": True}
REPLACEMENT = an_object(deletedRegion=REGION, insertedContent=an_object(text={"type": "string"}))
CHANGE = an_object(
    artifactLocation=an_object(uri=URI), replacements={"type": "array", "items": REPLACEMENT, "minItems": 1}
)
RESULT = an_object(
    {
        "relatedLocations": LOCATIONS,
        "fixes": {
            "type": "array",
            "items": an_object(description=TEXT, artifactChanges={"items": CHANGE}),
            "uniqueItems": True,
        },
    },
    ruleId={"type": "string"},
    ruleIndex={"type": "integer", "minimum": 0},
    level={"enum": ["error", "warning"]},
    message=TEXT,
    locations=LOCATIONS,
)
RULE = an_object(
    id={"type": "string"},
    shortDescription=TEXT,
    fullDescription=TEXT,
    help=TEXT,
    defaultConfiguration=an_object(level={"enum": ["error", "warning"]}),
)
OURS = an_object(
    **{"$schema": {"const": SCHEMA}},
    version={"const": "2.1.0"},
    runs={
        "items": an_object(
            tool=an_object(driver=an_object(name={}, version={}, rules={"items": RULE, "uniqueItems": True})),
            columnKind={"const": "unicodeCodePoints"},
            results={"items": RESULT},
        )
    },
)


def run(path, text, *others):
    """The one run of a check of a file, which a schema describes."""
    path.write_bytes(text.encode())
    document = json.loads(check("sarif", path, *others).stdout)
    jsonschema.validate(document, OURS)
    (found,) = document["runs"]
    return found


def mended(text, change):
    """A text with the replacements of a fix, made by lines and columns."""
    lines = text.split("\n")
    for replacement in reversed(change["replacements"]):
        region = replacement["deletedRegion"]
        start = sum(len(line) + 1 for line in lines[: region["startLine"] - 1]) + region["startColumn"] - 1
        end = sum(len(line) + 1 for line in lines[: region["endLine"] - 1]) + region["endColumn"] - 1
        text = text[:start] + replacement["insertedContent"]["text"] + text[end:]
    return text


def test_a_problem_is_a_result_with_its_rule_and_its_fix(tmp_path):
    found = run(tmp_path / "é net.toml", NET)
    rules = [rule["id"] for rule in found["tool"]["driver"]["rules"]]
    result = next(one for one in found["results"] if one["ruleId"] == "unknown-type")
    assert rules[result["ruleIndex"]] == "unknown-type"
    assert rules == sorted({one["ruleId"] for one in found["results"]})
    (location,) = result["locations"]
    assert location["physicalLocation"]["region"] == {"startLine": 2, "startColumn": 32, "endLine": 2, "endColumn": 40}
    uri = location["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == (tmp_path / "é net.toml").as_uri()
    ((change,),) = (fix["artifactChanges"] for fix in result["fixes"])
    assert mended(NET, change) == NET.replace("Conv2d", "conv")


def test_a_path_is_told_from_the_root_of_the_repository(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    (result, *_) = run(tmp_path / "é net.toml", NET)["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "%C3%A9%20net.toml"}


def test_uses_and_causes_are_related_places(tmp_path):
    results = run(tmp_path / "net.toml", JOINED)["results"]
    inner = next(one for one in results if one["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "a.conv")
    related = {
        one["message"]["text"]: one["physicalLocation"]["region"]["startLine"] for one in inner["relatedLocations"]
    }
    assert related["in a block used here"] == 3
    assert [one["id"] for one in inner["relatedLocations"]] == [*range(1, len(related) + 1)]


def test_a_problem_that_follows_points_to_the_first(tmp_path):
    (file,) = FOLDER.glob("13-*.toml")
    first, second = run(tmp_path / "net.toml", file.read_text(encoding="utf-8"))["results"]
    (followed,) = (one for one in second["relatedLocations"] if one["message"]["text"].startswith("follows from: "))
    assert followed["physicalLocation"] == first["locations"][0]["physicalLocation"]
    assert first["message"]["text"].startswith(followed["message"]["text"].removeprefix("follows from: "))


def test_a_problem_without_a_place_is_of_its_file():
    found = _location(None, "a net.toml")
    assert found == {"physicalLocation": {"artifactLocation": {"uri": "a%20net.toml"}}}


def test_a_net_without_problems_has_no_results(tmp_path):
    found = run(tmp_path / "net.toml", 'input = [3, 8, 8]\nlayers = ["relu"]\n')
    assert (found["results"], found["tool"]["driver"]["rules"]) == ([], [])


def test_several_files_are_one_run(tmp_path):
    (tmp_path / "other.toml").write_text("layers = [")
    results = run(tmp_path / "net.toml", BAD, tmp_path / "other.toml")["results"]
    uris = {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].rpartition("/")[2] for one in results}
    assert uris == {"net.toml", "other.toml"}


@pytest.mark.slow  # from the network
def test_the_published_schema_describes_it(tmp_path):
    try:
        with urlopen(SCHEMA, timeout=20) as answer:
            published = json.load(answer)
    except URLError as error:
        pytest.skip(f"the schema cannot be had: {error}")
    for number, text in enumerate([NET, JOINED, BAD]):
        path = tmp_path / f"{number}.toml"
        path.write_bytes(text.encode())
        jsonschema.validate(json.loads(check("sarif", path).stdout), published)
