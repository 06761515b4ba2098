"""Texts that nobody would write: reading, building and checking never fail, and never take long.

Run `pytest tests/test_fuzz.py -m slow` for a few minutes of it.
"""

import json
import os
import re
import time
import tomllib
from datetime import date
from pathlib import Path

import pytest
from helpers.paths import ROOT
from helpers.texts import lines, toml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cnnshape
from cnnshape import ArchitectureError
from cnnshape.assemble.network import assemble
from cnnshape.diagnosis.door import examine_file
from cnnshape.file.reader import read, read_text
from cnnshape.file.source import LIMIT
from cnnshape.layers import TYPES
from cnnshape.numbers.shape import LARGEST
from cnnshape.problems.catalogue import CODES

SECONDS = (
    10  # of processor time; the worst texts of a mebibyte take a quarter of it on a machine with nothing else to do
)
CORPUS = sorted([*ROOT.glob("architectures/*.toml"), *ROOT.glob("tests/files/*/*.toml")])


@pytest.fixture(scope="module", autouse=True)
def _among_the_architectures():
    before = Path.cwd()
    os.chdir(ROOT / "architectures")  # so that what they include is found
    yield
    os.chdir(before)


def survives(text):
    """Read, build and check; everything that people may ask has an answer, soon."""
    start = time.process_time()
    examination = examine_file(text) if isinstance(text, Path) else cnnshape.examine(text)
    net = examination.net
    report = net.check()
    assert examination.problems == report.problems
    assert (examination.report is None) == (not report.layers and not report.ok)
    said = [str(problem.message) + str(problem.place) + str(problem.used_at) for problem in report.problems]
    assert time.process_time() - start < SECONDS
    assert len(said) <= 501
    reports = [report, net.check(strict=True)]
    if net.inputs and None not in net.inputs.values():
        reports.append(
            net.check({name: tuple(min(size + 1, LARGEST) for size in shape) for name, shape in net.inputs.items()})
        )
    for one in reports:
        makes_sense(one)
    assert not report.ok or None not in (report.parameters, report.macs, *report.outputs.values())
    again = net._replace().check()  # a net keeps its report, and another is made for a copy
    assert [repr(problem) for problem in again.problems] == [repr(problem) for problem in report.problems]
    if any(problem.severity == "error" for problem in net.problems):
        with pytest.raises(ArchitectureError):
            cnnshape.load(text) if isinstance(text, Path) else cnnshape.loads(text)


def makes_sense(report):
    for problem in report.problems:
        assert CODES[problem.code] is type(problem)
        assert problem.severity in {"error", "warning"}
        assert problem.message.isprintable()
        assert problem.message
        assert isinstance(problem.file, str)
        assert (1, 1) <= (problem.line, problem.column) <= (problem.end_line, problem.end_column)
        assert all(place.start >= (1, 1) for place in problem.used_at)
    for row in report.layers:
        for shape in (*row.inputs, row.output):
            assert shape is None or all(isinstance(size, int) and size >= 1 for size in shape)
        assert len(row.remainder) == len(row.dropped)
        assert all(lost is None or lost >= 0 for lost in row.dropped)
    for row in report.layers[-10:]:
        assert row.line >= 1


# What to make texts of


NAMES = [
    "a",
    "b",
    "c",
    "s",
    "s.0",
    "s.*",
    "s.*.a",
    "b.a",
    "input",
    "input0",
    "input1",
    "?a",
    "?s.*",
    "relu1",
    "x{i}",
    "{t}",
    "{i + 1}",
    "half",
    "a.b.c",
]
KEYS = sorted({
    *("name", "type", "block", "from", "repeat", "when", "shares", "shares_weight", "gives", "expect", "allow", "layers", "arguments", "defaults"),
    *("words", "input", "inputs", "outputs", "constants", "layer_defaults", "blocks", "claims", "training", "include"),
    *("parameters", "macs", "output", "valid_sizes", "batch_size", "optimizer", "layout", "n", "t", "w"),
    *(name for layer in TYPES.values() for name in layer.parameters),
})  # fmt: skip
WORDS = [*TYPES, *NAMES, *KEYS, *CODES, "same", "valid", "keep", "channels", "all", "channels_last", "bilinear", "rleu"]
EXPRESSIONS = [
    "in_channels",
    "n",
    "2 * n",
    "n // 2",
    "n // 0",
    "i",
    "i + 1",
    "n if w else 1",
    "n > 1",
    "not w",
    "2 ** 62",
    "10 ** 9",
    "-1",
    "1 / 3",
    "round(1.5 * n)",
    "n[0]",
    "n[i]",
    "0.1 ** 38",
    "1 +",
    "(",
    "true",
]
INTEGERS = st.integers(-2, 12) | st.sampled_from([16, 64, 2**31, 2**53, 2**62, 2**63 - 1, 2**63, 10**30, -(2**63)])
SCALARS = st.one_of(
    INTEGERS,
    st.booleans(),
    st.floats(),
    st.sampled_from(WORDS),
    st.sampled_from(EXPRESSIONS),
    st.text(max_size=8),
    st.just(date(2012, 12, 3)),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=8,
)

