"""A pickle -> the shapes of the tensors in it, by a small interpreter of our own: nothing is imported, nothing is called.

Python's own unpickler runs whatever a pickle names. This one knows the opcodes that build numbers, texts, lists and
tables, and of all that a pickle may name only tensors, with the plain records that stand beside them; a pickle that names
anything else is refused with the name. In: bytes. Out: tables, with tuples for shapes where there are tensors.
"""

from __future__ import annotations

import pickletools
import struct
import warnings
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.checkpoint.record import MOST_AXES, CheckpointError, Table, shape_of, told
from cnnshape.numbers.shape import is_count

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BytesIO

    from cnnshape.numbers.shape import Shape

MOST_STEPS: Final = 1_000_000  # opcodes of a pickle: a second; a tensor takes forty

SIZES: Final = {  # bytes of an element, by the class of a storage
    **dict.fromkeys(("Double", "Long", "ComplexFloat"), 8),
    **dict.fromkeys(("Float", "Int", "QInt32"), 4),
    **dict.fromkeys(("Half", "BFloat16", "Short"), 2),
    **dict.fromkeys(("Char", "Byte", "Bool", "Untyped", "QInt8", "QUInt8", "QUInt4x2", "QUInt2x4"), 1),
    "ComplexDouble": 16,
}


class Named(NamedTuple):
    """A class or function that a pickle names, by its dotted path."""

    path: str


class Other(NamedTuple):
    """A thing of no interest here."""


class Storage(NamedTuple):
    """The numbers of a tensor, which are not read; elements of which there are so many, of so many bytes each."""

    elements: int
    size: int


class Tensor(NamedTuple):
    """A tensor."""

    shape: Shape


OTHER: Final = Other()


class Pickle(NamedTuple):
    """The object of a pickle, and the bytes that each storage must have, by its name."""

    content: Any
    storages: dict[str, int]


def read(raw: BytesIO) -> Pickle:
    """Read one pickle, from where the bytes are at, and leave them behind it. Raises CheckpointError."""
    machine = _Machine()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python, about texts in it
            for opcode, argument, _ in islice(pickletools.genops(raw), MOST_STEPS):
                machine.step(opcode.name, argument)
        content = machine.result()
    except CheckpointError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, RecursionError, struct.error) as error:
        reason = "a value is missing" if isinstance(error, IndexError | KeyError) else told(error)
        raise CheckpointError(f"it is no pickle, or is cut off: {reason}") from None
    return Pickle(content, machine.storages)


def tables(content: Any) -> Table:
    """Return the tables and tensors of a pickle's object; all else is left out. A tensor alone has the name "".

    Tables that stand in several places, or in themselves, are the same object here, too.
    """
    if isinstance(content, Tensor):
        return {"": content.shape}
    if isinstance(content, list | tuple):
        raise CheckpointError("it is a list, and no table of tensors: save model.state_dict() alone")
    made: dict[int, tuple[dict[Any, Any], Table]] = {}
    waiting = [content]
    while waiting:
        table = waiting.pop()
        if isinstance(table, dict) and id(table) not in made:
            made[id(table)] = table, {}
            waiting += table.values()
    for table, result in made.values():
        for name, entry in table.items():
            if isinstance(entry, Tensor):
                result[str(name)] = entry.shape
            elif isinstance(entry, dict):
                result[str(name)] = made[id(entry)][1]
    return made[id(content)][1] if id(content) in made else {}


