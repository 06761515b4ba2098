"""Suggestions: a name or a word that was probably meant, those that there are, a piece of advice.

A name or a word and the known ones come in; suggestions come out, as data of a problem. problems/wording.py writes them.
A name is one that the file gives; a word is one of ours, and other frameworks may have another for it (foreign.py).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Kind = Literal["type", "key", "value"]  # of a word

CAMEL: Final = r"(?<=[a-z0-9])(?=[A-Z])|_?[123][dD]$"  # where a class's name needs a _, or ends with a dimension
CLOSE: Final = 0.6  # the least likeness of a name to the one that was meant, as difflib has it
CLOSE_WORD: Final = 0.7  # of a word of ours: there are many
CLOSER: Final = 0.9  # of a word that others have for something else

MAX_OPTIONS: Final = 300  # known names that a misspelt one is compared with: a millisecond
MAX_LISTED: Final = 12  # known names that are listed: a line's worth


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


# Names


def suggest(name: object, known: Iterable[str]) -> tuple[Suggestion, ...]:
    """Suggest the known name that is close to an unknown one, or else all known names if they are few."""
    options = tuple(dict.fromkeys([*known][-MAX_OPTIONS:]))  # of layers, the nearest ones
    small = {option.lower(): option for option in reversed(options)}
    return did_you_mean(small.get(close(str(name).lower(), small), "")) or _few(options)


def close(word: str, options: Iterable[str], cutoff: float = CLOSE) -> str:
    """Return the option whose spelling is nearest, "" where none is near; `cutoff` as difflib's ratio."""
    from difflib import get_close_matches  # most files ask for none

    return next(iter(get_close_matches(word, options, 1, cutoff)), "")


# Words


def suggest_word(word: object, known: Iterable[str], kind: Kind) -> tuple[Suggestion, ...]:
    """Suggest the word that was meant, how to write what we have no word for, or all known words if they are few."""
    from cnnshape.problems.foreign import WITHOUT

    options, written = tuple(known), WITHOUT[kind].get(_plain(str(word)), "")
    return advice(written) or did_you_mean(meant(word, options, kind)) or _few(options)


def _few(options: tuple[str, ...]) -> tuple[Suggestion, ...]:
    return all_known(options) if len(options) <= MAX_LISTED else ()


def meant(word: object, options: Iterable[str], kind: Kind) -> str:
    """Return the word of ours that a word stands for, as torch or others call it, or misspelt; "" for none."""
    return _meant(str(word), tuple(options), kind)


@lru_cache  # each copy of a block asks again
def _meant(word: str, options: tuple[str, ...], kind: Kind) -> str:
    from cnnshape.problems.foreign import OURS, WITHOUT

    plain = _plain(word)
    ours = [ours for ours, others in OURS[kind].items() if plain in others.split()]
    same = [option for option in options if _plain(option) == plain or option in ours]
    if same or plain in WITHOUT[kind]:
        return next(iter(same), "")
    return close(re.sub(CAMEL, "_", word).lower(), options, CLOSER if ours else CLOSE_WORD)


def _plain(word: str) -> str:
    """Return a word without what frameworks write differently: convtranspose for Conv2DTranspose and conv_transpose2d."""
    return re.sub("[123]d", "", re.sub("[^a-z0-9]", "", word.lower()))


def misspelt(data: Mapping[str, Any], key: str, keys: Iterable[str]) -> bool:
    """Say whether a table has an unknown key that seems to be `key`; `keys` are the known ones."""
    known = tuple(keys)
    return any(meant(other, known, "key") == key for other in data.keys() - known)
