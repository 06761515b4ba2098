"""The page of a net without a browser: its model run by node, and the same said by the engine."""

import json
import shutil
import subprocess

import pytest

import cnnshape
from cnnshape.picture.page.data import shapes_at, sides_of
from cnnshape.picture.page.page import script
from cnnshape.show.formats.as_json import receptive
from helpers.paths import ROOT

RUN = """
const model = makeModel(data, rules), asked = %s;
const states = asked.map((sides) => model.set(sides) && { ...model.state(), lost: model.lost() });
console.log(JSON.stringify(states));
"""


def node(text):
    """What node prints of a script; the test is skipped without node."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("there is no node, which runs JavaScript")
    done = subprocess.run([program, "-"], input=text, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def code(net):
    """The scripts of a page without its view, and its data."""
    return "\n".join([*map(_file, ("fields.js", "model.js", "picture.js")), script(net, net.check())])


def _file(name):
    return (ROOT / "cnnshape" / "picture" / "page" / name).read_text(encoding="utf-8")


def states(net, asked):
    """The states of a page at some sides, by name; False where it does not take them."""
    return json.loads(node(code(net) + RUN % json.dumps(asked)))


def named(net, sizes):
    """Sizes by the names of the page's sides."""
    return {side.name: size for side, size in zip(sides_of(net), sizes, strict=True)}


def expected(net, sizes):
    """What the engine says at sizes of all sides, as a page's state."""
    inputs = shapes_at(net, sides_of(net), sizes)
    report = net.check(inputs)
    refusing = [row.name for row in report.layers if row.result.refusals]
    return {
        "valid": not refusing and not any(problem.severity == "error" for problem in net.problems),
        "refused_by": refusing,
        "shapes": {row.name: None if row.output is None else [*row.output] for row in report.layers},
        "receptive": _fields(net, inputs),
        "parameters": report.parameters,
        "macs": report.macs,
        "lost": [row.dropped if any(row.dropped) else None for row in report.layers],
    }


def _fields(net, inputs):
    try:
        fields = cnnshape.receptive_fields(net._replace(inputs={**net.inputs, **inputs}))
    except ValueError:  # the engine asks which of several inputs is the image
        return None
    return {name: json.loads(json.dumps([receptive(field) for field in axes])) for name, axes in fields.items()}


def differences(net, asked):
    """The sizes at which the page and the engine differ, and in what; and the number of sizes that the page took."""
    found, taken = [], 0
    for sizes, state in zip(asked, states(net, [named(net, sizes) for sizes in asked]), strict=True):
        if not state:
            continue
        taken += 1
        state["lost"] = [tuple(cells) if any(cells) else None for cells in state["lost"]]
        truth = expected(net, sizes)
        if truth["receptive"] is None:
            del truth["receptive"]
        found += [(sizes, what, state[what], said) for what, said in truth.items() if state[what] != said]
    return found, taken
