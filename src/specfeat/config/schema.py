"""Finds the keys and choices of a config in the types of the settings, for error messages."""

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from specfeat.config.seconds import LENGTHS
from specfeat.config.settings import Settings
from specfeat.key_path import Key, KeyPath, format_key_path


def list_keys(path: KeyPath) -> list[str]:
    """Return the keys of the section at `path`, including keys in seconds; no keys if it is not a section."""
    section = _find_section(_get_annotation(path))
    keys = list(section.model_fields) if section else []
    return keys + [length.seconds_key for length in LENGTHS if path == (length.section,)]


def find_sections_with(key: str) -> list[str]:
    """Return the paths of the sections that have a key, in the form for messages."""
    return _find_sections_below(key, Settings, ())


def list_choices(path: KeyPath) -> list[str]:
    """Return the names that are allowed as a value at `path`; none if its type has no names."""
    return _list_literals(_get_annotation(path))


def _get_annotation(path: KeyPath) -> Any:
    """Return the type of the value at `path`; None if there is no such value."""
    annotation: Any = Settings
    for key in path:
        section = _find_section(annotation)
        if isinstance(key, int):
            annotation = _get_item_type(annotation)
        elif section is None or key not in section.model_fields:
            return None
        else:
            annotation = section.model_fields[key].annotation
    return annotation


def _get_item_type(annotation: Any) -> Any:
    """Return the type of a list's items, e.g. `Metric` for `tuple[Metric, ...] | None`, or None."""
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return next(filter(None, map(_get_item_type, get_args(annotation))), None)
    return get_args(annotation)[0] if get_origin(annotation) is tuple else None


def _find_section(annotation: Any) -> type[BaseModel] | None:
    """Return the section in a type such as `Annotated[Mel, ...] | None`; None if it has none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return next(filter(None, map(_find_section, get_args(annotation))), None)
    return None


def _find_sections_below(key: Key, section: type[BaseModel], path: KeyPath) -> list[str]:
    paths = [format_key_path(path)] if key in section.model_fields and path else []
    for name, field in section.model_fields.items():
        inner_section = _find_section(field.annotation)
        if inner_section:
            paths += _find_sections_below(key, inner_section, (*path, name))
    return paths


def _list_literals(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    inner_types = get_args(annotation) if get_origin(annotation) in (Union, UnionType, Annotated) else ()
    return [name for inner_type in inner_types for name in _list_literals(inner_type)]
