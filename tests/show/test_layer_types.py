"""Every layer type has a docstring in its sections, and stands in the reference."""

import re
from inspect import cleandoc

import pytest

from cnnshape.layers import TYPES
from cnnshape.problems.catalogue import CODES
from cnnshape.show.layer_types import page


@pytest.mark.parametrize("kind", TYPES.values(), ids=list(TYPES))
def test_every_layer_is_documented(kind):
    summary, _, sections = cleandoc(kind.__doc__).partition("\n\n")
    assert summary.endswith(".")
    headings = re.findall(r"^([A-Z]\w+)   ?\S", sections, re.MULTILINE)
    assert headings == [heading for heading in ("Shape", "Errors", "Warns", "Counts", "Source") if heading in headings]
    activation = kind.__module__.endswith("activation")
    assert activation or {"Shape", "Source"} <= set(headings)
    assert f"### {kind.type}\n" in page()


@pytest.mark.parametrize("kind", TYPES.values(), ids=list(TYPES))
def test_the_codes_in_a_docstring_exist(kind):
    assert {code for heading in ("Errors", "Warns") for code in codes(kind, heading)} <= CODES.keys()


def codes(kind, heading):
    """The codes that a section of the docstring tells of."""
    section = re.search(rf"^ *{heading}  (.*?)(?=^ *[A-Z]\w+  |\Z)", cleandoc(kind.__doc__), re.MULTILINE | re.DOTALL)
    return re.findall(r"\b[a-z]+(?:-[a-z0-9]+)+\b", section[1]) if section else []


def test_the_codes_are_found():
    assert codes(TYPES["avg_pool"], "Errors")[:2] == ["window-too-large", "padding-over-half"]
    assert codes(TYPES["linear"], "Warns") == ["linear-on-space"]
    assert codes(TYPES["relu"], "Errors") == []
