"""The function for the `map` of Hugging Face datasets."""

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from helpers.sample_data import make_noise
from helpers.specfeat_command import write_noise
from specfeat.errors import ConfigError, UsageError

RATE = 8000


@pytest.mark.tf
@pytest.mark.filterwarnings("ignore:the network's weights are random:UserWarning")
def test_paths_arrays_and_decoders_give_the_same_features(tmp_path: Path) -> None:
    """A batch is a dictionary of columns; a sound may have each form in which `datasets` gives it."""
    import soundfile

    from specfeat.integrations.hugging_face import FeatureFunction

    write_noise(tmp_path / "a.wav", 1.5, RATE)
    samples, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    decoded = SimpleNamespace(data=samples[None], sample_rate=RATE)
    values: list[Any] = [
        str(tmp_path / "a.wav"),
        {"path": str(tmp_path / "a.wav"), "array": None},
        {"array": samples, "sampling_rate": RATE},
        SimpleNamespace(get_all_samples=lambda: decoded),
    ]
    function = pickle.loads(pickle.dumps(FeatureFunction("minimal", column="sound")))
    rows = function({"sound": values})["features"]

    assert all(np.array_equal(row, rows[0]) for row in rows)
    assert rows[0].shape == (10,)
    per_file = ["rows.per=file", "rows.pool=max"]  # as a config with a row for each file
    clip_function = FeatureFunction("minimal", column="sound", pool=None, overrides=per_file)
    clips = clip_function({"sound": values[:1]})["features"][0]
    assert len(clips) > 1
    np.testing.assert_allclose(clips.mean(axis=0), rows[0], rtol=1e-5, atol=1e-6)

    datasets = pytest.importorskip("datasets", reason="the last check needs the package datasets")
    mapped = datasets.Dataset.from_dict({"sound": values[:1] * 3}).map(function, batched=True)
    np.testing.assert_array_equal(np.float32(mapped["features"][2]), rows[0])


@pytest.mark.tf
def test_wrong_columns_are_named() -> None:
    """A column that does not exist, and one that has no sounds, are named with what is wanted."""
    from specfeat.integrations.hugging_face import FeatureFunction

    function = FeatureFunction("minimal")
    with pytest.raises(UsageError, match=r"no column 'audio'; it has label, sound"):
        function({"sound": [], "label": []})
    with pytest.raises(UsageError, match=r"the column 'audio' has a value of the type int; wanted a path"):
        function({"audio": [make_noise(5).size]})


@pytest.mark.tf
def test_an_empty_pool_is_refused() -> None:
    """Only `None` means a row for each clip; an empty text is a mistake, and no other clip gets lost because of it."""
    from specfeat.integrations.hugging_face import FeatureFunction

    with pytest.raises(ConfigError, match=r"rows\.pool"):
        FeatureFunction("minimal", pool="")({"audio": ["a.wav"]})
