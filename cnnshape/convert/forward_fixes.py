"""Fixes of a model's forward, as lines of code: a flatten, a permute, an axis that is put into the call that lacks it.

In: a run, and an operation that torch refuses. Out: changes of the code that may mend it, the likely ones first; they are to
be tried. None where the source does not show the one call that runs the operation.
"""

from __future__ import annotations

import ast
import re
from math import isqrt, prod
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.compare.constructed import arguments, number, tree
from cnnshape.compare.functions import FLATTENS, VIEWS
from cnnshape.convert.code_edits import Replaced, Said, remade, replaced, rewritten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cnnshape.compare.constructed import Made
    from cnnshape.compare.recording import Op, Recording
    from cnnshape.numbers.shape import Shape

    Fixes = Iterator[tuple[Said | None, ...]]

SIGNS: Final = {"add": ast.Add, "sub": ast.Sub, "mul": ast.Mult, "div": ast.Div, "matmul": ast.MatMult}
AS_MODULES: Final = {".flatten(1)": "Flatten()", ".mean((2, 3))": "AdaptiveAvgPool2d(1), {}Flatten()"}
RANKED: Final = re.compile(r"(?:Conv|ConvTranspose|BatchNorm|InstanceNorm)(\d)d")
OF_ANY_CHANNELS: Final = ("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d")
RECURRENT: Final = ("RNN", "LSTM", "GRU")
JOINS: Final = ("cat", "concat", "concatenate")
RESIZES: Final = ("conv_transpose", "interpolate", "upsample", "pixel_shuffle")
OVER_AN_AXIS: Final = ("softmax", "log_softmax", "softmin", "glu", "cumsum")
MOST_RANK: Final = 3
NEAR: Final = 1.3  # the ratio of two sides, up to which the one was meant to be the other
PAIR: Final = 2
SEQUENCE: Final = 3  # the axes of a sequence, with its batch
PICTURES: Final = 4


