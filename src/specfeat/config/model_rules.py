"""Checks of the model's settings that depend on its layers, or on the shape of its input.

Each function raises the error of `make_rule_error` for the first thing that is wrong, with a path from the
top of the config. `Settings` calls them in a fixed order.
"""

from specfeat.architecture.kinds import ARRAY_ROLES
from specfeat.config.model import Model, Weights
from specfeat.config.section import make_rule_error
from specfeat.text import format_shape, format_value, suggest_name


def check_weights_source(weights: Weights) -> None:
    """Check that either a file or a seed is given, and that keys about a file are given only with a file."""
    if weights.file is None and weights.random is None and "file" in weights.model_fields_set:
        text = (
            "is empty; wanted the path of a weights file; if a command inside $( ) should give it, "
            "that command has probably failed"
        )
        raise make_rule_error(("model", "weights", "file"), text)
    if (weights.file is None) == (weights.random is None):
        raise make_rule_error(("model", "weights"), "wanted either {file: PATH} or {random: SEED}")
    # The other keys (match, map, ignore, flatten, trained_with) are true of any file, so a config without a
    # file may have them already.
    for key in ("sha256", "format"):
        default = type(weights).model_fields[key].default
        if weights.file is None and getattr(weights, key) not in (None, default):
            raise make_rule_error(
                ("model", "weights", key),
                "applies only together with weights.file; add a file, or leave this out",
                at_key=True,
            )


def check_weights_map(model: Model) -> None:
    """Check that the keys of the map are names of layers, or a layer and one of its arrays."""
    layer_names = {layer.name for layer in model.layers}
    for key in model.weights.map:
        # A layer's name may contain "/" itself, so the whole key is tried first.
        layer_name, _, role = key.rpartition("/")
        if key in layer_names or (layer_name in layer_names and role in ARRAY_ROLES):
            continue
        if layer_name in layer_names:
            hint = suggest_name(role, ARRAY_ROLES) or f"; wanted one of {', '.join(ARRAY_ROLES)}"
            text = f"does not end in the name of an array{hint}"
        else:
            hint = suggest_name(key, layer_names) or "; wanted LAYER, or LAYER/ARRAY, e.g. conv1/kernel"
            text = f"is not the name of a layer{hint}"
        raise make_rule_error(("model", "weights", "map", key), text, at_key=True)


def check_input_shape(model: Model, derived: tuple[int, int, int]) -> None:
    """Check that the input shape of the config, if it has one, is the derived one.

    Args:
        model: the settings of the model.
        derived: the shape that follows from `clips` and `spectrogram`: (frames, bins, channels).
    """
    written = model.input_shape
    if written is None or written == derived:
        return
    if not written:
        raise make_rule_error(
            ("model", "input_shape"), "is empty; leave it out, because it follows from other settings"
        )
    if written == derived[:2]:
        wanted = ", ".join(map(str, derived))
        text = f"is {format_shape(written)}, without the channel axis; wanted [{wanted}], or leave it out"
    else:
        text = (
            f"is {format_shape(written)}, but the spectrogram settings give {format_shape(derived)} "
            "(frames x bins x channels); leave it out, or change clips and spectrogram"
        )
    raise make_rule_error(("model", "input_shape"), text)


def check_features(model: Model) -> None:
    """Check that the layers of the features are layers of the network."""
    names = [layer.name for layer in model.layers]
    for number, source in enumerate(model.feature_sources):
        if source.layer not in names:
            hint = suggest_name(source.layer, names) or f"; the last one is {names[-1]!r}"
            place = (number,) if isinstance(model.features, tuple) else ()
            raise make_rule_error(
                ("model", "features", *place),
                f"is {format_value(source.layer)}, not the name of a layer{hint}",
            )
