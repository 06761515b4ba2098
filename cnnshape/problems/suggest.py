"""What a word that nobody knows was probably meant to be."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OF_TORCH: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_?[123]d$")  # how torch's names differ from ours


OF_OTHERS: Final = {  # what papers and other frameworks say for our words
    "linear": "fc dense fully_connected inner_product",
    "conv_transpose": "deconv deconvolution transposed_conv",
    "max_pool": "pool pooling",
    "global_avg_pool": "gap",
    "batch_norm": "bn",
    "local_response_norm": "lrn",
    "silu": "swish",
    "upsample": "resize interpolate",
    "concat": "cat",
    "add": "plus",
    "mul": "times",
    "out_channels": "filters num_filters num_output",
    "out_features": "units",
    "kernel_size": "pool_size window size",
    "dilation": "rate",
}


ELSEWHERE: Final = {word: ours for ours, words in OF_OTHERS.items() for word in words.split()}


MAX_OPTIONS: Final = 300  # that a misspelt word is compared with: a millisecond


def hint(word: object, known: Iterable[str]) -> str:
    """Return "; did you mean x?" where a known word is close, or else the known ones if they are few."""
    options = tuple(dict.fromkeys([*known][-MAX_OPTIONS:]))  # of layers, those that stand nearest
    if meant := _meant(re.sub(OF_TORCH, "_", str(word)).lower(), options):
        return f"; did you mean {meant}?"
    if len(options) == 1:
        return f"; there is only {options[0]}"
    return f"; there are {', '.join(options)}" if 0 < len(options) <= 12 else ""  # noqa: PLR2004 -- a line's worth


@lru_cache  # each copy of a block asks again
def _meant(word: str, options: tuple[str, ...]) -> str:
    """Return the option that is meant by a word, "" for none."""
    ours = ELSEWHERE.get(word, "")
    return ours if ours in options else next(iter(get_close_matches(word, options, 1)), "")


def misspelt(data: Mapping[str, Any], key: str, keys: Iterable[str]) -> bool:
    """Say whether a key that does not belong seems to be this one."""
    known = tuple(keys)
    return any(_meant(other, known) == key for other in data.keys() - known)
