"""Architecture -> Network: blocks are used, names found, expressions and left-out numbers settled at the declared input.

Shapes flow while the net is built, since an expression may ask for in_channels. What is wrong with shapes is not said
here: a check finds it again. What is wrong with names, wiring and values is said, and its layer is then unknown.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from cnnshape import problems
from cnnshape.architecture import NO_REPEAT, Architecture, Block, File, Scope, Step, Unsettled, final, length, settle
from cnnshape.expression import ExpressionError, Template
from cnnshape.layers import TYPES, Layer
from cnnshape.network import UNRESOLVED, Expectation, Network, Node, Result, measure
from cnnshape.parameters import Parameter, Reference, Shape, Wrong, shown
from cnnshape.problems import MAX_PROBLEMS, Place, Problem, listed
from cnnshape.reader import EXPECT, bad_layer_name, hint, late_settings
from cnnshape.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_STEPS: Final = 50_000  # layers and uses of blocks, every copy counted: five times the largest net known
MAX_WORK: Final = 10_000_000  # of an expression, a character counts 4, of a name 1, and a connection 40: seconds
MAX_NESTING: Final = 50  # blocks within blocks


def build(architecture: Architecture) -> Network:
    """Build the net that the architecture describes, at its declared input."""
    return _Builder(architecture).build()


class _TooLarge(Exception):  # noqa: N818
    """The net is larger than we expand; that is said."""


class _Frame(NamedTuple):
    """Where the builder is: in the net itself, or in one use of a block."""

    file: File
    steps: tuple[Step, ...]
    names: frozenset[str]  # those in steps that stand there as they are
    scope: tuple[dict[str, Any], ...]  # arguments and words by name, and the file's constants
    inputs: dict[str, int]  # the values that enter, by the names that they have here
    prefix: str = ""  # of the names of layers here, as one writes them from outside
    title: str = ""  # of the names of layers here, as they are shown
    used_at: tuple[Place, ...] = ()
    blocks: tuple[Block, ...] = ()  # that we are in, the innermost last
    kinds: tuple[str, ...] = ()  # the block's name for each part of the title
    twin: str | None = None  # the title of the block whose weights this one uses
    allow: frozenset[str] = frozenset()  # the warnings that the uses of blocks allow
    arguments: tuple[Any, ...] = ()  # of the block, in its order, each with its type: 1 equals true


class _Site:
    """One copy of a step that is being built, in its frame."""

    __slots__ = ("entering", "frame", "i", "inputs", "step", "title")

    def __init__(self, step: Step, frame: _Frame):
        self.step, self.frame = step, frame
        self.inputs: tuple[int, ...] = ()
        self.entering: tuple[Shape | None, ...] = ()  # the inputs' shapes
        self.i: int | None = None  # which copy of a repeat it is
        self.title = ""  # its name within the frame

    @property
    def plain(self) -> str:
        """The name that the step has as it stands, "" where it has none or makes it of expressions."""
        return self.step.name if isinstance(self.step.name, str) else ""

    @property
    def scope(self) -> Scope:
        """What expressions see: the frame's scope, in_channels, and i."""
        own: dict[str, Any] = {} if self.i is None else {"i": self.i}
        if self.entering:
            own["in_channels"] = UNKNOWN if self.entering[0] is None else self.entering[0][0]
        return Scope(own, *self.frame.scope)


class _Use(NamedTuple):
    """A block that was used, for others to share with."""

    block: Block
    arguments: dict[str, Any]
    title: str  # with the dot behind it

    @property
    def name(self) -> str:
        return self.title.removesuffix(".")


