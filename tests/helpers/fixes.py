"""The fixes of a net's first problem, in a form for asserts."""

from cnnshape.diagnosis.door import network
from cnnshape.file.reader import read_text
from cnnshape.problems.base import errors


def fixes(text):
    """The edits of each fix of the first error, or warning, of a net: {"fc.in_features": 18}."""
    return [edits(fix) for fix in first(network(read_text(text)).check()).fixes]


def first(report):
    """The first error of a report, or else its first warning."""
    return (errors(report.problems) or report.problems)[0]


def edits(fix):
    return {f"{edit.layer}.{edit.parameter}" if edit.layer else edit.parameter: edit.new for edit in fix.edits}


def candidates(generator, text):
    """The edits of each candidate that a generator makes for the first problem of a net, by rank."""
    return [edits(candidate) for candidate in sorted(generator(case(text)), key=lambda one: one.rank)]


def case(text, *, strict=False):
    """The case of the first problem of a net, without a cause."""
    from cnnshape.diagnosis.candidate import Case
    from cnnshape.diagnosis.trials import Trials
    from cnnshape.file.source import Source

    trials = Trials(Source.from_text(text, "net.toml"), None, None, strict=strict)
    architecture, net, report, _ = trials.origin
    return Case(first(report), None, net, report, architecture, trials)
