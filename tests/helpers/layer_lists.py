"""Makes configs that differ only in their list of layers."""

from pathlib import Path

from specfeat.architecture.graph import Layer
from specfeat.config import load_config

# The first layer that follows is on line 7, and begins at column 7: `    - Flatten`.
HEAD = """\
audio: {sample_rate: 16000}
spectrogram: {n_fft: 2048, hop_length: 160, mel: {n_mels: 64}}
clips: {frames: 96}
model:
  weights: {random: 0}
  layers:
"""
CONV = "Conv2D: {name: conv, filters: 8, kernel_size: 3}"
POOL = "GlobalAveragePooling2D: {name: pool}"


def load_layers(text: str) -> tuple[Layer, ...]:
    """Write a text to bad.yaml in the current folder, load it as a config, and return its layers."""
    Path("bad.yaml").write_text(text)
    return load_config("bad.yaml").settings.model.layers


def parse_items(*items: str) -> tuple[Layer, ...]:
    """Return the layers of a config whose list of layers has these items, each on one line."""
    return load_layers(HEAD + "".join(f"    - {item}\n" for item in items))


def parse_beginning(*items: str) -> tuple[Layer, ...]:
    """Return the layers of items that do not end in a row; a config needs one more layer for that."""
    return parse_items(*items, "Flatten: {name: added_flatten}")[:-1]
