"""The JSON Schema of architecture files, for editors that complete and check them: docs/architecture.schema.json.

It is made from the keys of a file and the parameters of the layer types. It accepts each file that reading accepts, and
refuses as much of the rest as a schema can.
"""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Final

from cnnshape.file.keys import (
    BLOCK_KEYS,
    CLAIMS,
    ENTERS,
    EXPECT,
    FROZEN,
    IDENTIFIER,
    LAYER_NAME,
    NAME,
    NET_KEYS,
    REPEAT,
    RESERVED,
    STEP_KEYS,
    WHEN,
    warnings,
)
from cnnshape.layers import TYPES
from cnnshape.layers.parameters import EXPRESSION
from cnnshape.numbers.shape import LAYOUTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnnshape.layers import Layer
    from cnnshape.layers.parameters import Parameter

Schema = dict[str, Any]

# The pieces


def described(description: str, schema: Schema) -> Schema:
    return {"description": description, **schema}


def one_or_list(item: Schema) -> Schema:
    return {"anyOf": [item, {"type": "array", "items": item}]}


def table(keys: Iterable[str], schemas: Schema) -> Schema:
    """Describe a table that has these keys alone."""
    return {"type": "object", "properties": {key: schemas[key] for key in keys}, "additionalProperties": False}


def names_to(value: Schema, names: Schema) -> Schema:
    return {"type": "object", "propertyNames": names, "additionalProperties": value}


def having(key: str) -> Schema:
    """Describe a table that has a key, among others.

    Tombi warns of the keys that a part of the schema does not name, unless that part says that it takes any.
    """
    return {"required": [key], "additionalProperties": True}


def suggested(words: Iterable[str], otherwise: Schema) -> Schema:
    """Describe one of some words, or a string as in `otherwise`; the anyOf is for editors (see LAYER)."""
    enum = {"enum": list(words)}
    return {"type": "string", "anyOf": [{}, enum], "if": otherwise, "else": enum}


TEMPLATE: Final = {"pattern": r"\{"}
STRING: Final = {"type": "string"}
WORD: Final = {"type": "string", "minLength": 1}
SHAPE: Final = ENTERS.schema()
RESULT: Final = EXPECT.schema()
FIGURE: Final = {"type": "integer", "minimum": 0}
NUMBER: Final = {"$ref": "#/$defs/number"}
NAMED: Final = {"pattern": f"^{NAME.pattern}$"}
LAYER_NAMED: Final = {"pattern": f"^{LAYER_NAME.pattern}$"}
IDENTIFIED: Final = {"pattern": f"^{IDENTIFIER.pattern}$", "not": {"enum": sorted(RESERVED)}}
LAYERS: Final = {"type": "array", "items": {"$ref": "#/$defs/layer"}}
ALLOW: Final = one_or_list({"enum": warnings()})

STEP: Final[Schema] = {
    "name": described("what others call it", {**WORD, "anyOf": [LAYER_NAMED, TEMPLATE]}),
    "type": described("the layer type", suggested(TYPES, TEMPLATE)),
    "block": described("the block that is used here; its arguments stand beside it", WORD),
    "from": described(
        "what enters: a layer that stands earlier, or input; a list where there are several", one_or_list(WORD)
    ),
    "repeat": described("how many copies are chained, each fed by the one before", REPEAT.schema()),
    "when": described("false: the identity on its first input", WHEN.schema()),
    "shares": described("the layer, or the block, whose weights are used", WORD),
    "shares_weight": described("the layer whose weight is used; the bias is its own", WORD),
    "frozen": described("true: its parameters, those of all layers within, are not trained", FROZEN.schema()),
    "expect": described("the shape that must come out, in the file's layout", RESULT),
    "allow": described("codes of warnings that are meant", ALLOW),
}

BLOCK: Final[Schema] = {
    "arguments": described("what must be given", one_or_list(IDENTIFIED | STRING)),
    "defaults": described(
        "what may be given: numbers, truth values, expressions, lists of these", names_to(NUMBER, IDENTIFIED)
    ),
    "words": described("what may be given, and is a word, as a layer type", names_to(STRING, IDENTIFIED)),
    "gives": described("the layers whose results it gives; the last layer, if left out", one_or_list(STRING)),
    "layers": LAYERS,
}

CLAIM: Final[Schema] = {
    "parameters": described("weights and biases", FIGURE),
    "trainable": described("the parameters of layers that are not frozen", FIGURE),
    "parameters_with_buffers": described("parameters, running statistics and fixed weights, as Keras counts", FIGURE),
    "macs": described("multiply-accumulates for one sample", FIGURE),
    "output": RESULT,
    "outputs": {"type": "object", "additionalProperties": RESULT},
    "valid_sizes": described("a set of sizes, as the check writes it", STRING),
}

