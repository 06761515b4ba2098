"""Hover, code actions, completion, definition and rename, as an editor asks for them."""

import re

import pytest
from helpers.editor import Editor, RefusedError

import cnnshape
from cnnshape.layers import TYPES

TEXT = """input = [3, 32, 32]
constants = { n = 8 }
layers = [
  { name = "conv", type = "conv", out_channels = "n", kernel_size = 3, expect = [8, 30, 31] },
  { name = "u", block = "b", width = 4, repeat = 2 },
  { name = "late", type = "add", from = ["u.1.x", "u"] },
  "flatten",
  { name = "fc", type = "linear", in_features = 7000, out_features = 10 },
]
outputs = ["fc", "late"]
[blocks.b]
arguments = ["width"]
defaults = { bias = true }
layers = [{ name = "x", type = "conv", out_channels = "2 * width", kernel_size = 1, bias = "bias" }]
[claims]
parameters = 5
"""
URI = "untitled:x"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with Editor(tmp_path_factory.mktemp("shared")) as editor:
        yield editor


@pytest.fixture
def opened(shared):
    """An editor with the text in it."""
    shared.open(URI, TEXT)
    yield shared
    shared.close(URI)


def at(line, words, text=TEXT):
    """The position within words of a line."""
    return line, text.split("\n")[line].index(words) + 1


def applied(text, edits, uri=URI):
    """A text with the edits of an answer made."""
    lines = text.split("\n")

    def offset(position):
        return sum(len(line) + 1 for line in lines[: position["line"]]) + position["character"]

    for edit in sorted(edits["changes"][uri], key=lambda edit: -offset(edit["range"]["start"])):
        start, end = offset(edit["range"]["start"]), offset(edit["range"]["end"])
        text = text[:start] + edit["newText"] + text[end:]
    return text


# Hover


def hover(editor, line, words, text=TEXT):
    found = editor.on("hover", URI, *at(line, words, text))
    return found and found["contents"]["value"].removeprefix("```text\n").removesuffix("\n```")


@pytest.mark.parametrize("words", ['"conv", type', 'type = "conv"', '"conv", out'])
def test_a_layer_says_where_its_numbers_come_from(opened, words):
    said = hover(opened, 3, words) or ""
    if words.startswith("type"):  # the key itself
        assert said.startswith("conv: conv, 3x32x32 -> 8x30x30")
    assert "(32 - 3 + 2*0)/1 + 1 = 30" in said
    assert "receptive field  3, stride 1, from 0" in said


def test_of_a_layer_in_a_block_the_first_copy_is_explained_and_all_are_named(opened):
    said = hover(opened, 13, '"x"')
    assert said.startswith("u.0.x: conv, 8x30x30 -> 8x30x30")
    assert said.endswith("2 in all: u.0.x, u.1.x")


@pytest.mark.parametrize(
    ("line", "words", "said"),
    [
        (3, "kernel_size", "kernel_size of conv: a whole number from 1 up"),
        (7, "in_features", "in_features of linear: "),
        (3, "expect", "expect: the shape that must come out"),
        (3, "30, 31", "found: 8x30x30"),
        (4, "width", "width: an argument of block b"),
        (4, "repeat", "repeat: how many copies"),
        (9, "outputs", "the layers whose results the net gives"),
        (11, "arguments", "what must be given"),
        (15, "parameters", "found: 70378"),
        (15, "5", "found: 70378"),
    ],
)
def test_keys_and_figures(opened, line, words, said):
    wanted = said if said != "found: 70378" else f"found: {cnnshape.examine(TEXT).report.parameters:,}"
    assert hover(opened, line, words).startswith(wanted)


def test_an_input_has_the_exact_set(shared):
    text = 'input = [3, 32, 32]\nlayers = [{ type = "conv", out_channels = 4, kernel_size = 8, stride = 4 }]\n'
    shared.open(URI, text)
    assert "every size from 8" in hover(shared, 0, "32", text)
    shared.close(URI)


def test_where_nothing_is_known_a_type_has_its_summary(shared):
    text = '[blocks.b]\nlayers = [{ type = "relu" }, "tanh"]\n'
    shared.open(URI, text)
    assert hover(shared, 1, '"relu"', text) == TYPES["relu"].summary()
    assert hover(shared, 1, '"tanh"', text) == TYPES["tanh"].summary()
    assert shared.on("hover", URI, 2, 0) is None
    shared.close(URI)