# Nets that are nearly right, so that chance gets deep into them

names = st.sampled_from(NAMES)
number = st.integers(1, 4) | st.sampled_from(EXPRESSIONS)
setting = st.one_of(number, number, st.lists(number, min_size=1, max_size=3), st.booleans(), SCALARS)


@st.composite
def layers_of_a_net(draw):
    kind = draw(st.sampled_from([*TYPES, *(["conv", "max_pool", "relu", "concat", "add"] * 8)]))
    layer = {"type": draw(st.sampled_from([kind, kind, kind, "{t}"]))}
    for name, parameter in TYPES[kind].parameters.items():
        if parameter.required or draw(st.integers(0, 9)) == 0:
            layer[name] = draw(st.sampled_from([*parameter.words, *NAMES]) if parameter.of_words else setting)
    return layer


@st.composite
def steps(draw):
    step = draw(
        st.one_of(
            layers_of_a_net(),
            layers_of_a_net(),
            st.fixed_dictionaries(
                {"block": st.sampled_from(["p", "q", "r", "{t}"])},
                optional={"n": number, "t": st.sampled_from(["relu", "tanh", "p", "{t}"]), "w": setting},
            ),
            st.fixed_dictionaries({"shares": names}),
            st.sampled_from(["relu", "batch_norm", "flatten", "global_avg_pool"]),
        )
    )
    if isinstance(step, str):
        return step
    extra = st.fixed_dictionaries(
        {},
        optional={
            "name": names,
            "from": st.lists(names, max_size=3) | names,
            "repeat": st.sampled_from([0, 1, 2, 3, 40, "n"]),
            "when": st.booleans() | st.sampled_from(EXPRESSIONS),
            "expect": st.lists(number, max_size=4),
            "allow": st.sampled_from(sorted(CODES)),
            "shares": names,
            "shares_weight": names,
        },
    )
    wanted = draw(extra)
    return step | {key: value for key, value in wanted.items() if draw(st.booleans())}


STEPS = st.lists(steps(), max_size=6)
BLOCK = st.fixed_dictionaries(
    {"layers": STEPS},
    optional={
        "arguments": st.just(["n"]),
        "defaults": st.dictionaries(st.sampled_from(["w", "m"]), setting, max_size=2),
        "words": st.just({"t": "relu"}),
        "gives": st.lists(names, min_size=1, max_size=3),
    },
)
NETS = st.fixed_dictionaries(
    {"input": st.sampled_from([[3, 8, 8], [4, 16], [2, 4, 4, 4], [8], ["n", 9, 9]]), "layers": STEPS, "blocks": st.dictionaries(st.sampled_from("pqr"), BLOCK, max_size=3)},
    optional={
        "layout": st.sampled_from(["channels_first", "channels_last"]),
        "constants": st.dictionaries(st.sampled_from(["n", "w", "m"]), setting, max_size=3),
        "layer_defaults": st.dictionaries(st.sampled_from(["conv", "max_pool"]), st.dictionaries(st.sampled_from(["kernel_size", "padding", "bias"]), setting, max_size=2), max_size=2),
        "outputs": st.lists(names, max_size=3),
        "claims": st.fixed_dictionaries({}, optional={"parameters": INTEGERS, "macs": INTEGERS, "output": st.lists(number, max_size=4), "valid_sizes": st.sampled_from(["every size from 7", "none", "x"])}),
        "allow": st.sampled_from(sorted(CODES)),
        "training": VALUES,
    },
).map(lines)  # fmt: skip


def parsed(path):
    try:
        return tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError:
        return {}


DATA = [parsed(path) for path in CORPUS]
TEXTS = [path.read_text() for path in CORPUS]


