"""The network's arrays into a file of Keras 3's layout, with the sound that they are for."""

from typing import Any, BinaryIO

import h5py

from specfeat.architecture.graph import Layer
from specfeat.config.settings import Settings
from specfeat.weights.files.keras_files import ROLE_ATTRIBUTE, SOUND_ATTRIBUTE
from specfeat.weights.matching.slots import list_model_slots
from specfeat.weights.sound_check import format_sound_settings


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
        written.attrs[SOUND_ATTRIBUTE] = format_sound_settings(settings)
        for slot in list_model_slots(model, layers):
            group = written.require_group(f"{slot.place}/vars")
            group.attrs["name"] = slot.layer
            array = group.create_dataset(str(slot.index), data=slot.variable.numpy(), track_times=False)
            array.attrs[ROLE_ATTRIBUTE] = slot.role