class _Builder:
    def __init__(self, architecture: Architecture):
        self.architecture = architecture
        self.problems: dict[Any, Problem] = {}
        self.nodes: list[Node] = []
        self.shapes: list[Shape | None] = [None, *architecture.inputs.values()]  # one for each value
        self.first_node = len(self.shapes)  # the value of node 0
        self.used: set[int] = set()
        self.values: dict[str, int] = {}  # by the name that one writes, dotted
        self.named: dict[str, list[str]] = {}  # by the prefix of a frame, the names given in it
        self.copies: dict[str, list[str]] = {}  # of a repeated step's name, the names of its copies
        self.titles: dict[str, int] = {}  # by the name that is shown, the node
        self.uses: dict[str, _Use] = {}  # of the blocks used, by the name that one writes
        self.numbers: dict[str, int] = {}  # how many unnamed layers of a kind there are in a frame
        self.expectations: list[Expectation] = []
        self.layers: dict[Any, Layer] = {}  # equal layers are one object, so that a check measures them once
        self.measured: dict[Any, Result] = {}
        self.built: dict[Any, Layer] = {}  # by the step, its block's arguments, and what enters
        self.steps_left, self.work_left = MAX_STEPS, MAX_WORK

    def build(self) -> Network:
        architecture, file = self.architecture, self.architecture.file
        inputs = {name: value for value, name in enumerate(architecture.inputs, start=1)}
        frame = _Frame(file, architecture.steps, _names(architecture.steps), (file.constants,), inputs)
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
            problems=listed([*architecture.problems, *self.problems.values()]),
            measured=self.measured,
        )

    def outputs(self, frame: _Frame, last: int) -> dict[str, int]:
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
                why = f"the net has no output {claim.output}{hint(claim.output, outputs)}"
                self.note(problems.BadWiring(claim.place._replace(of_key=True), why=why))
        if self.architecture.problems or self.problems:
            return
        code, used = problems.UnusedResult.code, {*self.used, *outputs.values()}
        for value, node in enumerate(self.nodes, start=self.first_node):
            unused = value not in used
            if unused and node.layer and code not in node.allow | self.architecture.allow:
                self.note(problems.UnusedResult(node.place, node.name, node.used_at))

    def node(self, value: int) -> Node | None:
        return self.nodes[value - self.first_node] if value >= self.first_node else None

    # Problems

    def note(self, problem: Problem) -> None:
        """Note a problem, once for all copies of a block."""
        self.problems.setdefault((problem.code, problem.place, problem.message), problem)
        if len(self.problems) > MAX_PROBLEMS:
            raise _TooLarge

    def problem(self, kind: type[Problem], site: _Site, key: str, **facts: Any) -> None:
        self.note(kind(site.step.at(key), used_at=site.frame.used_at, **facts))

    def too_large(self, site: _Site, key: str, what: str, most: int) -> NoReturn:
        self.problem(problems.TooLarge, site, key, what=what, most=most)
        raise _TooLarge

    def work(self, site: _Site, key: str, amount: int) -> None:
        """Count what takes time and memory for every copy of a step."""
        self.work_left -= amount
        if self.work_left < 0:
            what = "characters of names and expressions, every copy counted, and connections"
            self.too_large(site, key, what, MAX_WORK)

    def bad(self, site: _Site, key: str, why: str) -> Unsettled:
        self.problem(problems.BadValue, site, key, why=why)
        return Unsettled()

    # Steps

    def run(self, frame: _Frame) -> int:
        """Build the steps of a frame one after the other; return the value of the last."""
        entering = [*frame.inputs.values()]
        previous = entering[0] if frame.blocks or len(entering) == 1 else UNRESOLVED
        for step in frame.steps:
            previous = self.step(step, frame, previous)
        return previous

    def step(self, step: Step, frame: _Frame, previous: int) -> int:
        """Build all copies of one step; return its value."""
        site = _Site(step, frame)
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
        if step.expect is not None:
            self.expect(site, result)
        return result

    def feed(self, site: _Site, inputs: tuple[int, ...]) -> None:
        """Let values enter a site."""
        self.used.update(inputs)
        site.inputs, site.entering = inputs, tuple([self.shapes[value] for value in inputs])

    def repeated(self, site: _Site) -> int:
        """Build the copies of a repeated step, each fed by the one before."""
        step, prefix = site.step, site.frame.prefix
        count = self.settled(site, "repeat", step.repeat)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise self.bad(site, "repeat", f"repeat must be a whole number from 0 up, not {shown(count)}")
        if len(site.inputs) > 1:
            raise self.bad(site, "from", "a repeated layer takes one input: each copy is fed by the one before")
        copies: list[str] = []
        (result,) = site.inputs
        for i in range(count):
            self.feed(site, (result,))
            site.i = i
            site.title = f"{site.plain}.{i}" if site.plain else self.title(site)
            copies.append(prefix + site.title)
            result = self.copy(site)
        if site.plain:
            self.copies[prefix + site.plain] = copies
            site.title = site.plain
            self.name(site, result)
        return result

    def copy(self, site: _Site) -> int:
        """Build a step once; return its value."""
        self.steps_left -= 1
        if self.steps_left < 0:
            self.too_large(site, "repeat", "layers and blocks", MAX_STEPS)
        try:
            result = self.made(site)
        except Unsettled:
            result = self.unknown(site)
        if site.step.name:
            self.name(site, result)
        return result

    def made(self, site: _Site) -> int:
        """Build what a step stands for; return its value."""
        step = site.step
        when = True if step.when is True else self.settled(site, "when", step.when)
        if not isinstance(when, bool):
            raise self.bad(site, "when", f"when must be true or false, not {shown(when)}")
        if not when:
            return site.inputs[0]
        if step.broken:
            raise Unsettled
        is_block = step.block or (step.shares and not step.of and self.use(site))
        return self.block(site) if is_block else self.layer(site)

    def name(self, site: _Site, value: int) -> None:
        step, frame = site.step, site.frame
        name = frame.prefix + site.title
        self.work(site, "name", len(name))
        if self.values.get(name, value) != value:
            said = any(other.name == step.name for other in frame.steps if other is not step)
            if not said:
                self.problem(problems.BadName, site, "name", why=f"there are two layers named {name}")
        self.values[name] = value
        self.named.setdefault(frame.prefix, []).append(site.title)

    def title(self, site: _Site) -> str:
        """Return the step's name within its frame; an unnamed one is called by its kind and a number."""
        step, frame = site.step, site.frame
        if step.name:
            name = self.written(site, "name", step.name)
            if isinstance(step.name, Template) and (why := bad_layer_name(name)):
                self.problem(problems.BadName, site, "name", why=why)
                raise Unsettled
            return name
        kind = self.written(site, "type" if step.type else "block", step.of) or "layer"
        while True:
            count = self.numbers[frame.title + kind] = self.numbers.get(frame.title + kind, 0) + 1
            title = f"{kind}{count}"
            if title not in frame.names and frame.title + title not in self.titles:
                return title

    # Values of a step

    def settled(self, site: _Site, key: str, setting: Any) -> Any:
        """Return a setting's value. Raises Unsettled where it is wrong, which is then said, or unknown."""
        if isinstance(setting, int | float | str | tuple):  # as it is most often
            return setting
        self.work(site, key, 4 * length(setting) + 10)
        try:
            return settle(setting, site.scope)
        except ExpressionError as error:
            self.problem(problems.BadExpression, site, key, text=shown(error.text), why=error.message)
            raise Unsettled from None

    def written(self, site: _Site, key: str, word: str | Template) -> str:
        return str(self.settled(site, key, word)) if isinstance(word, Template) else word

    def expect(self, site: _Site, value: int) -> None:
        """Note what the file expects of a value."""
        step, frame = site.step, site.frame
        try:
            shape = self.settled(site, "expect", step.expect)
            if not isinstance(shape, tuple):
                shape = self.read(site, "expect", EXPECT, shape)
        except Unsettled:
            return
        node = self.node(value)
        named = frame.title + step.name if isinstance(step.name, str) and step.name else node.name if node else ""
        self.expectations.append(Expectation(value, shape, named, step.at("expect"), frame.used_at))

    def read(self, site: _Site, key: str, parameter: Parameter[Any], value: object) -> Any:
        """Return the final form of a value that an expression gave."""
        try:
            return final(parameter, value, site.frame.file.layout)
        except Wrong as error:
            raise self.bad(site, key, str(error)) from None

    # Names

    def inputs(self, site: _Site, previous: int) -> tuple[int, ...]:
        """Return the values that enter a step, at least one."""
        step, frame = site.step, site.frame
        if step.inputs is None:
            if previous == UNRESOLVED and step is frame.steps[0] and frame.inputs:
                why = f"the net has several inputs: say which, as from = {shown(next(iter(frame.inputs)))}"
                self.problem(problems.BadWiring, site, "from", why=why)
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
            self.problem(problems.BadWiring, site, "from", why="from names no result")
        return tuple(found) or (UNRESOLVED,)

    def find(self, name: str, frame: _Frame, place: Place) -> list[int]:
        """Return the values that a name stands for: one, or with a * one for each copy of a repeat."""
        if "*" in name:
            return self.find_all(name, frame, place)
        value = frame.inputs.get(name, self.values.get(self.spelled(name, frame)))
        if value is None:
            if any(step.name == name for step in frame.steps):
                mean = " before this one; it stands further down, and a layer takes what stands above it"
            elif frame.title + name in self.titles:
                mean = "; a layer of that kind has no name of its own: give it one"
            else:
                mean = hint(name, [*self.named.get(frame.prefix, ()), *frame.inputs])
            self.note(problems.UnknownLayer(place, used_at=frame.used_at, name=name, hint=mean))
            return [UNRESOLVED]
        return [value]

    def find_one(self, name: str, frame: _Frame, place: Place) -> int:
        """Return the value that a name stands for, which must be a single one."""
        found = self.find(name, frame, place)
        if len(found) == 1:
            return found[0]
        why = f"{name} stands for {len(found)} results, and one is wanted here"
        self.note(problems.BadWiring(place, used_at=frame.used_at, why=why))
        return UNRESOLVED

    def find_all(self, name: str, frame: _Frame, place: Place) -> list[int]:
        """Return the values that a pattern such as stack.*.skip stands for."""
        front, _, back = name.partition(".*")
        copies = self.copies.get(self.spelled(front, frame))
        if copies is None:
            why = f"{name} needs {front} to be a layer or block with repeat that stands earlier"
            self.note(problems.BadWiring(place, used_at=frame.used_at, why=why))
            return [UNRESOLVED]
        start = len(frame.prefix)
        return [value for copy in copies for value in self.find(copy[start:] + back, frame, place)]

    def spelled(self, name: str, frame: _Frame) -> str:
        """Return a name as `values` has it: a repeated block's bare name means its last copy."""
        full = frame.prefix + name
        if full in self.values:
            return full
        first, *rest = name.split(".")
        found = frame.prefix + first
        for part in rest:
            if found not in self.uses and found not in self.copies:
                break
            copies = self.copies.get(found, [])
            if copies and f"{found}.{part}" not in self.values:
                found = copies[-1]
            found += f".{part}"
        return found

    # Layers

    def layer(self, site: _Site) -> int:
        """Build a layer; return its value."""
        key = (id(site.step), site.frame.arguments, site.i, site.entering)
        shared = self.shared(site)
        if shared is None and (layer := self.built.get(key)):  # as in another copy of the block
            return self.add(site, type(layer).type, layer)
        kind = self.kind(site, shared)
        settings, references = self.referred(site, kind, self.settings(site, kind))
        self.used.update(references)
        self.check_joins(site, kind)
        if shared is None:
            layer = self.remembered(site, kind, settings)
            if not references:
                self.built[key] = layer
        else:
            layer = self.agreed(site, shared, kind, settings)
        return self.add(site, kind.type, layer, references, shares=shared.name if shared else "")

    def remembered(self, site: _Site, kind: type[Layer], settings: dict[str, Any]) -> Layer:
        """Return the layer that a step makes of these settings and inputs; copies of a block make few."""
        key = (kind, id(site.frame.file), site.entering[0], frozenset(settings.items()))
        layer = self.layers.get(key)
        if layer is None:
            layer = self.layers[key] = self.new(site, kind, settings)
        return layer

    def unknown(self, site: _Site) -> int:
        """Put a layer of which nothing is known into the net; return its value."""
        of = site.step.of
        kind = of.text if isinstance(of, Template) else of or "layer"
        site.title = site.title or site.plain or f"{kind}?"
        return self.add(site, kind, None)

    def add(
        self, site: _Site, kind: str, layer: Layer | None, references: tuple[int, ...] = (), shares: str = ""
    ) -> int:
        """Put a layer into the net; return its value."""
        step, frame = site.step, site.frame
        name, inputs, entering, allow = frame.title + site.title, site.inputs, site.entering, frame.allow
        if references:
            inputs, entering = inputs + references, (*entering, *(self.shapes[value] for value in references))
        if step.allow:
            allow = allow | step.allow
        self.work(site, "name", len(name))
        self.titles[name] = len(self.nodes)
        self.nodes.append(
            Node(name, kind, layer, inputs, step.place, step.keys, frame.used_at, shares, allow, frame.kinds)
        )
        result = self.measured.get((layer, entering))
        if result is None:
            result = self.measured[layer, entering] = measure(layer, entering)
        self.shapes.append(result.output)
        return len(self.shapes) - 1

    def kind(self, site: _Site, shared: Node | None) -> type[Layer]:
        """Return the layer's type, which may be an argument, or that of the layer it shares with."""
        if not site.step.type:
            if shared is None or shared.layer is None:
                raise Unsettled
            return type(shared.layer)
        name = self.written(site, "type", site.step.type)
        if name not in TYPES:
            self.problem(problems.UnknownType, site, "type", type=name, hint=hint(name, TYPES))
            raise Unsettled
        return TYPES[name]

    def settings(self, site: _Site, kind: type[Layer]) -> dict[str, Any]:
        """Return the layer's own settings, in their final form."""
        step, settings = site.step, site.step.settings
        if step.raw:
            settings = self.late(site, kind)
        elif step.settled:
            return settings

        def value(key: str, setting: Any) -> Any:
            found = self.settled(site, key, setting)
            return found if found is setting else self.read(site, key, kind.parameters[key], found)

        return _all_of(settings, value)

    def late(self, site: _Site, target: type[Layer] | Block) -> dict[str, Any]:
        """Return the settings of a step of which only now is known what they belong to."""
        for key, setting in site.step.settings.items():
            self.work(site, key, 40 * length(setting))  # it is parsed, too
        settings, found = late_settings(site.step, target, site.scope, site.frame.file)
        for problem in found:
            self.note(problem)
        if found:
            raise Unsettled
        return settings

    def new(self, site: _Site, kind: type[Layer], settings: dict[str, Any]) -> Layer:
        """Return the layer with the file's defaults, and the numbers that its input decides; equal ones are one."""
        settings = {**site.frame.file.defaults.get(kind.type, {}), **settings}
        if None in settings.values():  # a default is wrong
            raise Unsettled
        if why := kind.inconsistent(settings):
            raise self.bad(site, "type", why)
        layer = kind(**settings)
        if missing := layer.missing(site.entering[0]):
            settings |= missing
            layer = kind(**settings)
        return self.layers.setdefault((kind, frozenset(settings.items())), layer)

    def check_joins(self, site: _Site, kind: type[Layer]) -> None:
        """Note a number of inputs that the layer does not take."""
        joins, given = kind.joins, len(site.inputs)
        if joins[-1] > 1 and site.step.inputs is None:
            raise self.bad(site, "type", f'{kind.type} joins several results: say which, as from = ["one", "other"]')
        if given not in joins:
            takes = "one input" if joins.start == 1 else f"{joins.start} inputs"
            self.problem(problems.WrongNumberOfInputs, site, "from", type=kind.type, takes=takes, inputs=given)
            raise Unsettled

    def referred(
        self, site: _Site, kind: type[Layer], settings: dict[str, Any]
    ) -> tuple[dict[str, Any], tuple[int, ...]]:
        """Return the settings with what the layer needs of those that it names (`like`), and the values that enter."""
        values: list[int] = []
        for key in kind.references:
            if key in settings:
                value = self.find_one(settings[key], site.frame, site.step.at(key))
                node = self.node(value)
                to = getattr(kind.parameters[key], "to", "")
                if to and value != UNRESOLVED and (node is None or node.type != to):
                    raise self.bad(site, key, f"{key} must name a {to}, and {settings[key]} is none")
                settings = {**settings, key: node.layer if to and node else True}
                values.append(node.inputs[0] if to and node else value)
        return settings, tuple(values)

    # Shared weights

    def shared(self, site: _Site) -> Node | None:
        """Return the node whose weights a layer uses, by its own word or as part of a block that shares."""
        step, frame = site.step, site.frame
        if step.shares:
            name = self.written(site, "shares", step.shares)
            value = self.find_one(name, frame, step.at("shares"))
            node = self.node(value)
            if value != UNRESOLVED and (node is None or self.use(site)):
                raise self.bad(site, "shares", f"a layer shares with a layer, and {name} is none")
            if node is None:
                raise Unsettled
        elif frame.twin is None:
            return None
        elif (title := frame.twin + site.title) in self.titles:
            node = self.nodes[self.titles[title]]
        else:
            other = frame.twin.removesuffix(".")
            self.problem(
                problems.SharedDiffers, site, "name", setting=site.title, here="built", there="not", other=other
            )
            raise Unsettled
        return self.nodes[self.titles[node.shares]] if node.shares else node

    def agreed(self, site: _Site, shared: Node, kind: type[Layer], settings: dict[str, Any]) -> Layer:
        """Return the layer whose weights are used, once the settings that are repeated agree."""
        layer = shared.layer
        if layer is None:
            raise Unsettled
        self.agree(site, shared.name, {"type": shared.type}, {"type": kind.type})
        own = {key: value for key, value in settings.items() if not isinstance(layer.parameters[key], Reference)}
        self.agree(site, shared.name, {key: getattr(layer, key) for key in own}, own)
        return layer

    def agree(self, site: _Site, other: str, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
        differ = [key for key, value in here.items() if there[key] not in (value, UNKNOWN)]
        for key in differ:
            facts = {"setting": key, "here": here[key], "there": there[key], "other": other}
            self.problem(problems.SharedDiffers, site, key, **facts)
        if differ:
            raise Unsettled

    # Blocks

    def block(self, site: _Site) -> int:
        """Build the layers of a block; return the value of the last."""
        step, frame = site.step, site.frame
        use = self.use(site) if step.shares else None
        if step.shares and not use:
            name = self.written(site, "shares", step.shares)
            if self.find_one(name, frame, step.at("shares")) != UNRESOLVED:
                self.bad(site, "shares", f"a block shares with the use of a block, and {name} is none")
            raise Unsettled
        block = use.block if use and not step.block else self.block_of(site)
        if use:
            self.agree(site, use.name, {"block": use.block.name}, {"block": block.name})
        self.work(site, "block", 10 * len(block.parameters()))
        arguments = self.arguments(site, block, use)
        if block in frame.blocks:
            said = any(isinstance(problem, problems.BlockCircle) for problem in self.architecture.problems)
            if not said:  # a template hid it from the reader
                names = [other.name for other in frame.blocks[frame.blocks.index(block) :]]
                self.problem(problems.BlockCircle, site, "block", circle=" -> ".join([*names, block.name]))
            raise Unsettled
        if len(frame.blocks) >= MAX_NESTING:
            self.too_large(site, "block", "blocks within blocks", MAX_NESTING)
        twin = None if frame.twin is None else f"{frame.twin}{site.title}."
        inner = _Frame(
            block.file,
            block.steps,
            _names(block.steps),
            scope=(arguments, block.file.constants),
            inputs={"input": site.inputs[0]} | {f"input{i}": value for i, value in enumerate(site.inputs)},
            prefix=frame.prefix + (f"{site.title}." if step.name else f"({site.title})."),  # no name has parentheses
            title=f"{frame.title}{site.title}.",
            used_at=(step.place, *frame.used_at),
            blocks=(*frame.blocks, block),
            kinds=frame.kinds + (block.name,) * (1 + site.title.count(".")),
            twin=use.title if use else twin,
            allow=frame.allow | step.allow,
            arguments=tuple([(type(arguments[name]), arguments[name]) for name in block.parameters()]),
        )
        self.uses[frame.prefix + site.title] = _Use(block, arguments, inner.title)
        return self.run(inner)

    def block_of(self, site: _Site) -> Block:
        name, blocks = self.written(site, "block", site.step.block), site.frame.file.blocks
        if name not in blocks:
            self.problem(problems.UnknownBlock, site, "block", block=name, hint=hint(name, blocks))
            raise Unsettled
        return blocks[name]

    def use(self, site: _Site) -> _Use | None:
        """Return the use of a block that a step shares with."""
        name = self.spelled(self.written(site, "shares", site.step.shares), site.frame)
        copies = self.copies.get(name)
        return self.uses.get(copies[-1] if copies else name)

    def arguments(self, site: _Site, block: Block, use: _Use | None) -> dict[str, Any]:
        """Return the values of a block's arguments: handed over, or its own defaults, or those of its twin."""
        given = self.late(site, block) if site.step.raw else site.step.settings
        values = _all_of(given, lambda key, setting: self.settled(site, key, setting))
        if use:
            self.agree(site, use.name, use.arguments, values)
            return use.arguments
        inside = site.frame._replace(
            used_at=(site.step.place, *site.frame.used_at), scope=(values, block.file.constants)
        )
        for group, settings in (("defaults", block.defaults), ("words", block.words)):
            for key, setting in settings.items():
                if key not in values:
                    place = Place(block.place.source, (*block.place.path, group))
                    default = _Site(Step(place, keys=frozenset((key,))), inside)
                    default.entering = site.entering
                    values[key] = self.settled(default, key, setting)
        return values


def _all_of(settings: Mapping[str, Any], value: Callable[[str, Any], Any]) -> dict[str, Any]:
    """Return the values of all settings. Raises Unsettled when what is wrong with each of them is said."""
    found: dict[str, Any] = {}
    for key, setting in settings.items():
        with suppress(Unsettled):
            found[key] = value(key, setting)
    if len(found) < len(settings):
        raise Unsettled
    return found


def _names(steps: tuple[Step, ...]) -> frozenset[str]:
    """Return the names that no unnamed layer may be called by."""
    return frozenset(step.name for step in steps if isinstance(step.name, str))
