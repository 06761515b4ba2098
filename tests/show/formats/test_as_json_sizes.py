"""JSON of valid sizes, as docs/sizes.schema.json says."""

from helpers.cli import write
from helpers.paths import ALEXNET, UNET
from helpers.sizes import FIELDS, NONE, OPEN, as_json

from cnnshape import SizeSet


def test_json():
    found = as_json(ALEXNET)
    assert (found["ok"], found["inputs"], found["axes"], found["no_closed_form"]) == (True, ["input"], ["h", "w"], None)
    valid = found["valid_sizes"]
    equal = {"text": "227 to 258", "finite": [[227, 258]], "start": 259, "period": 1, "residues": []}
    assert valid["equal_sides"] == equal
    assert valid["axes"] is None
    assert len(valid["boxes"]) == 9
    assert [[equal, equal]] == [box for box in valid["boxes"] if box[0] == box[1]]
    (needed,) = valid["needed"]
    assert needed["needs"] == "256*(floor((h + 29)/32) - 2)*(floor((w + 29)/32) - 2) = 9216"
    assert needed["leaves"].startswith("h 67 to 98 with w 1187 to 1218; or h 99 to 130 ")
    layers = {layer["name"]: layer for layer in found["layers"]}
    assert layers["conv1"]["output"] == [96, "floor((h + 1)/4) - 2", "floor((w + 1)/4) - 2"]
    field = {"whole_image": False, "extent": [195, 195], "support": [195, 195], "stride": "32", "period": 1}
    assert (
        layers["pool3"]["receptive_field"]
        == [field | {"residues": [{"first": -64, "extent": 195, "support": 195}]}] * 2
    )


def test_json_says_what_its_sets_contain():
    valid = as_json(UNET)["valid_sizes"]
    assert valid["needed"][2] == {
        "layer": "up3.concat",
        "needs": "0 to 3 modulo 8, from 1",
        "leaves": "multiples of 8, from 8",
    }
    axis, _ = valid["axes"]
    inside = lambda x, spans: any(a <= x <= b for a, b in spans)  # noqa: E731
    for x in range(1, 100):
        found = inside(x % axis["period"], axis["residues"]) if x >= axis["start"] else inside(x, axis["finite"])
        assert found == (x in SizeSet(axis["text"]))


def test_json_of_a_question():
    found = as_json(ALEXNET, "--exact", "--layer", "conv1", "--output", "55x55")
    assert (found["exact"], found["layer"], found["output"]) == (True, "conv1", [55, 55])
    assert found["valid_sizes"]["equal_sides"]["text"] == "227"


def test_json_of_what_there_is_not(tmp_path):
    open_ = as_json(write(tmp_path, OPEN))
    assert open_["no_closed_form"]["layer"] == "resized"
    assert (open_["ok"], open_["valid_sizes"], open_["layers"]) == (False, None, None)
    none = as_json(write(tmp_path, NONE))
    assert (none["ok"], none["valid_sizes"]["contradiction"]) == (False, ["even", "odd"])
    broken = as_json(write(tmp_path, 'input = [1, 8]\nlayers = ["rleu"]\n'))
    assert (broken["ok"], [problem["code"] for problem in broken["problems"]]) == (False, ["unknown-type"])
    fields = write(tmp_path, FIELDS)
    rounded = as_json(fields)["layers"]
    assert rounded is None  # its size has no closed form
