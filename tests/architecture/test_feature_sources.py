"""`features` of a config: one layer, several layers, and layers that are pooled."""

import json
from typing import Any

import pytest

from specfeat.architecture.feature_sources import (
    STATISTICS,
    FeatureSource,
    PoolError,
    dump_features,
    parse_features,
    parse_pool,
)
from specfeat.config import Settings, load_config
from specfeat.errors import ConfigError, ModelError

NETWORK = "model.layers=[Conv2D: {name: conv, filters: 3, kernel_size: 3}, BatchNormalization: {name: norm}, \
GlobalAveragePooling2D: {name: mean}, Dense: {name: row, units: 5}]"


def _load(features: str) -> Settings:
    return load_config("minimal", [NETWORK, f"model.features={features}"]).settings


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("row", "row"),
        (["row"], "row"),
        (["conv5", "row"], (FeatureSource("conv5"), FeatureSource("row"))),
        ({"conv5": "std+first"}, (FeatureSource("conv5", ("std", "first")),)),
        (
            [{"conv5": {"pool": "mean", "over": "time"}}, {"conv5": {"pool": "mean"}}],
            (FeatureSource("conv5", ("mean",), "time"), FeatureSource("conv5", ("mean",))),
        ),
    ],
    ids=str,
)
def test_all_forms_are_read(value: Any, expected: Any) -> None:
    """A name, a list, a pooling in short or in full; one name in a list is the name. The dump is read back."""
    assert parse_features(value) == expected
    assert parse_features(json.loads(json.dumps(dump_features(parse_features(value))))) == expected


def test_statistics_are_read_in_order() -> None:
    """The order is that of the text; each name is known, and there only once."""
    assert parse_pool("+".join(reversed(STATISTICS))) == STATISTICS[::-1]
    for text in ("", "mean+", "median", "mean + std", "Mean"):
        with pytest.raises(PoolError, match="is not a statistic"):
            parse_pool(text)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ("[]", "model.features: is empty; wanted the name of a layer, or {NAME: {pool: mean, over: time}}"),
        ("[rwo]", "model.features: is the text 'rwo', not the name of a layer (did you mean 'row'?)"),
        (
            "[row, {cnov: mean}]",
            "model.features[1]: is the text 'cnov', not the name of a layer (did you mean 'conv'?)",
        ),
        ("[row, row]", "model.features[1]: is there twice; give it once"),
        ("[row, 5]", "model.features[1]: is 5; wanted the name of a layer, or {NAME:"),
        ("[{conv: mean, row: max}]", "wanted the name of a layer, or {NAME: {pool: mean, over: time}}"),
        ("[{conv: {over: time}}]", "model.features[0].conv: is {"),
        (
            "{conv: {pool: mean, ovr: time}}",
            "model.features.conv.ovr: is not known here (did you mean 'over'?)",
        ),
        (
            "{conv: {pool: mean, over: bins}}",
            "model.features.conv.over: is the text 'bins'; wanted one of time, frequency",
        ),
        ("{conv: {pool: 3}}", "model.features.conv.pool: is 3; wanted one of mean, std"),
        (
            "{conv: mean+maen}",
            "model.features.conv.pool: is the text 'mean+maen', and 'maen' is not a statistic",
        ),
    ],
    ids=str,
)
def test_wrong_forms_are_refused(features: str, message: str) -> None:
    """The message names the place in the list, and what is wanted."""
    with pytest.raises(ConfigError) as caught:
        _load(features)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ("[conv, row]", "for a clip, not one row; put Flatten or GlobalAveragePooling2D after it"),
        ("[{row: mean}]", "gives 5 for a clip, which is one row already; leave out its pooling in features"),
        ("[{conv: first}]", "first and last take one frame, so use over: time with them in features"),
    ],
    ids=str,
)
def test_outputs_that_make_no_row_are_refused(features: str, message: str) -> None:
    """This is known from the shapes, without TensorFlow."""
    with pytest.raises(ModelError) as caught:
        _load(features)

    assert message in str(caught.value)


def test_columns_follow_from_the_shape() -> None:
    """What is not pooled is kept: channels, or the channels of every frame or bin."""
    shape = (7, 5, 3)
    counts = {
        over: FeatureSource("a", ("mean",), over).count_columns(shape)
        for over in ("time", "frequency", "both")
    }

    assert counts == {"time": 15, "frequency": 21, "both": 3}
    assert FeatureSource("a", ("mean",)).count_columns((7, 3)) == 3
    assert FeatureSource("a", ("mean",), "frequency").find_mismatch((7, 3))
    assert FeatureSource("a", ("last",)).find_mismatch((7, 3)) is None
    assert FeatureSource("a", ("mean",)).find_mismatch((2, 7, 5, 3))


def test_a_single_name_keeps_its_digest() -> None:
    """A list with one name is the same config as the name; a pooling is another one, and its record can be read."""
    name, single, pooled = _load("mean"), _load("[mean]"), _load("[{conv: std}, mean]")
    resolved = pooled.model_dump(mode="json")
    again = Settings.model_validate_json(json.dumps(resolved))

    assert name.digest == single.digest != pooled.digest
    assert resolved["model"]["features"] == [{"conv": {"pool": "std", "over": "both"}}, "mean"]
    assert again == pooled
    assert again.digest == pooled.digest
