"""Paths into the config, such as `model.layers[3].Conv2D.filters`."""

Key = str | int
KeyPath = tuple[Key, ...]


def format_key_path(path: KeyPath) -> str:
    """Write a path as the documentation does: `model.layers[3].Conv2D.filters`."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text
