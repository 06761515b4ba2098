"""`cnnshape explain`: where the numbers of a layer come from, or what the code of a problem means."""

from __future__ import annotations

import sys

import click

from cnnshape.commands.shared import FILE, STDIN, built, completed, finish, of_problems, status, usage_error
from cnnshape.problems.wording import printable


@click.command()
@FILE
@click.argument("layer", metavar="LAYER | CODE", required=False, shell_complete=completed("layers"))
@click.option("--input", "given", multiple=True, metavar="SHAPE", help="Explain at this input, written as for check.")
def explain(file: str, layer: str | None, given: tuple[str, ...]) -> None:
    """Say where the numbers of a layer come from: each rule in names, in numbers, and its result.

    LAYER is called as in the table of check, dotted where it stands in a block. Of one that `when` leaves out: why, and what
    it would be. The exit status is 1 where the layer fails, or where it is not known what enters.

    Without a LAYER: the story of the net's problems at length, with the arithmetic of every layer on the ways that lead
    to them; of a net that is well, its sizes in short.

    Or say what the CODE of a problem means, as unknown-type: an example, and how it is mended.
    """
    if layer is None and not _is_file(file):
        _explain_code(file)
        return
    from cnnshape.network.explain import explain

    net, shapes, _ = built(file, given)
    if layer is not None and net.problems and not net.nodes:
        raise of_problems(net.problems)
    if layer is None:
        from cnnshape.show.checked import Checked
        from cnnshape.show.story import show_story

        report = net.check(shapes)
        show_story(net, report, shapes)
        sys.exit(status(Checked(net, report)))
    with usage_error("LAYER"):
        explanation = explain(net, layer, shapes)
    finish(explanation)


def _is_file(name: str) -> bool:
    """Say whether an argument names a file, and no code of a problem."""
    return name == STDIN or any(sign in name for sign in "./:")


def _explain_code(code: str) -> None:
    from cnnshape.problems.catalogue import CODES
    from cnnshape.problems.suggest import suggest
    from cnnshape.problems.wording import suggested

    if code not in CODES:
        what = f"{code} is no code of a problem, and there is no LAYER beside it"
        raise click.UsageError(printable(suggested(what, suggest(code, CODES))))
    from cnnshape.show.codes import show_code

    show_code(code)
