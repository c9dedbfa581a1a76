"""Arrays from a file into the network: all of them, once, in equal shapes, or an error.

    locate -> detect -> a reader (arrays by name and shape) -> match (array for slot) -> transposed, set

`source` finds the files, `formats` has the readers, `names` and `pairing` say what a name means, `slots`
lists what the network wants, `match` brings the two together, `layouts` turns the axes, `front_end` compares
the sound. No reader runs, unpickles or follows anything; docs/weights.md says what each refuses.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.config.graph import Layer
from specfeat.config.settings import Settings, Weights
from specfeat.errors import WeightsError
from specfeat.network.weights.arrays import Array
from specfeat.network.weights.formats import opened
from specfeat.network.weights.front_end import check_sound
from specfeat.network.weights.layouts import arrange
from specfeat.network.weights.match import match_up
from specfeat.network.weights.slots import Slot, find_slots
from specfeat.network.weights.source import Source, at_rest, locate, naming

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
    with naming(name):
        source = locate(name)
        with at_rest(source):
            digest, stamp = _checked_hash(source, weights), source.stamp()
            with opened(source, weights.format) as contents:
                slots = find_slots(model, layers, weights.flatten)
                matching = match_up(slots, contents, weights.match, weights.map)
                matching.check()
                check_sound(settings, contents)
                for slot, array in matching.pairs:
                    slot.variable.assign(_values(slot, array))
    return {"file": name, "sha256": digest, "format": contents.format, **stamp}


def _checked_hash(source: Source, weights: Weights) -> str:
    digest = source.sha256()
    if weights.sha256 is not None and digest != weights.sha256.lower():
        raise WeightsError(f"has the SHA-256 {digest}; the config wants {weights.sha256.lower()}")
    return digest


def _values(slot: Slot, array: Array) -> NDArray[np.float32]:
    """Read one array, as float32 in the network's axes."""
    if array.dtype.startswith(("int", "uint", "bool")) and not array.note:
        raise WeightsError(f"{array.name} holds whole numbers ({array.dtype}); wanted floats for {slot.name}")
    with np.errstate(over="ignore"):  # what is too large becomes infinite and is refused
        values = np.asarray(array.read(), np.float32)
    if not np.isfinite(values).all():
        raise WeightsError(f"{array.name} has values that are not finite")
    return np.ascontiguousarray(arrange(values, array, slot))
