"""Architecture -> Network: blocks are used, names found, expressions and left-out numbers settled at the declared input.

Shapes flow while the net is built, since an expression may ask for in_channels. What is wrong with shapes is not said
here: a check finds it again. What is wrong with names, wiring and values is said, and its layer is then unknown.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

from cnnshape.build.frames import Expansion, Frame, Move, Names, Site, Use
from cnnshape.file.architecture import (
    NO_REPEAT,
    Architecture,
    Block,
    Scope,
    Step,
    Unsettled,
    final,
    length,
    mistake,
    settle,
)
from cnnshape.file.expression import ExpressionError, Template
from cnnshape.file.keys import EXPECT, INPUT, bad_layer_name
from cnnshape.file.steps import late_settings
from cnnshape.layers import TYPES, Layer
from cnnshape.layers.parameters import Parameter, Reference, Wrong
from cnnshape.network.flow import measured
from cnnshape.network.graph import UNRESOLVED, Expectation, Node
from cnnshape.network.network import Network
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems import building, reading, shapes
from cnnshape.problems.base import MAX_PROBLEMS, TooLarge, listed
from cnnshape.problems.place import Place
from cnnshape.problems.suggest import advice, suggest
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.base import Problem

SETTLED: Final = (int, float, str, tuple)  # what a setting is when nothing in it waits

MAX_STEPS: Final = 50_000  # layers and uses of blocks, every copy counted: five times the largest net known
MAX_WORK: Final = 10_000_000  # of an expression, a character counts 4, of a name 1, and a connection 40: seconds
MAX_BLOCK_NESTING: Final = 50  # blocks within blocks
MAX_EXPANSIONS: Final = 300  # of one block, that are kept to be copied
MAX_EXPANSION: Final = 1_000  # layers of such a one


def build(architecture: Architecture) -> Network:
    """Build the net that the architecture describes, at its declared input."""
    return _Builder(architecture).build()


class _TooLarge(Exception):  # noqa: N818
    """The net is larger than we expand; that is said."""


class _Builder:
    def __init__(self, architecture: Architecture):
        self.architecture = architecture
        self.problems: dict[Any, Problem] = {}
        self.nodes: list[Node] = []
        self.shapes: list[Shape | None] = [None, *architecture.inputs.values()]  # one for each value
        self.first_node = len(self.shapes)  # the value of node 0
        self.used: set[int] = set()
        self.titles: dict[str, int] = {}  # by the name that is shown, the node
        self.expectations: list[Expectation] = []
        self.layers: dict[Any, Layer] = {}
        self.names_in: dict[int, frozenset[str]] = {}  # steps, by their identity
        self.particular = 0  # what makes a block unlike its copies: problems, and ties to layers outside
        self.steps_left, self.work_left = MAX_STEPS, MAX_WORK

    def build(self) -> Network:
        architecture, file = self.architecture, self.architecture.file
        inputs = {name: value for value, name in enumerate(architecture.inputs, start=1)}
        frame = Frame(
            file, architecture.steps, self.taken(architecture.steps), Scope({}, file.constants), inputs, Names()
        )
        outputs: dict[str, int] = {}
        try:
            outputs = self.outputs(frame, self.run(frame))
            self.check_outputs(outputs)
        except _TooLarge:
            pass
        return Network(
            name=architecture.name,
            source=architecture.source,
            file=file.source.file,
            layout=file.layout,
            inputs=architecture.inputs,
            nodes=tuple(self.nodes),
            outputs=outputs,
            expectations=tuple(self.expectations),
            claims=architecture.claims,
            training=architecture.training,
            allow=architecture.allow,
            problems=listed(_causes([*architecture.problems, *self.problems.values()])),
        )

    def outputs(self, frame: Frame, last: int) -> dict[str, int]:
        """Return the net's outputs by name; left out, it is the last layer."""
        names = self.architecture.outputs
        if names is None:
            node, step = self.node(last), frame.steps[-1] if frame.steps else None
            plain = step.name if step and isinstance(step.name, str) else ""
            return {plain or (node.name if node else "output"): last}
        return {name: self.find_one(name, frame, place) for name, place in names.items()}

    def check_outputs(self, outputs: Mapping[str, int]) -> None:
        """Note claims about no output, and results that go nowhere (unless what is wrong may have meant them)."""
        for claim in self.architecture.claims:
            if claim.output and claim.output not in outputs:
                why, place = f"the net has no output {claim.output}", claim.place._replace(of_key=True)
                self.note(building.BadWiring(place, suggestions=suggest(claim.output, outputs), why=why))
        if self.architecture.problems or self.problems:
            return
        code, used = building.UnusedResult.code, {*self.used, *outputs.values()}
        for value, node in enumerate(self.nodes, start=self.first_node):
            unused = value not in used
            if unused and node.layer and code not in node.allow | self.architecture.allow:
                self.note(building.UnusedResult(node.place, node.name, node.used_at))

    def taken(self, steps: tuple[Step, ...]) -> frozenset[str]:
        """Return the names that no unnamed layer may be called by."""
        if id(steps) not in self.names_in:
            self.names_in[id(steps)] = frozenset([step.name for step in steps if isinstance(step.name, str)])
        return self.names_in[id(steps)]

    def node(self, value: int) -> Node | None:
        return self.nodes[value - self.first_node] if value >= self.first_node else None

    # Problems

    def note(self, problem: Problem) -> None:
        """Note a problem, once for all copies of a block."""
        self.particular += 1
        self.problems.setdefault((problem.code, problem.place, repr(problem.facts)), problem)
        if len(self.problems) > MAX_PROBLEMS:
            raise _TooLarge

    def problem(self, kind: type[Problem], site: Site, key: str, **facts: Any) -> None:
        self.note(kind(site.step.at(key), used_at=site.frame.used_at, **facts))

    def too_large(self, site: Site, key: str, what: str, most: int) -> NoReturn:
        self.problem(TooLarge, site, key, what=what, most=most)
        raise _TooLarge

    def work(self, site: Site, key: str, amount: int) -> None:
        """Count what takes time and memory for every copy of a step."""
        self.work_left -= amount
        if self.work_left < 0:
            what = "characters of names and expressions, every copy counted, and connections"
            self.too_large(site, key, what, MAX_WORK)

    def bad(self, site: Site, key: str, why: str) -> Unsettled:
        self.problem(building.BadStep, site, key, why=why)
        return Unsettled()

    # Steps

    def run(self, frame: Frame) -> int:
        """Build the steps of a frame one after the other; return the value of the last."""
        entering = [*frame.inputs.values()]
        previous = entering[0] if frame.blocks or len(entering) == 1 else UNRESOLVED
        for step in frame.steps:
            previous = self.step(step, frame, previous)
        return previous

    def step(self, step: Step, frame: Frame, previous: int) -> int:
        """Build all copies of one step; return its value."""
        site = Site(step, frame)
        frame.names.lost |= step.lost
        self.feed(site, self.inputs(site, previous))
        try:
            if step.repeat is NO_REPEAT:
                site.title = self.title(site)
                result = self.copy(site)
            else:
                result = self.repeated(site)
        except Unsettled:  # how it is called, or how often it is there
            result = self.unknown(site)
            if site.plain:
                site.title = site.plain
                self.name(site, result)
            site.frame.names.lost |= bool(step.name and not site.plain)
            site.frame.names.broken.add(site.title)
        if step.expect is not None:
            self.expect(site, result)
        return result

    def feed(self, site: Site, inputs: tuple[int, ...]) -> None:
        """Let values enter a site."""
        self.used.update(inputs)
        site.inputs, site.entering = inputs, tuple([self.shapes[value] for value in inputs])
        first, scope = site.entering[0], site.frame.scope
        if first is None or first[0] is UNKNOWN:
            scope.pop("in_channels", None)
        else:
            scope["in_channels"] = first[0]

    def repeated(self, site: Site) -> int:
        """Build the copies of a repeated step, each fed by the one before."""
        step, names = site.step, site.frame.names
        count = self.settled(site, "repeat", step.repeat)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise self.bad(site, "repeat", f"repeat must be a whole number from 0 up, not {shown(count)}")
        if len(site.inputs) > 1:
            raise self.bad(site, "from", "a repeated layer takes one input: each copy is fed by the one before")
        copies: list[str] = []
        (result,) = site.inputs
        for i in range(count):
            self.feed(site, (result,))
            site.frame.scope["i"] = i
            site.title = f"{site.plain}.{i}" if site.plain else self.title(site)
            copies.append(site.title)
            result = self.copy(site)
        site.frame.scope.pop("i", None)
        if site.plain:
            names.copies[site.plain] = copies
            site.title = site.plain
            self.name(site, result)
        return result

    def copy(self, site: Site) -> int:
        """Build a step once; return its value."""
        self.steps_left -= 1
        if self.steps_left < 0:
            self.too_large(site, "repeat", "layers and blocks", MAX_STEPS)
        try:
            result = self.made(site)
        except Unsettled:
            result = self.unknown(site)
            site.frame.names.broken.add(site.title)
        if site.step.name:
            self.name(site, result)
        return result

    def made(self, site: Site) -> int:
        """Build what a step stands for; return its value."""
        step = site.step
        when = True if step.when is True else self.settled(site, "when", step.when)
        if not isinstance(when, bool):
            raise self.bad(site, "when", f"when must be true or false, not {shown(when)}")
        if not when:
            site.frame.names.skipped.add(site.title)
            return site.inputs[0]
        if step.broken:
            raise Unsettled
        is_block = step.block or (step.shares and not step.of and self.use(site))
        return self.block(site) if is_block else self.layer(site)

    def name(self, site: Site, value: int) -> None:
        step, frame = site.step, site.frame
        values = frame.names.values
        self.work(site, "name", len(site.title))  # which is when the layer's own is seen to
        if values.get(site.title, value) != value:
            said = any(other.name == step.name for other in frame.steps if other is not step)
            if not said:
                name = frame.title + site.title
                self.problem(building.BadStepName, site, "name", why=f"there are two layers named {name}")
        values[site.title] = value

    def title(self, site: Site) -> str:
        """Return the step's name within its frame; an unnamed one is called by its kind and a number."""
        step, frame = site.step, site.frame
        if isinstance(step.name, str) and step.name:
            return step.name
        numbers, unnamed = frame.names.numbers, frame.names.unnamed
        if step.name:
            name = self.written(site, "name", step.name)
            problem = bad_layer_name(name)
            if not problem and name in unnamed:
                problem = building.BadStepName(why=f"{name} is what an unnamed layer is called already: name that one")
            if problem:
                self.note(problem.placed(step.at("name"), frame.used_at))
                raise Unsettled
            return name
        kind = self.written(site, "type" if step.type else "block", step.of) or "layer"
        while True:
            numbers[kind] = numbers.get(kind, 0) + 1
            title = f"{kind}{numbers[kind]}"
            if title not in frame.taken and title not in frame.names.values and title not in unnamed:
                unnamed.add(title)
                return title

    # Values of a step

    def settled(self, site: Site, key: str, setting: Any) -> Any:
        """Return a setting's value. Raises Unsettled where it is wrong, which is then said, or unknown."""
        if isinstance(setting, SETTLED):  # as it is most often
            return setting
        self.work(site, key, 4 * length(setting) + 10)
        try:
            return settle(setting, site.frame.scope)
        except ExpressionError as error:
            self.note(error.problem.placed(mistake(site.step.at(key), setting, error), site.frame.used_at))
            raise Unsettled from None

    def written(self, site: Site, key: str, word: str | Template) -> str:
        return str(self.settled(site, key, word)) if isinstance(word, Template) else word

    def expect(self, site: Site, value: int) -> None:
        """Note what the file expects of a value."""
        step, frame = site.step, site.frame
        try:
            shape = self.settled(site, "expect", step.expect)
            if not isinstance(shape, tuple):
                shape = self.read(site, "expect", EXPECT, shape)
        except Unsettled:
            return
        self.expectations.append(Expectation(value, shape, frame.title + site.title, step.at("expect"), frame.used_at))

    def read(self, site: Site, key: str, parameter: Parameter[Any], value: object) -> Any:
        """Return the final form of a value that an expression gave."""
        try:
            return final(parameter, value, site.frame.file.layout)
        except Wrong as error:
            self.note(error.problem.placed(site.step.at(key), site.frame.used_at))
            raise Unsettled from None

    # Names

    def inputs(self, site: Site, previous: int) -> tuple[int, ...]:
        """Return the values that enter a step, at least one."""
        step, frame = site.step, site.frame
        if step.inputs is None:
            if previous == UNRESOLVED and not frame.blocks and step is frame.steps[0] and frame.inputs:
                why = f"the net has several inputs: say which, as from = {shown(next(iter(frame.inputs)))}"
                self.problem(building.BadWiring, site, "from", why=why)
            return (previous,)
        found: list[int] = []
        for i, word in enumerate(step.inputs):
            place = Place(step.place.source, (*step.place.path, "from", i))
            try:
                name = self.written(site, "from", word)
                values = self.find(name, frame, place) if word else [UNRESOLVED]  # one that is wrong is noted
            except Unsettled:
                values = [UNRESOLVED]
            self.work(site, "from", 40 * len(values))
            found += values
        if not found:
            self.problem(building.BadWiring, site, "from", why="from names no result")
        return tuple(found) or (UNRESOLVED,)

    def find(self, name: str, frame: Frame, place: Place) -> list[int]:
        """Return the values that a name stands for: one, or with a * one for each copy of a repeat."""
        if "*" in name:
            return self.find_all(name, frame, place)
        value = frame.inputs.get(name)
        if value is None:
            names, title = frame.names.find(name)
            value = names.values.get(title, UNRESOLVED if names.lost else None)
        if value is None:
            kind, mean = building.UnknownLayer, suggest(name, [*frame.names.values, *frame.inputs])
            if any(step.name == name for step in frame.steps):
                kind, mean = building.LaterLayer, ()
            elif frame.blocks and INPUT.fullmatch(name):
                mean = advice(f"what enters this block here is {' and '.join([*frame.inputs][1:])}")  # input is input0
            elif frame.title + name in self.titles:
                mean = advice("a layer of that kind has no name of its own: give it one")
            self.note(kind(place, used_at=frame.used_at, suggestions=mean, name=name))
            return [UNRESOLVED]
        return [value]

    def find_one(self, name: str, frame: Frame, place: Place) -> int:
        """Return the value that a name stands for, which must be a single one."""
        found = self.find(name, frame, place)
        if len(found) == 1:
            return found[0]
        why = f"{name} stands for {len(found)} results, and one is wanted here"
        self.note(building.BadWiring(place, used_at=frame.used_at, why=why))
        return UNRESOLVED

    def find_all(self, name: str, frame: Frame, place: Place) -> list[int]:
        """Return the values that a pattern such as stack.*.skip stands for."""
        front, _, back = name.partition(".*")
        names, title = frame.names.find(front)
        copies = names.copies.get(title)
        if copies is None:
            if title not in names.broken and not names.lost:
                why = f"{name} needs {front} to be a layer or block with repeat that stands earlier"
                self.note(building.BadWiring(place, used_at=frame.used_at, why=why))
            return [UNRESOLVED]
        before = front.removesuffix(title)
        found: list[int] = []
        for copy in copies:
            said = len(self.problems)
            found += self.find(before + copy + back, frame, place)
            if len(self.problems) > said:  # which would be said of each copy
                return [UNRESOLVED]
        return found

    # Layers

    def layer(self, site: Site) -> int:
        """Build a layer; return its value."""
        shared = self.shared(site) if site.step.shares or site.frame.twin is not None else None
        kind = self.kind(site, shared)
        settings, references = self.referred(site, kind, self.settings(site, kind))
        self.used.update(references)
        self.check_joins(site, kind)
        layer = self.agreed(site, shared, kind, settings) if shared else self.remembered(site, kind, settings)
        return self.add(site, kind.type, layer, references, shares=shared.name if shared else "")

    def remembered(self, site: Site, kind: type[Layer], settings: dict[str, Any]) -> Layer:
        """Return the layer that a step makes of these settings and inputs; a net has few that differ."""
        decides = site.entering[0] if kind.inferred else None  # the input, on some of its numbers
        key = (kind, id(site.frame.file), decides, frozenset(settings.items()))
        layer = self.layers.get(key)
        if layer is None:
            layer = self.layers[key] = self.new(site, kind, settings)
        return layer

    def unknown(self, site: Site) -> int:
        """Put a layer of which nothing is known into the net; return its value."""
        self.particular += 1
        of = site.step.of
        kind = of.text if isinstance(of, Template) else of or "layer"
        site.title = site.title or site.plain or f"{kind}?"
        return self.add(site, kind, None)

    def add(
        self, site: Site, kind: str, layer: Layer | None, references: tuple[int, ...] = (), shares: str = ""
    ) -> int:
        """Put a layer into the net; return its value."""
        step, frame = site.step, site.frame
        name, inputs, entering, allow = frame.title + site.title, site.inputs, site.entering, frame.allow
        self.particular += bool(references or shares)
        if references:
            inputs, entering = inputs + references, (*entering, *(self.shapes[value] for value in references))
        if step.allow:
            allow = allow | step.allow
        self.work_left -= len(name)
        self.titles[name] = len(self.nodes)
        self.nodes.append(
            Node(name, kind, layer, inputs, step.place, step.keys, frame.used_at, shares, allow, frame.kinds)
        )
        self.shapes.append(measured(layer, entering).output)
        return len(self.shapes) - 1

    def kind(self, site: Site, shared: Node | None) -> type[Layer]:
        """Return the layer's type, which may be an argument, or that of the layer it shares with."""
        if not site.step.type:
            if shared is None or shared.layer is None:
                raise Unsettled
            return type(shared.layer)
        name = self.written(site, "type", site.step.type)
        if name not in TYPES:
            self.problem(reading.UnknownType, site, "type", type=name, suggestions=suggest(name, TYPES))
            raise Unsettled
        return TYPES[name]

    def settings(self, site: Site, kind: type[Layer]) -> dict[str, Any]:
        """Return the layer's own settings, in their final form."""
        step, settings = site.step, site.step.settings
        if step.raw:
            settings = self.late(site, kind)
        elif step.settled:
            return settings

        def value(key: str, setting: Any) -> Any:
            if isinstance(setting, SETTLED):
                return setting
            return self.read(site, key, kind.parameters[key], self.settled(site, key, setting))

        return _all_of(settings, value)

    def late(self, site: Site, target: type[Layer] | Block) -> dict[str, Any]:
        """Return the settings of a step of which only now is known what they belong to."""
        for key, setting in site.step.settings.items():
            self.work(site, key, 40 * length(setting))  # it is parsed, too
        names = {*site.frame.scope, "in_channels"}  # which is not in the scope where it is not known
        settings, found = late_settings(site.step, target, names, site.frame.file)
        for problem in found:
            self.note(problem)
        if found:
            raise Unsettled
        return settings

    def new(self, site: Site, kind: type[Layer], settings: dict[str, Any]) -> Layer:
        """Return the layer with the file's defaults, and the numbers that its input decides."""
        settings = {**site.frame.file.defaults.get(kind.type, {}), **settings}
        if None in settings.values():  # a default is wrong
            raise Unsettled
        if problem := kind.inconsistent(settings):
            self.note(problem.placed(site.step.at("type"), site.frame.used_at))
            raise Unsettled
        return kind(**settings).completed(site.entering[0])

    def check_joins(self, site: Site, kind: type[Layer]) -> None:
        """Note a number of inputs that the layer does not take."""
        joins, given = kind.joins, len(site.inputs)
        if joins[-1] > 1 and site.step.inputs is None:
            raise self.bad(site, "type", f'{kind.type} joins several results: say which, as from = ["one", "other"]')
        if given not in joins:
            takes = "one input" if joins.start == 1 else f"{joins.start} inputs"
            self.problem(shapes.WrongNumberOfInputs, site, "from", type=kind.type, takes=takes, inputs=given)
            raise Unsettled

    def referred(
        self, site: Site, kind: type[Layer], settings: dict[str, Any]
    ) -> tuple[dict[str, Any], tuple[int, ...]]:
        """Return the settings with what the layer needs of those that it names (`like`), and the values that enter."""
        values: list[int] = []
        for key in kind.references:
            if key in settings:
                value = self.find_one(settings[key], site.frame, site.step.at(key))
                node = self.node(value)
                to = getattr(kind.parameters[key], "to", "")
                if to and node and node.layer is None:
                    raise Unsettled
                if to and value != UNRESOLVED and (node is None or node.type != to):
                    raise self.bad(site, key, f"{key} must name a {to}, and {settings[key]} is none")
                settings = {**settings, key: node.layer if to and node else True}
                values.append(node.inputs[0] if to and node else value)
        return settings, tuple(values)

    # Shared weights

    def shared(self, site: Site) -> Node | None:
        """Return the node whose weights a layer uses, by its own word or as part of a block that shares."""
        step, frame = site.step, site.frame
        if step.shares:
            name = self.written(site, "shares", step.shares)
            value = self.find_one(name, frame, step.at("shares"))
            node = self.node(value)
            if value != UNRESOLVED and frame.names.skips(name):
                raise self.bad(site, "shares", f"{name} is left out here, and has no weights")
            if value != UNRESOLVED and (node is None or self.use(site)):
                raise self.bad(site, "shares", f"a layer shares with a layer, and {name} is none")
            if node is None:
                raise Unsettled
        elif (title := f"{frame.twin}{site.title}") in self.titles:
            node = self.nodes[self.titles[title]]
        else:
            other = str(frame.twin).removesuffix(".")
            self.problem(
                building.SharedDiffers, site, "name", setting=site.title, here="built", there="not", other=other
            )
            raise Unsettled
        return self.nodes[self.titles[node.shares]] if node.shares else node

    def agreed(self, site: Site, shared: Node, kind: type[Layer], settings: dict[str, Any]) -> Layer:
        """Return the layer whose weights are used, once the settings that are repeated agree."""
        layer = shared.layer
        if layer is None:
            raise Unsettled
        self.agree(site, shared.name, {"type": shared.type}, {"type": kind.type})
        own = {key: value for key, value in settings.items() if not isinstance(layer.parameters[key], Reference)}
        self.agree(site, shared.name, {key: getattr(layer, key) for key in own}, own)
        return layer

    def agree(self, site: Site, other: str, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
        differ = [key for key, value in here.items() if _single(there[key]) not in (_single(value), UNKNOWN)]
        for key in differ:
            facts = {"setting": key, "here": here[key], "there": there[key], "other": other}
            self.problem(building.SharedDiffers, site, key, **facts)
        if differ:
            raise Unsettled

    # Blocks

    def block(self, site: Site) -> int:
        """Build the layers of a block; return the value of the last."""
        step, frame = site.step, site.frame
        use = self.use(site) if step.shares else None
        if step.shares and not use:
            name = self.written(site, "shares", step.shares)
            value = self.find_one(name, frame, step.at("shares"))
            node = self.node(value)
            if value != UNRESOLVED and (node is None or node.layer):
                self.bad(site, "shares", f"a block shares with the use of a block, and {name} is none")
            raise Unsettled
        block = use.block if use and not step.block else self.block_of(site)
        if use:
            self.agree(site, use.name, {"block": use.block.name}, {"block": block.name})
        self.work(site, "block", 10 * len(block.parameters()))
        inner = self.inside(site, block, use)
        arguments = self.arguments(site, block, use, inner)
        if block in frame.blocks:
            said = any(isinstance(problem, building.BlockCircle) for problem in self.architecture.problems)
            if not said:  # a template hid it from the reader
                names = [other.name for other in frame.blocks[frame.blocks.index(block) :]]
                self.problem(building.BlockCircle, site, "block", circle=" -> ".join([*names, block.name]))
            raise Unsettled
        if len(frame.blocks) >= MAX_BLOCK_NESTING:
            self.too_large(site, "block", "blocks within blocks", MAX_BLOCK_NESTING)
        given = [(type(arguments[name]), arguments[name]) for name in block.parameters()]  # 1 equals true
        key = (*given, inner.allow, site.entering, *map(site.inputs.index, site.inputs))
        made = block.expansions.get(key) if inner.twin is None else None
        if made is None:
            result, use = self.expanded(site, inner, key), Use(block, arguments, inner.title, inner.names)
        else:
            move = Move(made, inner, site.inputs, len(self.shapes))
            result, use = self.again(site, made, move), Use(block, arguments, inner.title, made.names, move)
        frame.names.uses[site.title] = use
        return result

    def inside(self, site: Site, block: Block, use: Use | None) -> Frame:
        """Return the frame of a use of a block, without arguments so far; `use` is the one that it shares with."""
        step, frame = site.step, site.frame
        twin = None if frame.twin is None else f"{frame.twin}{site.title}."
        return Frame(
            block.file,
            block.steps,
            self.taken(block.steps),
            scope=Scope({}, block.file.constants),
            inputs={"input": site.inputs[0]} | {f"input{i}": value for i, value in enumerate(site.inputs)},
            names=Names(),
            title=f"{frame.title}{site.title}.",
            used_at=(step.place, *frame.used_at),
            blocks=(*frame.blocks, block),
            kinds=frame.kinds + (block.name,) * (1 + site.title.count(".")),
            twin=use.title if use else twin,
            allow=frame.allow | step.allow,
        )

    def expanded(self, site: Site, frame: Frame, key: Any) -> int:
        """Build a block as it was not built before; return its value."""
        first, expected, particular = len(self.shapes), len(self.expectations), self.particular
        steps, work = self.steps_left, self.work_left
        result = self.run(frame)
        nodes, kept = tuple(self.nodes[first - self.first_node :]), frame.blocks[-1].expansions
        if particular == self.particular and len(nodes) <= MAX_EXPANSION and len(kept) < MAX_EXPANSIONS:
            kept[key] = Expansion(
                frame.names,
                frame.title,
                frame.used_at,
                frame.kinds,
                site.inputs,
                first,
                nodes,
                tuple(self.shapes[first:]),
                {*range(first, len(self.shapes))} - self.used,
                result,
                tuple(self.expectations[expected:]),
                (steps - self.steps_left, work - self.work_left),
            )
        return result

    def again(self, site: Site, made: Expansion, move: Move) -> int:
        """Put what a block came to into the net once more; return its value."""
        steps, work = made.cost
        self.steps_left -= steps
        if self.steps_left < 0:
            self.too_large(site, "repeat", "layers and blocks", MAX_STEPS)
        self.work(site, "block", work)
        first, count = len(self.shapes), len(self.nodes)
        self.nodes += move.nodes(made.nodes)
        self.titles.update(zip([node.name for node in self.nodes[count:]], range(count, len(self.nodes)), strict=True))
        self.shapes += made.shapes
        self.used.update(range(first, len(self.shapes)))
        self.used.difference_update(map(move.value, made.unused))
        self.expectations += map(move.expectation, made.expectations)
        return move.value(made.result)

    def block_of(self, site: Site) -> Block:
        name, blocks = self.written(site, "block", site.step.block), site.frame.file.blocks
        if name not in blocks:
            self.problem(building.UnknownBlock, site, "block", block=name, suggestions=suggest(name, blocks))
            raise Unsettled
        return blocks[name]

    def use(self, site: Site) -> Use | None:
        """Return the use of a block that a step shares with."""
        names, title = site.frame.names.find(self.written(site, "shares", site.step.shares))
        copies = names.copies.get(title)
        return names.uses.get(copies[-1] if copies else title)

    def arguments(self, site: Site, block: Block, use: Use | None, inner: Frame) -> dict[str, Any]:
        """Return the values of a block's arguments: handed over, or its own defaults, or those of its twin.

        The scope of the frame within has them then.
        """
        given = self.late(site, block) if site.step.raw else site.step.settings
        values = _all_of(given, partial(self.settled, site))
        if use:
            self.agree(site, use.name, use.arguments, values)
            values = use.arguments
        inner.scope.update(values)
        for group, settings in (("defaults", block.defaults), ("words", block.words)):
            if settings.keys() <= values.keys():
                continue
            place = Place(block.place.source, (*block.place.path, group))
            default = Site(Step(place, keys=frozenset(settings)), inner)
            self.feed(default, site.inputs)
            for key, setting in settings.items():
                if key not in values:
                    values[key] = inner.scope[key] = self.settled(default, key, setting)
        return values


def _causes(found: list[Problem]) -> list[Problem]:
    """Return the problems without the missing blocks, where an include that was to bring them is wrong."""
    includes = (reading.BadInclude, reading.IncludeCircle, reading.Unreadable)
    missed = any(isinstance(problem, includes) for problem in found)
    return [problem for problem in found if not (missed and isinstance(problem, building.UnknownBlock))]


def _single(value: Any) -> Any:
    """Return the one number of which a setting has as many as there are axes: [3, 3] is 3."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def _all_of(settings: Mapping[str, Any], value: Callable[[str, Any], Any]) -> dict[str, Any]:
    """Return the values of all settings. Raises Unsettled when what is wrong with each of them is said."""
    found: dict[str, Any] = {}
    wrong = False
    for key, setting in settings.items():
        try:
            found[key] = value(key, setting)
        except Unsettled:
            wrong = True
    if wrong:
        raise Unsettled
    return found
