"""Configs that differ in their list of layers only."""

from pathlib import Path

from specfeat.architecture.graph import Layer
from specfeat.config import load_config

# The layers begin on line 7, and on column 7: `    - Flatten`.
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
    """Return the layers of a config with this text, which is written to bad.yaml in the current folder."""
    Path("bad.yaml").write_text(text)
    return load_config("bad.yaml").settings.model.layers


def parse_items(*items: str) -> tuple[Layer, ...]:
    """Return the layers of a config that has these items in its list, each on one line."""
    return load_layers(HEAD + "".join(f"    - {item}\n" for item in items))


def parse_beginning(*items: str) -> tuple[Layer, ...]:
    """Return the layers of items that give no row yet: a Flatten that follows makes it one."""
    return parse_items(*items, "Flatten: {name: the_end}")[:-1]
