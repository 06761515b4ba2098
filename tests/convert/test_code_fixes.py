"""A constructor's call with other arguments, as a fix says it."""

from __future__ import annotations

import pytest

from cnnshape.compare.constructed import Made
from cnnshape.compare.recording import Line
from cnnshape.convert.code_fixes import changed
from cnnshape.layers import TYPES

CONV = TYPES["conv"](in_channels=3, out_channels=8, kernel_size=3)


@pytest.mark.parametrize(
    ("text", "new", "expected"),
    [
        ("nn.Conv2d(3, 8, 3)", {"in_channels": 16}, "nn.Conv2d(16, 8, 3)"),
        ("nn.Conv2d(a * 2, 8, kernel_size=3)", {"kernel_size": 5, "in_channels": 4}, "nn.Conv2d(4, 8, kernel_size=5)"),
        ("nn.Conv2d(3, 8, 3, bias=False)", {"padding": 1}, "nn.Conv2d(3, 8, 3, bias=False, padding=1)"),
        ("nn.Conv2d(3, 8, 3)", {"padding": [1, 2]}, "nn.Conv2d(3, 8, 3, padding=(1, 2))"),
        ("Conv2d(größe, 8, 3)", {"out_channels": 9}, "Conv2d(größe, 9, 3)"),
        ("nn.Conv2d(*args)", {"padding": 1}, ""),
        ("make(3, 8, 3)", {"in_channels": 16}, ""),
        ("nn.Conv2d(3, 8, 3)", {"like": 1}, ""),
        ("nn.Conv2d(3, 8, 3)", {"padding": "same"}, ""),
        ("", {"padding": 1}, ""),
    ],
)
def test_other_arguments(text, new, expected):
    assert changed(Made(Line("nets.py", 1), text, 1), "Conv2d", CONV, new) == expected
