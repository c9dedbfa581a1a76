"""A small config whose text tests change, and what loading the changed text gives."""

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
    """Return BASE with each (old, new) replaced; `old` must be there once."""
    text = BASE
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def load_text(text: str | bytes, overrides: Iterable[str] = ()) -> Config:
    """Load a text as the file bad.yaml of the current folder."""
    Path("bad.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    return load_config("bad.yaml", overrides)


def get_refusal(text: str | bytes, overrides: Iterable[str] = ()) -> str:
    """Return the message with which a text is refused, which is always one line that a terminal can show."""
    with pytest.raises(ConfigError) as error:
        load_text(text, overrides)
    line = str(error.value)
    assert line.isprintable()
    return line