def places(data, path=()):
    """All paths into the data, the outermost first."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


@st.composite
def mutated_data(draw):
    """A file with some of its values replaced, removed, renamed or put elsewhere."""
    data = json.loads(json.dumps(draw(st.sampled_from(DATA)), default=str))
    for _ in range(draw(st.integers(1, 3))):
        paths = list(places(data))
        if not paths:
            break
        *front, key = draw(st.sampled_from(paths))
        table = data
        for step in front:
            table = table[step]
        action = draw(st.integers(0, 3))
        if action == 0 or (action == 1 and isinstance(table, list)):
            table[key] = draw(VALUES)
        elif action == 1:
            table[draw(st.sampled_from(KEYS) | st.text(max_size=5))] = table.pop(key)
        elif action == 2:
            del table[key]
        else:
            other = data
            for step in draw(st.sampled_from(paths)):
                other = other[step] if not isinstance(other, list) or step < len(other) else {}
                if not isinstance(other, dict | list):
                    break
            table[key] = json.loads(json.dumps(other, default=str))
    return lines(data)


TOKENS = [
    "{",
    "}",
    "[",
    "]",
    "[[",
    "]]",
    "=",
    ",",
    '"',
    "'''",
    '"""',
    "#",
    "\n",
    ".",
    "\\",
    "0x",
    "1e999",
    "nan",
    "[blocks.x]\n",
    "é",
    "\U0001f600",
    "\x7f",
    "\t",
    "[[layers]]\n",
]


