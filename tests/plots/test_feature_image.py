"""The features of a sound over time."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from helpers.sample_data import RATE, make_chirp, make_settings
from helpers.without_tensorflow import FakeNetwork
from specfeat.audio.clips import ClipMaker
from specfeat.config import Config
from specfeat.config.config_tree import ConfigTree
from specfeat.plots.feature_image import compute_feature_image
from specfeat.plots.sound_view import TimeRange, measure_sound


@pytest.mark.parametrize(
    "clips",
    [
        {"frames": 8},
        {"frames": 8, "hop": 3},
        {"frames": 8, "hop": 3, "tail": "shift"},
        {"frames": 8, "hop": 3, "tail": "drop", "edges": "repeat"},
    ],
    ids=["one after another", "overlap", "shift", "repeat"],
)
def test_each_row_is_drawn_where_its_clip_begins(clips: dict[str, Any], tmp_path: Path) -> None:
    """Every row of the sound has columns of its own, in order, at the time of its clip or hop."""
    samples = make_chirp(730)
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    settings = make_settings(clips=clips)
    network: Any = FakeNetwork(Config("settings", settings, ConfigTree("settings")))
    length = measure_sound(str(tmp_path / "a.wav"), settings, None, TimeRange())
    image = compute_feature_image(length, settings, network)

    made = np.stack([clip.copy() for clip in ClipMaker(settings).make_clips([samples])])
    rows = network.compute_rows(made)
    hop = settings.clip_grid.hop_samples
    for number, row in enumerate(rows[:-1]):
        column = int((number + 0.1) * hop * len(image) / length.end)
        assert np.array_equal(image[column], row)
    assert np.array_equal(image[np.isfinite(image[:, 0])][-1], rows[-1])
