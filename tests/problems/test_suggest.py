"""Suggestions: the word that was meant, or the words that there are."""

from cnnshape.file.reader import read_text
from cnnshape.layers import TYPES
from cnnshape.problems.suggest import ELSEWHERE, MAX_LISTED, OF_OTHERS, advice, close, did_you_mean, meant, suggest
from cnnshape.problems.wording import suggested


def test_a_word_that_is_near_is_suggested_alone():
    assert suggest("cnov", TYPES) == (("meant", ("conv",)),) == did_you_mean("conv")


def test_words_that_are_few_are_all_suggested():
    assert suggest("left", ["a", "b", "a"]) == (("known", ("a", "b")),)
    assert suggest("left", ()) == ()


def test_a_line_holds_twelve_words():
    names = [chr(ord("a") + i) * 9 for i in range(MAX_LISTED + 1)]
    assert MAX_LISTED == 12
    assert suggest("0", names) == ()
    assert suggest("0", names[1:]) == (("known", tuple(names[1:])),)


def test_of_many_words_the_last_are_compared():
    names = [f"conv{'x' * 40}", *map(str, range(100, 400))]
    assert suggest(names[0] + "y", names) == ()
    assert suggest(names[0] + "y", names[::-1]) == did_you_mean(names[0])


def test_words_of_torch_and_of_others_are_known():
    assert meant("AdaptiveAvgPool2d", ("avg_pool", "adaptive_avg_pool")) == "adaptive_avg_pool"
    assert meant("Dense", ("linear",)) == "linear"
    assert meant("Dense", ("conv",)) == ""  # not where it is none of the options
    assert OF_OTHERS.keys() <= {*TYPES, *(name for kind in TYPES.values() for name in kind.parameters)}
    assert not ELSEWHERE.keys() & TYPES.keys()


def test_how_near_a_word_must_be_can_be_said():
    assert close("batch", ["batch_size"]) == "batch_size"
    assert close("batch", ["batch_size"], cutoff=0.8) == ""


def test_suggestions_stand_behind_the_sentence():
    assert suggested("no such type", ()) == "no such type"
    assert suggested("no such type", suggest("cnov", TYPES)) == "no such type; did you mean conv?"
    assert suggested("no such layer", suggest("x", ["left"])) == "no such layer; there is only left"
    assert suggested("no such layer", suggest("x", ["left", "right"])) == "no such layer; there are left, right"
    assert suggested("no such type", advice("write block")) == "no such type; write block"
    assert advice("") == did_you_mean("") == ()


def test_a_problem_has_its_suggestions_as_data():
    text = 'input = [3, 32, 32]\nlayers = [{ block = "relu" }, { block = "b" }]\n[blocks.a]\nlayers = []'
    first, second = read_text(text).problems
    assert first.suggestions == advice('it is a layer type: write type = "relu"')
    assert second.suggestions == (("known", ("a",)),)
