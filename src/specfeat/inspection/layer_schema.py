"""Makes the JSON schema of the config's list of layers from the layer kinds."""

import math
from functools import singledispatch
from typing import Any

from specfeat.architecture.kinds import LAYER_KINDS
from specfeat.architecture.kinds.activation_names import ACTIVATIONS
from specfeat.architecture.kinds.arguments import (
    INITIALIZERS,
    MAX_SIZE,
    ActivationName,
    Choice,
    Flag,
    InitializerName,
    Margins,
    Number,
    NumberArray,
    NumberRange,
    Sizes,
    Text,
    WholeNumber,
)
from specfeat.architecture.kinds.axis_arguments import (
    Axes,
    AxesOrNone,
    AxisPermutation,
    OneAxis,
    SharedAxes,
    TargetShape,
)
from specfeat.architecture.kinds.base import LayerKind
from specfeat.architecture.kinds.recurrent import RECURRENT_KINDS, RecurrentLayer
from specfeat.architecture.layer_list import MAX_LAYERS

JsonSchema = dict[str, Any]

# The name of the list of layers among the definitions of the schema; blocks contain such lists.
LIST_NAME = "LayerList"
_ACTIVATION: JsonSchema = {"$ref": "#/$defs/ActivationName"}
_INITIALIZER: JsonSchema = {"$ref": "#/$defs/Initializer"}
_LIST_REFERENCE: JsonSchema = {"$ref": f"#/$defs/{LIST_NAME}"}
_AXIS: JsonSchema = {"type": "integer", "not": {"const": 0}}
_NAME: JsonSchema = {"type": "string", "minLength": 1}


@singledispatch
def make_argument_schema(_: object) -> JsonSchema:
    """Return the schema of one type of argument; a type that is not known here allows everything."""
    return {}


@make_argument_schema.register
def _(argument: WholeNumber) -> JsonSchema:
    return _make_integer(argument.minimum)


def _make_integer(minimum: int) -> JsonSchema:
    return {"type": "integer", "minimum": minimum, "exclusiveMaximum": MAX_SIZE}


@make_argument_schema.register
def _(argument: Number) -> JsonSchema:
    schema: JsonSchema = {"type": "number"}
    if math.isfinite(argument.minimum):
        schema["minimum"] = argument.minimum
    if math.isfinite(argument.maximum):
        schema["maximum"] = argument.maximum
    return schema


@make_argument_schema.register
def _(argument: Sizes) -> JsonSchema:
    size = _make_integer(argument.minimum)
    return {"anyOf": [size, _make_list(size, argument.axes)]}


def _make_list(item: JsonSchema, length: int) -> JsonSchema:
    return {"type": "array", "items": item, "minItems": length, "maxItems": length}


@make_argument_schema.register
def _(argument: Margins) -> JsonSchema:
    margin = _make_integer(0)
    pair = _make_list(margin, 2)
    if argument.axes == 1:
        return {"anyOf": [margin, pair]}
    return {"anyOf": [margin, _make_list({"anyOf": [margin, pair]}, argument.axes)]}


@make_argument_schema.register
def _(argument: Choice) -> JsonSchema:
    return {"enum": list(argument.names)}


@make_argument_schema.register
def _(_: ActivationName) -> JsonSchema:
    return dict(_ACTIVATION)


@make_argument_schema.register
def _(_: InitializerName) -> JsonSchema:
    return dict(_INITIALIZER)


@make_argument_schema.register
def _(_: Flag) -> JsonSchema:
    return {"type": "boolean"}


@make_argument_schema.register
def _(_: Text) -> JsonSchema:
    return dict(_NAME)


@make_argument_schema.register
def _(_: NumberRange) -> JsonSchema:
    return _make_list({"type": "number"}, 2)


@make_argument_schema.register
def _(argument: NumberArray) -> JsonSchema:
    number = make_argument_schema(Number(argument.minimum))
    return {"anyOf": [number, {"type": "array", "minItems": 1}]}


@make_argument_schema.register
def _(_: OneAxis) -> JsonSchema:
    return dict(_AXIS)


