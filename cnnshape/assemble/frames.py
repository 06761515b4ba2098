"""Where a step stands while the net is built: its frame, and the site of each of its copies.

In: a step, the block and the file around it, the values that enter and their shapes. Out: the scope that the step's
expressions see. Frames and sites never change: mypy holds their fields to be final, and a NamedTuple's are slower to
read, which costs building 5 %. Only the names of a frame grow, step by step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.file.architecture import Scope
from cnnshape.network.graph import UNRESOLVED
from cnnshape.numbers.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnnshape.assemble.names import Names
    from cnnshape.file.architecture import Block, File, Step
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.place import Place


class Frame:
    """The surroundings of steps: the net itself, or one use of a block."""

    __slots__ = (
        "allow",
        "arguments",
        "blocks",
        "file",
        "frozen",
        "inputs",
        "kinds",
        "names",
        "steps",
        "title",
        "twin",
        "used_at",
    )

    def __init__(  # noqa: PLR0913 -- a record
        self,
        file: File,
        steps: tuple[Step, ...],
        inputs: dict[str, int],
        names: Names,
        *,
        arguments: Mapping[str, Any] = {},
        title: str = "",
        used_at: tuple[Place, ...] = (),
        blocks: tuple[Block, ...] = (),
        kinds: tuple[str, ...] = (),
        twin: str | None = None,
        allow: frozenset[str] = frozenset(),
        frozen: bool = False,
    ):
        self.file: Final = file
        self.steps: Final = steps
        self.inputs: Final = inputs  # the values that enter, by their names here
        self.names: Final = names  # given so far
        self.arguments: Final = arguments  # of the block, with its words
        self.title: Final = title  # the prefix of the layers' names here, with its dot
        self.used_at: Final = used_at  # the uses of the blocks around, from the inside out
        self.blocks: Final = blocks  # around, the innermost last
        self.kinds: Final = kinds  # the block's name for each part of the title
        self.twin: Final = twin  # the title of the use whose weights this one shares
        self.allow: Final = allow  # the warnings that the uses around allow
        self.frozen: Final = frozen  # whether a use around is


class Site:
    """One copy of a step in its frame."""

    __slots__ = ("_scope", "entering", "frame", "i", "inputs", "name", "step", "title")

    def __init__(  # noqa: PLR0913, PLR0917 -- a record
        self,
        step: Step,
        frame: Frame,
        inputs: tuple[int, ...] = (UNRESOLVED,),
        entering: tuple[Shape | None, ...] = (None,),
        title: str = "",
        i: int | None = None,
    ):
        self.step: Final = step
        self.frame: Final = frame
        self.inputs: Final = inputs  # one value at least
        self.entering: Final = entering  # the inputs' shapes
        self.title: Final = title  # the copy's name within the frame, "" where it has none yet
        self.name: Final = frame.title + title  # in the net
        self.i: Final = i  # the copy's number, where the step repeats
        self._scope: Scope | None = None

    def titled(self, title: str) -> Site:
        return Site(self.step, self.frame, self.inputs, self.entering, title, self.i)

    def scope(self) -> Scope:
        """Return the names that the step's expressions see, with in_channels and i where they are known."""
        if self._scope is not None:
            return self._scope
        frame, first = self.frame, self.entering[0]
        scope = self._scope = Scope(frame.arguments)
        scope.constants = frame.file.constants
        channels = UNKNOWN if first is None else first[0] if first else 0  # a result without axes has none
        if channels is not UNKNOWN:
            scope["in_channels"] = channels
        if self.i is not None:
            scope["i"] = self.i
        return scope
