"""Skips, branches, sums and concatenations: who reads whose result, and where a model differs in that."""

import json
from itertools import pairwise

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from helpers.comparing import ADDS, DIFFERS, MISSES, compare, found, verdicts
from models.planted import NET, STYLES, parts, put, without
from torch import nn


class Wired(nn.Module):
    """Modules, and a function that says what reads what."""

    def __init__(self, wires, **modules):
        super().__init__()
        self.wires = wires
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x):
        return self.wires(self, x)


PAIR = """
input = [4, 8, 8]
layers = [
  { name = "a", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "b", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "c", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "sum", type = "add", from = ["a", "c"] },
]
"""


class Skips(nn.Module):
    def __init__(self, from_b):
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(4, 4, 1) for _ in range(3))
        self.from_b = from_b

    def forward(self, x):
        a = self.a(x)
        b = self.b(a)
        return self.c(b) + (b if self.from_b else a)


def test_a_shortcut_from_another_layer_is_a_difference():
    assert compare(PAIR, Skips(from_b=False)).ok
    (problem,) = compare(PAIR, Skips(from_b=True)).problems
    assert (problem.code, problem.layer) == (DIFFERS, "sum")
    assert "from a and c in the file, but from b and c" in problem.message


SIAMESE = """
inputs = {{ left = [1, 8, 8], right = [1, 8, 8] }}
layers = [
  {{ name = "l", type = "conv", out_channels = 2, kernel_size = 3, from = "left" }},
  {{ name = "r", {right}, from = "right" }},
  {{ name = "both", type = "concat", from = ["l", "r"] }},
]
"""
SHARES, OWN = 'shares = "l"', 'type = "conv", out_channels = 2, kernel_size = 3'


class Siamese(nn.Module):
    def __init__(self, shared):
        super().__init__()
        self.l = nn.Conv2d(1, 2, 3)
        self.r = self.l if shared else nn.Conv2d(1, 2, 3)

    def forward(self, left, right):
        right = self.r(right)  # the right one first
        return torch.cat([self.l(left), right], 1)


def test_shared_weights_on_both_sides_or_on_one():
    assert compare(SIAMESE.format(right=SHARES), Siamese(shared=True)).ok
    assert compare(SIAMESE.format(right=OWN), Siamese(shared=False)).ok
    (problem,) = compare(SIAMESE.format(right=SHARES), Siamese(shared=False)).problems
    assert (problem.code, problem.layer) == (DIFFERS, "r")
    assert "those of l in the file, but 20 parameters in r" in problem.message
    (problem,) = compare(SIAMESE.format(right=OWN), Siamese(shared=True)).problems
    assert (problem.code, problem.layer) == (DIFFERS, "r")
    assert "20 parameters in the file, but those of l once more" in problem.message


def test_tied_parameters_count_once():
    model = Siamese(shared=False)
    model.r.weight, model.r.bias = model.l.weight, model.l.bias
    assert compare(SIAMESE.format(right=SHARES), model).ok


def test_several_inputs_go_by_name_or_by_place():
    class Turned(Siamese):
        def forward(self, right, left):
            return super().forward(left, right)

    class ByPlace(Siamese):
        def forward(self, x, y):
            return super().forward(x, y)

    text = SIAMESE.format(right=SHARES)
    assert compare(text, Turned(shared=True)).ok
    assert compare(text, ByPlace(shared=True)).ok


FUSION = """
input = [4, 9]
layers = [
  { name = "of3", block = "residuals", kernel = 3, from = "input" },
  { name = "of5", block = "residuals", kernel = 5, from = "input" },
  { name = "of7", block = "residuals", kernel = 7, from = "input" },
  { name = "sum", type = "add", from = ["of3", "of5", "of7"] },
]

[blocks.residuals]
arguments = ["kernel"]
layers = [{ block = "residual", kernel = "kernel", repeat = 2 }]

[blocks.residual]
arguments = ["kernel"]
layers = [
  { name = "conv", type = "conv", out_channels = 4, kernel_size = "kernel", padding = "kernel // 2" },
  { type = "add", from = ["conv", "input"] },
]
"""


