"""Writes the arrays of a network, and the settings of its spectrogram, to a file in Keras 3's layout."""

from typing import Any, BinaryIO

import h5py

from specfeat.architecture.graph import Layer
from specfeat.architecture.kinds import get_layer_kind
from specfeat.config.settings import Settings
from specfeat.weights.files.keras_files import ROLE_ATTRIBUTE, SOUND_ATTRIBUTE
from specfeat.weights.matching.slots import list_model_slots
from specfeat.weights.sound_check import format_sound_settings


def save_weights(model: Any, layers: tuple[Layer, ...], settings: Settings, file: BinaryIO) -> None:
    """Write every array of a network in the layout of `model.save_weights` of Keras 3.

    The same arrays give the same bytes, because the file contains no times.

    Args:
        model: the Keras model with its weights set.
        layers: the layers that it was built from.
        settings: the settings that it was built from.
        file: the file to write to, open for writing and reading.
    """
    with h5py.File(file, "w", track_order=False) as output:
        output.attrs[SOUND_ATTRIBUTE] = format_sound_settings(settings)
        for slot in list_model_slots(model, layers):
            group = output.require_group(f"{slot.keras_path}/vars")
            part_path = get_layer_kind(slot.kind).part_paths.get(slot.part)
            path = slot.keras_path.removesuffix(f"/{part_path}") if part_path else slot.keras_path
            output.require_group(f"{path}/vars").attrs["name"] = slot.layer
            dataset = group.create_dataset(str(slot.index), data=slot.variable.numpy(), track_times=False)
            # Keras writes only the number of an array. The role says whether array 0 of a norm is gamma or
            # beta.
            dataset.attrs[ROLE_ATTRIBUTE] = slot.part_role
