"""A network held against its model at other sizes: those that are tried, and what is found there."""

import cnnshape
from cnnshape.convert.other_sizes import deciding_inputs, tried

NET = """
inputs = { image = [3, 32, 32], sound = [2, 5] }
outputs = ["same", "heard"]
layers = [
  { name = "pool", type = "max_pool", from = "image", kernel_size = 4 },
  { name = "again", type = "upsample", scale_factor = 4 },
  { name = "same", type = "add", from = ["image", "again"] },
  { name = "heard", type = "conv", from = "sound", out_channels = 2, kernel_size = 3 },
]
"""


def test_the_least_sizes_decide_with_one_cell_less_and_with_sides_that_differ():
    net = cnnshape.loads(NET)
    found = [*deciding_inputs(net.inputs, net.valid_sizes(input="image"))]
    assert [one["image"] for one in found] == [(3, 4, 4), (3, 3, 3), (3, 4, 8), (3, 8, 4), (3, 36, 36)]
    assert all(one["sound"] == (2, 5) for one in found)


def test_one_axis_and_few_sizes_have_fewer():
    one = cnnshape.loads('input = [3, 8]\nlayers = ["relu"]\n')
    assert [*deciding_inputs(one.inputs, one.valid_sizes())] == [
        {"input": (3, 1)},
        {"input": (3, 2)},
        {"input": (3, 9)},
    ]
    fixed = cnnshape.loads('input = [3, 8, 8]\nlayers = [{ type = "require", at_least = 8, at_most = 8 }]\n')
    sides = [found["input"] for found in deciding_inputs(fixed.inputs, fixed.valid_sizes())]
    assert sides == [(3, 8, 8), (3, 7, 7), (3, 16, 16)]
    none = cnnshape.loads(
        'input = [3, 8, 8]\nlayers = [{ type = "require", at_least = 8 }, { type = "require", at_most = 7 }]\n'
    )
    assert [*deciding_inputs(none.inputs, none.valid_sizes())] == []


class Source:
    """It gives maps of an odd side alone, as they came."""

    def shapes(self, inputs):
        shape = inputs["input"]
        return [shape] if shape[1] % 2 else None


def test_shapes_are_compared_and_refusals():
    net = cnnshape.loads('input = [3, 9, 9]\nlayers = [{ type = "require", at_least = 5 }]\n')
    found = tried(net, Source(), [{"input": (3, side, side)} for side in (3, 4, 7, 8)])
    assert [one.agrees for one in found] == [False, True, True, False]
    assert [(one.ours, one.theirs) for one in found[:2]] == [(None, [(3, 3, 3)]), (None, None)]
    assert found[0].size == "3x3x3"
