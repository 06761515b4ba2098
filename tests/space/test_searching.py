"""A search gives what a loop over totals gives, in order, whoever does the work."""

import re
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import product
from multiprocessing import get_context
from multiprocessing.pool import ThreadPool

import pytest
from helpers.dask import on_dask
from helpers.paths import ROOT
from helpers.varied import found

import cnnshape
from cnnshape.space import searching

PAGE = ROOT / "docs" / "search.md"
TEXT = """
constants = { width = 16, depth = 2 }
input = [3, 32, 32]
layers = [
  { name = "stem", type = "conv", out_channels = "width", kernel_size = 3, stride = 2 },
  { name = "body", block = "unit", repeat = "depth" },
  { name = "head", type = "conv", out_channels = 5, kernel_size = 1 },
]
[blocks.unit]
words = { act = "relu" }
layers = [{ type = "conv", out_channels = "2 * in_channels", kernel_size = 3 }, { type = "{act}" }]
"""
SPACE = {"width": [8, 16, 24], "depth": range(1, 8), "input": [16, 32, (3, 20, 24)], "body.act": ["relu", "prelu"]}
WHERE = "macs < 2e6 and 2 <= output.height <= 9 and (width != 16 or depth > 1)"


def looped(net, space, keep):
    """The candidates by hand: a net is built and checked for each."""
    for combination in product(*space.values()):
        values = dict(zip(space, combination, strict=True))
        constants = {**values}
        given = constants.pop("input", None)
        one = net.with_constants(constants)
        shape = (3, given, given) if isinstance(given, int) else given
        report = one.check(input=shape or dict(one.inputs))
        if report.ok and keep(values, report):
            yield values, (report.inputs, report.outputs, report.parameters, report.macs)


def kept(values, report):
    one = report.macs < 2_000_000 and 2 <= report.output[1] <= 9
    return one and (values["width"] != 16 or values["depth"] > 1)


def plain(candidates):
    return [(values, tuple(totals)[:4]) for values, totals in candidates]


@pytest.fixture(scope="module")
def net():
    return cnnshape.loads(TEXT)


@pytest.fixture(scope="module")
def expected(net):
    return [*looped(net, SPACE, kept)]


def test_it_is_a_loop_over_nets_that_are_built(net, expected):
    assert 5 < len(expected) < 100
    assert plain(cnnshape.search(net, SPACE, WHERE)) == expected
    assert plain(cnnshape.search(net, SPACE)) == [*looped(net, SPACE, lambda *_: True)]
    assert plain(cnnshape.search(net, {"width": [4]}))[0][0] == {"width": 4}


def processes(number):
    return ProcessPoolExecutor(number, mp_context=get_context("spawn"))


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, processes])
def test_any_executor_gives_the_same(net, expected, pool, monkeypatch):
    monkeypatch.setattr(searching, "AHEAD", 3)
    with pool(2) as executor:
        assert plain(cnnshape.search(net, SPACE, WHERE, executor)) == expected
        assert plain(cnnshape.search(net, SPACE, WHERE, executor)) == expected
        rest = cnnshape.search(net, SPACE, WHERE, executor)
        assert next(rest)[0] == expected[0][0]
        rest.close()  # what waits is not waited for


def test_the_executor_of_the_page_gives_the_same(net, expected):
    (block,) = re.findall(
        r"```python\n(.*?class OfPool.*?)```", PAGE.read_text(encoding="utf-8").rpartition("[Ray]")[2], re.DOTALL
    )
    names = {}
    exec(block, names)
    with ThreadPool(2) as pool:  # whose methods are those of ray's
        assert plain(cnnshape.search(net, SPACE, WHERE, names["OfPool"](pool))) == expected
        with pytest.raises(ValueError, match="divides by zero"):
            [*cnnshape.search(net, SPACE, "width // 0", names["OfPool"](pool))]


