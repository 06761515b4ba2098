"""The tensors that a model returns, paired with the outputs of the file.

A tuple has an order, and it is the contract; a dict has names. Where these are no names of the file's outputs, the entries
of a dict are told by their sources.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cnnshape.compare.trace import Returned


def paired(
    outputs: Sequence[str], returned: Sequence[Returned], fits: Callable[[str, Returned], int]
) -> dict[str, Returned]:
    """Return for each output the tensor that is returned in its place, if there is one.

    `fits` says how well a tensor would be an output, 0 for not at all.
    """
    pairs: dict[str, Returned] = {}
    for tensor in returned:
        if tensor.key in outputs:
            pairs.setdefault(tensor.key, tensor)
    rest = [tensor for tensor in returned if tensor is not pairs.get(tensor.key)]
    for name, placed in zip([name for name in outputs if name not in pairs], [*rest], strict=False):
        entries = [tensor for tensor in rest if tensor.group == placed.group] if placed.group else [placed]
        pairs[name] = max(entries, key=partial(fits, name))
        rest.remove(pairs[name])
    return pairs