DIFFERENT = """inputs = { left = [1, 8, 8], right = [3, 30, 30] }
layers = [
  { name = "l", type = "conv", out_channels = 2, kernel_size = 9, from = "left" },
  { name = "r", type = "conv", out_channels = 2, kernel_size = 3, from = "right" },
]
outputs = ["l", "r"]
"""


def test_of_inputs_that_differ_there_is_no_one_set(shared):
    shared.open(URI, DIFFERENT)
    assert "the inputs left, right have different sides" in hover(shared, 0, "8, 8", DIFFERENT)
    assert not [title for title in actions(shared, 0, "8, 8", DIFFERENT) if "nearest" in title]
    assert "receptive field" not in hover(shared, 2, '"l"', DIFFERENT)
    shared.close(URI)


def test_a_layer_that_is_left_out_says_why(shared):
    text = 'input = [3, 8, 8]\nconstants = { deep = 0 }\nlayers = [\n  { name = "a", type = "relu" },\n  { name = "b", type = "conv", out_channels = 4, kernel_size = 3, when = "deep > 1" },\n  { type = "tanh", when = false },\n]\n'
    shared.open(URI, text)
    words = hover(shared, 4, '"conv"', text).split("\n")
    assert words[0] == 'b is left out by when = "deep > 1", where deep = 0'
    assert words[2:4] == ["it would be", "b: conv, 3x8x8 -> 4x6x6"]
    assert hover(shared, 5, '"tanh"', text) == TYPES["tanh"].summary()
    shared.close(URI)


# Code actions


def actions(editor, line, words, text=TEXT, uri=URI):
    row, column = at(line, words, text)
    position = {"line": row, "character": column}
    around = {"start": position, "end": position}
    found = editor.ask("textDocument/codeAction", textDocument={"uri": uri}, range=around, context={"diagnostics": []})
    return {action["title"]: action for action in found}


def test_the_fixes_of_a_problem_mend_it(opened):
    problem = next(one for one in cnnshape.examine(TEXT).problems if one.code == "declared-differs")
    found = actions(opened, 7, "7000")
    fixes = [title for title, action in found.items() if action["kind"] == "quickfix"]
    assert fixes == [fix.summary for fix in problem.fixes]
    for fix in problem.fixes:
        text = applied(TEXT, found[fix.summary]["edit"])
        assert text == fix.apply(TEXT)
    assert [one["code"] for one in found[fixes[0]]["diagnostics"]] == ["declared-differs"]


def test_an_expectation_is_written_or_corrected(opened):
    found = actions(opened, 3, '"conv", type')
    text = applied(TEXT, found["expect = [8, 30, 30]"]["edit"])
    assert text == TEXT.replace("30, 31]", "30, 30]")
    found = actions(opened, 4, '"u"')
    text = applied(TEXT, found["expect = [8, 30, 30]"]["edit"])
    assert len(cnnshape.examine(text).problems) == len(cnnshape.examine(TEXT).problems)
    opened.change(URI, text)
    assert "expect = [8, 30, 30]" not in actions(opened, 4, '"u"', text)
    found = actions(opened, 6, "flatten", text)
    assert '{ type = "flatten", expect = [7200] }' in applied(text, found["expect = [7200]"]["edit"])


def test_the_nearest_valid_inputs_are_valid(shared):
    text = """input = [3, 30, 30]
layers = [
  { name = "down", type = "space_to_depth", block_size = 4 },
]
"""
    shared.open(URI, text)
    found = {title: action for title, action in actions(shared, 0, "30", text).items() if "nearest" in title}
    assert [*found] == ["the nearest valid input below: 3x28x28", "the nearest valid input above: 3x32x32"]
    for action in found.values():
        assert cnnshape.examine(applied(text, action["edit"])).report.ok
    shared.close(URI)


def test_where_no_smaller_input_is_valid_there_is_a_larger_one(shared):
    text = (
        'layout = "channels_last"\ninput = [5, 5, 1]\nlayers = [{ type = "conv", out_channels = 2, kernel_size = 9 }]\n'
    )
    shared.open(URI, text)
    found = [title for title in actions(shared, 1, "5, 5", text) if "nearest" in title]
    assert found == ["the nearest valid input above: 9x9x1"]
    shared.close(URI)


