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


def test_other_functions_just_run():
    assert run_strictly(torch.add, (torch.ones(1), 1), {}) == 2
