"""The checks of a net: the problems that they find, where these stand, and how grave they are."""

import pytest
from helpers.nets import net
from helpers.texts import HERE

import cnnshape
from cnnshape.network import check
from cnnshape.problems.catalogue import CODES
from cnnshape.problems.claims import NoSizes


def test_problems_say_where_and_what():
    (problem,) = (
        cnnshape.loads(
            HERE
            + 'layers = [{ block = "b" }]\n[blocks.b]\nlayers = [{ name = "c", type = "conv", out_channels = 8, kernel_size = 40 }]'
        )
        .check()
        .problems
    )
    assert (problem.code, problem.severity, problem.layer) == ("window-too-large", "error", "b1.c")
    assert (problem.file, problem.line, problem.column) == ("<string>", 4, 72)
    assert [str(place) for place in problem.used_at] == ["<string>:2:11"]
    assert problem.facts == {"side": 32, "extent": 40, "padding": 0}
    assert (problem.cause.layer, problem.cause.code) == (problem.layer, "shrunk")
    assert repr(problem).startswith("<string>:4:72: error[window-too-large]: a window of 40 does not fit a side of 32")
    assert CODES["window-too-large"] is type(problem)


def test_strict_makes_warnings_errors_and_dropped_rows_a_warning():
    loaded = cnnshape.loads("""
input = [3, 224, 224]
layers = [
  { name = "conv", type = "conv", out_channels = 8, kernel_size = 11, stride = 4 },
  { name = "pool", type = "max_pool", kernel_size = 3, stride = 2, allow = "dropped-rows" },
  { type = "linear", out_features = 10 },
]""")
    assert [(p.code, p.severity) for p in loaded.check().problems] == [("linear-on-space", "warning")]
    assert loaded.check().ok
    strict = loaded.check(strict=True)
    assert [(p.code, p.severity, p.layer) for p in strict.problems] == [
        ("dropped-rows", "error", "conv"),
        ("linear-on-space", "error", "linear1"),
    ]
    assert strict.problems[0].facts == {"dropped": (1, 1)}
    assert not strict.ok
    assert [p.severity for p in loaded.check().problems] == ["warning"]  # strictness leaves no trace


def test_padding_that_is_left_over_is_no_dropped_row():
    resnet = 'input = [3, 224, 224]\nlayers = [{ type = "conv", out_channels = 8, kernel_size = 7, stride = 2, padding = 3 }]'
    assert cnnshape.loads(resnet).check(strict=True).problems == ()


def test_batch_size_one_makes_one_value_an_error():
    text = HERE + 'layers = ["global_avg_pool", "batch_norm"]\n'
    for training, severity in (("", "warning"), ("[training]\nbatch_size = 1", "error")):
        (problem,) = cnnshape.loads(text + training).check().problems
        assert (problem.code, problem.severity) == ("one-value-batch-norm", severity)


def test_a_larger_batch_has_more_than_one_value(torch):
    text = HERE + 'layers = ["global_avg_pool", "batch_norm"]\n'
    for batch in (2, 32):
        torch.nn.BatchNorm2d(3)(torch.rand(batch, 3, 1, 1))  # in training: torch takes it
        assert cnnshape.loads(f"{text}[training]\nbatch_size = {batch}").check(strict=True).problems == ()
    assert [p.code for p in net(f'{text}[training]\nbatch_size = "32"').check().problems] == [
        "wrong-kind",
        "one-value-batch-norm",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "input = [1, 3, 9, 9]",
            "input 1 x 3 x 9 x 9 is read as 1 channel, 3 deep, 9 high, 9 wide; write 3 x 9 x 9, without the batch",
        ),
        (
            "input = [9, 9, 3]",
            'input 9 x 9 x 3 is read as 9 channels, 9 high, 3 wide; write 3 x 9 x 9, or layout = "channels_last"',
        ),
        (
            'layout = "channels_last"\ninput = [3, 9, 9]',
            'input 3 x 9 x 9 is read as 9 channels, 3 high, 9 wide; write 9 x 9 x 3, or layout = "channels_first"',
        ),
    ],
)
def test_an_input_with_the_look_of_another_order(text, message):
    (problem,) = net(f'{text}\nlayers = ["relu"]').check().problems
    assert (problem.code, problem.severity, problem.message) == ("another-order", "warning", message)
    assert net(f'allow = "another-order"\n{text}\nlayers = ["relu"]').check().problems == ()


