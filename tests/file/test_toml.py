"""Values as TOML, read back by tomllib."""

import tomllib

from helpers.renderer import names, values
from hypothesis import given
from hypothesis import strategies as st

from cnnshape.file import toml


@given(st.dictionaries(names, values))
def test_what_is_written_is_read_back(data):
    assert tomllib.loads("\n".join(f"{toml.key(key)} = {toml.value(value)}" for key, value in data.items())) == data


def test_values_look_as_in_the_zoo():
    given = {"a": True, "b c": [1e-6, 0.5, (1, "é")], "d": {}}
    assert toml.value(given) == '{ a = true, "b c" = [1e-6, 0.5, [1, "é"]], d = {} }'