def test_a_word_that_was_meant_is_put_into_an_included_file(editor, tmp_path):
    block, net = tmp_path / "b.toml", tmp_path / "net.toml"
    broken = '[blocks.b]\nlayers = [{ type = "cnov", out_channels = 8, kernel_size = 3 }]\n'
    editor.open(block.as_uri(), broken)
    editor.open(net.as_uri(), 'include = "b.toml"\ninput = [3, 8, 8]\nlayers = [{ block = "b" }]\n')
    found = actions(editor, 1, "cnov", broken, block.as_uri())
    assert applied(broken, found["write conv"]["edit"], block.as_uri()) == broken.replace("cnov", "conv")


def test_edits_have_versions_where_the_client_takes_them(tmp_path):
    with Editor(tmp_path, capabilities={"workspace": {"workspaceEdit": {"documentChanges": True}}}) as editor:
        version = editor.open(URI, TEXT)
        (edit,) = actions(editor, 3, '"conv", type')["expect = [8, 30, 30]"]["edit"]["documentChanges"]
        assert edit["textDocument"] == {"uri": URI, "version": version}


# Completion


def complete(editor, text):
    """What is offered at the bar in a text, each with the text that it makes."""
    before, _, behind = text.partition("|")
    editor.open(URI, before + behind)
    line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    found = editor.on("completion", URI, line, column)
    editor.close(URI)
    return {item["label"]: applied(before + behind, {"changes": {URI: [item["textEdit"]]}}) for item in found}


HEAD = 'input = [3, 32, 32]\nconstants = { n = 8 }\nlayers = [\n  { name = "first", type = "conv", out_channels = 4, kernel_size = 3 },\n'
TAIL = '\n]\n[blocks.b]\narguments = ["width"]\ndefaults = { deep = 2 }\nlayers = ["relu"]\n'


@pytest.mark.parametrize(
    ("text", "offered", "not_offered"),
    [
        ('  { type = "co|" },', {"conv", "relu"}, {"co"}),
        ('  { type = "|', {"conv", "relu"}, set()),
        ("  { type = |", {"conv"}, set()),
        ('  { name = "x", type = "conv", |', {"out_channels", "kernel_size", "from", "expect"}, {"name", "type", "block", "num_groups"}),
        ('  { name = "x", type = "conv", ker|', {"kernel_size"}, set()),
        ('  { name = "x", block = "b", |', {"width", "deep", "from"}, {"type", "kernel_size"}),
        ('  { name = "x", block = "|" }', {"b"}, {"conv"}),
        ('  { name = "x", type = "add", from = ["first", "|"] }', {"first", "input"}, {"x", "later"}),
        ('  { name = "x", type = "relu", from = "|" },\n { name = "later", type = "relu" }', {"first", "input"}, {"later"}),
        ('  { name = "x", type = "upsample", like = "|" }', {"first", "input"}, {"x"}),
        ('  { name = "x", type = "upsample", mode = "|" }', {"nearest", "bilinear"}, set()),
        ('  { name = "x", type = "conv", out_channels = "|" }', {"n", "in_channels"}, {"i"}),
        ('  { name = "x", type = "conv", repeat = 2, out_channels = "|" }', {"i"}, set()),
        ('  { name = "x", type = "conv", bias = | }', {"true", "false"}, set()),
        ('  "re|"', {"relu", "flatten"}, {"conv"}),
        ('  { name = "x", type = "relu", allow = ["|"] }', {"unused-result"}, {"unknown-type"}),
    ],
)  # fmt: skip
def test_what_may_stand_in_a_layer(shared, text, offered, not_offered):
    found = complete(shared, HEAD + text + TAIL)
    assert offered <= {*found}
    assert not not_offered & {*found}


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("|", {"input", "layers", "claims"}),
        ('layout = "|"', {"channels_last"}),
        ('include = "|"\nlayers = []', {"zoo:blocks/resnet"}),
        ("layers = []\n[claims]\n|", {"parameters", "macs"}),
        ("layers = []\n[layer_defaults.conv]\n|", {"bias", "padding"}),
        ("layers = []\n[layer_defaults]\n|", {"conv"}),
        ('layers = []\n[layer_defaults.conv]\npadding = "|"', {"same"}),
        ("layers = []\n[blocks.b]\n|", {"arguments", "gives"}),
        ('[blocks.b]\narguments = ["w"]\nlayers = [{ type = "conv", out_channels = "|" }]', {"w", "in_channels"}),
        ('[blocks.b]\nlayers = [{ name = "one", type = "relu" }]\ngives = ["|"]', {"one"}),
        ('[[layers]]\nname = "one"\ntype = "relu"\n[[layers]]\n|', {"name", "type", "from"}),
        ('[[layers]]\nname = "one"\ntype = "relu"\n[[layers]]\nfrom = "|"', {"one", "input"}),
        ('layers = [{ name = "one", type = "relu" }]\noutputs = ["|"]', {"one"}),
        ('layers = []\nallow = ["|"]', {"unused-result"}),
        ("layers = []\n[training]\n|", {"batch_size"}),
        ("# a new file\n|", {"input", "layers", "claims"}),
        ("in|", {"input", "include"}),
        ("input = [3, 8, 8]\n|", {"layers", "outputs"}),
        ('[training]\noptimizer = "|"', {"adam", "sgd"}),
        ('[training]\noptimizer = { name = "|', {"adam", "sgd"}),
        ("layer_defaults.|", {"conv", "relu"}),
        ("layer_defaults.conv = { |", {"bias", "padding"}),
        ("layers = []\n[|", {"claims", "blocks", "training"}),
        ("[cl|]", {"claims"}),
        ("[layer_defaults.co|", {"conv"}),
        ("[[|]]", {"layers"}),
    ],
)
def test_what_may_stand_elsewhere(shared, text, offered):
    assert offered <= {*complete(shared, text)}


