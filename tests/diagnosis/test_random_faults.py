"""Random faults of sound nets: each fix that is shown works, in torch as well, and leaves all else of the text as it was."""

import random
import tomllib

import pytest
from helpers.broken_nets import at, flaw, net_of, toml
from helpers.paths import ARCHITECTURES
from helpers.random_faults import (
    bare,
    comments,
    deleted,
    difference,
    doubled,
    faults,
    figures,
    lines,
    number,
    sound_nets,
    worth,
)

from cnnshape.problems.base import errors

SMALL = {
    "lenet5",
    "lenet5_1998",
    "alexnet",
    "zfnet",
    "unet",
    "segnet",
    "dcgan_generator",
    "crnn",
    "squeezenet1_1",
    "resnet18",
}
NETS = [net for net in sound_nets() if net[2] != ARCHITECTURES or net[0] in SMALL]
BARE = [(name, bare(text), folder) for name, text, folder in NETS]


@pytest.mark.parametrize("kind", ["number", "constant", "argument", "deleted", "doubled"])
def test_the_fixes_of_a_random_fault_work(kind, torch):
    judged = [worth(fault, torch=True) for fault in faults(1, 12, kind, NETS)]
    assert [(one.fault.name, *one.flaws) for one in judged if one.flaws] == []


@pytest.mark.parametrize(("nets", "least"), [(NETS, (70, 55, 45)), (BARE, (60, 40, 30))], ids=["files", "bare"])
def test_most_changed_numbers_are_found_again(nets, least):
    found = figures([worth(fault) for fault in faults(2, 30, "number", nets)])
    assert all(share >= enough for share, enough in zip(found, least, strict=True)), found


def windows(text):
    return text.replace("\n", "\r\n")


def tables(text):
    """The text with its layers as tables, each key on a line with a comment."""
    data = tomllib.loads(text)
    rest = "".join(f"{key} = {toml(value)}\n" for key, value in data.items() if key not in {"layers", "blocks"})
    blocks = "".join(f"blocks.{name} = {toml(block)}\n" for name, block in data.get("blocks", {}).items())
    layers = (step if isinstance(step, dict) else {"type": step} for step in data["layers"])
    written = ("".join(f"{key} = {toml(value)}  # {key}\n" for key, value in step.items()) for step in layers)
    return f"{rest}{blocks}\n" + "\n".join(f"[[layers]]\n{step}" for step in written)


def commented(text):
    """The text with its layers' lists over several lines, a comment behind each entry."""
    data = tomllib.loads(text)
    rest = "".join(f"{key} = {toml(value)}\n" for key, value in data.items() if key != "layers")
    layers = "".join(f"  # {place}\n  {toml(step)},  # so\n" for place, step in enumerate(data["layers"]))
    head, _, entries = rest.partition("input = [")
    entries, _, tail = entries.partition("]")
    written = "".join(f"  {entry.strip()},  # a side\n" for entry in entries.split(","))
    return f"{head}input = [\n{written}]{tail}layers = [\n{layers}]\n" if entries else f"{rest}layers = [\n{layers}]\n"


@pytest.mark.parametrize("form", [windows, tables, commented])
def test_the_rest_of_the_text_stays_byte_for_byte(form):
    nets = [(name, form(text), folder) for name, text, folder in NETS if "blocks" not in text or form is windows]
    judged = [worth(fault) for fault in faults(3, 12, "number", nets)]
    assert [(one.fault.name, *one.flaws) for one in judged if one.flaws] == []
    assert sum(one.rank > 0 for one in judged) > 2


def test_the_nets_are_sound():
    wrong = [name for name, text, folder in [*NETS, *BARE] if errors(net_of(text, folder).check().problems)]
    assert wrong == []


TEXT = """input = [3, 8, 8]  # 3 of 8
constants = { n = 5 }
layers = [
  { name = "c1", type = "conv", out_channels = 4, kernel_size = 3 },
  "relu",
]
"""


def test_a_fault_is_one_number_or_one_line():
    rng = random.Random(0)
    found = [number(rng, TEXT, "number") for _ in range(200)]
    assert len({*filter(None, found)}) > 10
    assert all(difference(tomllib.loads(TEXT), tomllib.loads(one)) for one in found if one)
    assert all(
        at(tomllib.loads(one), ("constants", "n")) != 5 for _ in range(50) if (one := number(rng, TEXT, "constant"))
    )
    assert {deleted(rng, TEXT) for _ in range(20)} == {TEXT.replace(line, "") for line in lines(TEXT)}
    assert {doubled(rng, TEXT).count("relu") for _ in range(20)} == {1, 2}
    assert comments(TEXT) == ["  # 3 of 8".removeprefix(" ")]


def test_a_judge_that_sees_a_fix_that_does_not_work():
    class Broken:
        edits, summary = (), "nothing"

        @staticmethod
        def apply(text):
            return text

    text = TEXT.replace("kernel_size = 3", "kernel_size = 9")
    net = net_of(text)
    (problem,) = net.check().problems
    assert flaw(net, text, problem, Broken) == "its problem is still there"
