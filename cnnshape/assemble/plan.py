"""The plan of a file: the totals of its net for any values of its constants, with all that was built before remembered.

In: values of constants and settings, by name, and an input. Out: the totals, from the same walk that builds the net.
"""

from __future__ import annotations

from functools import cached_property
from operator import itemgetter
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from cnnshape.assemble.frames import Frame
from cnnshape.assemble.ledger import Ledger, Stop
from cnnshape.assemble.names import Names
from cnnshape.assemble.network import check_claims, check_names, outputs_of
from cnnshape.assemble.remembering import Memories, RememberingNet, RememberingWalk
from cnnshape.assemble.seen import Seen, looks_inside, sources
from cnnshape.assemble.settings import Settler
from cnnshape.assemble.wiring import Wiring
from cnnshape.file.architecture import Scope, Step, Unsettled, settle
from cnnshape.file.assigned import path
from cnnshape.file.expression import Expression
from cnnshape.file.keys import REPEAT, WHEN
from cnnshape.file.net import NetKeys
from cnnshape.file.notes import Notes
from cnnshape.file.settings import Settings
from cnnshape.file.tables import Tables
from cnnshape.file.tokens import ExpressionError
from cnnshape.network.flow import inputs_at
from cnnshape.network.graph import Graph
from cnnshape.network.report import known
from cnnshape.network.totals import Totals, with_sides
from cnnshape.problems.base import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cnnshape.file.architecture import Architecture, Setting
    from cnnshape.numbers.shape import Input, Shape

    Read = Callable[[Mapping[str, Any]], Architecture]  # the file with values of its constants and settings

MAX_READINGS: Final = 100  # kept
MAX_LAYERS: Final = 100_000  # different ones, of one reading
NUMBERS: Final = (int, bool, float)


class Unlike(Exception):  # noqa: N818 -- it says what the net is
    """Numbers that the declared input does not decide are shared: their order in the whole net matters."""


class Plan:
    """The totals of a file's net for any values of its constants."""

    def __init__(self, read: Read):
        self.read = read
        self.lock = Lock()
        self.readings: dict[Any, Reading] = {}
        self.bound: dict[str, bool] = {}

    @cached_property
    def architecture(self) -> Architecture:
        """The file as it is."""
        return self.read({})

    def binds(self, name: str) -> bool:
        """Say whether the file is read anew for another value of a name. Raises TypeError where it has no such name.

        That is so where the defaults of layers depend on it, or the file's text does not tell what a step is given.
        """
        if name not in self.bound:
            architecture = self.architecture
            table, *place = path(architecture, name)
            data: Any = architecture.file.source.data
            defaults = sources(data.get("layer_defaults"), data.get("constants", {}))
            self.bound[name] = name in defaults or (table == "layers" and architecture.steps[int(place[0])].raw)
        return self.bound[name]

    def totals(self, given: Input | int | None, constants: Mapping[str, Any]) -> Totals | None:
        """Return the totals at an input, the declared one (None), or another side; None where something is wrong.

        Raises TypeError for a name or a value that the file cannot have, ValueError for an unsuitable input, and Unlike
        where only a net can tell.
        """
        with self.lock:  # the constants of a reading are one after the other
            return self.reading(constants, given)

    def reading(self, constants: Mapping[str, Any], given: Input | int | None) -> Totals | None:
        free: dict[str, Any] = {}
        fixed: dict[str, Any] = {}
        for name, value in constants.items():
            (free if type(value) in NUMBERS and not self.binds(name) else fixed)[name] = value
        key = (*free, repr(fixed))
        reading = self.readings.get(key)
        if reading is None:
            architecture = self.read(constants)
            if errors(architecture.problems):
                return None
            if len(self.readings) >= MAX_READINGS:
                self.readings.clear()
            reading = self.readings[key] = Reading(architecture, free)
        return reading.totals(given, free)