@pytest.mark.parametrize(
    ("text", "label", "made"),
    [
        ('layers = [{ type = "co|" }]', "conv", 'layers = [{ type = "conv" }]'),
        ("layers = [{ type = | }]", "conv", 'layers = [{ type = "conv" }]'),
        ("layers = [{ type = co| }]", "conv", 'layers = [{ type = "conv" }]'),
        ('layers = [{ type = "conv", ker| }]', "kernel_size", 'layers = [{ type = "conv", kernel_size =  }]'),
        ('layers = [{ type = "conv", bias = f| }]', "false", 'layers = [{ type = "conv", bias = false }]'),
        ("in|", "input", "input = "),
        ("layers = []\n[cl|", "claims", "layers = []\n[claims]"),
        ("layers = []\n[cl|]\n", "claims", "layers = []\n[claims]\n"),
        ("[[lay|]", "layers", "[[layers]]"),
        ("[|]", "blocks", "[blocks.]"),
        ("[ layer_defaults.co|]", "conv", "[ layer_defaults.conv]"),
    ],
)
def test_what_is_taken_stands_in_its_place(shared, text, label, made):
    assert complete(shared, text)[label] == made


@pytest.mark.parametrize(
    "text",
    [
        "layers = [] # |",
        'layers = ["relu"|]',
        "[tool.x]\n|",
        "[project]\nname = 3\n|",
        "[claims]|",
        "a = 3\nlay|",
        "layers = []\n[blocks.|]",
    ],
)
def test_where_nothing_is_offered(shared, text):
    assert complete(shared, text) == {}


def test_blocks_of_included_files_are_offered(shared):
    text = 'include = "zoo:blocks/resnet"\ninput = [3, 32, 32]\nlayers = [{}]\n'
    shared.open(URI, text.format('{ block = "basic", width = 8 }'))
    assert shared.hints(URI)
    broken = text.format('{ block = "')
    shared.change(URI, broken)
    found = shared.on("completion", URI, 2, len('layers = [{ block = "'))
    assert {"bottleneck", "basic"} & {item["label"] for item in found}
    shared.close(URI)


# Definition and rename


