"""A convolution on the meta device is refused as on the CPU."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does

from cnnshape.pytorch.leniency import ARGUMENTS, run_strictly

CASES = {  # a function, the shapes of its tensors, the other arguments, and whether torch takes it
    "sound": (F.conv2d, [(1, 4, 6, 6), (8, 4, 3, 3), (8,)], {}),
    "without a batch": (F.conv2d, [(4, 6, 6), (8, 4, 3, 3)], {}),
    "groups": (F.conv1d, [(1, 4, 9), (8, 2, 3)], {"groups": 2}),
    "other channels": (F.conv3d, [(1, 4, 6, 6, 6), (8, 3, 3, 3, 3)], {}),
    "groups that do not divide": (F.conv2d, [(1, 4, 6, 6), (9, 2, 3, 3)], {"groups": 2}),
    "another bias": (F.conv2d, [(1, 4, 6, 6), (9, 4, 3, 3), (8,)], {}),
    "another rank": (F.conv2d, [(1, 1, 4, 6, 6), (9, 4, 3, 3)], {}),
    "transposed": (F.conv_transpose2d, [(1, 4, 6, 6), (4, 3, 3, 3), (6,)], {"groups": 2, "stride": 2, "output_padding": 1}),
    "transposed, other channels": (F.conv_transpose1d, [(1, 4, 6), (3, 8, 3)], {}),
    "transposed, other groups": (F.conv_transpose2d, [(1, 4, 6, 6), (4, 3, 3, 3)], {"groups": 3}),
    "transposed, another bias": (F.conv_transpose2d, [(1, 4, 6, 6), (4, 3, 3, 3), (4,)], {"groups": 2}),
    "output padding": (F.conv_transpose2d, [(1, 4, 6, 6), (4, 3, 3, 3)], {"stride": (2, 1), "output_padding": (1, 1)}),
    "output padding of a dilated one": (F.conv_transpose2d, [(1, 4, 6, 6), (4, 3, 3, 3)], {"dilation": 2, "output_padding": [1]}),
}  # fmt: skip


@pytest.mark.parametrize(("function", "shapes", "given"), CASES.values(), ids=CASES)
def test_meta_refuses_what_the_cpu_refuses(function, shapes, given):
    assert function in ARGUMENTS
    taken = []
    for device in ("cpu", "meta"):
        tensors = [torch.zeros(shape, device=device) for shape in shapes]
        try:
            taken.append(run_strictly(function, tuple(tensors), given).shape)
        except RuntimeError:
            taken.append(None)
    assert taken[0] == taken[1]


ALONE = {  # a function of a tensor, its shape, and the other arguments
    "softmax": (F.softmax, (2, 12), {"dim": 2}),
    "softmax of a method": (torch.Tensor.softmax, (2, 12), {"dim": -3}),
    "softmax along the last": (torch.softmax, (2, 12), {"dim": -1}),
    "softmin": (F.softmin, (2, 12, 6), {"dim": 3}),
    "gumbel": (F.gumbel_softmax, (2, 12), {"dim": 2}),
    "sorted": (torch.sort, (2, 12), {"dim": 2}),
    "sorted along the first": (torch.sort, (2, 12), {"dim": 0}),
    "order": (torch.argsort, (2, 12), {"dim": 2}),
    "nothing left": (F.interpolate, (1, 2, 6, 6), {"scale_factor": 0.01, "mode": "bilinear"}),
    "something left": (F.interpolate, (1, 2, 6, 6), {"scale_factor": 0.5, "mode": "bilinear"}),
}


@pytest.mark.parametrize(("function", "shape", "given"), ALONE.values(), ids=ALONE)
def test_meta_refuses_axes_and_sizes_that_the_cpu_refuses(function, shape, given):
    taken = []
    for device in ("cpu", "meta"):
        try:
            result = run_strictly(function, (torch.zeros(shape, device=device),), given)
            taken.append(getattr(result, "shape", None) or result[0].shape)
        except (RuntimeError, IndexError) as error:
            taken.append(type(error))
    assert taken[0] == taken[1]


def test_an_axis_is_found_however_it_is_given():
    x = torch.zeros(2, 12)
    for given in ({"input": x, "dim": 1}, {"dim": 1, "input": x, "dtype": torch.half}):
        assert run_strictly(torch.softmax, (), given).shape == x.shape
    assert run_strictly(F.gumbel_softmax, (x, 5.0), {}).shape == x.shape
    assert run_strictly(F.softmax, (x, 1, 3), {}).shape == x.shape
    assert run_strictly(torch.sort, (), {"input": x})[0].shape == x.shape
    with pytest.raises(IndexError):
        run_strictly(F.gumbel_softmax, (x.to("meta"), 1.0, False, 1e-10, 2), {})


def test_other_functions_just_run():
    assert run_strictly(torch.add, (torch.ones(1), 1), {}) == 2
