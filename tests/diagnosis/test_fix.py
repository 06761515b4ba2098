"""A fix of a problem, applied to its text, and to texts that it is not for."""

import pytest

import cnnshape

TEXT = (
    'input = [3, 8, 8] # é\nlayers = ["flatten", { name = "fc", type = "linear", in_features = 5, out_features = 2 }]\n'
)


def fix():
    (problem,) = cnnshape.loads(TEXT).check().problems
    return problem.fixes[0]


def test_a_fix_writes_its_number_into_the_text():
    assert fix().apply(TEXT) == TEXT.replace("in_features = 5", "in_features = 192")


@pytest.mark.parametrize("text", ["layers = []", "layers = 3", "input = ["])
def test_a_text_without_a_place_for_a_fix_is_refused(text):
    with pytest.raises(ValueError, match="no place for fc: in_features = 192"):
        fix().apply(text)
