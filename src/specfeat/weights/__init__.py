"""Arrays from a file into the network: all of them, once, in equal shapes, or an error.

    locate -> detect -> a reader (arrays by name and shape) -> match (array for slot) -> transposed, set

`source` finds the files, `formats` has the readers, `names` and `pairing` say what a name means, `slots`
lists what the network wants, `match` brings the two together, `layouts` turns the axes, `front_end` compares
the sound. No reader runs, unpickles or follows anything; docs/weights.md says what each refuses.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.architecture.graph import Layer
from specfeat.config.model import Weights
from specfeat.config.settings import Settings
from specfeat.errors import WeightsError
from specfeat.weights.files.arrays import FileArray
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import WeightsSource, check_unchanged, locate_weights, prefix_errors_with
from specfeat.weights.matching.axis_layouts import arrange_axes
from specfeat.weights.matching.match import match_arrays
from specfeat.weights.matching.slots import Slot, list_model_slots
from specfeat.weights.sound_check import check_sound

__all__ = ["load_weights"]


def load_weights(model: Any, layers: tuple[Layer, ...], settings: Settings) -> dict[str, object]:
    """Set every array of the network from the file that the config names.

    Args:
        model: the Keras model, built.
        layers: that it was built of.
        settings: of the config.

    Returns:
        For the record: file, sha256, format, and, if it is one file, path, size, mtime_ns, ctime_ns, inode.

    Raises:
        WeightsError: one sentence: the file cannot be read, is not the one that the config's hash names, or
            lacks, exceeds or differs from what the network has.
    """
    weights = settings.model.weights
    name = str(weights.file)
    with prefix_errors_with(name):
        source = locate_weights(name)
        with check_unchanged(source):
            digest, stamp = _checked_hash(source, weights), source.stamp()
            with open_weights_file(source, weights.format) as contents:
                slots = list_model_slots(model, layers, weights.flatten)
                matching = match_arrays(slots, contents, weights.match, weights.map)
                matching.check()
                check_sound(settings, contents)
                for slot, array in matching.pairs:
                    slot.variable.assign(_values(slot, array))
    return {"file": name, "sha256": digest, "format": contents.format, **stamp}


def _checked_hash(source: WeightsSource, weights: Weights) -> str:
    digest = source.sha256()
    if weights.sha256 is not None and digest != weights.sha256.lower():
        raise WeightsError(f"has the SHA-256 {digest}; the config wants {weights.sha256.lower()}")
    return digest


def _values(slot: Slot, array: FileArray) -> NDArray[np.float32]:
    """Read one array, as float32 in the network's axes."""
    if array.dtype.startswith(("int", "uint", "bool")) and not array.note:
        raise WeightsError(f"{array.name} holds whole numbers ({array.dtype}); wanted floats for {slot.name}")
    with np.errstate(over="ignore"):  # what is too large becomes infinite and is refused
        values = np.asarray(array.read(), np.float32)
    if not np.isfinite(values).all():
        raise WeightsError(f"{array.name} has values that are not finite")
    return np.ascontiguousarray(arrange_axes(values, array, slot))