TRAIN: Final[Schema] = {
    "batch_size": {"type": "integer", "minimum": 1},
    "optimizer": {"type": "object", "properties": {"name": STRING}, **having("name")},
    **{key: False for key in NET_KEYS if key not in ("name", "source")},  # no key of the net stands below [training]
}

# Editors suggest the keys and words of those parts of an anyOf that fit so far, and do not look behind if and then; from
# these come the better messages. So LAYER has both. The keys of every step are checked once, behind the `else`: in the
# table of each type, they made tombi forty times slower.
BARE: Final = suggested(TYPES, TEMPLATE)
ANY_STEP: Final = dict.fromkeys(STEP_KEYS, True)
OF_NO_TYPE: Final[Schema] = {
    "type": "object",
    "properties": {**ANY_STEP, "type": {"not": {"enum": list(TYPES)}}},
    "additionalProperties": True,
}
USE: Final[Schema] = {
    "if": having("block"),
    "then": {"properties": ANY_STEP, "additionalProperties": NUMBER},
    "else": having("shares"),
}
LAYER: Final[Schema] = {
    "anyOf": [BARE, *({"$ref": f"#/$defs/{kind}"} for kind in TYPES), OF_NO_TYPE],
    "if": {"type": "string"},
    "then": BARE,
    "else": {
        "type": "object",
        "properties": STEP,
        "additionalProperties": True,
        "allOf": [
            *(
                {"if": {"properties": {"type": {"const": kind}}, **having("type")}, "then": {"$ref": f"#/$defs/{kind}"}}
                for kind in TYPES
            ),
            {"if": having("type"), "then": {"not": having("block")}, "else": USE},
        ],
    },
}


def defaults_table(kind: type[Layer]) -> Schema:
    """Describe other defaults for a type."""
    return table(
        kind.parameters, {name: {"$ref": f"#/$defs/{kind.type}/properties/{name}"} for name in kind.parameters}
    )


NET: Final[Schema] = {
    "name": STRING,
    "source": described("where the architecture is from", STRING),
    "layout": described("how this file writes shapes", {"enum": list(LAYOUTS)}),
    "include": described("files whose blocks are brought in", one_or_list(STRING)),
    "layer_defaults": described(
        "other defaults for a layer type, in this file",
        table(TYPES, {name: defaults_table(kind) for name, kind in TYPES.items()}),
    ),
    "constants": described("names for expressions in this file", names_to(NUMBER, IDENTIFIED)),
    "blocks": described(
        "layers with arguments, to be used like a function", names_to({"$ref": "#/$defs/block"}, NAMED)
    ),
    "input": described("the shape of the input, in the file's layout", SHAPE),
    "inputs": described("shapes of several inputs, by name", {**names_to(SHAPE, NAMED), "minProperties": 1}),
    "layers": LAYERS,
    "outputs": described("the layers whose results the net gives; the last layer, if left out", one_or_list(STRING)),
    "claims": described("published figures; each is checked", table(CLAIMS, CLAIM)),
    "training": described(
        "facts about training; any others are free",
        {"type": "object", "properties": TRAIN, "additionalProperties": True},
    ),
    "allow": ALLOW,
}


# The schema


def schema() -> Schema:
    """Return the JSON Schema of architecture files, and of files of blocks."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An architecture file of cnnshape",
        **table(NET_KEYS, NET),
        "anyOf": [having("layers"), having("blocks")],
        "if": having("layers"),
        "then": {"oneOf": [having("input"), having("inputs")], "additionalProperties": True},
        "$defs": {
            "layer": LAYER,
            "number": {
                "description": "a number, a truth value, an expression, or a list of these",
                "anyOf": [{"type": ["number", "boolean"]}, EXPRESSION, {"type": "array", "items": NUMBER}],
            },
            "block": {**table(BLOCK_KEYS, BLOCK), "required": ["layers"]},
            **{name: layer_table(kind) for name, kind in TYPES.items()},
        },
    }


def layer_table(kind: type[Layer]) -> Schema:
    """Describe the table of a layer of some type, but for the keys of every step, which it only names."""
    own = {name: parameter_schema(parameter) for name, parameter in kind.parameters.items()}
    step = {**ANY_STEP, "type": {"const": kind.type}}
    del step["block"]
    return {**described(cleandoc(kind.__doc__ or ""), table([*own, *step], own | step)), "required": ["type"]}


def parameter_schema(parameter: Parameter[Any]) -> Schema:
    return described("; ".join(filter(None, [parameter.kind, parameter.left_out()])), parameter.schema())
