"""`ignore` leaves arrays of a weights file out of the matching, and names nothing that is not there."""

from pathlib import Path

import numpy as np
import pytest

from helpers.weights_files import Arrays, load_small_config, make_arrays, write_keras_2, write_npz
from specfeat.config.settings import Settings
from specfeat.errors import ConfigError, WeightsError
from specfeat.weights.files.arrays import FileContents
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import locate_weights
from specfeat.weights.inspection import compare_with_config
from specfeat.weights.matching.ignored_arrays import match_config_arrays
from specfeat.weights.matching.slots import derive_slots


def _match(folder: Path, arrays: Arrays, **weights: object) -> dict[str, str]:
    """Return the file's array for each array of the network."""
    write_npz(folder / "w.npz", arrays)
    settings = load_small_config(folder, {"file": "w.npz", **weights}).settings
    with open_weights_file(locate_weights(str(folder / "w.npz"))) as contents:
        result = match_config_arrays(derive_slots(settings), contents, settings.model.weights)
        result.raise_if_incomplete()
    return {slot.name: array.name for slot, array in result.pairs}


def _make_more_arrays() -> Arrays:
    """Return the network's arrays with those of a layer in front of it and one behind it, of its own shapes."""
    arrays = make_arrays()
    front = {"norm/mean": np.zeros(10, np.float32), "norm/count": np.ones((), np.float32)}
    return front | {"extra/kernel": arrays["block/conv/kernel"]} | arrays


@pytest.mark.parametrize("match", ["name", "order"])
def test_ignored_arrays_take_no_part_in_the_matching(tmp_path: Path, match: str) -> None:
    """The others are paired as if the file had only them; by order, the first kernel is then the network's."""
    alone = _match(tmp_path, make_arrays(), match=match)

    assert _match(tmp_path, _make_more_arrays(), match=match, ignore=["norm/*", "extra/kerne?"]) == alone
    with pytest.raises(WeightsError, match="unused"):
        _match(tmp_path, _make_more_arrays(), match="name")


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"ignore": ["norm/*", "extra/kernl"]}, r"pattern 'extra/kernl' of ignore matches \(did you mean 'extra/kernel'\?\)"),
        ({"ignore": ["Norm/*"]}, "has no array that the pattern 'Norm/\\*' of ignore matches"),
        ({"ignore": ["norm*", "*"]}, r"has no array left: ignore \(norm\*, \*\) matches all of them"),
        ({"ignore": ["row/*"], "map": {"row": "row"}}, "has row, which the map gives to row and ignore leaves out"),
        (
            {"ignore": ["row/*"], "map": {"head/bias": "row/bias"}},
            "has row/bias, which the map gives to head/bias and ignore leaves out",
        ),
    ],
)  # fmt: skip
def test_a_pattern_without_a_purpose_is_refused(
    tmp_path: Path, weights: dict[str, object], message: str
) -> None:
    """A pattern must match something, leave something, and not contradict the map."""
    with pytest.raises(WeightsError, match=message):
        _match(tmp_path, _make_more_arrays(), **weights)


def test_a_needed_array_that_is_ignored_is_missing(tmp_path: Path) -> None:
    """No layer stays as it was initialised."""
    with pytest.raises(WeightsError, match="1 missing \\(row/bias 7\\)"):
        _match(tmp_path, make_arrays(), ignore=["row/bias"])


def test_a_converted_file_needs_no_pattern(tmp_path: Path) -> None:
    """It has only the network's arrays, and the config still has the pattern for the original file."""
    write_npz(tmp_path / "w.npz", make_arrays())
    settings = load_small_config(tmp_path, {"file": "w.npz", "ignore": ["norm/*"]}).settings
    with open_weights_file(locate_weights(str(tmp_path / "w.npz"))) as contents:
        converted = FileContents(format="x", arrays=contents.arrays, sound_settings="{}")
        result = match_config_arrays(derive_slots(settings), converted, settings.model.weights)

    assert result.is_complete


def _load(folder: Path, **weights: object) -> Settings:
    return load_small_config(folder, {"random": 3, **weights}).settings


def test_the_patterns_are_part_of_the_config_in_the_record(tmp_path: Path) -> None:
    """They change the digest, and without them the digest is that of a version which did not know the key."""
    plain, empty, ignoring = _load(tmp_path), _load(tmp_path, ignore=[]), _load(tmp_path, ignore=["a*"])

    assert "ignore" not in plain.model_dump()["model"]["weights"]
    assert plain.digest == empty.digest != ignoring.digest
    assert ignoring.model_dump(mode="json")["model"]["weights"]["ignore"] == ["a*"]


@pytest.mark.parametrize("ignore", ["norm/*", [""], [3]])
def test_only_a_list_of_patterns_is_accepted(tmp_path: Path, ignore: object) -> None:
    """A single text, an empty pattern and a number are errors of the config."""
    with pytest.raises(ConfigError, match="ignore"):
        _load(tmp_path, ignore=ignore)


def test_show_uses_the_patterns(tmp_path: Path) -> None:
    """`specfeat weights show -c` compares as `extract` does."""
    write_keras_2(tmp_path / "w.h5", _make_more_arrays())
    settings = load_small_config(tmp_path, {"file": "w.h5", "ignore": ["norm/*", "extra/*"]}).settings
    with open_weights_file(locate_weights(str(tmp_path / "w.h5"))) as contents:
        assert compare_with_config(settings, contents, derive_slots(settings)) == ("name", "")