def test_dask_gives_the_same(expected, tmp_path):
    (tmp_path / "net.toml").write_text(TEXT)
    code = f"""
        net = cnnshape.load({str(tmp_path / "net.toml")!r})
        with client.get_executor() as executor:
            for values, totals in cnnshape.search(net, {SPACE!r}, {WHERE!r}, executor):
                print((values, tuple(totals)[:4]))
    """
    printed = on_dask(code)
    assert [eval(line) for line in printed] == expected


def test_a_condition_may_be_a_function_of_the_totals(net, expected):
    low = cnnshape.search(net, SPACE, lambda totals: totals.macs < 2_000_000 and totals.output[1] == 3)
    assert {totals.output for _, totals in low} == {(5, 3, 3), (5, 3, 5)}
    some = [*cnnshape.search(net, SPACE, lambda totals: totals.parameters % 2)]
    assert some
    assert all(totals.parameters % 2 for _, totals in some)


def test_a_condition_speaks_of_every_figure(net):
    one = {"width": [8], "input": [(3, 20, 24)]}
    for said in ("width == 8", "parameters > 0", "input.height == 20", "input.width - 4 == input.height",
                 "output.channels == 5", "input.channels == 3", "input[1] == 20", "output.width - output.height == 2",
                 "2.5e1 > 20", "1"):  # fmt: skip
        assert len([*cnnshape.search(net, one, said)]) == 1, said
        assert [*cnnshape.search(net, one, f"not ({said})")] == [], said
    signal = cnnshape.loads(
        'input = [2, 40]\nlayers = [{ name = "c", type = "conv", out_channels = 3, kernel_size = 3 }]'
    )
    assert len([*cnnshape.search(signal, {"c.kernel_size": [3, 5]}, "output.length == 36 and output.side == 36")]) == 1


@pytest.mark.parametrize(
    ("space", "where", "kind", "message"),
    [
        ({"widht": [3]}, None, TypeError, "'widht' is no constant; did you mean width?"),
        ({"width": [None]}, None, TypeError, "width is a number"),
        ({"width": []}, None, ValueError, "width has no values"),
        ({"input": [0]}, None, ValueError, "must be a shape of positive numbers"),
        ({"input": [(3, 0)]}, None, ValueError, "must be a shape of positive numbers"),
        ({"width": [3]}, "macs <", ValueError, "should stand here, where the expression ends"),
        (
            {"width": [3]},
            "mac < 3",
            ValueError,
            "mac is not known here; there are input.channels, input.side, macs, output.channels",
        ),
        ({"width": [3]}, "output.sied < 3", ValueError, "did you mean output.side?"),
    ],
)
def test_mistakes_are_told_at_once(net, space, where, kind, message):
    with pytest.raises(kind) as error:
        cnnshape.search(net, space, where)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (
            "input.side > 3",
            "input.side is no single number; there is input.channels = 3, input.height = 20, input.width = 24",
        ),
        ("output.length > 3", "output.length is no single number; there is output.channels = 5, output.height = 7"),
        ("width // 0", "This divides by zero"),
        ("input < 3", "list"),
    ],
)
def test_a_condition_without_a_value_is_an_error(net, where, message):
    with pytest.raises(ValueError, match=r"\w") as error:
        [*cnnshape.search(net, {"width": [8], "input": [(3, 20, 24)], "depth": [1]}, where)]
    assert message in str(error.value)


def test_a_size_that_is_not_known_is_an_error():
    one = cnnshape.loads(
        'constants = { k = 3 }\ninput = [3, 8, 8]\nlayers = [{ type = "reduce", how = "mean", dim = [1, 2, 3] }]'
    )
    assert found(one.totals(k=3))[1] == ()
    with pytest.raises(ValueError, match=r"output.side is no single number; there is none$"):
        [*cnnshape.search(one, {"k": [3]}, "output.side > 1")]


def test_a_net_of_a_model_has_nothing_to_vary(torch):
    model = cnnshape.trace(torch.nn.Conv2d(3, 8, 3), (3, 8, 8))
    with pytest.raises(TypeError, match="is no architecture file, and has no constants to vary"):
        cnnshape.search(model, {"input": [8]})
