"""A checkpoint held to a net, in words: what was found where, what does not fit, and the values that would make it fit."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from cnnshape.problems.wording import few, said
from cnnshape.show.counts import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.checkpoint.fit import Finding, Fit
    from cnnshape.network.network import Network
    from cnnshape.show.screen import Screen

MOST: Final = 30  # tensors of a kind that are listed
TITLES: Final = {
    "different": "of another shape",
    "missing": "missing in the checkpoint",
    "unexpected": "not in the {of}",
}


class Fitted(NamedTuple):
    """A net, the path of a checkpoint, and how the two fit."""

    net: Network
    checkpoint: str
    fit: Fit
    of: str = "file"  # what the net is of: a file, a model


def verdict(fitted: Fitted) -> str:
    """Say whether it fits, and how many tensors do not."""
    found = fitted.fit
    if found.ok:
        return f"{fitted.checkpoint} fits {fitted.net.file}"
    counts = {kind: sum(finding.kind == kind for finding in found.findings) for kind in TITLES}
    listed = ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)
    return f"{fitted.checkpoint} does not fit {fitted.net.file}: {listed}"


def facts(found: Fit, of: str = "file") -> Iterator[tuple[str, str]]:
    """Yield facts on where the tensors were found, each with its label."""
    yield (
        "tensors",
        f"{counted(found.tensors, 'tensor')} of the net {'is' if found.tensors == 1 else 'are'} there, and alike",
    )
    if found.table:
        yield "table", f"{found.table}: load checkpoint{''.join(f'[{key!r}]' for key in found.table.split('.'))}"
    if found.prefix:
        yield "prefix", f"{found.prefix} stands before every name: remove it, or load into the module that it names"
    if found.unwrapped:
        yield "wrapper", f"{found.unwrapped} stands within names, as torch's wrappers leave it: remove it"
    if found.copies:
        yield "also", f"as well at {', '.join(few([*map(_place, found.copies)], MOST))}"
    for one in found.trusted:
        tensors = counted(len(one.tensors), "tensor")
        yield (
            "trust",
            f"{', '.join(one.layers)}: {one.stated:,} numbers in the {of}, {tensors} of {one.numbers:,} there",
        )
    if found.beside:
        yield "beside", f"not the net's: {', '.join(few([*found.beside], MOST // 10))}"
    if found.same_order:
        yield "order", "the shapes are those of the net, one after the other: the names alone differ"


def _place(name: str) -> str:
    return name or "the outermost table"


def lines(finding: Finding, of: str = "file") -> str:
    """Write a tensor that does not fit."""
    where = f" (layer {finding.layer})" if finding.layer not in finding.name else ""
    if finding.kind == "different":
        return f"{finding.name}: {_shape(finding.ours)} in the {of}, {_shape(finding.theirs)} in the checkpoint{where}"
    return f"{finding.name}: {_shape(finding.ours if finding.kind == 'missing' else finding.theirs)}{where}"


def _shape(shape: Sequence[int] | None) -> str:
    return said(tuple(shape)) if shape else "one number"


def show_fit(screen: Screen, fitted: Fitted) -> None:
    """Print how a checkpoint fits."""
    found = fitted.fit
    screen.title(fitted.net)
    for label, words in facts(found, fitted.of):
        screen.fact(label, words)
    if found.other_names:
        screen.line()
        screen.line(("by other names", "bold"))
        for line in few([f"{name}: {layer} in the {fitted.of}" for layer, name in found.other_names], MOST):
            screen.line((f"  {line}", ""))
    for kind, title in TITLES.items() if not found.other_names else ():
        named = [finding for finding in found.findings if finding.kind == kind]
        if named:
            screen.line()
            screen.line((title.format(of=fitted.of), "bold"))
            for line in few([lines(finding, fitted.of) for finding in named], MOST):
                screen.line((f"  {line}", ""))
    if found.mends:
        screen.line()
        screen.line(("would fit with", "bold"))
        for (place, _), mends in groupby(found.mends, key=lambda mend: (mend.place, str(mend))):
            mend, *others = mends
            layers = few([one.layer for one in (mend, *others)], 3)
            screen.line((f"  {place}: ", "bold"), (str(mend), "green"), (f" (layer {', '.join(layers)})", "dim"))
    screen.line()
    screen.verdict("" if found.ok else "error", verdict(fitted))