class Calls(NamedTuple):
    """The calls of a run in the source; `made` gives the constructor's call of a module, by its path."""

    run: Recording
    made: Callable[[str], Made | None]

    def fixes(self, op: Op) -> Fixes:
        """Yield changes of the code that may make torch take an operation; an entry is None where it cannot be written."""
        if op.line is not None and op.inputs:
            yield from self.of_function(op) if op.call else self.of_module(op)

    def of_module(self, op: Op) -> Fixes:
        call, before = self.call_of(op)
        for suffix in self.suffixes(op):
            if call and call.args and not before:
                yield (rewritten(_file(op), call, Replaced(call.args[0], suffix, behind=True)),)
            elif before:
                yield (self.put_before(op, suffix),)
        yield from self.of_another_rank(op)

    def suffixes(self, op: Op) -> Iterator[str]:
        """Yield what may be lacking behind the argument of a module; of one for any channels, by the next that has some."""
        yield from _suffixes(op.inputs[0].shape, op)
        if op.name in OF_ANY_CHANNELS:
            behind = self.run.ops[self.run.ops.index(op) + 1 :]
            yield from next((found for other in behind if (found := [*_suffixes(op.inputs[0].shape, other)])), [])

    def call_of(self, op: Op) -> tuple[ast.Call | None, bool]:
        """Return the call that runs a module, or containers around it; and whether these run others before it."""
        parts, calls = op.path.split("."), {_dotted(call.func): call for call in _within(op, ast.Call)}
        owners = (length for length in range(len(parts) - 1, -1, -1) if self.is_users(".".join(parts[:length])))
        start = next(owners, 0)
        for length in range(len(parts), start, -1):
            call = calls.get(".".join(["self", *parts[start:length]]))
            if call:
                return call, self.first_in(".".join(parts[:length])) != op.path
        return None, len(parts) - start > 1

    def is_users(self, path: str) -> bool:
        return path in self.run.modules and bool(self.run.modules[path].file)

    def first_in(self, path: str) -> str:
        """Return the path of the first layer in a container, or of the layer itself."""
        inside = (
            name for name, module in self.run.modules.items() if f"{name}.".startswith(f"{path}.") and module.type
        )
        return next(inside, path)

    def put_before(self, op: Op, suffix: str) -> Said | None:
        """Return a module put before another in the container that is written out around it."""
        made, module = self.made(op.path), AS_MODULES.get(suffix)
        if suffix.startswith(".unflatten("):
            module = f"U{suffix[2:]}"
        if not made or not made.text or not module:
            return None
        prefix = made.text.partition("(")[0].rpartition(".")[0]
        prefix = f"{prefix}." if prefix else ""
        return remade(made, f"{prefix}{module.replace('{}', prefix)}, {made.text}")

    def of_another_rank(self, op: Op) -> Fixes:
        """Yield the class for as many axes as arrive."""
        found, made = RANKED.fullmatch(op.name), self.made(op.path)
        rank = max(1, len(op.inputs[0].shape) - 2)
        if found and made and op.name in made.text and rank != int(found[1]) and rank <= MOST_RANK:
            yield (remade(made, made.text.replace(op.name, f"{op.name[:-2]}{rank}d", 1)),)

    def of_function(self, op: Op) -> Fixes:
        named = [call for call in _within(op, ast.Call) if _dotted(call.func).rpartition(".")[2] in {op.name, op.type}]
        call = named[0] if len(named) == 1 else None
        shapes = [tensor.shape for tensor in op.inputs]
        if call and op.type in FLATTENS and len(op.call.args if op.call else ()) < PAIR + (op.type in VIEWS):
            yield from _of_flatten(op, call)
        if call and op.type in VIEWS:
            yield from self.of_view(op, call)
        elif call and op.type in JOINS:
            yield from _of_join(op, call, shapes)
            entries = call.args[0].elts if call.args and isinstance(call.args[0], ast.List | ast.Tuple) else []
            yield from self.resized(op, call, entries)
        elif call and op.type in OVER_AN_AXIS:
            yield from _of_axis(op, call)
        elif call and op.type == "linear" and call.args and len(shapes) > 1:
            for suffix in _for_features(shapes[0], shapes[1][-1]):
                yield (rewritten(_file(op), call, Replaced(call.args[0], suffix, behind=True)),)
        elif op.type in SIGNS and len(shapes) == PAIR:
            whole, operands = _operands(op, call)
            if len(operands) == PAIR:
                yield from _of_pair(op, whole, operands)
                yield from self.resized(op, whole, operands)

    def of_view(self, op: Op, call: ast.Call) -> Fixes:
        """Yield a view with the number that arrives, with the linear layer that was made for the other number."""
        sizes = (
            call.args if isinstance(call.func, ast.Attribute) and _dotted(call.func.value) != "torch" else call.args[1:]
        )
        if len(sizes) == 1 and isinstance(sizes[0], ast.Tuple | ast.List):
            sizes = sizes[0].elts
        wanted = [number(size) for size in sizes[1:]]
        if not all(isinstance(size, int) and size > 0 for size in wanted):
            return
        arrives = prod(op.inputs[0].shape[1:])
        if len(wanted) == 1:
            view = rewritten(_file(op), call, Replaced(sizes[1], str(arrives)))
            yield (view,)
            for path in self.readers(op, wanted[0]):
                yield view, self.of_features(path, arrives)
        elif len(wanted) > 1 and arrives % wanted[0] == 0:
            side = _root(arrives // wanted[0], len(wanted) - 1)
            if side:
                yield (rewritten(_file(op), call, *(Replaced(size, str(side)) for size in sizes[2:])),)

    def resized(self, op: Op, whole: ast.expr, operands: Sequence[ast.expr]) -> Fixes:
        """Yield the one of two maps that a resize made about as large as the other, resized to its sides."""
        shapes = [tensor.shape for tensor in op.inputs]
        if len(operands) != PAIR or len(shapes) != PAIR or len(shapes[0]) != len(shapes[1]):
            return
        one, other = sorted((0, 1), key=lambda side: prod(shapes[side][2:]))
        sides = [*zip(shapes[one][2:], shapes[other][2:], strict=True)]
        near = bool(sides) and all(0 < a <= b <= NEAR * a for a, b in sides)
        name = next((name for name in _names(op, "torch.nn.functional")), "")
        if near and name and isinstance(operands[other], ast.Name) and self.is_resized(op.inputs[one].value):
            new = f"{name}.interpolate({ast.unparse(operands[one])}, size={ast.unparse(operands[other])}.shape[2:])"
            yield (rewritten(_file(op), whole, Replaced(operands[one], new)),)

    def is_resized(self, value: int) -> bool:
        """Whether a resize stands behind a value, before anything that strides."""
        made = {tensor.value: op for op in self.run.ops for tensor in op.outputs}
        while value in made:
            op = made[value]
            if op.type in RESIZES or not op.inputs:
                return op.type in RESIZES
            if op.outputs[0].shape[2:] != op.inputs[0].shape[2:]:
                return False
            value = op.inputs[0].value
        return False

    def readers(self, op: Op, features: int) -> Iterator[str]:
        """Yield the path of the first linear layer behind an operation, if it was made for so many features."""
        values = {tensor.value for tensor in op.outputs}
        for other in self.run.ops[self.run.ops.index(op) + 1 :]:
            if values.intersection(tensor.value for tensor in other.inputs):
                if other.name == "Linear" and other.layer:
                    if other.layer.in_features == features:
                        yield other.path
                    return
                values.update(tensor.value for tensor in other.outputs)

    def of_features(self, path: str, features: int) -> Said | None:
        """Return a linear layer with another number of features that enter."""
        made, layer = self.made(path), self.run.layers()[path]
        call: Any = ast.parse(made.text, mode="eval").body if made and made.text else None
        entering = arguments(call, layer).get("in_features") if call else None
        return remade(made, replaced(made.text, entering, str(features))) if made and entering else None


def _file(op: Op) -> str:
    return op.line.file if op.line else ""


def _dotted(expression: ast.expr) -> str:
    """Write an expression with its indices as names: self.blocks.0 for self.blocks[0]."""
    return ast.unparse(expression).replace("[", ".").replace("]", "")


def _within(op: Op, kind: type[Any]) -> Iterator[Any]:
    """Yield the expressions of a kind in the statement that runs an operation."""
    row = op.line.line if op.line else 0
    simple = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Expr)
    for node in ast.walk(tree(_file(op))):
        if isinstance(node, simple) and node.lineno <= row <= (node.end_lineno or 0):
            yield from (inner for inner in ast.walk(node) if isinstance(inner, kind))


