"""The network's arrays into a file of Keras 3's layout, with the sound that they are for."""

from typing import Any, BinaryIO

import h5py

from specfeat.config.graph import Layer
from specfeat.config.settings import Settings
from specfeat.network.weights.front_end import stamp
from specfeat.network.weights.keras_files import ROLE, STAMP
from specfeat.network.weights.slots import find_slots


def save_weights(model: Any, layers: tuple[Layer, ...], settings: Settings, file: BinaryIO) -> None:
    """Write every array of the network, as `model.save_weights` of Keras 3 lays them out.

    The same arrays give the same bytes: HDF5's time stamps are off.

    Args:
        model: the Keras model, its weights set.
        layers: that it was built of.
        settings: that it was built from.
        file: open for writing and reading.
    """
    with h5py.File(file, "w", track_order=False) as written:
        written.attrs[STAMP] = stamp(settings)
        for slot in find_slots(model, layers):
            group = written.require_group(f"{slot.place}/vars")
            group.attrs["name"] = slot.layer
            array = group.create_dataset(str(slot.index), data=slot.variable.numpy(), track_times=False)
            array.attrs[ROLE] = slot.role
