"""What only repeats another fault is no problem of its own; what is independent of it is."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from torch import nn

from cnnshape.convert.imported import trace
from cnnshape.problems.base import errors


class Code(nn.Module):
    def __init__(self, function, **modules):
        super().__init__()
        self.function = function
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x):
        return self.function(self, x)


def wrong(model, shape):
    """The codes of the errors of a model, with the layers, the copies among them."""
    found = errors(trace(model, shape).check().problems)
    return [(problem.code, problem.layer, *problem.copies) for problem in found]


def residual(self, x):
    x = self.stem(x)
    return self.head(x + self.two(self.one(x)))


def test_a_sum_behind_a_layer_that_was_made_for_the_number_of_its_other_part():
    """Were the stem 32 wide, all would fit: the sum has nothing of its own."""
    convs = {
        "stem": nn.Conv2d(3, 16, 3),
        "one": nn.Conv2d(32, 64, 1),
        "two": nn.Conv2d(64, 32, 1),
        "head": nn.Conv2d(7, 5, 1),
    }
    assert wrong(Code(residual, **convs), (3, 8, 8)) == [("declared-differs", "one"), ("declared-differs", "head")]


def test_a_sum_of_other_numbers_is_a_fault_of_its_own():
    convs = {
        "stem": nn.Conv2d(3, 16, 3),
        "one": nn.Conv2d(32, 64, 1),
        "two": nn.Conv2d(64, 48, 1),
        "head": nn.Conv2d(48, 5, 1),
    }
    assert wrong(Code(residual, **convs), (3, 8, 8)) == [("declared-differs", "one"), ("shapes-differ", "add")]


def test_a_norm_and_the_layer_behind_it_want_the_same_number():
    chain = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 8, 3), nn.Conv2d(9, 8, 1))
    assert wrong(chain, (3, 9, 9)) == [("declared-differs", "1"), ("declared-differs", "4")]


def test_norms_of_maps_are_each_a_fault_of_their_own():
    parts = {
        "a": nn.Conv2d(3, 4, 3, 2, 1),
        "b": nn.Conv2d(3, 4, 3, 2, 1),
        "na": nn.LayerNorm([4, 16, 16]),
        "nb": nn.LayerNorm([4, 16, 16]),
    }
    model = Code(lambda self, x: self.na(self.a(x)) + self.nb(self.b(x)), **parts)
    assert [layer for _, layer, *_ in wrong(model, (3, 16, 16))] == ["na", "nb"]


def test_a_norm_of_another_number_leaves_the_layer_behind_it_its_own_fault():
    chain = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(32), nn.Conv2d(24, 8, 3))
    assert wrong(chain, (3, 9, 9)) == [("declared-differs", "1"), ("declared-differs", "2")]


def test_arguments_exchanged_are_one_fault():
    chain = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(10, 3))
    assert wrong(chain, (20,)) == [("declared-differs", "0")]


def heads(self, x):
    b, n, d = x.shape
    q = self.q(x).view(b, n, 5, 9)
    k = self.k(x).view(b, n, 5, 9)
    return self.out((q * k).reshape(b, n, d))


def test_reshapes_there_and_back_are_one_fault():
    linear = {name: nn.Linear(48, 48) for name in "qk"}
    assert wrong(Code(heads, **linear, out=nn.Linear(48, 2)), (32, 48)) == [("elements-differ", "reshape")]
    assert wrong(Code(heads, **linear, out=nn.Linear(47, 2)), (32, 48)) == [
        ("elements-differ", "reshape"),
        ("declared-differs", "out"),
    ]


def flat(self, x):
    return self.fc(self.conv(x).view(-1, 400))


@pytest.mark.parametrize(("features", "layers"), [(400, []), (576, []), (128, [("declared-differs", "fc")])])
def test_behind_a_view_a_layer_may_want_what_is_there_or_what_the_view_says(features, layers):
    model = Code(flat, conv=nn.Conv2d(3, 16, 3), fc=nn.Linear(features, 10))
    assert wrong(model, (3, 8, 8)) == [("elements-differ", "reshape"), *layers]


def test_a_module_of_torch_that_is_made_of_others_has_one_fault():
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(64, 8, 128, batch_first=True), 2, enable_nested_tensor=False
    )
    model = nn.Sequential(nn.Linear(6, 32), encoder, nn.Linear(64, 4), nn.Linear(5, 2))
    assert wrong(model, (24, 6)) == [("declared-differs", "1.layers.0.self_attn"), ("declared-differs", "3")]


def test_axes_in_another_order_are_one_fault():
    chain = nn.Sequential(nn.Conv1d(9, 64, 3), nn.MaxPool1d(2), nn.Conv1d(64, 128, 3), nn.MaxPool1d(2))
    assert wrong(chain, (100, 9)) == [("declared-differs", "0")]


def test_entries_of_a_list_that_fail_alike_are_one_problem():
    convs = nn.ModuleList(nn.Conv2d(1, 4, (k, 100)) for k in (3, 4))
    model = Code(lambda self, x: [F.relu(conv(x)) for conv in self.convs], convs=convs)
    assert wrong(model, (1, 40, 50)) == [("window-too-large", "convs.0", "convs.1")]


def test_modules_of_one_line_that_fail_otherwise_are_several_problems():
    chain = nn.Sequential(nn.Conv2d(4, 8, 3), nn.Conv2d(8, 8, 3), nn.BatchNorm2d(16))
    assert wrong(chain, (3, 9, 9)) == [("declared-differs", "0"), ("declared-differs", "2")]


def test_what_torch_alone_refuses_is_found_behind_a_sure_result():
    chain = nn.Sequential(
        nn.Conv2d(4, 8, 3), nn.BatchNorm1d(8), nn.Flatten(), nn.Linear(8 * 7 * 7, 4), nn.BatchNorm2d(4)
    )
    assert wrong(chain, (3, 9, 9)) == [("model-fails", "1"), ("model-fails", "4"), ("declared-differs", "0")]


def unpacked(self, x):
    a, b = self.fc(x).chunk(3, dim=1)
    return a + b


def test_an_exception_that_ends_the_run_is_told_behind_a_sure_result():
    assert wrong(Code(unpacked, fc=nn.Linear(8, 9)), (7,)) == [("model-fails", ""), ("declared-differs", "fc")]


def unsure(self, x):
    a, b = (self.fc(x) + torch.ones(1, 4)).chunk(3, dim=1)
    return a + b


def test_an_exception_behind_a_result_that_is_not_sure_may_come_of_it():
    [problem] = errors(trace(Code(unsure, fc=nn.Linear(7, 9)), (7,)).check().problems)
    assert "broadcast" in problem.message


def halved_thrice(self, x):
    y = self.c(x)
    return F.interpolate(y, size=(y.shape[2] // 2, y.shape[3] // 2, 4))


def test_a_resize_to_more_sides_than_there_are_is_the_model_s_fault_alone():
    """Without a warning that cnnshape made a mistake."""
    model = Code(halved_thrice, c=nn.Conv2d(3, 4, 1))
    net = trace(model, (3, 16, 16))
    assert [problem.code for problem in errors(net.check().problems)] == ["model-fails"]
    assert [node.type for node in net.nodes] == ["conv", "upsample"]