def _root(number: int, power: int) -> int:
    """Return the whole number whose power is a number, 0 where there is none."""
    side = isqrt(number) if power == PAIR else round(number ** (1 / power))
    return side if side**power == number else 0


# The input of a module, as it ought to be


def _suffixes(x: Shape, op: Op) -> Iterator[str]:
    """Yield what may be lacking behind an argument, which a module is to take."""
    layer = op.layer
    ranked = RANKED.fullmatch(op.name)
    if "must be Tensor, not tuple" in op.raised:
        yield "[0]"
    elif op.name == "Linear" and layer:
        yield from _for_features(x, layer.in_features)
    elif op.name in RECURRENT and layer:
        yield from _for_sequence(op, x, layer.input_size)
    elif ranked and layer:
        channels = getattr(layer, "in_channels", getattr(layer, "num_features", 0))
        yield from _for_space(x, channels, int(ranked[1]))


def _for_features(x: Shape, features: int) -> Iterator[str]:
    if len(x) > PAIR and prod(x[1:]) == features:
        yield ".flatten(1)"
    if len(x) == SEQUENCE and x[1] == features:
        yield ".transpose(1, 2)"
    if len(x) > PAIR and x[1] == features:
        axes = ", ".join(map(str, range(2, len(x))))
        yield f".mean(({axes}))" if len(x) > SEQUENCE else ".mean(2)"


def _for_sequence(op: Op, x: Shape, features: int) -> Iterator[str]:
    first = op.inputs[0].batch == 0
    if len(x) == PAIR and features == 1:
        yield ".unsqueeze(-1)"
    if len(x) == SEQUENCE and first and x[1] == features:
        yield ".transpose(1, 2)"
    if len(x) == PICTURES and first:
        if prod(x[2:]) == features:
            yield ".flatten(2)"
        if x[1] * x[2] == features:
            yield ".flatten(1, 2).transpose(1, 2)"
        if x[1] == features:
            yield ".flatten(2).transpose(1, 2)"


