"""Makes the JSON schema of a config from the settings and the layer kinds. With it, editors check a config.

A schema cannot have rules about several values, such as shapes that do not fit. So specfeat refuses some
configs that the schema allows.
"""

import re
from typing import Any, get_args

from pydantic import BaseModel

from specfeat.architecture.feature_sources import Over
from specfeat.config.seconds import LENGTHS
from specfeat.config.settings import Settings
from specfeat.inspection.layer_schema import LIST_NAME, JsonSchema, list_definitions

SCHEMA_NAME = "specfeat.schema.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NULL: JsonSchema = {"type": "null"}
_TEXT: JsonSchema = {"type": "string", "minLength": 1}
_SECONDS: JsonSchema = {"type": "number", "exclusiveMinimum": 0}
_ENTRY = re.compile(r"^(\w+(?:, \w+)*): (.*)$")  # of a docstring's Attributes, without the indentation


def make_config_schema() -> JsonSchema:
    """Return the JSON schema of a config."""
    schema = Settings.model_json_schema(mode="validation")
    definitions: JsonSchema = schema["$defs"]
    for unused in ("Layer", "FeatureSource"):  # forms that settings have only in Python
        definitions.pop(unused, None)
    definitions.update(list_definitions())
    for section in _list_sections(Settings):
        definition = schema if section is Settings else definitions[section.__name__]
        _describe_keys(definition, section)
    _add_short_forms(definitions)
    _add_seconds(definitions)
    for definition in (schema, *definitions.values()):
        _allow_null(definition)
    return {"$schema": _DIALECT, "title": "A config of specfeat", **_remove_titles(schema)}


def _list_sections(section: type[BaseModel]) -> list[type[BaseModel]]:
    """Return a section and the sections that its keys can have, at any depth, each once."""
    found: list[type[BaseModel]] = [section]
    for known in found:
        for field in known.model_fields.values():
            found += [inner for inner in _find_models(field.annotation) if inner not in found]
    return found


def _find_models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    inner = (*getattr(annotation, "__args__", ()), getattr(annotation, "__origin__", None))
    return list(dict.fromkeys(model for part in inner if part is not None for model in _find_models(part)))


def _describe_keys(definition: JsonSchema, section: type[BaseModel]) -> None:
    """Give each key the description that the docstring of its section has.

    Args:
        definition: the schema of the section, which is changed.
        section: the section.
    """
    summary, _, attributes = (section.__doc__ or "").partition("Attributes:")
    definition["description"] = summary.strip().partition("\n")[0]
    properties = definition["properties"]
    key = ""
    for line in map(str.strip, attributes.splitlines()):
        entry = _ENTRY.match(line)
        if entry and entry[1] in properties:
            key = entry[1]
            properties[key]["description"] = entry[2]
        elif line and key:
            properties[key]["description"] += f" {line}"


def _add_short_forms(definitions: JsonSchema) -> None:
    """Add the forms that are replaced before the settings are validated: files, names, and keys left out."""
    model = definitions["Model"]["properties"]
    _replace(model, "layers", {"$ref": f"#/$defs/{LIST_NAME}"})
    _replace(model, "features", _make_features_schema())
    labels_file = {"file": _TEXT, "column": _TEXT}
    labels = {
        "type": "object",
        "properties": labels_file,
        "required": ["file"],
        "additionalProperties": False,
    }
    _replace(model, "labels", {"anyOf": [{"type": "array", "items": _TEXT}, _TEXT, labels]})
    weights_file = {**_TEXT, "not": {"const": "random"}}
    _replace(model, "weights", {"anyOf": [{"$ref": "#/$defs/Weights"}, weights_file]})
    step = {"anyOf": [{"const": "l2"}, {"$ref": "#/$defs/PostprocessStep"}]}
    _replace(model, "postprocess", {"type": "array", "items": step})
    pca = definitions["PostprocessStep"]["properties"]
    _replace(pca, "pca", {"anyOf": [{"$ref": "#/$defs/Pca"}, _TEXT]})
    normalize = definitions["Normalize"]["properties"]
    for key in ("mean", "std"):
        normalize[key]["anyOf"].append(_TEXT)  # a file of numbers
    one_step = {"$ref": "#/$defs/Compress"}
    steps = {"type": "array", "items": one_step, "minItems": 1, "maxItems": 8}
    _replace(definitions["Spectrogram"]["properties"], "compress", {"anyOf": [one_step, steps]})
    # An optimizer can be a name in small or capital letters, or a name with its arguments.
    forms = [_TEXT, {"type": "object"}]
    _replace(definitions["Train"]["properties"], "optimizer", {"anyOf": forms})


def _make_features_schema() -> JsonSchema:
    pooling = {
        "type": "object",
        "properties": {"pool": _TEXT, "over": {"enum": list(get_args(Over))}},
        "required": ["pool"],
        "additionalProperties": False,
    }
    pooled = {
        "type": "object",
        "additionalProperties": {"anyOf": [_TEXT, pooling]},
        "minProperties": 1,
        "maxProperties": 1,
    }
    source = {"anyOf": [_TEXT, pooled]}
    return {"anyOf": [source, {"type": "array", "items": source, "minItems": 1}]}


def _replace(properties: JsonSchema, key: str, schema: JsonSchema) -> None:
    """Replace the schema of a key; its description stays."""
    properties[key] = {**schema, "description": properties[key].get("description", "")}


def _add_seconds(definitions: JsonSchema) -> None:
    """Add the keys that give a length in seconds."""
    for length in LENGTHS:
        definition = definitions[length.section.capitalize()]
        definition["properties"][length.seconds_key] = {
            **_SECONDS,
            "description": f"The same as {' or '.join(length.integer_keys)}, in seconds.",
        }
        for key in length.integer_keys:
            if key in definition.get("required", ()):
                definition["required"].remove(key)
                definition["anyOf"] = [{"required": [key]}, {"required": [length.seconds_key]}]


def _allow_null(definition: JsonSchema) -> None:
    """Allow null for each key that may be left out, because null means that the key is left out."""
    properties = definition.get("properties", {})
    for key, schema in properties.items():
        if key in definition.get("required", ()) or _NULL in schema.get("anyOf", ()):
            continue
        description = {"description": schema.pop("description")} if "description" in schema else {}
        default = {"default": schema.pop("default")} if "default" in schema else {}
        forms = schema["anyOf"] if list(schema) == ["anyOf"] else [schema]
        properties[key] = {"anyOf": [*forms, _NULL], **description, **default}


def _remove_titles(schema: Any) -> Any:
    """Return a schema without the titles that pydantic adds, which only repeat the names of the keys."""
    if isinstance(schema, list):
        return [_remove_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _remove_titles(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }
