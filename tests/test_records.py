"""The NamedTuple of records.py is typing's in all that a record may use; and what a check imports has no other."""

from __future__ import annotations

import inspect
import pickle
import typing
from importlib.util import find_spec
from pathlib import Path

import pytest
from helpers.paths import ALEXNET
from test_cli import imported

from cnnshape import records


class Ours(records.NamedTuple):
    """A doc."""

    place: str
    kind: str = "x"
    found: tuple[int, ...] = ()

    @property
    def both(self) -> str:
        return self.kind * 2

    @classmethod
    def of(cls, place: str) -> Ours:
        return cls(place)

    def __repr__(self) -> str:
        return f"<{self.place}>"


class Theirs(typing.NamedTuple):
    """A doc."""

    place: str
    kind: str = "x"
    found: tuple[int, ...] = ()

    @property
    def both(self) -> str:
        return self.kind * 2

    @classmethod
    def of(cls, place: str) -> Theirs:
        return cls(place)

    def __repr__(self) -> str:
        return f"<{self.place}>"


@pytest.mark.parametrize(
    "of",
    [
        lambda kind: kind("a").both,
        lambda kind: tuple(kind("a", found=(1,))),
        lambda kind: tuple(kind.of("a")._replace(kind="y")),
        lambda kind: repr(kind("a")),
        lambda kind: (kind.__doc__, kind.__module__, kind.__mro__[1:]),
        lambda kind: (kind._fields, kind._field_defaults, kind.__match_args__),
        typing.get_type_hints,
        lambda kind: {name: one.default for name, one in inspect.signature(kind).parameters.items()},
        lambda kind: pickle.loads(pickle.dumps(kind("a", "b"))) == ("a", "b", ()),
        lambda kind: type(pickle.loads(pickle.dumps(kind("a")))) is kind,
        lambda kind: kind("a") == kind.of("a") == ("a", "x", ()),
    ],
)
def test_a_record_is_as_typing_has_it(of):
    assert of(Ours) == of(Theirs)


@pytest.mark.parametrize("wrong", [{}, {"place": 1, "knid": 2}])
def test_a_field_that_is_missing_or_unknown_is_refused(wrong):
    for kind in (Ours, Theirs):
        with pytest.raises(TypeError):
            kind(**wrong)


def test_a_check_makes_no_record_of_typing():
    modules = {name for name in imported("check", "--no-torch", ALEXNET) if name.startswith("cnnshape.")}
    texts = {name: Path(find_spec(name).origin).read_text(encoding="utf-8") for name in modules}
    records = {name for name, text in texts.items() if "(NamedTuple" in text}
    assert {"cnnshape.network.graph", "cnnshape.network.report"} <= records
    assert [name for name in records if "from cnnshape.records import NamedTuple" not in texts[name]] == []