def _for_space(x: Shape, channels: int, rank: int) -> Iterator[str]:
    lacking = rank + 2 - len(x)
    if lacking == 0 and x[-1] == channels != x[1] and x[1:].count(channels) == 1:
        yield ".transpose(1, 2)" if rank == 1 else f".permute(0, {rank + 1}, {', '.join(map(str, range(1, rank + 1)))})"
    if lacking == 1 and channels == 1:
        yield ".unsqueeze(1)"
    if len(x) == PAIR and lacking:
        if x[1] == channels:
            yield f"[:, :{', None' * rank}]"
        elif channels and x[1] % channels == 0 and (side := _root(x[1] // channels, rank)):
            yield f".unflatten(1, ({', '.join(map(str, [channels] + [side] * rank))}))"
    if lacking == -1 and x[1] == 1 and x[2] == channels:
        yield ".squeeze(1)"


# The arguments of a function, as they ought to be


def _of_flatten(op: Op, call: ast.Call) -> Fixes:
    """Yield a flatten that leaves the batch out: flatten(1) for flatten() and view(-1)."""
    if isinstance(call.func, ast.Attribute) and _dotted(call.func.value) != "torch":
        yield (rewritten(_file(op), call, Replaced(call, f"{ast.unparse(call.func.value)}.flatten(1)")),)
    elif call.args:
        yield (rewritten(_file(op), call, Replaced(call, f"torch.flatten({ast.unparse(call.args[0])}, 1)")),)


def _of_axis(op: Op, call: ast.Call) -> Fixes:
    """Yield the last axis for one that is not there."""
    named = [entry.value for entry in call.keywords if entry.arg == "dim"]
    given = [*named, *(arg for arg in call.args if number(arg) is not None)]
    if given:
        yield (rewritten(_file(op), call, Replaced(given[0], str(len(op.inputs[0].shape) - 1))),)


def _of_join(op: Op, call: ast.Call, shapes: Sequence[Shape]) -> Fixes:
    """Yield the one axis along which tensors can be joined."""
    ranks = {len(shape) for shape in shapes}
    others = [{(*shape[:axis], *shape[axis + 1 :]) for shape in shapes} for axis in range(max(ranks))]
    along = [axis for axis in range(1, max(ranks)) if len(others[axis]) == len(ranks) == 1]
    given = [*(entry.value for entry in call.keywords if entry.arg in {"dim", "axis"}), *call.args[1:]]
    if len(along) == 1 and given:
        yield (rewritten(_file(op), call, Replaced(given[0], str(along[0]))),)
    elif len(along) == 1 and call.args:
        yield (rewritten(_file(op), call, Replaced(call.args[0], f"{ast.unparse(call.args[0])}, dim={along[0]}")),)


def _operands(op: Op, call: ast.Call | None) -> tuple[Any, Sequence[ast.expr]]:
    """Return the one expression of an operation with a sign, or its call, and the operands."""
    signed = [node for node in _within(op, ast.BinOp) if isinstance(node.op, SIGNS[op.type])]
    if call:
        method = isinstance(call.func, ast.Attribute) and len(call.args) == 1
        return call, [call.func.value, *call.args] if method else call.args  # type: ignore[attr-defined]
    return (signed[0], [signed[0].left, signed[0].right]) if len(signed) == 1 else (None, [])


def _of_pair(op: Op, whole: ast.expr, operands: Sequence[ast.expr]) -> Fixes:
    """Yield an operand transposed, or with the axes that it lacks."""
    shapes = [tensor.shape for tensor in op.inputs]
    small, large = sorted((0, 1), key=lambda side: len(shapes[side]))
    axes, lacking = len(shapes[small]), len(shapes[large]) - len(shapes[small])
    if op.type == "matmul":
        if axes > 1 and shapes[0][-1] == shapes[1][-1]:
            yield (rewritten(_file(op), whole, Replaced(operands[1], ".transpose(-2, -1)", behind=True)),)
        return
    if axes == 1 or not lacking:
        return
    if shapes[small] == shapes[large][:axes]:
        index = [":"] * axes + ["None"] * lacking
    elif shapes[small][1:] == shapes[large][1 + lacking :]:
        index = [":"] + ["None"] * lacking + ["..."]
    else:
        return
    yield (rewritten(_file(op), whole, Replaced(operands[small], f"[{', '.join(index)}]", behind=True)),)


def _names(op: Op, module: str) -> Iterator[str]:
    """Yield the names that a file gives to a module of torch, or by which it can be had."""
    for node in tree(_file(op)).body:
        if isinstance(node, ast.Import):
            for one in node.names:
                if one.name == module:
                    yield one.asname or one.name
                elif module.startswith(f"{one.name}.") and one.name != "torch":
                    yield f"{one.asname or one.name}{module.removeprefix(one.name)}"
        elif isinstance(node, ast.ImportFrom):
            for one in node.names:
                if f"{node.module}.{one.name}" == module:
                    yield one.asname or one.name
                elif f"{node.module}.{one.name}" == module.rpartition(".")[0]:
                    yield f"{one.asname or one.name}.{module.rpartition('.')[2]}"
