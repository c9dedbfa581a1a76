"""Sets the arrays of a network from a weights file."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.architecture.graph import Layer
from specfeat.config.model import Weights
from specfeat.config.settings import Settings
from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import FileArray
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import (
    WeightsSource,
    check_unchanged,
    locate_weights,
    prefix_errors_with,
)
from specfeat.weights.fitting_configs import add_fitting_configs
from specfeat.weights.matching.axis_layouts import arrange_axes
from specfeat.weights.matching.ignored_arrays import match_config_arrays
from specfeat.weights.matching.slots import Slot, list_model_slots
from specfeat.weights.sound_check import check_sound


def load_weights(model: Any, layers: tuple[Layer, ...], settings: Settings) -> dict[str, object]:
    """Set every array of a network from the file that the config names.

    Args:
        model: the Keras model, built.
        layers: the layers that it was built from.
        settings: the settings of the config; `model.weights.file` must be set.

    Returns:
        The entry `weights` of the record: file, sha256 and format. If the weights are a single file, also
        path, size in bytes, mtime_ns, ctime_ns and inode.

    Raises:
        WeightsError: the file cannot be read, does not have the SHA-256 that the config gives, was trained on
            another spectrogram, or does not fit the network. The message begins with the path. If the file
            fits shipped configs, it names them.
    """
    weights = settings.model.weights
    name = str(weights.file)
    with prefix_errors_with(name):
        source = locate_weights(name)
        with check_unchanged(source):
            # The hash is checked first, so that no reader opens a file that is not the expected one.
            digest = _check_hash(source, weights)
            identity = source.identify_file()
            with open_weights_file(source, weights.format) as contents:
                slots = list_model_slots(model, layers, weights.flatten)
                try:
                    result = match_config_arrays(slots, contents, weights)
                    result.raise_if_incomplete()
                except WeightsError as e:
                    raise add_fitting_configs(e, settings, contents) from e
                # If only the sound differs, the message says which setting to change, and needs no config.
                check_sound(settings, contents)
                for slot, array in result.pairs:
                    slot.variable.assign(read_slot_values(slot, array))
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):  # a layer that computes with copies of its arrays
            layer.finalize_state()
    return {"file": name, "sha256": digest, "format": contents.format, **identity}


def _check_hash(source: WeightsSource, weights: Weights) -> str:
    digest = source.compute_sha256()
    if weights.sha256 is not None and digest != weights.sha256.lower():
        raise WeightsError(f"has the SHA-256 {digest}, but the config says {weights.sha256.lower()}")
    return digest


def read_slot_values(slot: Slot, array: FileArray) -> NDArray[np.float32]:
    """Read the values of an array for a slot.

    Args:
        slot: the slot.
        array: the array for the slot, whose shape has been compared with that of the slot.

    Returns:
        The values as float32, in the shape of the slot.

    Raises:
        WeightsError: the array has integers that are not quantised weights, or values that are too large for
            float32, infinite or not a number.
    """
    is_dequantised = bool(array.note)
    if array.dtype.startswith(("int", "uint", "bool")) and not is_dequantised:
        raise WeightsError(f"{array.name} holds whole numbers ({array.dtype}); wanted floats for {slot.name}")
    with np.errstate(over="ignore"):  # values that are too large become infinite, which is refused below
        values = np.asarray(array.read(), np.float32)
    if not np.isfinite(values).all():
        raise WeightsError(f"{array.name} has values that are not finite")
    # The reshape is for a single number, of which ascontiguousarray makes an array with one axis.
    return np.ascontiguousarray(arrange_axes(values, array, slot)).reshape(slot.shape)
