"""Operations on data, held against a copy whose arrays are slots, which no operation moves."""

from copy import deepcopy

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cnnshape.diagnosis.operations import Operation, applied

SCALARS = st.one_of(st.integers(0, 9), st.booleans(), st.sampled_from(["relu", "b * 2"]))
KEYS = "abcd"
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
)
DATA = st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=4)


def possible(value, path=()):
    """Every operation that a value allows, as its kind and path."""
    if isinstance(value, dict):
        for key in KEYS:
            yield "set", (*path, key)
            if key in value:
                yield from [("remove", (*path, key)), ("rename", (*path, key))]
                yield from possible(value[key], (*path, key))
    elif isinstance(value, list):
        yield from [("set", (*path, len(value))), ("insert", (*path, len(value)))]
        for index, element in enumerate(value):
            yield from [(kind, (*path, index)) for kind in ("set", "remove", "insert")]
            yield from possible(element, (*path, index))


@st.composite
def changes(draw):
    """Data and operations on it, none of which writes into a place that another writes."""
    data, chosen = draw(DATA), []
    for kind, path in draw(st.lists(st.sampled_from([*possible(data)]), max_size=5)):
        others = [other.path for other in chosen if "insert" not in (kind, other.kind) or other.path != path]
        if not any(path[: len(other)] == other or other[: len(path)] == path for other in others):
            chosen.append(Operation(kind, path, f"new {path[-1]}" if kind == "rename" else draw(VALUES)))
    return data, chosen


class Slots:
    """An array of the copy: the element of each index, and all that is to stand before it."""

    def __init__(self, elements):
        self.elements = [([], [slotted(element)]) for element in elements] + [([], [])]

    def plain(self):
        return [plain(element) for before, own in self.elements for element in before + own]


def slotted(value):
    if isinstance(value, dict):
        return {key: slotted(inner) for key, inner in value.items()}
    return Slots(value) if isinstance(value, list) else value


def plain(value):
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return value.plain() if isinstance(value, Slots) else value


def by_slots(data, operations):
    copy = slotted(data)
    for kind, (*outer, last), value in operations:
        table = copy
        for part in outer:
            table = table.elements[part][1][0] if isinstance(table, Slots) else table[part]
        if not isinstance(table, Slots):
            if kind == "rename":
                pairs = [(value if key == last else key, inner) for key, inner in table.items()]
                table.clear()
                table.update(pairs)
                continue
            table.pop(last, None)
            table.update({last: value} if kind == "set" else {})
        elif kind == "insert":
            table.elements[last][0].append(value)
        else:
            table.elements[last][1][:] = [value] if kind == "set" else []
    return plain(copy)


@given(changes())
def test_operations_speak_of_the_data_as_given(change):
    data, operations = change
    before = deepcopy(data)
    assert applied(data, operations) == by_slots(data, operations)
    assert data == before


@given(changes())
def test_what_no_operation_touches_is_not_copied(change):
    data, operations = change
    changed = applied(data, operations)
    touched = {operation.path[0] for operation in operations}
    assert all(changed[key] is value for key, value in data.items() if key not in touched)


def test_a_bare_word_becomes_a_table():
    data = {"layers": ["relu", "flatten"]}
    operations = [Operation("set", ("layers", 1, "start_dim"), 2), Operation("set", ("layers", 1, "name"), "flat")]
    assert applied(data, operations) == {"layers": ["relu", {"type": "flatten", "start_dim": 2, "name": "flat"}]}


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("remove", ("b",)),
        ("insert", ("a",)),
        ("remove", ("a", 2)),
        ("set", ("a", 3)),
        ("set", ("a", -1)),
        ("set", ("a", 2, "x")),
        ("set", ("b", "x")),
        ("rename", ("b",)),
    ],
)
def test_a_path_that_is_not_there(kind, path):
    with pytest.raises(LookupError):
        applied({"a": [1, 2]}, [Operation(kind, path)])


@given(DATA, st.data())
def test_two_operations_in_one_place_are_refused(data, draw):
    deep = [path for kind, path in possible(data) if kind != "insert" and len(path) > 1]
    assume(deep)
    path = draw.draw(st.sampled_from(deep))
    operations = [Operation("set", path, 1), Operation("remove", path[:-1])]
    with pytest.raises(ValueError, match="two operations"):
        applied(data, draw.draw(st.permutations(operations)))