class _Machine:
    """The stack and the memo of a pickle; a list on the stack is one of ours, a mark its own object."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []  # how high the stack was
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, int] = {}
        self.done = False

    def result(self) -> Any:
        if not self.done:
            raise CheckpointError(f"its pickle takes more than {MOST_STEPS:,} steps")
        return self.stack[-1]

    def step(self, opcode: str, argument: Any) -> None:
        """Do what an opcode says, as far as the shapes of tensors need it."""
        if opcode in PLAIN:
            self.stack.append(argument)
        elif opcode in MADE:
            self.stack.append(MADE[opcode]())
        elif opcode in {"BINGET", "LONG_BINGET", "GET"}:
            self.stack.append(self.memo[argument])
        elif opcode in {"BINPUT", "LONG_BINPUT", "PUT"}:
            self.memo[argument] = self.stack[-1]
        else:
            self.other(opcode, argument)

    def other(self, opcode: str, argument: Any) -> None:
        stack = self.stack
        match opcode:
            case "MARK":
                self.marks.append(len(stack))
            case "MEMOIZE":
                self.memo[len(self.memo)] = stack[-1]
            case "TUPLE":
                stack.append(tuple(self.marked()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple(self.last(int(opcode[-1]))))
            case "LIST":
                stack.append(self.marked())
            case "DICT":
                stack.append(_paired(self.marked()))
            case "FROZENSET":
                self.marked()
                stack.append(OTHER)
            case "APPEND" | "APPENDS":
                entries = self.last(1) if opcode == "APPEND" else self.marked()
                if isinstance(stack[-1], list):
                    stack[-1].extend(entries)
            case "ADDITEMS":
                self.marked()
            case "SETITEM" | "SETITEMS":
                entries = self.last(2) if opcode == "SETITEM" else self.marked()
                if isinstance(stack[-1], dict):
                    stack[-1].update(_paired(entries))
            case "POP":
                self.last(1)
            case "POP_MARK":
                self.marked()
            case "DUP":
                stack.append(stack[-1])
            case "PROTO" | "FRAME":
                pass
            case "STOP":
                self.done = True
            case _:
                self.object(opcode, argument)

    def object(self, opcode: str, argument: Any) -> None:
        """Do an opcode that names things, or makes objects of them."""
        stack = self.stack
        match opcode:
            case "GLOBAL":
                stack.append(_named(argument.replace(" ", ".")))
            case "STACK_GLOBAL":
                module, name = self.last(2)
                stack.append(_named(f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else "?"))
            case "INST":
                stack.append(_made(_named(argument.replace(" ", ".")), tuple(self.marked())))
            case "OBJ":
                made, *arguments = self.marked()
                stack.append(_made(made, tuple(arguments)))
            case "REDUCE" | "NEWOBJ":
                stack.append(_made(*self.last(2)))
            case "NEWOBJ_EX":
                made, arguments, _ = self.last(3)
                stack.append(_made(made, arguments))
            case "BUILD":
                self.last(1)
            case "BINPERSID":
                stack.append(self.storage(*self.last(1)))
            case _:
                raise CheckpointError(f"its pickle has {opcode}, which no checkpoint needs: refused")

    def storage(self, said: Any) -> Storage:
        """Return the storage that a reference to the file beside the pickle means."""
        kind = said[1] if isinstance(said, tuple) and len(said) > 4 and said[0] == "storage" else None  # noqa: PLR2004 -- its fields
        if not isinstance(kind, Named) or not isinstance(said[2], str) or not is_count(said[4], 0):
            raise CheckpointError("its pickle refers to what is no storage of numbers: refused")
        size = SIZES.get(kind.path.rpartition(".")[2].removesuffix("Storage"), 1)
        self.storages[said[2]] = max(said[4] * size, self.storages.get(said[2], 0))
        return Storage(said[4], size)

    def last(self, count: int) -> list[Any]:
        """Take values from the stack, none from before the last mark."""
        if len(self.stack) - count < (self.marks[-1] if self.marks else 0):
            raise IndexError
        taken = self.stack[-count:]
        del self.stack[-count:]
        return taken

    def marked(self) -> list[Any]:
        """Take the values behind the last mark, and the mark."""
        start = self.marks.pop()
        taken = self.stack[start:]
        del self.stack[start:]
        return taken


PLAIN: Final = frozenset([
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES",
    "BINBYTES8", "BYTEARRAY8",
])  # fmt: skip
MADE: Final[dict[str, Callable[[], Any]]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": Other,
}


def _paired(entries: list[Any]) -> dict[Any, Any]:
    """Return names with what they name; names that are neither texts nor numbers are left out."""
    if len(entries) % 2:
        raise ValueError("a table has a name without a value")
    return {name: entry for name, entry in zip(entries[::2], entries[1::2], strict=True) if isinstance(name, str | int)}


# What a pickle may name


def _named(path: str) -> Named:
    """Return a class or function; raise CheckpointError for one that is no part of a tensor."""
    module, _, name = path.rpartition(".")
    storage = module in {"torch", "torch.storage", "torch.cuda"} and name.endswith("Storage")
    known = storage and name.removesuffix("Storage") in {*SIZES, "Typed"}
    if known or path in CALLS or path in HARMLESS or (module == "torch" and name in DTYPES):
        return Named(path)
    advice = "save model.state_dict() alone"
    raise CheckpointError(f"its pickle would run {told(path)}, which is no part of a tensor: refused; {advice}")


def _made(made: Any, arguments: Any) -> Any:
    """Return what a call gives: a tensor, a table, or a thing of no interest."""
    if not isinstance(made, Named) or not isinstance(arguments, tuple):
        raise CheckpointError("its pickle calls what it does not name: refused")
    return CALLS[made.path](*arguments) if made.path in CALLS else OTHER


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Tensor:
    """Return a tensor whose elements are all in its storage."""
    if not isinstance(storage, Storage) or not isinstance(size, tuple) or not isinstance(stride, tuple):
        raise CheckpointError("its pickle has a tensor of other parts than a tensor's: refused")
    shape = shape_of(size, "a tensor")
    steps = is_count(offset, 0) and len(stride) == len(shape) and all(is_count(step, 0) for step in stride)
    if not steps or (all(shape) and offset + sum(map(_way, shape, stride)) >= max(storage.elements, 1)):
        raise CheckpointError(f"a tensor of {told(shape)} reaches beyond its storage: the file is damaged")
    return Tensor(shape)


def _way(size: int, stride: int) -> int:
    return (size - 1) * stride


def _without_numbers(_: Any, size: Any, *__: Any) -> Tensor:
    if not isinstance(size, tuple):
        raise CheckpointError("its pickle has a tensor of other parts than a tensor's: refused")
    return Tensor(shape_of(size, "a tensor"))


def _sparse(_: Any, data: Any, *__: Any) -> Tensor:
    sizes = [part for part in data if isinstance(part, tuple)]  # indices and values are tensors before it
    return _without_numbers(None, sizes[-1] if sizes else None)


def _parameter(tensor: Any = None, *_: Any) -> Any:
    return tensor if isinstance(tensor, Tensor) else OTHER


def _subclass(function: Any, _: Any, arguments: Any, *__: Any) -> Any:
    return _made(function, arguments)


def _table(pairs: Any = (), *_: Any) -> dict[Any, Any]:
    """Return an ordered table, which Python 2 gave its pairs at once."""
    well = isinstance(pairs, list) and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs)  # noqa: PLR2004 -- a pair
    return _paired([part for pair in pairs for part in pair]) if well else {}


def _size(sizes: Any = (), *_: Any) -> Any:
    return tuple(sizes) if isinstance(sizes, list | tuple) and len(sizes) <= MOST_AXES else OTHER


CALLS: Final[dict[str, Callable[..., Any]]] = {
    "collections.OrderedDict": _table,
    "collections.defaultdict": lambda *_: {},
    "collections.Counter": lambda *_: {},
    "torch.Size": _size,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor,
    "torch._utils._rebuild_qtensor": _tensor,
    "torch._utils._rebuild_sparse_tensor": _sparse,
    "torch._utils._rebuild_meta_tensor_no_storage": _without_numbers,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type_v2": _subclass,
    "torch.nn.parameter.Parameter": _parameter,
    "torch.nn.parameter.Buffer": _parameter,
}
HARMLESS: Final = frozenset([  # records and numbers that stand beside tensors; their contents are not kept
    "argparse.Namespace", "types.SimpleNamespace", "pathlib.Path", "pathlib.PosixPath", "pathlib.WindowsPath",
    "pathlib._local.Path", "pathlib._local.PosixPath", "pathlib._local.WindowsPath",
    "pathlib.PurePath", "pathlib.PurePosixPath", "pathlib.PureWindowsPath", "collections.deque", "decimal.Decimal", "uuid.UUID",
    "datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta", "datetime.timezone",
    "torch.Tensor", "torch.device", "torch.serialization._get_layout", "torch.per_tensor_affine",
    "torch.per_channel_affine", "torch.Generator",
    "numpy.dtype", "numpy.ndarray", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct", "_codecs.encode",
    "numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer",
    *(f"{module}.{name}" for module in ("builtins", "__builtin__")
      for name in ("set", "frozenset", "complex", "bytearray", "slice", "range", "list", "dict", "int", "float", "str")),
])  # fmt: skip
DTYPES: Final = frozenset([
    "float64", "float32", "float16", "bfloat16", "complex64", "complex128", "int64", "int32", "int16", "int8",
    "uint8", "uint16", "uint32", "uint64", "bool", "quint8", "qint8", "qint32",
    "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu",
])  # fmt: skip
