"""Suggestions: a word that was probably meant, the words there are, a piece of advice.

A word and the known words come in; suggestions come out, as data of a problem. problems/wording.py writes them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OF_TORCH: Final = (
    r"(?<=[a-z0-9])(?=[A-Z])|_?[123]d$"  # where torch's names need a _ or lose an end: MaxPool2d; compiled when asked
)

OF_OTHERS: Final = {  # the words of papers and other frameworks, by ours
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

MAX_OPTIONS: Final = 300  # known words that a misspelt one is compared with: a millisecond
MAX_LISTED: Final = 12  # known words that are listed: a line's worth


class Suggestion(NamedTuple):
    """A way out of a problem: the word that was meant, all known words, or advice, a single text."""

    kind: Literal["meant", "known", "advice"]
    words: tuple[str, ...]


def advice(text: str) -> tuple[Suggestion, ...]:
    """Return a text, such as "write block = ...", as the only suggestion; none for no text."""
    return (Suggestion("advice", (text,)),) if text else ()


def did_you_mean(word: str) -> tuple[Suggestion, ...]:
    """Return a word that was meant as the only suggestion; none for no word."""
    return (Suggestion("meant", (word,)),) if word else ()


def all_known(words: Iterable[str]) -> tuple[Suggestion, ...]:
    """Return all known words as the only suggestion; none where there are no words."""
    listed = tuple(words)
    return (Suggestion("known", listed),) if listed else ()


def suggest(word: object, known: Iterable[str]) -> tuple[Suggestion, ...]:
    """Suggest the known word that is close to an unknown one, or else all known words if they are few."""
    options = tuple(dict.fromkeys([*known][-MAX_OPTIONS:]))  # of layers, the nearest ones
    if found := meant(word, options):
        return did_you_mean(found)
    return all_known(options) if len(options) <= MAX_LISTED else ()


def meant(word: object, options: tuple[str, ...]) -> str:
    """Return the option that a word stands for, as torch or others call it, or misspelt; "" for none."""
    return _meant(re.sub(OF_TORCH, "_", str(word)).lower(), options)


@lru_cache  # each copy of a block asks again
def _meant(word: str, options: tuple[str, ...]) -> str:
    ours = ELSEWHERE.get(word, "")
    return ours if ours in options else close(word, options)


def close(word: str, options: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the option whose spelling is nearest, "" where none is near; `cutoff` as difflib's ratio."""
    from difflib import get_close_matches  # most files ask for none

    return next(iter(get_close_matches(word, options, 1, cutoff)), "")


def misspelt(data: Mapping[str, Any], key: str, keys: Iterable[str]) -> bool:
    """Say whether a table has an unknown key that seems to be `key`; `keys` are the known ones."""
    known = tuple(keys)
    return any(meant(other, known) == key for other in data.keys() - known)