@make_argument_schema.register
def _(_: Axes) -> JsonSchema:
    return {"anyOf": [_AXIS, {"type": "array", "items": _AXIS, "minItems": 1}]}


@make_argument_schema.register
def _(_: AxesOrNone) -> JsonSchema:
    return {"anyOf": [*make_argument_schema(Axes())["anyOf"], {"type": "null"}]}


@make_argument_schema.register
def _(_: SharedAxes) -> JsonSchema:
    axis = _make_integer(1)
    return {"anyOf": [axis, {"type": "array", "items": axis, "minItems": 1}]}


@make_argument_schema.register
def _(_: TargetShape) -> JsonSchema:
    return {"type": "array", "items": {"anyOf": [_make_integer(1), {"const": -1}]}, "minItems": 1}


@make_argument_schema.register
def _(_: AxisPermutation) -> JsonSchema:
    return {"type": "array", "items": _make_integer(1), "minItems": 1, "uniqueItems": True}


@make_argument_schema.register
def _(_: RecurrentLayer) -> JsonSchema:
    kinds = {name: kind for name, kind in LAYER_KINDS.items() if kind in RECURRENT_KINDS}
    arguments = {name: _make_arguments_schema(kind, is_layer=False) for name, kind in kinds.items()}
    return _make_one_key(arguments)


def list_definitions() -> JsonSchema:
    """Return the definitions that the schema of the layers needs, by their names among the definitions."""
    return {
        "ActivationName": {"enum": [*ACTIVATIONS, None]},
        "Initializer": {"enum": [*INITIALIZERS, None]},
        LIST_NAME: _make_layers_schema(),
    }


def _make_layers_schema() -> JsonSchema:
    """Return the schema of a list of layers: names of kinds, kinds with arguments, and repeated blocks."""
    simple_kinds = [name for name, kind in LAYER_KINDS.items() if not kind.required and kind.min_inputs == 1]
    layer = _make_one_key({name: _make_kind_schema(kind) for name, kind in LAYER_KINDS.items()})
    block: JsonSchema = {
        "type": "object",
        "properties": {
            "repeat": {"type": "integer", "minimum": 1, "maximum": MAX_LAYERS},
            "first": _make_integer(0),
            "layers": _LIST_REFERENCE,
        },
        "required": ["repeat", "layers"],
        "additionalProperties": False,
    }
    return {
        "description": "Layers in order, with the names and arguments of Keras' classes.",
        "type": "array",
        "minItems": 1,
        # `if` and not `anyOf`, so that an editor reports the mistake inside the layer.
        "items": {
            "if": {"type": "string"},
            "then": {"enum": simple_kinds},
            "else": {"if": {"type": "object", "required": ["repeat"]}, "then": block, "else": layer},
        },
    }


def _make_one_key(properties: JsonSchema) -> JsonSchema:
    """Return the schema of a mapping that has exactly one of some keys."""
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _make_kind_schema(kind: LayerKind) -> JsonSchema:
    """Return the schema of the arguments of a layer; a kind that needs none may have null instead."""
    arguments = _make_arguments_schema(kind)
    if kind.required or kind.min_inputs > 1:
        return arguments
    return {**arguments, "type": ["object", "null"]}


def _make_arguments_schema(kind: LayerKind, *, is_layer: bool = True) -> JsonSchema:
    """Return the schema of the arguments by name.

    Args:
        kind: the layer kind.
        is_layer: whether it is a layer of the list, which has a name and inputs.
    """
    properties = {name: make_argument_schema(argument) for name, argument in kind.arguments.items()}
    required = list(kind.required)
    if is_layer:
        names: JsonSchema = {"type": "array", "items": _NAME, "minItems": kind.min_inputs}
        if kind.max_inputs is not None:
            names["maxItems"] = kind.max_inputs
        properties["name"] = {"type": ["string", "null"], "pattern": "^[A-Za-z0-9.$][A-Za-z0-9._/$-]{0,199}$"}
        properties["inputs"] = names if kind.min_inputs > 1 else {"anyOf": [_NAME, names, {"type": "null"}]}
        required += ["inputs"] if kind.min_inputs > 1 else []
    schema: JsonSchema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": required} if required else schema
