"""What torch's optimisers hold: their states between steps, and the tensors that a step makes on its way.

The sizes of the parameters that have a gradient come in, in bytes and in order; bytes go out. Measured with torch 2.13 by
really stepping. The scalars of a step, a few bytes in all, are not counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Options = Mapping[str, Any]

COUNTER: Final = 4  # bytes of the number of steps, which some keep for each parameter
NONE: Final = "none"


def parsed(optimizer: Any) -> tuple[str, Options]:
    """Return the name and the options of an optimiser, given as a name or a table. Raises ValueError for an unknown one."""
    options = {"name": optimizer} if isinstance(optimizer, str) else optimizer or {"name": NONE}
    name = options.get("name") if isinstance(options, dict) else None
    if not isinstance(name, str):
        raise ValueError(  # noqa: TRY004 -- as of all wrong arguments
            f'optimizer must be a name, or a table with one such as {{"name": "sgd"}}, not {optimizer!r:.60}'
        )
    if name.lower() not in {NONE, *COPIES}:
        raise ValueError(
            f"nothing is known of the optimizer {name!r:.60}; it must be one of {', '.join([*COPIES, NONE])}"
        )
    return name.lower(), options


def _adam(options: Options) -> int:
    return 2 + bool(options.get("amsgrad"))


# The tensors of the size of a parameter that each optimiser keeps for it.
COPIES: Final[dict[str, Callable[[Options], int]]] = {
    "sgd": lambda options: bool(options.get("momentum")),
    "adam": _adam,
    "adamw": _adam,
    "rmsprop": lambda options: 1 + bool(options.get("momentum")) + bool(options.get("centered")),
    "adagrad": lambda _: 1,
}


def states(name: str, options: Options, sizes: Sequence[int]) -> int:
    """Return the bytes that an optimiser keeps between its steps."""
    if name == NONE:
        return 0
    return COPIES[name](options) * sum(sizes) + (0 if name == "sgd" else COUNTER * len(sizes))


def temporaries(name: str, options: Options, sizes: Sequence[int], *, cuda: bool) -> int:
    """Return the most bytes that a step holds beside parameters, gradients and states.

    On cuda torch takes all parameters at once (`foreach`), unless the options say otherwise; on the CPU one by one.
    """
    if name == NONE or options.get("fused"):
        return 0
    copied = bool(options.get("maximize") or (options.get("weight_decay") and name != "adamw"))  # of the gradient
    foreach = options.get("foreach")
    if cuda if foreach is None else foreach:
        return sum(sizes) * {"sgd": copied, "rmsprop": 1 + copied, "adagrad": 2}.get(name, 1)
    if name == "sgd":
        return _sgd(options, sizes)
    own = {"adam": 2, "adamw": 2}.get(name, 1) + copied
    return max((own * size + before for before, size in zip((0, *sizes), sizes, strict=False)), default=0)


def _sgd(options: Options, sizes: Sequence[int]) -> int:
    """Follow the gradient that is computed anew for each option; the last is there until the next is, unless momentum took it."""
    nesterov = options.get("momentum") and options.get("nesterov")
    anew = [options.get("weight_decay"), nesterov]
    most = last = 0
    for size in sizes:
        now = size if options.get("maximize") else 0
        most = max(most, last + now if now else 0)
        for _ in filter(None, anew):
            most, now = max(most, now + size), size
        last = 0 if options.get("momentum") and not nesterov else now
    return most
