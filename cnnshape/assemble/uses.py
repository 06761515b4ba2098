"""Uses of blocks: the layers of a block, put into the growing net.

In: a site whose step uses a block. Out: the values of what the block gives. A block is built once for equal arguments and
shapes, and copied after that. Raises Unsettled for a wrong step, once its problem is noted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.assemble.expansions import Expansion, Move
from cnnshape.assemble.frames import Frame, Site
from cnnshape.assemble.names import Names, Use
from cnnshape.assemble.settings import SETTLED
from cnnshape.file.architecture import Step, Unsettled
from cnnshape.problems import building
from cnnshape.problems.place import Place
from cnnshape.problems.suggest import suggest

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnnshape.assemble.growing import GrowingNet
    from cnnshape.assemble.ledger import Ledger
    from cnnshape.assemble.settings import Settler
    from cnnshape.assemble.sharing import Sharing
    from cnnshape.file.architecture import Block

MAX_BLOCK_NESTING: Final = 50  # blocks within blocks
MAX_EXPANSIONS: Final = 300  # kept for one block
MAX_EXPANSION: Final = 1_000  # layers; a longer expansion is not kept


class Uses:
    """Puts blocks in place."""

    def __init__(self, ledger: Ledger, net: GrowingNet, settler: Settler, sharing: Sharing):
        self.ledger, self.net, self.settler, self.sharing = ledger, net, settler, sharing

    def assemble(self, site: Site, run: Callable[[Frame], tuple[int, ...]]) -> tuple[int, ...]:
        """Build a use of a block, its steps by `run`; return its values. Raises Unsettled."""
        if site.step.optional:
            self.ledger.fail(building.OptionalNoJoin, site, "from", of="a block")
        twin = self.sharing.block(site) if site.step.shares else None
        block = twin.block if twin and not site.step.block else self.block(site)
        if twin:
            self.sharing.agree(site, twin.name, {"block": twin.block.name}, {"block": block.name})
        parameters, wires = block.parameters(), len(site.inputs) + len(block.gives)
        self.ledger.work(site, "block", 10 * len(parameters) + 40 * wires)
        arguments = self.arguments(site, block, twin)
        self.check_nesting(site, block)
        frame = self.frame(site, block, arguments, twin)
        given = [
            (type(value), repr(value) if isinstance(value, tuple) else value)  # 1 equals true, and (1,) equals (true,)
            for value in map(arguments.__getitem__, parameters)
        ]
        self.ledger.work(site, "block", sum(len(text) for kind, text in given if kind is tuple))
        key = (*given, frame.allow, frame.frozen, site.entering, *map(site.inputs.index, site.inputs))
        made = self.kept(block).get(key) if frame.twin is None else None
        if made is None:
            results, use = self.built(site, frame, key, run), Use(block, arguments, frame.title, frame.names)
        else:
            move = Move(made, frame, site.inputs, len(self.net.shapes))
            results = self.copied(site, made, move)
            use = Use(block, arguments, frame.title, made.names, move.names)
        site.frame.names.uses[site.title] = use
        return results

    def kept(self, block: Block) -> dict[Any, Any]:
        """Return the expansions of a block made so far."""
        return block.expansions

    def gives(self, site: Site) -> tuple[str, ...]:
        """Return the names of the results of a block that a step uses; () where the last layer's is the only one."""
        block = None
        if site.step.block:
            block = site.frame.file.blocks.get(self.settler.written(site, "block", site.step.block))
        elif site.step.shares and not site.step.type and (use := self.sharing.use(site)):
            block = use.block
        gives = block.gives if block else ()
        self.ledger.work(site, "block", 40 * len(gives))
        return gives

    def block(self, site: Site) -> Block:
        """Return the block that a step names. Raises Unsettled."""
        name, blocks = self.settler.written(site, "block", site.step.block), site.frame.file.blocks
        if name not in blocks:
            self.ledger.fail(building.UnknownBlock, site, "block", block=name, suggestions=suggest(name, blocks))
        return blocks[name]

    def arguments(self, site: Site, block: Block, twin: Use | None) -> dict[str, Any]:
        """Return the block's arguments: those of the step or of its twin, and defaults for the others. Raises Unsettled."""
        values = self.settler.handed(site, block)
        if twin:
            self.sharing.agree(site, twin.name, twin.arguments, values)
            values = twin.arguments
        for group, defaults in (("defaults", block.defaults), ("words", block.words)):
            frame: Frame | None = None
            for key, setting in defaults.items():
                if key in values:
                    continue
                if isinstance(setting, SETTLED):
                    values[key] = setting
                    continue
                frame = frame or _of_defaults(site, block, group, values)
                asked = Site(frame.steps[0], frame, site.inputs, site.entering)
                values[key] = self.settler.evaluated(asked, key, setting)
        return values

    def check_nesting(self, site: Site, block: Block) -> None:
        """Note a block within itself, or within too many others. Raises Unsettled."""
        around = site.frame.blocks
        if block in around:
            said = any(isinstance(problem, building.BlockCircle) for problem in self.ledger.read)
            if not said:  # a template hid it from the reader
                names = [other.name for other in around[around.index(block) :]]
                self.ledger.problem(building.BlockCircle, site, "block", circle=" -> ".join([*names, block.name]))
            raise Unsettled
        if len(around) >= MAX_BLOCK_NESTING:
            self.ledger.too_large(site, "block", "blocks within blocks", MAX_BLOCK_NESTING)

    def frame(self, site: Site, block: Block, arguments: dict[str, Any], twin: Use | None) -> Frame:
        """Return the frame of a use of a block."""
        step, around = site.step, site.frame
        within_twin = None if around.twin is None else f"{around.twin}{site.title}."
        return Frame(
            block.file,
            block.steps,
            inputs={"input": site.inputs[0]} | {f"input{i}": value for i, value in enumerate(site.inputs)},
            names=Names(),
            arguments=arguments,
            title=f"{site.name}.",
            used_at=(step.place, *around.used_at),
            blocks=(*around.blocks, block),
            kinds=around.kinds + (block.name,) * (1 + site.title.count(".")),
            twin=twin.title if twin else within_twin,
            allow=around.allow | step.allow,
            frozen=self.settler.frozen(site),
        )

    def built(self, site: Site, frame: Frame, key: Any, run: Callable[[Frame], tuple[int, ...]]) -> tuple[int, ...]:
        """Build a use unlike those before, and keep its expansion; return its values."""
        ledger, net = self.ledger, self.net
        first, expected, tied = len(net.shapes), len(net.expectations), (ledger.noted, net.ties)
        steps, work = ledger.steps_left, ledger.work_left
        results = run(frame)
        nodes, kept = tuple(net.nodes[first - net.first_node :]), self.kept(frame.blocks[-1])
        if (ledger.noted, net.ties) == tied and len(nodes) <= MAX_EXPANSION and len(kept) < MAX_EXPANSIONS:
            kept[key] = Expansion(
                names=frame.names,
                title=frame.title,
                used_at=frame.used_at,
                kinds=frame.kinds,
                inputs=site.inputs,
                first=first,
                nodes=nodes,
                shapes=tuple(net.shapes[first:]),
                results=results,
                expectations=tuple(net.expectations[expected:]),
                steps=steps - ledger.steps_left,
                work=work - ledger.work_left,
            )
        return results

    def copied(self, site: Site, made: Expansion, move: Move) -> tuple[int, ...]:
        """Build a use as a copy of an equal one; return its values."""
        self.ledger.step(site, made.steps)
        self.ledger.work(site, "block", made.work)
        self.net.extend(move.nodes(made.nodes), made.shapes, map(move.expectation, made.expectations))
        return tuple(map(move.value, made.results))


def _of_defaults(site: Site, block: Block, group: str, arguments: dict[str, Any]) -> Frame:
    """Return the frame of a block's table of defaults: its one step is the table, its arguments are those known so far."""
    table = Step(Place(block.place.source, (*block.place.path, group)), keys=frozenset(getattr(block, group)))
    around = site.frame
    places = (site.step.place, *around.used_at)
    return Frame(block.file, (table,), around.inputs, around.names, arguments=arguments, used_at=places)