@pytest.mark.parametrize(
    ("line", "words", "target", "count"),
    [
        (4, '"b"', (10, 8), 2),
        (5, '"u.1.x"', (4, 12), 3),
        (5, '"u"', (4, 12), 3),
        (5, "x", (13, 20), 2),
        (13, "width", (11, 14), 3),
        (4, "width", (11, 14), 3),
        (13, 'bias"', (12, 13), 2),
        (3, '"n"', (1, 14), 2),
        (9, '"fc"', (7, 12), 2),
        (7, '"fc"', (7, 12), 2),
        (10, "b]", (10, 8), 2),
    ],
)
def test_a_name_leads_to_its_definition_and_is_renamed_everywhere(opened, line, words, target, count):
    row, column = at(line, words)
    column -= not words.startswith('"')
    found = opened.on("definition", URI, row, column)
    assert tuple(found["range"]["start"].values()) == target
    name = opened.on("prepareRename", URI, row, column)
    edits = opened.on("rename", URI, row, column, newName="q9")
    assert len(edits["changes"][URI]) == count
    text = applied(TEXT, edits)
    old, new = cnnshape.examine(TEXT), cnnshape.examine(text)
    assert [(row.type, row.output) for row in new.report.layers] == [
        (row.type, row.output) for row in old.report.layers
    ]
    assert [one.code for one in new.problems] == [one.code for one in old.problems]
    assert re.sub(r"\bq9\b", name["placeholder"], text) == TEXT


@pytest.mark.parametrize(
    ("line", "words", "new", "why"),
    [
        (3, '"conv", type', "x y", "is no name"),
        (3, '"conv", type', "late", "late is the name of another layer"),
        (3, '"conv", type', "input", "input"),
        (4, '"b"', "", "is no name"),
        (13, "width", "in_channels", "in_channels"),
        (13, "width", "n", "n is the name of another constant"),
        (13, "width", "bias", "bias is the name of another argument"),
        (3, '"n"', "width", "width is the name of another argument"),
        (0, "input", "x", "there is no name here"),
        (3, "kernel_size", "x", "there is no name here"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_the_reason(opened, line, words, new, why):
    with pytest.raises(RefusedError, match=re.escape(why)):
        opened.on("rename", URI, *at(line, words), newName=new)


def test_a_rename_that_would_change_the_net_is_refused(shared):
    text = """input = [3, 8, 8]
constants = { n = 0 }
layers = [{ name = "c0", type = "relu" }, { type = "add", from = ["c{n}", "input"] }]
"""
    shared.open(URI, text)
    with pytest.raises(RefusedError, match="would be another net with e0 for c0"):
        shared.on("rename", URI, *at(2, '"c0"', text), newName="e0")
    shared.close(URI)


def test_through_included_files(editor, tmp_path):
    block, net = tmp_path / "b.toml", tmp_path / "net.toml"
    inside = '[blocks.b]\narguments = ["w"]\n[[blocks.b.layers]]\nname = "c"\ntype = "conv"\nout_channels = "w"\nkernel_size = 1\n'
    outside = 'include = "b.toml"\ninput = [3, 8, 8]\nlayers = [{ name = "u", block = "b", w = 4 }, { type = "add", from = ["u.c", "u"] }]\n'
    block.write_text(inside)
    editor.open(net.as_uri(), outside)
    found = editor.on("definition", net.as_uri(), *at(2, '"b"', outside))
    assert (found["uri"], found["range"]["start"]) == (block.as_uri(), {"line": 0, "character": 8})
    editor.open(block.as_uri(), inside)
    said = editor.on("hover", block.as_uri(), *at(3, '"c"', inside))["contents"]["value"]
    assert "u.c: conv, 3x8x8 -> 4x8x8" in said, "the net that includes it knows more"
    for line, words, uri, text in (
        (2, '"b"', net, outside),
        (0, "b", block, inside),
        (1, '"w"', block, inside),
        (3, '"c"', block, inside),
    ):
        row, column = at(line, words, text)
        edits = editor.on(
            "rename", uri.as_uri(), row, column + (words == "b") * 6 if words == "b" else column, newName="q"
        )
        changed = {
            file: applied(was, edits, file.as_uri())
            for file, was in ((net, outside), (block, inside))
            if file.as_uri() in edits["changes"]
        }
        assert len(changed) == 2, words
        report = cnnshape.examine(changed[net], net, {block: changed[block]}).report
        assert report.ok
        assert report.output == (4, 8, 8)


def test_the_zoo_is_not_renamed(editor, tmp_path):
    net = tmp_path / "net.toml"
    text = 'include = "zoo:blocks/resnet"\ninput = [3, 32, 32]\nlayers = [{ block = "basic", width = 8 }]\n'
    editor.open(net.as_uri(), text)
    with pytest.raises(RefusedError, match="belongs to the zoo"):
        editor.on("rename", net.as_uri(), *at(2, '"basic"', text), newName="q")
