"""Causes and fixes are worked out when they are first asked for, for all problems of a report, and kept."""

import pickle
import subprocess
import sys

import pytest
from helpers.paths import ARCHITECTURES

import cnnshape
from cnnshape.diagnosis import door

BROKEN = """
input = [3, 8, 8]
layers = ["flatten", { name = "head", type = "linear", in_features = 100, out_features = 10 }]
"""


@pytest.fixture
def asked(monkeypatch):
    """The diagnoses that were worked out."""
    from cnnshape.diagnosis import diagnose

    found, real = [], diagnose.diagnose

    def noted(*args, **options):
        found.append(real(*args, **options))
        return found[-1]

    monkeypatch.setattr(diagnose, "diagnose", noted)
    return found


def test_a_diagnosis_is_worked_out_once_when_it_is_asked_for(asked):
    (problem,) = cnnshape.loads(BROKEN).check().problems
    assert (problem.message, asked) == ("in_features is 100, but 192 arrives", [])
    assert problem.fixes[0].summary == "head: in_features = 192"
    assert (problem.cause.code, problem.follows, len(asked)) == ("count", None, 1)
    assert 0 < asked[0].trials.count < 25


def test_pickling_keeps_a_diagnosis(asked):
    net = cnnshape.loads(BROKEN)
    report = net.check()
    copy = pickle.loads(pickle.dumps(report))
    assert copy.problems[0].fixes, "what was not worked out is worked out from the text"
    assert pickle.loads(pickle.dumps(report)).problems == report.problems
    fixes, count = report.problems[0].fixes, len(asked)
    assert pickle.loads(pickle.dumps(report)).problems[0].fixes == fixes
    assert len(asked) == count
    assert pickle.loads(pickle.dumps(net)) == net


def test_problems_are_equal_whatever_is_known_of_them():
    one, other = (cnnshape.loads(BROKEN).check().problems[0] for _ in range(2))
    assert one.fixes
    assert one == other


def test_problems_of_the_file_itself_are_diagnosed_too(asked):
    with pytest.raises(cnnshape.ArchitectureError) as error:
        cnnshape.loads(BROKEN.replace("head", "a b"))
    assert error.value.problems[0].fixes == ()
    assert len(asked) == 1


def test_a_text_that_is_no_toml_has_nothing_to_say(asked):
    with pytest.raises(cnnshape.ArchitectureError) as error:
        cnnshape.loads("input = ")
    assert (error.value.problems[0].cause, error.value.problems[0].fixes) == (None, ())
    assert asked == []


def test_a_fix_holds_at_the_input_that_was_checked():
    net = cnnshape.loads(BROKEN.replace("100", "192"))
    assert net.check().ok
    (problem,) = net.check((3, 9, 9)).problems
    (fix,) = problem.fixes  # in_features = 243 would break the declared input: a pool holds at both
    assert fix.edits[0].new == {"type": "adaptive_avg_pool", "output_size": 8}


def test_a_clean_check_imports_nothing_of_a_diagnosis():
    code = (
        "import sys, cnnshape; cnnshape.loads('input = [3, 8, 8]\\nlayers = [\"relu\"]').check(); "
        "print([name for name in sys.modules if name.startswith('cnnshape.diagnosis.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str([door.__name__])


def test_a_mistake_of_ours_takes_the_fixes_away_and_not_the_problem(monkeypatch):
    from cnnshape.diagnosis import diagnose

    monkeypatch.setattr(diagnose, "diagnose", lambda *_, **__: {}["no such generator"])
    (problem,) = cnnshape.loads(BROKEN).check().problems
    with pytest.warns(RuntimeWarning, match=r"by a mistake of cnnshape: KeyError"):
        assert (problem.cause, problem.fixes, problem.follows) == (None, (), None)
    assert problem.message == "in_features is 100, but 192 arrives"


def test_an_earlier_claim_that_a_later_one_s_fix_mends_follows_from_none():
    text = (ARCHITECTURES / "fcn8s.toml").read_text(encoding="utf-8").replace("classes = 21", "classes = 84")
    problems = cnnshape.examine(text, file=ARCHITECTURES / "fcn8s.toml").problems
    roots = [problem for problem in problems if problem.follows is None]
    assert [fix.summary for problem in roots for fix in problem.fixes] == ["constants.classes = 21"]
    assert len(problems) == len(roots) + sum(problem.follows in roots for problem in problems)
