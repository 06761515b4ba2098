"""The corpus of broken nets: torch refuses each where its truth says, and takes each accepted fix."""

import tomllib

import pytest
from helpers.broken_nets import FOLDER, TRUTH, judge, mended, net_of, text_of

import cnnshape
from cnnshape.problems.base import errors

BROKEN, FINE = TRUTH["broken"], TRUTH["fine"]
EXPECTED = "expect-differs"  # no refusal: the shape is another one
FIXES = [(name, number) for name, truth in BROKEN.items() for number in range(len(truth["fixes"]))]


def read(name):
    return (FOLDER / f"{name}.toml").read_text()


def several(shows):
    return shows if isinstance(shows, list) else [shows]


def test_the_truth_and_the_files_are_of_the_same_nets():
    assert {*BROKEN, *FINE} == {path.stem for path in FOLDER.glob("*.toml")}


@pytest.mark.parametrize("name", BROKEN)
def test_torch_refuses_it_where_the_truth_says(name, torch):
    net, shows = net_of(read(name)), several(BROKEN[name]["shows"])
    report, expected = net.check(), {value.layer: value.shape for value in net.expectations}
    verdicts = {verdict.name: verdict for verdict in cnnshape.verify(net, "cpu", report=report).layers}
    first = next(iter(errors(report.problems)))
    assert first.layer == shows[0]
    values = {node.name: value for value, node in net.made()}
    if first.code == EXPECTED:
        last = first.layer if first.layer in verdicts else net.within(first.layer)[-1]
        assert verdicts[last].verdict == "agrees"
        assert verdicts[last].output != expected[first.layer]
    else:
        assert verdicts[first.layer].verdict == "refuses", verdicts[first.layer]
    before = values[first.layer] if first.layer in values else len(values)
    assert {verdicts[layer].verdict for layer, value in values.items() if value < before} <= {"agrees", "skipped"}


@pytest.mark.parametrize(("name", "number"), FIXES, ids=str)
def test_torch_takes_it_with_an_accepted_fix(name, number, torch):
    fix = BROKEN[name]["fixes"][number]
    runs(mended(tomllib.loads(read(name)), fix), only=any("only" in edit for edit in fix), was=read(name))


@pytest.mark.parametrize("name", [name for name, truth in BROKEN.items() if "never" in truth])
def test_what_must_never_be_shown_is_no_matter_of_names(name):
    """Each layer that it names is one of the file, so that the judge can see it."""
    data = tomllib.loads(read(name))
    assert all(mended(data, fix) != data for fix in BROKEN[name]["never"])


def runs(data, *, only, was):
    net, before = net_of(text_of(data)), errors(net_of(was).check().problems)
    report = net.check()
    left = errors(report.problems)
    if only:
        assert len(left) < len(before)
        assert {problem.layer for problem in left} < {problem.layer for problem in before}
    else:
        assert not left, left
    verification = cnnshape.verify(net, "meta", report=report)
    assert verification.ok
    assert only or {verdict.verdict for verdict in verification.layers} <= {"agrees", "skipped"}


@pytest.fixture(scope="module")
def judged():
    pytest.importorskip("torch")
    return [judge(name) for name in BROKEN]


def test_no_fix_is_shown_that_fails_or_that_nobody_may_propose(judged):
    assert [(one.name, *one.flaws) for one in judged if one.flaws] == []


@pytest.mark.parametrize(("nets", "cause", "shown", "first"), [(slice(20), 19, 19, 16), (slice(20, None), 49, 49, 44)])
def test_the_causes_and_the_fixes_are_those_that_people_accepted(judged, nets, cause, shown, first):
    """Of the twenty nets as many as the project asks for, of the others about as large a part."""
    some = judged[nets]
    assert [one.name for one in some if not one.layer] == []
    assert sum(one.cause for one in some) >= cause, [one.name for one in some if not one.cause]
    assert sum(one.rank > 0 for one in some) >= shown, [one.name for one in some if not one.rank]
    assert sum(one.rank == 1 for one in some) >= first, [one.name for one in some if one.rank != 1]


@pytest.mark.parametrize("name", FINE)
def test_what_looks_broken_and_is_sound_has_no_problem(name, torch):
    net = net_of(read(name))
    report = net.check()
    assert report.problems == ()
    assert list(report.output) == FINE[name]["output"]
    assert {verdict.verdict for verdict in cnnshape.verify(net, "cpu").layers} == {"agrees"}