def test_another_order_of_several_inputs_and_of_a_given_one():
    text = 'inputs = { good = [3, 9, 9], bad = [9, 9, 3] }\nlayers = [{ type = "relu", from = "bad" }]'
    (problem,) = net(text).check().problems
    assert (problem.facts["name"], problem.place.start) == ("bad", (1, text.index("[9") + 1))
    assert [p.code for p in net('input = [3, 9, 9]\nlayers = ["relu"]').check((9, 9, 3)).problems] == ["another-order"]


def test_what_is_unknown_meets_no_expectation_and_no_claim():
    report = net(
        HERE
        + """
layers = [{ type = "max_pool", kernel_size = 40, expect = [3, 1, 1] }, { type = "relu", expect = [9] }]
[claims]
macs = 9
output = [9]
"""
    ).check()
    assert [p.code for p in report.problems] == ["window-too-large", "claim-differs"]  # no layer multiplies: macs are 0


def test_problems_of_copies_are_one():
    text = """
input = [3, 32, 32]
layers = [{ name = "x", block = "b", repeat = 5 }, { name = "y", block = "b" }]
[blocks.b]
layers = [{ type = "linear", out_features = 32 }]
"""
    report = net(text).check()
    assert [(p.code, p.layer, p.used_at[0].start) for p in report.problems] == [
        ("linear-on-space", "x.0.linear1", (3, 11)),
        ("linear-on-space", "y.linear1", (3, 52)),
    ]


@pytest.mark.parametrize(
    "text", ["", "input = [3]", "layers = []", 'layers = ["relu"]', "[blocks]", "input = 3\nlayers = 3", "]["]
)
def test_a_net_of_nothing_can_be_checked(text):
    built = net(text)
    report = built.check()
    assert [repr(problem) for problem in report.problems]
    assert not report.ok
    assert report.output is None or report.output == (3,)


@pytest.mark.parametrize(
    ("shape", "hint"), [((3, 32), ""), ((3,), ""), ((1, 3, 32, 32), "; a shape is written without the batch")]
)
def test_a_net_is_built_for_so_many_axes(shape, hint):
    loaded = cnnshape.loads(
        'layout = "channels_last"\ninput = [32, 32, 3]\nlayers = [{ type = "conv", out_channels = 8, kernel_size = 3 }]'
    )
    report = loaded.check(shape)
    (problem,) = report.problems
    assert (problem.code, problem.line, problem.column) == ("input-axes-differ", 2, 9)
    assert problem.message.endswith(f" has another number of axes{hint}")
    assert (report.output, report.layers[0].output) == (None, None)


def test_an_input_of_a_table_may_be_called_input():
    (problem,) = net('inputs = { input = [9, 9, 3] }\nlayers = ["relu"]').check().problems
    assert (problem.code, problem.line, problem.column) == ("another-order", 1, 20)


def test_only_what_an_input_with_other_axes_enters_is_not_known():
    report = cnnshape.loads("""
inputs = { image = [3, 32, 32], other = [4] }
layers = [
  { name = "conv", type = "conv", out_channels = 8, kernel_size = 3, from = "image" },
  { name = "linear", type = "linear", out_features = 2, from = "other" },
]
outputs = ["conv", "linear"]
""").check({"image": (3, 32)})
    assert [(problem.code, problem.line) for problem in report.problems] == [("input-axes-differ", 2)]
    assert report.outputs == {"conv": None, "linear": (2,)}


@pytest.mark.parametrize(
    ("checks", "shape", "times"), [("CHECKS", None, 1), ("CHECKS", (3, 9, 9), 1), ("DECLARED_CHECKS", (3, 9, 9), 0)]
)
def test_a_check_that_is_added_is_run(checks, shape, times, monkeypatch):
    def wide(context):
        """Find layers that give more than 100 channels."""
        yield from (NoSizes(row.node.place, row.name, why="") for row in context.report.layers if row.output[0] > 100)

    monkeypatch.setattr(check, checks, (*getattr(check, checks), wide))
    built = net(HERE + 'layers = [{ name = "c", type = "conv", out_channels = 128, kernel_size = 3 }]')
    assert [(p.code, p.layer) for p in built.check(shape).problems] == [("no-closed-form", "c")] * times


def test_checks_of_the_declared_input_are_of_no_other():
    built = net(HERE + 'layers = [{ type = "relu", expect = [9] }]\n[claims]\nparameters = 9')
    assert [problem.code for problem in built.check().problems] == ["expect-differs", "claim-differs"]
    assert built.check((3, 9, 9)).problems == ()


@pytest.mark.parametrize("top", ["input = [227, 227, 3]", 'input = [3, 8, 8]\nlayout = "channels_last"'])
def test_an_input_of_no_layers_is_in_no_order(top):
    """There is no layer, whose place would tell the file that the warning stands in."""
    assert cnnshape.loads(f"{top}\nlayers = []").check().problems == ()
