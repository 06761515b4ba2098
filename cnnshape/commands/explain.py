"""`cnnshape explain`: where the numbers of a layer come from, or what the code of a problem means."""

from __future__ import annotations

import click

from cnnshape.commands.shared import FILE, built, completed, finish, usage_error
from cnnshape.problems.wording import printable


@click.command()
@FILE
@click.argument("layer", metavar="LAYER | CODE", required=False, shell_complete=completed("layers"))
@click.option("--input", "given", multiple=True, metavar="SHAPE", help="Explain at this input, written as for check.")
def explain(file: str, layer: str | None, given: tuple[str, ...]) -> None:
    """Say where the numbers of a layer come from: each rule in names, in numbers, and its result.

    LAYER is called as in the table of check, dotted where it stands in a block. The exit status is 1 where the layer
    fails, or where it is not known what enters.

    Or say what the CODE of a problem means, as unknown-type: an example, and how it is mended.
    """
    if layer is None:
        _explain_code(file)
        return
    from cnnshape.network.explain import explain

    net, shapes = built(file, given)
    if net.problems and not net.nodes:
        raise click.UsageError("\n".join(printable(repr(problem)) for problem in net.problems))
    with usage_error("LAYER"):
        explanation = explain(net, layer, shapes)
    finish(explanation)


def _explain_code(code: str) -> None:
    from cnnshape.problems.catalogue import CODES
    from cnnshape.problems.suggest import advice, suggest
    from cnnshape.problems.wording import suggested

    if code not in CODES:
        what = f"{code} is no code of a problem, and there is no LAYER beside it"
        is_file = any(sign in code for sign in "./:")
        meant = advice(f"write cnnshape explain {code} LAYER") if is_file else suggest(code, CODES)
        raise click.UsageError(printable(suggested(what, meant)))
    from cnnshape.show.codes import show_code

    show_code(code)