@st.composite
def mutated_text(draw):
    """A file with some of its characters removed, doubled, moved or replaced."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        new = draw(st.sampled_from(["", text[start:end] * 2, *TOKENS, *WORDS]) | VALUES.map(toml))
        text = text[:start] + new + text[end:]
    return text


RANDOM = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=6), VALUES, max_size=6).map(lines)
STRATEGIES = {
    "random": RANDOM,
    "nets": NETS,
    "mutated_data": mutated_data(),
    "mutated_text": mutated_text(),
    "characters": st.text(st.sampled_from("[]{}=\"'#.,\n\\ab01_-\t\r\0é"), max_size=60),
}
QUIETLY = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_random_and_mutated_texts(strategy):
    settings(QUIETLY, max_examples=100)(given(STRATEGIES[strategy])(survives))()


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_many_random_and_mutated_texts(strategy):
    settings(QUIETLY, max_examples=2_000)(given(STRATEGIES[strategy])(survives))()


@settings(QUIETLY, max_examples=100)
@given(
    st.binary(max_size=200)
    | st.tuples(st.sampled_from(TEXTS), st.integers(0, 2000), st.binary(max_size=3)).map(
        lambda t: t[0].encode()[: t[1]] + t[2] + t[0].encode()[t[1] :]
    )
)
def test_bytes_that_may_be_no_text(tmp_path_factory, raw):
    path = tmp_path_factory.getbasetemp() / "raw.toml"
    path.write_bytes(raw)
    survives(path)


# The worst that we could think of

HERE = "input = [3, 8, 8]\n"
LONG = "3" + "+i-i" * 249  # about as long as an expression may be


def filled(line, head=HERE, tail=""):
    """Repeat a line, which may use {i}, up to the largest text that is read."""
    count = (LIMIT - len(head) - len(tail)) // len(line.format(i=10**5))
    return head + "".join([line.format(i=10**4 + i) for i in range(count)]) + tail


def blocks_in_blocks(layers, last, depth=30):
    between = "".join(f"[blocks.b{i}]\n{layers.replace('NEXT', f'b{i + 1}')}\n" for i in range(depth))
    return f'{HERE}layers = [{{ block = "b0" }}]\n{between}[blocks.b{depth}]\n{last}\n'


WORST = {
    "bare_words": lambda: filled('"relu",', f"{HERE}layers=[", "]"),
    "named_layers": lambda: filled('{{name="a{i}",type="relu"}},', f"{HERE}layers=[", "]"),
    "tables": lambda: filled('[[layers]]\ntype="conv"\nout_channels={i}\nkernel_size=1\n'),
    "numbers_as_layers": lambda: filled("1,", f"{HERE}layers=[", "]"),
    "empty_layers": lambda: filled("{{}},", f"{HERE}layers=[", "]"),
    "unknown_types_on_one_line": lambda: filled('{{type="rel{i}"}},', f"{HERE}layers=[", "]"),
    "unknown_names": lambda: filled('{{name="a{i}",type="relu",from="b{i}"}},', f"{HERE}layers=[", "]"),
    "equal_names": lambda: filled('{{name="a",type="relu"}},', f"{HERE}layers=[", "]"),
    "unknown_blocks": lambda: filled('[[layers]]\nblock="b{i}"\n[blocks.c{i}]\nlayers=["relu"]\n'),
    "many_blocks": lambda: filled('[[layers]]\nblock="b{i}"\n[blocks.b{i}]\nlayers=["relu"]\n'),
    "unused_results": lambda: filled('{{type="relu",from="input"}},', f"{HERE}layers=[", "]"),
    "failing_layers": lambda: filled('{{type="max_pool",kernel_size=9,from="input"}},', f"{HERE}layers=[", "]"),
    "unknown_keys": lambda: filled("k{i}=1\n", f'{HERE}[[layers]]\ntype="conv"\n'),
    "unknown_keys_of_the_net": lambda: filled("k{i}=1\n"),
    "facts": lambda: filled("k{i}=1\n", f'{HERE}layers=["relu"]\n[training]\n'),
    "constants": lambda: filled("c{i}=1\n", f'{HERE}layers=["relu"]\n[constants]\n'),
    "claims": lambda: filled("x{i}=[1]\n", f'{HERE}layers=["relu"]\n[claims.outputs]\n'),
    "inputs": lambda: filled("x{i}=[1]\n", 'layers=["relu"]\n[inputs]\n'),
    "outputs": lambda: filled('"x{i}",', f'{HERE}layers=["relu"]\noutputs=[', "]"),
    "allowed": lambda: filled('"x{i}",', f'{HERE}layers=["relu"]\nallow=[', "]"),
    "wires": lambda: filled('"x{i}",', f'{HERE}layers=["relu",{{type="add",from=[', "]}]"),
    "wires_to_one": lambda: filled('"s",', f'{HERE}layers=[{{name="s",type="relu"}},{{type="add",from=[', "]}]"),
    "stars": lambda: filled('"s.*",', f'{HERE}layers=[{{name="s",type="relu",repeat=9000}},{{type="add",from=[', "]}]"),
    "stars_in_a_name": lambda: filled("s.*", f'{HERE}layers=[{{name="s",type="relu",repeat=9}},{{type="add",from="', '"}]'),
    "dots_in_a_name": lambda: filled("a.", f'{HERE}layers=["relu",{{type="relu",from="', '"}]'),
    "axes": lambda: filled("1,", "input=[", "]\nlayers=[{type='relu',repeat=40000}]"),
    "entries": lambda: filled("1,", f"{HERE}layers=[{{type='conv',out_channels=3,repeat=40000,kernel_size=[", "]}]"),
    "expressions": lambda: filled(f'{{{{type="conv",kernel_size=1,out_channels="{LONG.replace("i", "1")}"}}}},', f"{HERE}layers=[", "]"),
    "long_word": lambda: filled("x", f'{HERE}layers=["', '"]'),
    "long_key": lambda: filled("x", HERE, "=1"),
    "long_key_of_dots": lambda: filled("x.", HERE, "x=1"),
    "brackets": lambda: filled("[", f"{HERE}layers="),
    "braces": lambda: filled("{{a=", f"{HERE}layers="),
    "parentheses": lambda: filled("(", f'{HERE}layers=[{{type="conv",kernel_size=1,out_channels="', '"}]'),
    "long_number": lambda: filled("9", "input=[", "]\nlayers=['relu']"),
    "copies": lambda: f'{HERE}layers=[{{name="x",type="relu",repeat={10**9}}}]',
    "copies_that_differ": lambda: f'{HERE}layers=[{{type="conv",out_channels="i+1",kernel_size=1,repeat={10**9}}}]',
    "copies_of_nothing": lambda: f'{HERE}layers=[{{block="e",repeat={10**9}}}]\n[blocks.e]\nlayers=[]',
    "copies_that_are_skipped": lambda: f'{HERE}layers=[{{type="relu",when=false,repeat={10**9}}}]',
    "copies_that_compute": lambda: f'{HERE}layers=[{{type="conv",kernel_size=1,out_channels="{LONG}",repeat={10**9}}}]',
    "copies_of_fractions": lambda: f'{HERE}layers=[{{type="conv",kernel_size=1,out_channels="{"3+0*ceil(0.1**38" + "*7/7" * 200})",repeat={10**9}}}]',
    "copies_of_lists": lambda: f'{HERE}layers=[{{block="b",k={[["0.1 + i"] * 99] * 9},repeat={10**9}}}]\n[blocks.b]\narguments=["k"]\nlayers=[{{type="conv",out_channels=3,kernel_size="k"}}]'.replace("'0.1 + i'", '"0.1 + i"'),
    "streams": lambda: f'{HERE}layers=[{{block="b"}},{{block="b",repeat={10**9}}},{{block="b"}},"relu","relu"]\n[blocks.b]\ngives={["input"] * 9000}\nlayers=[]',
    "streams_that_are_left_out": lambda: f'{HERE}layers=[{{block="b"}},{{block="b",repeat={10**9},when=false}}]\n[blocks.b]\ngives={["input"] * 9000}\nlayers=[]',
    "streams_into_layers": lambda: filled('"relu",', f'{HERE}layers=[{{block="b"}},', f']\n[blocks.b]\ngives={["input"] * 9000}\nlayers=[]'),
    "copies_that_parse": lambda: f'{HERE}layers=[{{block="b",t="conv"}}]\n[blocks.b]\nwords={{t="relu"}}\nlayers=[{{type="{{t}}",kernel_size=1,out_channels="{LONG}",repeat={10**9}}}]',
    "copies_that_are_wrong": lambda: f'{HERE}layers=[{{block="b",repeat={10**9}}}]\n[blocks.b]\nlayers=[{{type="relu",from="qq"}},{{type="relu",from="rr"}},"rleu"]',
    "copies_of_scopes": lambda: f'{HERE}layers=[{{block="b",repeat={10**9}}}]\n[blocks.b]\nlayers=["relu"]\n[blocks.b.defaults]\n' + "".join(f"c{i}=1\n" for i in range(1000)),
    "growth": lambda: blocks_in_blocks('layers=[{block="NEXT"},{block="NEXT"}]', 'layers=["relu"]'),
    "growth_of_nothing": lambda: blocks_in_blocks('layers=[{block="NEXT"},{block="NEXT"}]', "layers=[]"),
    "growth_of_words": lambda: blocks_in_blocks('words={w="xx"}\nlayers=[{block="NEXT",w="{w}{w}"}]', 'words={w="x"}\nlayers=["{w}"]'),
    "growth_of_names": lambda: blocks_in_blocks(f'layers=[{{name="{"n" * 100}",block="NEXT"}}]', 'layers=[{type="relu",repeat=40000}]', 48),
    "growth_that_fails": lambda: blocks_in_blocks('layers=[{block="NEXT"},{block="NEXT",from="input"}]', 'layers=[{type="max_pool",kernel_size=9}]', 13),
}  # fmt: skip


QUICK = [
    *("brackets", "braces", "parentheses", "long_key", "long_key_of_dots", "dots_in_a_name", "stars_in_a_name", "long_number"),
    *("copies", "copies_of_nothing", "copies_that_compute", "copies_of_fractions", "copies_of_lists", "streams", "streams_that_are_left_out", "growth", "growth_of_names", "growth_of_words"),
    *("outputs", "wires"),
]  # fmt: skip


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in WORST]
)
def test_the_worst_texts_take_no_longer_than_stated(name):
    survives(WORST[name]())


def test_included_files_are_bounded(tmp_path):
    for i in range(40):
        include = f'include = ["f{i + 1}.toml", "f{i + 1}.toml"]\n'
        (tmp_path / f"f{i}.toml").write_text(f'{include}[blocks.b{i}]\nlayers = ["relu"]')
    (tmp_path / "f40.toml").write_text("")
    (tmp_path / "net.toml").write_text(f'{HERE}include = "f0.toml"\nlayers = ["relu"]')
    survives(tmp_path / "net.toml")
    assert "too-large" in {problem.code for problem in read(tmp_path / "net.toml").problems}


def test_large_included_files_are_bounded(tmp_path):
    (tmp_path / "large.toml").write_text("#" * (LIMIT // 2 + 1))
    (tmp_path / "net.toml").write_text(f'{HERE}include = ["large.toml", "large.toml"]\nlayers = ["relu"]')
    survives(tmp_path / "net.toml")
    assert [problem.code for problem in read(tmp_path / "net.toml").problems] == ["too-large"]


def test_each_stated_limit_is_one_that_a_message_gives():
    """A limit that people meet is in the message, and so is what it limits."""
    for name in ("constants", "copies", "copies_that_compute", "growth_of_names"):
        problems = assemble(read_text(WORST[name]())).problems
        (large,) = (problem for problem in problems if problem.code == "too-large")
        assert re.fullmatch(r"there are too many .*: [\d,]+ are the limit", large.message)