class Fusion(nn.Module):
    """Residual branches of several kernels, as a vocoder sums them; `last` is the last residual sum of a branch."""

    def __init__(self, total, last=lambda before, x, y: x + y):
        super().__init__()
        self.branches = nn.ModuleList(
            nn.ModuleList(nn.Conv1d(4, 4, k, padding=k // 2) for _ in range(2)) for k in (3, 5, 7)
        )
        self.total, self.last = total, last

    def branch(self, x, one, two):
        y = x + one(x)
        return self.last(x, y, two(y))

    def forward(self, x):
        return self.total([self.branch(x, *convs) for convs in self.branches])


@pytest.mark.parametrize("total", [sum, lambda y: y[2] + (y[1] + y[0]), lambda y: (y[2] + y[0]) + y[1]])
def test_residual_branches_are_summed_in_any_order(total):
    assert compare(FUSION, Fusion(total)).problems == ()
    assert (DIFFERS, "sum") in found(compare(FUSION, Fusion(total, last=lambda before, x, y: before + y)))


def test_a_term_counts_as_often_as_a_sum_has_it():
    text = """
    input = [4, 8, 8]
    layers = [
      { name = "a", type = "relu" },
      { name = "b", type = "sigmoid", from = "input" },
      { name = "c", type = "tanh", from = "input" },
      { name = "ab", type = "add", from = ["a", "b"] },
      { name = "ac", type = "add", from = ["a", "c"] },
      { name = "sum", type = "add", from = ["ab", "ac"] },
    ]
    """

    def model(total):
        return Wired(lambda _, x: total(F.relu(x), torch.sigmoid(x), torch.tanh(x)))

    assert compare(text, model(lambda a, b, c: (a + b) + (a + c))).problems == ()
    assert compare(text, model(lambda a, b, c: (a + a) + (c + b))).problems == ()
    assert compare(text, model(lambda a, b, c: sum([nn.Identity()(a)] * 2) + b + c)).problems == ()
    for total, theirs in ((lambda a, b, c: (a + b) + (b + c), "sigmoid()"), (lambda a, b, c: (a + b) + c, "tanh()")):
        (problem,) = compare(text, model(total)).problems
        assert (problem.code, problem.layer) == (DIFFERS, "sum")
        assert "from a and a and b and c in the file, but from " in problem.message
        assert theirs in problem.message


def test_a_sum_within_a_sum_is_returned_as_well():
    text = """
    input = [4, 8, 8]
    outputs = ["some", "all"]
    layers = [
      { name = "a", type = "relu" },
      { name = "b", type = "sigmoid", from = "input" },
      { name = "some", type = "add", from = ["a", "a", "b"] },
      { name = "all", type = "add", from = ["some", "b"] },
    ]
    """

    def model(some, rest):
        def wires(_, x):
            terms = {"a": F.relu(x), "b": torch.sigmoid(x)}
            first = sum(terms[name] for name in some)
            return first, sum((terms[name] for name in rest), first)

        return Wired(wires)

    assert compare(text, model("aab", "b")).problems == ()
    assert compare(text, model("aba", "b")).problems == ()
    assert (DIFFERS, "some") in found(compare(text, model("ab", "ab")))
    assert (DIFFERS, "all") in found(compare(text, model("aab", "a")))


BRANCHES = """
input = [2, 4, 4]
outputs = ["twice", "sum"]
layers = [
  { name = "a", type = "conv", out_channels = 2, kernel_size = 1 },
  { name = "b", type = "conv", out_channels = 2, kernel_size = 1, from = "input" },
  { name = "c", type = "conv", out_channels = 2, kernel_size = 1, from = "input" },
  { name = "all", type = "concat", from = ["a", "b", "c"] },
  { name = "twice", type = "add", from = ["all", "all"] },
  { name = "sum", type = "add", from = ["a", "b", "c"] },
]
"""


class Branches(nn.Module):
    def __init__(self, joined, total):
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(2, 2, 1) for _ in range(3))
        self.joined, self.total = joined, total

    def forward(self, x):
        c, b, a = self.c(x), self.b(x), self.a(x)
        joined = self.joined(a, b, c)
        return joined + joined, self.total(a, b, c)


def test_sums_and_concatenations_may_be_nested():
    def flat(a, b, c):
        return torch.cat([a, b, c], 1)

    def nested(a, b, c):
        return torch.cat([torch.cat([a, b], 1), c], 1)

    assert compare(BRANCHES, Branches(flat, lambda a, b, c: a + (b + c))).ok
    assert compare(BRANCHES, Branches(nested, lambda a, b, c: sum([a, b, c]))).ok
    assert found(compare(BRANCHES, Branches(nested, lambda a, b, c: a + (b + b)))) == [(DIFFERS, "sum")]


UNIT = """
input = [4, 8, 8]
layers = [
  { name = "a", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "ra", type = "relu" },
  { name = "b", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "sum", type = "add", from = ["b", "input"] },
  { name = "rb", type = "relu" },
  { name = "c", type = "conv", out_channels = 4, kernel_size = 1 },
]
"""


def unit(wires):
    return Wired(wires, first=nn.Conv2d(4, 4, 1), second=nn.Conv2d(4, 4, 1), last=nn.Conv2d(4, 4, 1))


def residual_unit(m, x):
    return m.last(F.relu(m.second(F.relu(m.first(x))) + x))


def without_its_skip(m, x):
    return m.last(F.relu(m.second(F.relu(m.first(x)))))


def with_one_more_skip(m, x):
    inner = m.first(x)
    return m.last(F.relu(m.second(F.relu(inner)) + inner + x))


def activated_before_the_sum(m, x):
    return m.last(F.relu(m.second(F.relu(m.first(x)))) + x)


def joined_instead_of_added(m, x):
    return m.last(F.relu(torch.cat([m.second(F.relu(m.first(x)))[:, :2], x[:, :2]], 1)))


def with_a_skip_behind_the_sum(m, x):
    return m.last(F.relu(m.second(F.relu(m.first(x))) + x) + x)


def test_skips():
    assert compare(UNIT, unit(residual_unit)).problems == ()
    assert found(compare(UNIT, unit(without_its_skip))) == [(MISSES, "sum")]
    assert found(compare(UNIT, unit(with_a_skip_behind_the_sum))) == [(ADDS, "rb")]
    assert found(compare(UNIT, unit(activated_before_the_sum))) == [(DIFFERS, "rb")]
    (problem,) = compare(UNIT, unit(with_one_more_skip)).problems
    assert problem.layer == "sum"
    assert "from input and b in the file, but from input and first and second in add()" in problem.message
    assert found(compare(UNIT, unit(joined_instead_of_added)))[0] == (DIFFERS, "sum")


DECODER = """
input = [1, 8, 8]
layers = [
  { name = "down", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
  { name = "pool", type = "max_pool", kernel_size = 2 },
  { name = "up", type = "conv_transpose", out_channels = 4, kernel_size = 2, stride = 2 },
  { name = "join", type = "concat", from = ["down", "up"] },
  { name = "head", type = "conv", out_channels = 2, kernel_size = 1 },
]
"""


@pytest.mark.parametrize("turned", [False, True])
def test_the_order_of_a_concatenation(turned):
    def wires(m, x):
        down = m.enc(x)
        parts = [down, m.dec(F.max_pool2d(down, 2))]
        return m.out(torch.cat(parts[::-1] if turned else parts, 1))

    model = Wired(wires, enc=nn.Conv2d(1, 4, 3, 1, 1), dec=nn.ConvTranspose2d(4, 4, 2, 2), out=nn.Conv2d(8, 2, 1))
    comparison = compare(DECODER, model)
    assert found(comparison) == [(DIFFERS, "join")] * turned
    assert not turned or "from down and up in the file, but from dec and enc in cat()" in comparison.problems[0].message


INCEPTION = """
input = [4, 8, 8]
layers = [
  { name = "one", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "less", type = "conv", out_channels = 2, kernel_size = 1, from = "input" },
  { name = "three", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
  { name = "wide", type = "conv", out_channels = 4, kernel_size = 5, padding = 2, from = "input" },
  { name = "join", type = "concat", from = ["one", "three", "wide"] },
  { name = "act", type = "relu" },
  { name = "last", type = "conv", out_channels = 2, kernel_size = 1 },
  { name = "end", type = "relu" },
]
"""


def inception(wires, **more):
    branches = {
        "p": nn.Conv2d(4, 4, 1),
        "q": nn.Conv2d(4, 2, 1),
        "r": nn.Conv2d(2, 4, 3, 1, 1),
        "s": nn.Conv2d(4, 4, 5, 1, 2),
    }
    return Wired(wires, **branches, **more)


@pytest.mark.parametrize("order", ["abc", "bac", "cba", "bca", "abb", "abx", "ab", "ac", "b"])
def test_branches_in_another_order_or_left_out(order):
    def wires(m, x):
        made = {"a": m.p(x), "b": m.r(m.q(x)), "c": m.s(x), "x": x}
        return F.relu(m.t(F.relu(torch.cat([made[branch] for branch in order], 1))))

    comparison = compare(INCEPTION, inception(wires, t=nn.LazyConv2d(2, 1)))
    assert found(comparison) == [(DIFFERS, "join")] * (order != "abc")
    read = " and ".join({"a": "p", "b": "r", "c": "s", "x": "input"}[branch] for branch in dict.fromkeys(order))
    assert all("from one and three and wide in the file, but " in p.message for p in comparison.problems)
    assert all(f"from {read} in cat()" in p.message for p in comparison.problems)


TWICE = """
input = [4, 8, 8]
layers = [
  { name = "three1", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
  { name = "one1", type = "conv", out_channels = 4, kernel_size = 1, from = "input" },
  { name = "join1", type = "JOIN", from = ["three1", "one1"] },
  { name = "three2", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
  { name = "one2", type = "conv", out_channels = 4, kernel_size = 1, from = "join1" },
  { name = "join2", type = "add", from = ["three2", "one2"] },
]
"""


@pytest.mark.parametrize("join", ["add", "concat"])
@pytest.mark.parametrize("turned", [(False, False), (False, True), (True, False), (True, True)])
def test_branches_behind_a_join_in_another_order(join, turned):
    """As in RepVGG, of which some add the 1x1 first: branches of one depth, unit behind unit."""

    def wires(m, x):
        first = [m.p(x), m.q(x)][:: -1 if turned[0] else 1]
        x = sum(first) if join == "add" else torch.cat(first, 1)
        return m.s(x) + m.r(x) if turned[1] else m.r(x) + m.s(x)

    kernels = {"p": 3, "q": 1, "r": 3, "s": 1}
    model = Wired(wires, **{name: nn.LazyConv2d(4, k, padding=k // 2) for name, k in kernels.items()})
    assert found(compare(TWICE.replace("JOIN", join), model)) == [(DIFFERS, "join1")] * (join == "concat" and turned[0])


@pytest.mark.parametrize("between", [nn.Identity(), nn.Dropout(0.0), nn.ReLU(), nn.Dropout(), torch.exp])
def test_only_a_layer_that_changes_nothing_may_stand_within_a_sum(between):
    """As in timm's RepVGG, whose drop path stands between its two sums."""
    text = PAIR.replace('["a", "c"]', '["a", "b", "c"]').replace('"conv", out', '"conv", from = "input", out')

    def wires(m, x):
        return m.p(x) + between(m.q(x) + m.r(x))

    comparison = compare(text, Wired(wires, **{name: nn.Conv2d(4, 4, 1) for name in "pqr"}))
    assert comparison.ok == (isinstance(between, nn.Identity) or getattr(between, "p", None) == 0)


def test_a_branch_too_many_before_the_model_raises():
    def wires(m, x):
        return F.relu(m.t(F.relu(torch.cat([m.p(x), m.r(m.q(x)), m.s(x), F.relu(m.u(x))], 1))))

    comparison = compare(INCEPTION, inception(wires, u=nn.Conv2d(4, 4, 1), t=nn.Conv2d(12, 2, 1)))
    assert found(comparison)[0] == (DIFFERS, "join")
    assert {code for code, _ in found(comparison)[1:]} == {"model-fails", ADDS}
    assert verdicts(comparison)["end"] == "not run"


def test_what_may_be_left_out_takes_nobodys_place():
    def wires(m, x):
        return m.fc(x[:, :2])

    text = 'input = [4]\nlayers = ["flatten", { name = "fc", type = "linear", out_features = 2 }]'
    comparison = compare(text, Wired(wires, fc=nn.Linear(2, 2)))
    assert found(comparison) == [(ADDS, "")]
    assert comparison.problems[0].place.start == (2, 10)  # where the layers are listed
    assert verdicts(comparison) == {"flatten1": "agrees", "fc": "follows"}


def test_of_many_values_that_a_layer_reads_the_first_are_named():
    names = [f"s{i}" for i in range(6)]
    conv = 'type = "conv", out_channels = 1, kernel_size = 1, from = "input"'
    sides = "".join(f'{{ name = "{name}", {conv} }},\n' for name in names)
    text = f'input = [1, 4, 4]\nlayers = [\n{sides}{{ name = "all", type = "concat", from = {json.dumps(names)} }},\n]'

    def wires(m, x):
        return torch.cat([m.get_submodule(name)(x) for name in reversed(names)], 1)

    backwards = Wired(wires, **{name: nn.Conv2d(1, 1, 1) for name in names})
    comparison = compare(text, backwards)
    assert found(comparison) == [(DIFFERS, "all")]
    message = comparison.problems[0].message
    assert message.startswith(
        "from s0 and s1 and s2 and s3 and 2 more in the file, but from s5 and s4 and s3 and s2 and 2 more in"
    )


def test_what_is_returned_instead_of_an_output_is_told_by_its_place():
    text = """
    input = [3, 8, 8]
    outputs = ["a", "b"]
    layers = [
      { name = "a", type = "conv", out_channels = 4, kernel_size = 3 },
      { name = "b", type = "conv", out_channels = 5, kernel_size = 3 },
    ]"""

    def wires(m, x):
        a = m.a(x)
        m.b(a)
        return a, x

    comparison = compare(text, Wired(wires, a=nn.Conv2d(3, 4, 3), b=nn.Conv2d(4, 5, 3)))
    assert found(comparison) == [(DIFFERS, "b")]
    assert comparison.problems[0].message == "outputs a, b in the file, but a, input in what Wired returns"


PYRAMID = """
input = [3, 32, 32]
outputs = ["fine", "middle", "coarse"]
layers = [
  { name = "c1", type = "conv", out_channels = 4, kernel_size = 3, stride = 2, padding = 1 },
  { name = "c2", type = "conv", out_channels = 8, kernel_size = 3, stride = 2, padding = 1 },
  { name = "c3", type = "conv", out_channels = 16, kernel_size = 3, stride = 2, padding = 1 },
  { name = "l3", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "coarse", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
  { name = "l2", type = "conv", out_channels = 4, kernel_size = 1, from = "c2" },
  { name = "u2", type = "upsample", scale_factor = 2, from = "l3" },
  { name = "s2", type = "add", from = ["l2", "u2"] },
  { name = "middle", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
  { name = "l1", type = "conv", out_channels = 4, kernel_size = 1, from = "c1" },
  { name = "u1", type = "upsample", scale_factor = 2, from = "s2" },
  { name = "s1", type = "add", from = ["l1", "u1"] },
  { name = "fine", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
]
"""


@pytest.mark.parametrize("forgets", [None, 1, 0])
def test_a_pyramid_that_forgets_a_level(forgets):
    def wires(m, x):
        features = [x := conv(x) for conv in m.convs]
        sides = [side(f) for side, f in zip(m.sides, features, strict=True)]
        top, out = sides[2], {"p3": m.outs[2](sides[2])}
        for level in (1, 0):
            up = F.interpolate(top, scale_factor=2)
            top = up if level == forgets else sides[level] + up
            out[f"p{level + 1}"] = m.outs[level](top)
        return out

    widths = (3, 4, 8, 16)
    model = Wired(
        wires,
        convs=nn.ModuleList(nn.Conv2d(i, o, 3, 2, 1) for i, o in pairwise(widths)),
        sides=nn.ModuleList(nn.Conv2d(i, 4, 1) for i in widths[1:]),
        outs=nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1) for _ in range(3)),
    )
    comparison = compare(PYRAMID, model)
    assert found(comparison) == ([] if forgets is None else [(MISSES, f"s{forgets + 1}")])


@pytest.mark.parametrize("style", STYLES)
def test_what_is_missing_is_named_though_the_model_raises_for_it(style):
    plant = put(fc1=nn.Linear(2048, 64))
    comparison = compare(NET, STYLES[style](without("pool2")(plant(parts()))))
    assert found(comparison) == [(MISSES, "pool2"), ("model-fails", "fc1")]
    assert verdicts(comparison)["act5"] == "not run"


CROPPED = """
input = [1, 13, 13]
layers = [
  { name = "a", type = "conv", out_channels = 1, kernel_size = 3 },
  { name = "pool", type = "max_pool", kernel_size = 4 },
  { name = "up", type = "upsample", scale_factor = 4 },
  { name = "skip", type = "crop", from = "a", like = "up" },
  { name = "sum", type = "add", from = ["skip", "up"] },
]
"""


@pytest.mark.parametrize("complete", [True, False])
def test_where_a_crop_begins_follows_from_what_enters(complete):
    def wires(m, x):
        a = m.a(x) if complete else x
        up = F.interpolate(F.max_pool2d(a, 4), scale_factor=4)
        begin, side = (a.shape[2] - up.shape[2]) // 2, up.shape[2]
        return a[:, :, begin : begin + side, begin : begin + side] + up

    comparison = compare(CROPPED, Wired(wires, **{"a": nn.Conv2d(1, 1, 3)} if complete else {}))
    assert found(comparison) == [(MISSES, "a")] * (not complete)


UNPOOLED = """
input = [4, 8, 8]
layers = [
  { name = "p", type = "max_pool", kernel_size = 2 },
  { name = "a", type = "relu", from = "input" },
  { name = "q", type = "max_pool", kernel_size = 2 },
  { name = "sum", type = "add", from = ["p", "q"] },
  { name = "up", type = "max_unpool", indices = "q" },
]
"""


@pytest.mark.parametrize("right", [True, False])
def test_the_indices_of_another_pool(right):
    def wires(_, x):
        p, first = F.max_pool2d(x, 2, return_indices=True)
        q, second = F.max_pool2d(F.relu(x), 2, return_indices=True)
        return F.max_unpool2d(p + q, second if right else first, 2, output_size=x.shape[2:])

    assert found(compare(UNPOOLED, Wired(wires))) == [(DIFFERS, "up")] * (not right)


def test_attention_is_more_than_the_file_has_and_takes_nobodys_place():
    def wires(m, x):
        x = m.stem(x).flatten(2).transpose(1, 2)
        q, k, v = m.qkv(x).chunk(3, -1)
        x = x + F.scaled_dot_product_attention(q, k, v)
        return m.head(m.rnn(x)[0].mean(1))

    text = """
    input = [3, 8, 8]
    layers = [
      { name = "stem", type = "conv", out_channels = 8, kernel_size = 3 },
      "global_avg_pool",
      "flatten",
      { name = "head", type = "linear", out_features = 2 },
    ]
    """
    model = Wired(
        wires, stem=nn.Conv2d(3, 8, 3), qkv=nn.Linear(8, 24), rnn=nn.GRU(8, 8, batch_first=True), head=nn.Linear(8, 2)
    )
    comparison = compare(text, model)
    assert {code for code, _ in found(comparison)} == {ADDS, "between-layers"}
    assert [title.partition("(")[0] for title in comparison.extra] == ["qkv", "chunk", "chunk", "chunk", "add", "rnn"]
    assert set(verdicts(comparison).values()) == {"agrees"}


def test_products_of_products_are_one():
    text = """
    input = [4, 8, 8]
    layers = [
      { name = "r", type = "relu" },
      { name = "s", type = "sigmoid", from = "input" },
      { name = "t", type = "tanh", from = "input" },
      { name = "gate", type = "mul", from = ["r", "s", "t"] },
    ]
    """

    def wires(order):
        return lambda _, x: order(F.relu(x), torch.sigmoid(x), torch.tanh(x))

    for order in (lambda r, s, t: (r * s) * t, lambda r, s, t: t * (s * r), lambda r, s, t: r * t * s):
        assert compare(text, Wired(wires(order))).problems == ()
    assert found(compare(text, Wired(wires(lambda r, s, t: r * s * s)))) == [(DIFFERS, "gate")]


TURNED = """
input = [5, 1, 5, 9]
layers = [
  { name = "turned", type = "permute", dims = [-1, 1, 2, 3] },
  { name = "mixed", type = "conv", out_channels = 2, kernel_size = [1, 1, 3] },
]
"""


class Turned(nn.Module):
    """Axes in an order, without the one of 1, which is put in again."""

    def __init__(self, *order):
        super().__init__()
        self.mixed, self.order = nn.Conv3d(9, 2, (1, 1, 3)), order

    def forward(self, x):
        return self.mixed(x.squeeze(2).permute(0, *self.order).unsqueeze(3))


def test_an_order_of_axes_does_not_count_those_of_1():
    assert compare(TURNED, Turned(3, 1, 2)).problems == ()
    (problem,) = compare(TURNED, Turned(3, 2, 1)).problems
    assert (problem.code, problem.layer) == (DIFFERS, "turned")
    assert "dims 3 x 1 x 2 in the file, but dims 3 x 2 x 1 in permute()" in problem.message
    wrong = TURNED.replace("[-1, 1, 2, 3]", "[7, 1, 2, 3]")
    assert not compare(wrong, Turned(3, 1, 2)).ok


@pytest.mark.parametrize(
    ("name", "forward"),
    [
        ("Permute", lambda _, x: x.permute(0, 2, 1)),
        ("Reduce", lambda _, x: x.mean(1)),
        ("Select", lambda _, x: x[:, :, 3]),
    ],
)
def test_a_module_of_ones_own_with_the_name_of_a_layer_tells_its_settings_by_its_functions(name, forward):
    own = type(name, (nn.Module,), {"forward": forward})
    model = nn.Sequential(nn.Conv1d(3, 4, 3), own())
    conv = 'input = [3, 10]\nlayers = [{ type = "conv", out_channels = 4, kernel_size = 3 }, { type = '
    lines = {
        "Permute": ('"permute", dims = [2, 1] }]', '"permute", dims = [1, 2] }]'),
        "Reduce": ('"reduce", how = "mean", dim = 1 }]', '"reduce", how = "mean", dim = 2 }]'),
        "Select": ('"select", dim = 2, index = 3 }]', '"select", dim = 2, index = 4 }]'),
    }
    right, wrong = lines[name]
    assert compare(conv + right, model).problems == ()
    assert not compare(conv + wrong, model).ok
