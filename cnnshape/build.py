"""Architecture -> Network: blocks are used, names found, expressions and left-out numbers settled at the declared input.

Shapes flow while the net is built, since an expression may ask for in_channels. What is wrong with shapes is not said
here: a check finds it again. What is wrong with names, wiring and values is said, and its layer is then unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cnnshape import problems
from cnnshape.architecture import Architecture, Block, File, Step, final, hint, late_settings, name_problem, settle
from cnnshape.expression import ExpressionError, Template
from cnnshape.layers import TYPES, Layer
from cnnshape.layout import from_file
from cnnshape.network import UNRESOLVED, Expectation, Network, Node, Result, measure
from cnnshape.parameters import Inferred, Shape, Wrong, shown
from cnnshape.problems import Place, Problem
from cnnshape.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_STEPS = 100_000  # layers and uses of blocks, repeats counted: some seconds of work, ten times the largest net known
MAX_NESTING = 50  # blocks within blocks


class _Stop(Exception):  # noqa: N818 -- not an error of ours
    """The net is larger than we expand."""


class _Unsettled(Exception):  # noqa: N818
    """A setting cannot be known: what it depends on failed, or is wrong, and that has been said."""


class _Frame(NamedTuple):
    """Where the builder is: in the net itself, or in one use of a block."""

    file: File
    scope: dict[str, Any]  # arguments, words and constants by name
    inputs: tuple[int, ...]
    input_names: tuple[str, ...]
    prefix: str = ""  # of the names of layers here, as one writes them from outside
    title: str = ""  # of the names of layers here, as they are shown
    used_at: tuple[Place, ...] = ()
    blocks: tuple[Block, ...] = ()  # that we are in, the innermost last
    twin: str | None = None  # the title of the block whose weights this one uses


class _Use(NamedTuple):
    """A block that was used, for others to share with."""

    block: Block
    arguments: dict[str, Any]
    title: str


def build(architecture: Architecture) -> Network:
    """Build the net that the architecture describes, at its declared input."""
    return _Builder(architecture).build()


class _Builder:
    def __init__(self, architecture: Architecture):
        self.architecture = architecture
        self.problems: list[Problem] = []
        self.nodes: list[Node] = []
        self.shapes: list[Shape | None] = [None, *architecture.inputs.values()]  # one for each value
        self.used: set[int] = set()
        self.values: dict[str, int] = {}  # by the name that one writes, dotted
        self.copies: dict[str, list[str]] = {}  # of a repeated step's name, the names of its copies
        self.titles: dict[str, int] = {}  # by the name that is shown, the node
        self.uses: dict[str, _Use] = {}  # of the blocks used, by the name that one writes
        self.numbers: dict[str, int] = {}  # how many unnamed layers of a kind there are in a frame
        self.expectations: list[Expectation] = []
        self.layers: dict[Any, Layer] = {}  # equal layers are one object, so that a check measures them once
        self.measured: dict[Any, Result] = {}
        self.steps_left = MAX_STEPS

    def build(self) -> Network:
        architecture = self.architecture
        inputs = tuple(range(1, len(self.shapes)))
        frame = _Frame(architecture.file, architecture.file.constants, inputs, tuple(architecture.inputs))
        try:
            last = self.run(architecture.steps, frame)
        except _Stop:
            last = UNRESOLVED
        outputs = self.outputs(frame, last)
        self.used |= set(outputs.values())
        self.check_unused()
        self.check_claims(outputs)
        return Network(
            name=architecture.name,
            source=architecture.source,
            file=architecture.file.source.file,
            layout=architecture.file.layout,
            inputs=architecture.inputs,
            nodes=tuple(self.nodes),
            outputs=outputs,
            expectations=tuple(self.expectations),
            claims=architecture.claims,
            training=architecture.training,
            allow=architecture.allow,
            problems=tuple(_once([*architecture.problems, *self.problems])),
        )

    def outputs(self, frame: _Frame, last: int) -> dict[str, int]:
        """Return the net's outputs by name; left out, it is the last layer."""
        names = self.architecture.outputs
        if names is None:
            title = self.nodes[-1].name if self.nodes else "output"
            return {title: last}
        found = {}
        for i, name in enumerate(names):
            place = Place(self.architecture.file.source, ("outputs", i))
            for value in self.find(name, frame, place):
                found[name] = value
        return found

    def check_unused(self) -> None:
        first = len(self.shapes) - len(self.nodes)
        for value, node in enumerate(self.nodes, start=first):
            silent = problems.UnusedResult.code in node.allow | self.architecture.allow
            if value not in self.used and node.layer and not silent:
                self.problems.append(problems.UnusedResult(node.place, node.name, node.used_at))

    def check_claims(self, outputs: dict[str, int]) -> None:
        for claim in self.architecture.claims:
            if claim.output and claim.output not in outputs:
                why = f"the net has no output {claim.output}{hint(claim.output, outputs)}"
                self.problems.append(problems.BadWiring(claim.place, why=why))

    # Steps

    def run(self, steps: tuple[Step, ...], frame: _Frame) -> int:
        """Build the steps one after the other; return the value of the last."""
        several = len(frame.inputs) > 1 and not frame.blocks
        previous = UNRESOLVED if several or not frame.inputs else frame.inputs[0]
        for step in steps:
            if step.inputs is None and step is steps[0] and several:
                why = f"the net has several inputs: say from which one, from = {shown(frame.input_names[0])}"
                self.problems.append(problems.BadWiring(step.place, why=why))
            previous = self.step(step, frame, previous)
        return previous

    def step(self, step: Step, frame: _Frame, previous: int) -> int:
        """Build all copies of one step; return its value."""
        scope = dict(frame.scope)
        inputs = self.inputs(step, frame, previous, scope)
        self.used.update(inputs)
        first = self.shapes[inputs[0]] if inputs else None
        scope["in_channels"] = UNKNOWN if first is None else first[0]
        try:
            result = self.repeated(step, frame, inputs, scope) if step.repeat is not None else None
            if result is None:
                result = self.copy(step, frame, inputs, scope, self.title(step, frame, scope))
        except _Unsettled:
            result = self.unknown(step, frame, inputs)
        if step.expect is not None:
            self.expect(step, frame, scope, result)
        return result

    def repeated(self, step: Step, frame: _Frame, inputs: tuple[int, ...], scope: dict[str, Any]) -> int:
        """Build the copies of a repeated step, each fed by the one before."""
        count = self.settled(step, "repeat", step.repeat, scope)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            self.bad(step, "repeat", f"repeat must be a whole number from 0 up, not {shown(count)}")
        if len(inputs) > 1:
            self.bad(step, "from", "a repeated layer takes one input: each copy is fed by the one before")
        base = "" if "{" in str(getattr(step.name, "text", "")) else self.title(step, frame, scope)
        named = base if step.name else ""
        if named:
            self.copies[frame.prefix + named] = []
        result = inputs[0]
        for i in range(count):
            shape = self.shapes[result]
            scope |= {"i": i, "in_channels": UNKNOWN if shape is None else shape[0]}
            title = f"{base}.{i}" if base else self.title(step, frame, scope)
            if named:
                self.copies[frame.prefix + named].append(f"{frame.prefix}{title}")
            result = self.copy(step, frame, (result,), scope, title)
            if i < count - 1:
                self.used.add(result)
        if named:
            self.values[frame.prefix + named] = result
        return result

    def copy(self, step: Step, frame: _Frame, inputs: tuple[int, ...], scope: dict[str, Any], title: str) -> int:
        """Build a step once; return its value."""
        self.steps_left -= 1
        if self.steps_left < 0:
            facts = {"what": "layers", "amount": "too many", "most": f"{MAX_STEPS:,}"}
            self.problems.append(problems.TooLarge(step.place, used_at=frame.used_at, **facts))
            raise _Stop
        when = self.settled(step, "when", step.when, scope)
        if not isinstance(when, bool):
            self.bad(step, "when", f"when must be true or false, not {shown(when)}")
        if not when:
            result = inputs[0] if inputs else UNRESOLVED
        elif step.block:
            result = self.block(step, frame, inputs, scope, title)
        elif step.of or not step.shares:
            result = self.layer(step, frame, inputs, scope, title)
        else:
            shared = self.written(step, "shares", step.shares, scope)
            of_block = self.spelled(shared, frame) in self.uses
            result = (self.block if of_block else self.layer)(step, frame, inputs, scope, title)
        if step.name:
            self.name(step, frame.prefix + title, result)
        return result

    def name(self, step: Step, name: str, value: int) -> None:
        if name in self.values:
            why = f"there are two layers named {name}"
            self.problems.append(problems.BadName(step.at("name"), why=why))
        self.values[name] = value

    def title(self, step: Step, frame: _Frame, scope: Mapping[str, Any]) -> str:
        """Return the step's name within its frame; an unnamed one is called by its kind and a number."""
        if step.name:
            name = self.written(step, "name", step.name, scope)
            if isinstance(step.name, Template) and (why := name_problem(name)):
                self.problems.append(problems.BadName(step.at("name"), used_at=frame.used_at, why=why))
            return name
        kind = step.of or "layer"
        kind = kind if isinstance(kind, str) else self.written(step, "type" if step.type else "block", kind, scope)
        while True:
            count = self.numbers[frame.title + kind] = self.numbers.get(frame.title + kind, 0) + 1
            title = f"{kind}{count}"
            if frame.prefix + title not in self.values and frame.title + title not in self.titles:
                return title

    # Values of a step

    def settled(self, step: Step, key: str, setting: Any, scope: Mapping[str, Any]) -> Any:
        """Return a setting's value. Raises _Unsettled where it is wrong, which is then said, or unknown."""
        if setting is None:  # it was wrong in the text, and that was said
            raise _Unsettled
        try:
            return settle(setting, _Known(scope))
        except ExpressionError as error:
            facts = {"text": shown(error.text), "why": error.message}
            self.problems.append(problems.BadExpression(step.at(key), **facts))
            raise _Unsettled from None

    def written(self, step: Step, key: str, word: str | Template, scope: Mapping[str, Any]) -> str:
        return str(self.settled(step, key, word, scope)) if isinstance(word, Template) else word

    def bad(self, step: Step, key: str, why: str) -> None:
        self.problems.append(problems.BadValue(step.at(key), why=why))
        raise _Unsettled

    def expect(self, step: Step, frame: _Frame, scope: Mapping[str, Any], value: int) -> None:
        try:
            sizes = self.settled(step, "expect", step.expect, scope)
        except _Unsettled:
            return
        shape = sizes if isinstance(sizes, tuple) else from_file(tuple(sizes), frame.file.layout)
        named = step.name if isinstance(step.name, str) else ""
        layer = frame.title + named if named else self.nodes[-1].name if self.nodes else ""
        self.expectations.append(Expectation(value, shape, layer, step.at("expect"), frame.used_at))

    # Names

    def inputs(self, step: Step, frame: _Frame, previous: int, scope: Mapping[str, Any]) -> tuple[int, ...]:
        """Return the values that enter a step."""
        if step.inputs is None:
            return (previous,)
        found: list[int] = []
        for word in step.inputs:
            try:
                name = self.written(step, "from", word, scope)
            except _Unsettled:
                found.append(UNRESOLVED)
            else:
                found += self.find(name, frame, step.at("from"))
        return tuple(found) or (UNRESOLVED,)

    def find(self, name: str, frame: _Frame, place: Place) -> list[int]:
        """Return the values that a name stands for: one, or with a * one for each copy of a repeat."""
        if "*" in name:
            return self.find_all(name, frame, place)
        value = self.value(name, frame)
        if value is None:
            known = [*self.visible(frame), *(("input",) if frame.blocks else frame.input_names)]
            facts = {"name": name, "hint": hint(name, known)}
            self.problems.append(problems.UnknownLayer(place, used_at=frame.used_at, **facts))
            return [UNRESOLVED]
        return [value]

    def value(self, name: str, frame: _Frame) -> int | None:
        if not frame.blocks and name in frame.input_names:
            return frame.inputs[frame.input_names.index(name)]
        if frame.blocks and name.startswith("input") and (name[5:] or "0").isdecimal():
            number = int(name[5:] or 0)
            return frame.inputs[number] if number < len(frame.inputs) else None
        return self.values.get(self.spelled(name, frame))

    def spelled(self, name: str, frame: _Frame) -> str:
        """Return a name as `values` has it: a repeated layer's bare name means its last copy."""
        full = frame.prefix + name
        if full in self.values:
            return full
        first, *rest = name.split(".")
        found = frame.prefix + first
        for part in rest:
            copies = self.copies.get(found, [])
            if copies and f"{found}.{part}" not in copies:
                found = copies[-1]
            found += f".{part}"
        return found

    def find_all(self, name: str, frame: _Frame, place: Place) -> list[int]:
        """Return the values that a pattern such as stack.*.skip stands for."""
        front, _, back = name.partition(".*")
        copies = self.copies.get(frame.prefix + front)
        if copies is None:
            why = f"{name} needs {front} to be a layer or block with repeat that stands earlier"
            self.problems.append(problems.BadWiring(place, used_at=frame.used_at, why=why))
            return [UNRESOLVED]
        within = len(frame.prefix)
        return [value for copy in copies for value in self.find(copy[within:] + back, frame, place)]

    def visible(self, frame: _Frame) -> list[str]:
        start = len(frame.prefix)
        names = (name[start:] for name in self.values if name.startswith(frame.prefix))
        return [name for name in names if "." not in name and "(" not in name]

    # Layers

    def layer(self, step: Step, frame: _Frame, inputs: tuple[int, ...], scope: dict[str, Any], title: str) -> int:
        """Build a layer; return its value."""
        shared = self.shared(step, frame, scope, title)
        try:
            if step.broken:
                raise _Unsettled
            layer, inputs = self.made(step, frame, inputs, scope, shared)
        except _Unsettled:
            return self.unknown(step, frame, inputs, title)
        self.used.update(inputs)
        kind = type(layer).type
        return self.add(step, frame, inputs, frame.title + title, kind, layer, shares=shared.name if shared else "")

    def made(
        self, step: Step, frame: _Frame, inputs: tuple[int, ...], scope: dict[str, Any], shared: Node | None
    ) -> tuple[Layer, tuple[int, ...]]:
        """Return the layer and its inputs, those of references last."""
        kind = self.kind(step, shared, scope)
        settings = step.settings
        if isinstance(step.of, Template) or not step.of:
            settings, found = late_settings(step, kind, {*scope, "in_channels"}, frame.file)
            self.problems += found
            if found:
                raise _Unsettled
        if not step.settled or settings is not step.settings:
            settings = {
                key: self.value_of(step, kind, key, setting, scope, frame) for key, setting in settings.items()
            }
        references: tuple[int, ...] = ()
        for key in kind.references():
            if key in settings:
                value, settings = self.reference(step, frame, kind, key, settings)
                references = (*references, value)
        if shared and shared.layer:
            self.agree(step, shared, settings)
            return shared.layer, (*inputs, *references)
        settings = {**frame.file.defaults.get(kind.type, {}), **settings}
        if why := kind.inconsistent(settings):
            self.bad(step, "type", why)
        if len(inputs) not in kind.joins:
            takes = "one input" if kind.joins.stop == 2 else f"{kind.joins.start} inputs"  # noqa: PLR2004
            self.bad(step, "from", f"{kind.type} takes {takes}, but {len(inputs)} arrive")
        if kind.joins.stop > 2 and step.inputs is None:  # noqa: PLR2004 -- it joins several
            self.bad(step, "from", f'{kind.type} joins results: say which, as from = ["...", "..."]')
        layer = self.interned(kind, settings)
        return self.filled(layer, self.shapes[inputs[0]]), (*inputs, *references)

    def kind(self, step: Step, shared: Node | None, scope: Mapping[str, Any]) -> type[Layer]:
        if not step.type:
            if shared is None or shared.layer is None:
                raise _Unsettled
            return type(shared.layer)
        name = self.written(step, "type", step.type, scope)
        if name not in TYPES:
            facts = {"type": name, "hint": hint(name, TYPES)}
            self.problems.append(problems.UnknownType(step.at("type"), **facts))
            raise _Unsettled
        return TYPES[name]

    def value_of(
        self, step: Step, kind: type[Layer], key: str, setting: Any, scope: Mapping[str, Any], frame: _Frame
    ) -> Any:
        value = self.settled(step, key, setting, scope)
        if value is setting:
            return value
        try:
            return final(kind.parameters[key], value, frame.file.layout)
        except Wrong as error:
            self.bad(step, key, str(error))

    def reference(
        self, step: Step, frame: _Frame, kind: type[Layer], key: str, settings: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        """Return the value that a parameter such as `like` names, and the settings with what the layer needs of it."""
        parameter: Any = kind.parameters[key]
        value = self.find(settings[key], frame, step.at(key))[0]
        if value == UNRESOLVED:
            raise _Unsettled
        if not parameter.to:
            return value, {**settings, key: True}
        node = self.nodes[value - self.first_node()] if value >= self.first_node() else None
        if node is None or node.type != parameter.to:
            self.bad(step, key, f"{key} must name a {parameter.to}, and {settings[key]} is none")
        elif node.layer is None:
            raise _Unsettled
        else:
            return node.inputs[0], {**settings, key: node.layer}
        raise AssertionError

    def first_node(self) -> int:
        return 1 + len(self.architecture.inputs)

    def interned(self, kind: type[Layer], settings: dict[str, Any]) -> Layer:
        key = (kind, *sorted(settings.items(), key=lambda item: item[0]))
        layer = self.layers.get(key)
        if layer is None:
            layer = self.layers[key] = kind(**settings)
        return layer

    def filled(self, layer: Layer, x: Shape | None) -> Layer:
        """Return the layer with the numbers that its input decides."""
        if not any(isinstance(parameter, Inferred) for parameter in layer.parameters.values()):
            return layer
        if (layer, x) not in self.layers:
            full = layer.replace(**layer.missing(x))
            self.layers[layer, x] = self.interned(type(full), {k: v for k, v in full.__dict__.items() if k != "_axes"})
        return self.layers[layer, x]

    def add(  # noqa: PLR0913
        self,
        step: Step,
        frame: _Frame,
        inputs: tuple[int, ...],
        name: str,
        kind: str,
        layer: Layer | None,
        shares: str = "",
    ) -> int:
        """Put a node into the net; return its value."""
        node = Node(name, kind, layer, inputs, step.place, step.keys, frame.used_at, shares, step.allow)
        self.titles[name] = len(self.nodes)
        self.nodes.append(node)
        entering = tuple([self.shapes[value] for value in inputs])
        key = (layer, entering)
        if key not in self.measured:
            self.measured[key] = measure(layer, entering)
        self.shapes.append(self.measured[key].output)
        return len(self.shapes) - 1

    def unknown(self, step: Step, frame: _Frame, inputs: tuple[int, ...], title: str = "") -> int:
        """Put a node of which nothing is known into the net; return its value."""
        title = title or (step.name if isinstance(step.name, str) and step.name else f"?{len(self.nodes)}")
        kind = step.of if isinstance(step.of, str) else step.of.text
        value = self.add(step, frame, inputs, frame.title + title, kind, None)
        if step.name:
            self.values.setdefault(frame.prefix + title, value)
        return value

    # Shared weights

    def shared(self, step: Step, frame: _Frame, scope: Mapping[str, Any], title: str) -> Node | None:
        """Return the node whose weights a layer uses, by its own word or as part of a block that shares."""
        if step.shares:
            name = self.written(step, "shares", step.shares, scope)
            value = self.find(name, frame, step.at("shares"))[0]
            index = value - self.first_node()
            if index < 0:
                return None
        elif frame.twin is not None:
            index = self.titles.get(frame.twin + title, -1)
            if index < 0:
                facts = {"setting": title, "here": "built", "there": "not", "other": frame.twin.removesuffix(".")}
                self.problems.append(problems.SharedDiffers(step.place, used_at=frame.used_at, **facts))
                return None
        else:
            return None
        node = self.nodes[index]
        return self.nodes[self.titles[node.shares]] if node.shares else node

    def agree(self, step: Step, shared: Node, settings: dict[str, Any]) -> None:
        """Say which settings differ from those of the layer whose weights are used."""
        kinds = {"type": (step.type, shared.type)} if isinstance(step.type, str) and step.type else {}
        both = {key: (value, getattr(shared.layer, key)) for key, value in settings.items() if value is not True}
        for key, (here, there) in (kinds | both).items():
            if here != there:
                facts = {"setting": key, "here": here, "there": there, "other": shared.name}
                self.problems.append(problems.SharedDiffers(step.at(key), shared.name, **facts))
                raise _Unsettled

    # Blocks

    def block(self, step: Step, frame: _Frame, inputs: tuple[int, ...], scope: dict[str, Any], title: str) -> int:
        """Build the layers of a block; return the value of the last."""
        if step.broken:
            raise _Unsettled
        twin = self.twin(step, frame, scope)
        block = twin.block if twin and not step.block else self.block_of(step, frame, scope)
        arguments = self.arguments(step, block, frame, scope, twin)
        if block in frame.blocks:
            circle = " -> ".join([*(b.name for b in frame.blocks[frame.blocks.index(block) :]), block.name])
            self.problems.append(problems.BlockCircle(step.at("block"), circle=circle))
            raise _Unsettled
        if len(frame.blocks) >= MAX_NESTING:
            facts = {"what": "blocks within blocks", "amount": "too deep", "most": MAX_NESTING}
            self.problems.append(problems.TooLarge(step.place, **facts))
            raise _Unsettled
        prefix = f"{frame.prefix}{title}." if step.name else f"{frame.prefix}({title})."
        inner = _Frame(
            block.file,
            {**block.file.constants, **arguments},
            inputs,
            (),
            prefix,
            f"{frame.title}{title}.",
            (step.place, *frame.used_at),
            (*frame.blocks, block),
            twin.title if twin else None if frame.twin is None else f"{frame.twin}{title}.",
        )
        if step.name:
            self.uses[frame.prefix + title] = _Use(block, arguments, inner.title)
        return self.run(block.steps, inner)

    def block_of(self, step: Step, frame: _Frame, scope: Mapping[str, Any]) -> Block:
        name = self.written(step, "block", step.block, scope)
        if name not in frame.file.blocks:
            facts = {"block": name, "hint": hint(name, frame.file.blocks)}
            self.problems.append(problems.UnknownBlock(step.at("block"), **facts))
            raise _Unsettled
        return frame.file.blocks[name]

    def twin(self, step: Step, frame: _Frame, scope: Mapping[str, Any]) -> _Use | None:
        if not step.shares:
            return None
        name = self.written(step, "shares", step.shares, scope)
        use = self.uses.get(self.spelled(name, frame))
        if use is None:
            self.bad(step, "shares", f"{name} is no block that stands before this one")
        return use

    def arguments(
        self, step: Step, block: Block, frame: _Frame, scope: Mapping[str, Any], twin: _Use | None
    ) -> dict[str, Any]:
        """Return the values of a block's arguments: handed over, or its own defaults."""
        given = step.settings
        if isinstance(step.of, Template) or not step.of:
            given, found = late_settings(step, block, {*scope, "in_channels"}, frame.file)
            self.problems += found
            if found:
                raise _Unsettled
        values = {key: self.settled(step, key, setting, scope) for key, setting in given.items()}
        if twin:
            for key, value in values.items():
                if value != twin.arguments[key]:
                    facts = {"setting": key, "here": value, "there": twin.arguments[key], "other": twin.title[:-1]}
                    self.problems.append(problems.SharedDiffers(step.at(key), **facts))
                    raise _Unsettled
            return twin.arguments
        inside = {**block.file.constants, "in_channels": scope["in_channels"], **values}
        for key, setting in (block.defaults | block.words).items():
            if key not in values:
                inside[key] = self.settled(step, key, setting, inside)
        return {key: inside[key] for key in block.parameters()}


class _Known(dict[str, Any]):
    """A scope in which a number behind a failure cannot be asked for."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if value is UNKNOWN:
            raise _Unsettled
        return value


def _once(found: list[Problem]) -> list[Problem]:
    """Return the problems without repetition: a block that is used often has its mistakes once."""
    return list({(problem.code, problem.place, problem.message): problem for problem in reversed(found)}.values())[::-1]
