"""A small config as text. Tests change the text, and load the changed config."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from specfeat.config import Config, load_config
from specfeat.errors import ConfigError

BASE = """\
audio:
  sample_rate: 16000
spectrogram:
  n_fft: 512
  win_length: 400
  hop_length: 160
  mel:
    n_mels: 64
  compress:
    db: {}
clips:
  frames: 96
model:
  layers:
    - Conv2D: {filters: 8, kernel_size: 3}
    - Flatten
    - Dense: {name: last, units: 10}
  weights:
    random: 0
"""


def replace_text(*changes: tuple[str, str]) -> str:
    """Return `BASE` with each pair (old, new) replaced. Each old text must occur exactly once."""
    text = BASE
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def load_text(text: str | bytes, overrides: Iterable[str] = ()) -> Config:
    """Write a text to the file bad.yaml in the current folder, and load this file as a config."""
    Path("bad.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    return load_config("bad.yaml", overrides)


def get_refusal(text: str | bytes, overrides: Iterable[str] = ()) -> str:
    """Return the message of the error for a text. It must be one line of characters that a terminal can show."""
    with pytest.raises(ConfigError) as error:
        load_text(text, overrides)
    line = str(error.value)
    assert line.isprintable()
    return line
