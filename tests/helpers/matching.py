"""Matches arrays to the layers of a small network, without weights files, Keras or TensorFlow."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specfeat.config import load_config
from specfeat.config.settings import Settings
from specfeat.weights.files.array_names import assign_roles
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.matching.axis_layouts import arrange_axes
from specfeat.weights.matching.match import MatchRule, match_arrays
from specfeat.weights.matching.slots import derive_slots

Arrays = Mapping[str, NDArray[Any]]
LoadNetwork = Callable[..., Settings]

CONFIG_HEAD = """\
audio: {sample_rate: 8000}
spectrogram: {n_fft: 128, hop_length: 64, mel: {n_mels: 10}, compress: {db: {}}}
clips: {frames: 14}
model:
  weights: {random: 0}
  layers:
"""  # the input is 14 frames x 10 bands x 1 channel


def load_network(folder: Path, *layers: str, weights: Mapping[str, object] | None = None) -> Settings:
    """Write a config with the given layers, and a Flatten after them, to FOLDER/net.yaml, and load it.

    Args:
        folder: the folder for the file net.yaml.
        layers: the lines of the config, one for each layer.
        weights: the keys of the config's `weights` in addition to `random`.
    """
    lines = [*layers, "Flatten: {name: added_flatten}"]
    head = CONFIG_HEAD.replace("{random: 0}", json.dumps({"random": 0, **(weights or {})}))
    (folder / "net.yaml").write_text(head + "".join(f"    - {line}\n" for line in lines))
    return load_config(folder / "net.yaml").settings


def make_contents(arrays: Arrays, sound_settings: str | None = None) -> FileContents:
    """Return the contents of a file that has only names and arrays, like .npz and safetensors files."""
    file_arrays = [
        FileArray(name=name, shape=array.shape, dtype=str(array.dtype), read=partial(np.asarray, array))
        for name, array in arrays.items()
    ]
    return FileContents(format="test", arrays=assign_roles(file_arrays), sound_settings=sound_settings)


def match_and_arrange(
    settings: Settings,
    contents: Arrays | FileContents,
    match_rule: MatchRule = "name",
    user_map: Mapping[str, str] | None = None,
) -> dict[str, NDArray[Any]]:
    """Return the values that the network would get from a file, by the names of its slots.

    Args:
        settings: the settings that describe the network.
        contents: the contents of a file, or its arrays by name.
        match_rule: how layers and arrays are paired.
        user_map: the value of `model.weights.map`.
    """
    file_contents = contents if isinstance(contents, FileContents) else make_contents(contents)
    result = match_arrays(derive_slots(settings), file_contents, match_rule, user_map or {})
    result.raise_if_incomplete()
    return {slot.name: arrange_axes(array.read(), array, slot) for slot, array in result.pairs}


def count_up(*shape: int) -> NDArray[np.float32]:
    """Return an array with the values 0, 1, 2, ..., so that a test sees where each value has gone."""
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def make_dense_kernels(*names: str) -> dict[str, NDArray[Any]]:
    """Return a kernel of 10 x 10 for each layer. The values of each kernel are 1 more than those before."""
    return {f"{name}/kernel": count_up(10, 10) + i for i, name in enumerate(names)}


def list_dense_layers(*names: str) -> tuple[str, ...]:
    """Return the lines of a config with dense layers that have 10 units and no bias."""
    lines = [f"Dense: {{name: {name}, units: 10, use_bias: false}}" for name in names]
    return ("Reshape: {target_shape: [14, 10]}", *lines)
