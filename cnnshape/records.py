"""NamedTuple for the records that a check makes: typing's, but that the types of the fields are left unread.

typing compiles each of them, which are texts here, when a class is made: that would be a fifteenth of all that a check
of a small net costs.
"""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import NamedTuple
else:

    class _Maker(type):
        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, body)
            types = body["__annotations__"]
            defaults = [body.pop(field) for field in types if field in body]
            made = collections.namedtuple(name, types, defaults=defaults, module=body.pop("__module__"))  # noqa: PYI024 -- see above
            made.__new__.__annotations__ = types
            for key, value in body.items():
                setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_Maker):
        """The base that a record names; the record's class is a namedtuple, and no subclass of it."""


__all__ = ["NamedTuple"]
