"""Paths of values in a config, such as `model.layers[3].Conv2D.filters`."""

Key = str | int  # the name of a key in a mapping, or the number of an item in a list, counted from 0
KeyPath = tuple[Key, ...]


def format_key_path(path: KeyPath) -> str:
    """Return a path as messages and documentation write it: `model.layers[3].Conv2D.filters`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += f".{key}" if text else key
    return text