class Reading:
    """One reading of a file, in which some constants and settings are free: numbers and truth values."""

    def __init__(self, architecture: Architecture, free: Mapping[str, Any]):
        self.architecture = architecture._replace(steps=_freed(architecture, free))
        self.file = architecture.file
        data: Any = self.file.source.data
        self.entering = {key: data[key] for key in ("input", "inputs") if key in data}
        self.derived = self.settings_of(data.get("constants", {}), free)
        names = [*free, *self.derived]
        self.in_inputs = [name for name in names if name in sources(self.entering, data.get("constants", {}))]
        self.declared: dict[Any, dict[str, Shape | None]] = {}
        self.layers: dict[Any, Any] = {}
        steps = self.architecture.steps
        training, allow = architecture.training, architecture.allow
        graph = Graph("", "", "", self.file.layout, {}, (), {}, training=training, allow=allow)
        self.memories = Memories(steps, Seen(self.file, names), graph)
        self.dotted = any(not isinstance(step.name, str) or "." in step.name for step in steps)
        self.deep = any(map(looks_inside, steps)) or any("." in name for name in architecture.outputs or ())

    def settings_of(self, table: Mapping[str, Any], free: Mapping[str, Any]) -> dict[str, Setting]:
        """Return the settings of the constants that depend on free ones, in the order of the file."""
        settings, found = Settings(Notes(self.file.source)), dict.fromkeys(free)
        for name, value in table.items():
            if name not in free and sources(value, table) & found.keys():
                found[name] = settings.argument(value, ("constants", name), self.file.constants)
        return {name: setting for name, setting in found.items() if name not in free}

    def totals(self, given: Input | int | None, free: Mapping[str, Any]) -> Totals | None:
        """Return the totals for values of the free constants; None as of the plan."""
        try:
            return self.walked(given, free)
        except (Stop, Unsettled, ExpressionError):
            return None

    def walked(self, given: Input | int | None, free: Mapping[str, Any]) -> Totals | None:
        """Walk over the net's steps. Raises Stop, Unsettled and ExpressionError where something is wrong, and Unlike."""
        architecture, file, memories = self.architecture, self.file, self.memories
        constants, marks = file.constants, memories.marks
        for name, value in free.items():
            constants[name] = value
            marks[name] = value if type(value) is int else repr(value)
        for name, setting in self.derived.items():
            value = constants[name] = settle(setting, Scope.of({}, constants))
            marks[name] = value if type(value) is int else repr(value)
        inputs = self.inputs()
        if inputs is None:
            return None
        ledger, net = Ledger(architecture.problems), RememberingNet(inputs)
        settler = Settler(ledger)
        settler.layers = self.layers
        wiring = Wiring(ledger, net, settler)
        frame = Frame(
            file,
            architecture.steps,
            dict(zip(inputs, range(1, 1 + len(inputs)), strict=True)),
            Names(),
            allow=architecture.allow,
        )
        last = RememberingWalk(ledger, net, settler, wiring, memories, deep=self.deep).run(frame)
        outputs = outputs_of(architecture, frame, net, wiring, last)
        if self.dotted:
            net.fill()
            check_names(net, ledger)
        check_claims(architecture, outputs, ledger)
        if len(self.layers) > MAX_LAYERS:
            self.layers.clear()
        if ledger.found and errors(ledger.found.values()):
            return None
        if isinstance(given, int):
            given = with_sides(inputs, given)
        entering = inputs if given is None else inputs_at(self.memories.graph._replace(inputs=inputs), given)
        if any(len(shape or ()) != len(inputs[name] or ()) for name, shape in entering.items()):
            return None
        return self.run(net, entering, outputs)

    def run(self, net: RememberingNet, inputs: dict[str, Shape | None], outputs: dict[str, int]) -> Totals | None:
        """Run the parts of a net at some inputs."""
        shapes: list[Shape | None] = [None, *inputs.values()]
        parameters = macs = 0
        for part, outer in net.parts:
            entering = tuple([shapes[value] for value in outer])
            ran = part.runs.get(entering) or self.memories.run(part, entering)
            if ran.open and net.ties:
                raise Unlike
            if ran.fails or ran.parameters is None or ran.macs is None:
                return None
            shapes += ran.shapes
            parameters += ran.parameters
            macs += ran.macs
        given = {name: shape for name, shape in inputs.items() if shape is not None}
        return Totals(given, {name: known(shapes[value]) for name, value in outputs.items()}, parameters, macs)

    def inputs(self) -> dict[str, Shape | None] | None:
        """Return the declared inputs for the values of the constants; None where they are wrong."""
        if not self.in_inputs:
            return self.architecture.inputs
        key = tuple([self.memories.marks[name] for name in self.in_inputs])
        if key not in self.declared:
            notes = Notes(self.file.source)
            found = NetKeys(Tables(notes), Settings(notes), self.file).inputs(self.entering)
            if notes.problems:
                return None
            self.declared[key] = found
        return self.declared[key]


def _freed(architecture: Architecture, free: Mapping[str, Any]) -> tuple[Step, ...]:
    """Return the net's steps, in which the free settings are expressions that look for their value under their name."""
    steps = [*architecture.steps]
    for name in free:
        table, *place = path(architecture, name)
        if table == "layers":
            number, key = int(place[0]), str(place[1])
            step, setting = steps[number], Expression(name, {name}, itemgetter(name))
            own: dict[str, Any] = {"settings": {**step.settings, key: setting}, "settled": False}
            steps[number] = Step(**step.fields() | ({key: setting} if key in {REPEAT.name, WHEN.name} else own))
    return tuple(steps)
