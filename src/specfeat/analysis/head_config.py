"""Makes the config whose network ends in a classifier, so that the rows of an extraction are its scores."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from specfeat.analysis.head_files import HeadRecord
from specfeat.analysis.recorded_config import load_recorded_config
from specfeat.architecture.axes import Shape
from specfeat.architecture.feature_sources import FeatureSource
from specfeat.architecture.graph import Layer
from specfeat.architecture.shapes import UnknownShapeError, compute_network_shapes
from specfeat.config import Config
from specfeat.errors import UsageError
from specfeat.output.finished_output import FinishedOutput
from specfeat.text import suggest_free_name

# The layers that compute the statistics of `features` over a whole axis, when their window is the whole axis.
_POOLINGS = {"mean": "AveragePooling2D", "max": "MaxPooling2D", "std": "StandardDeviationPooling2D"}


def get_weights_path(config_path: Path) -> Path:
    """Return the path of the weights file of a config with a classifier, which is beside it."""
    return config_path.with_name(f"{config_path.stem}.weights.h5")


def check_head(output: FinishedOutput, weights_file: str | None) -> None:
    """Check before the fit that a classifier can become the last layer of the network of an output.

    Args:
        output: the output on whose rows the classifier will be fitted.
        weights_file: see `add_head`.

    Raises:
        UsageError: a layer cannot compute the features of the output, or its config cannot be read.
    """
    _add_features(load_recorded_config(output, weights_file))


def add_head(output: FinishedOutput, record: HeadRecord, weights_file: str | None) -> tuple[Config, Layer]:
    """Return the config of an output with the classifier as its last layer, and this layer.

    The weights of the config are those of the output, which has none for the classifier.

    Args:
        output: the output on whose rows the classifier was fitted.
        record: the record of the classifier.
        weights_file: the weights file of the output, if it is no longer where its record says.

    Raises:
        UsageError: a layer cannot compute the features of the output.
    """
    config = load_recorded_config(output, weights_file)
    settings = config.settings
    layers, inputs = _add_features(config)
    _append(
        layers, "Dense", "classes", inputs, {"units": len(record.classes), "activation": record.activation}
    )
    model = settings.model.model_copy(
        update={"layers": tuple(layers), "features": layers[-1].name, "labels": record.classes}
    )
    return replace(config, settings=settings.model_copy(update={"model": model})), layers[-1]


def _add_features(config: Config) -> tuple[list[Layer], tuple[str, ...]]:
    """Return the layers of a config with those that compute its features, and the inputs of the classifier.

    Raises:
        UsageError: a layer cannot compute the features.
    """
    settings = config.settings
    if settings.model.postprocess:
        raise _make_error("the config has model.postprocess, which is computed after the network")
    if settings.rows.per != "clip":
        raise _make_error("a row belongs to a whole file, and the network sees one clip")
    layers = list(settings.model.layers)
    sources = [
        name for source in settings.model.feature_sources for name in _add_source(config, source, layers)
    ]
    if len(sources) > 1:
        _append(layers, "Concatenate", "joined_features", tuple(sources))
        sources = [layers[-1].name]
    return layers, tuple(sources)


def _add_source(config: Config, source: FeatureSource, layers: list[Layer]) -> list[str]:
    """Add the layers that pool the output of a layer, and return the names of the layers with the columns."""
    if not source.statistics:
        return [source.layer]
    try:
        shape = compute_network_shapes(config.settings.graph)[source.layer]
    except UnknownShapeError as e:
        raise _make_error(f"only Keras knows the shape of {source.layer!r}, which is pooled") from e
    axes, name = source.list_pooled_axes(shape), source.layer
    if len(shape) == 2:  # frames x channels
        name = _append(
            layers, "Reshape", f"{source.layer}_frames", (name,), {"target_shape": _insert_bins(shape)}
        )
        shape = _insert_bins(shape)
    size = tuple(shape[axis] if axis in axes else 1 for axis in (0, 1))
    columns = []
    for statistic in source.statistics:
        if statistic not in _POOLINGS:
            raise _make_error(
                f"there is no layer for the statistic {statistic!r} of model.features, only for "
                f"{', '.join(_POOLINGS)}"
            )
        pooled = _append(
            layers, _POOLINGS[statistic], f"{source.layer}_{statistic}", (name,), {"pool_size": size}
        )
        columns.append(_append(layers, "Flatten", f"{pooled}_columns", (pooled,)))
    return columns


def _insert_bins(shape: Shape) -> Shape:
    return (shape[0], 1, shape[1])


def _append(
    layers: list[Layer], kind: str, name: str, inputs: tuple[str, ...], options: dict[str, Any] | None = None
) -> str:
    """Add a layer with a free name, and return this name."""
    free_name = suggest_free_name(name, _list_names(layers))
    layers.append(Layer(kind, free_name, inputs, options or {}, ()))
    return free_name


def _list_names(layers: Sequence[Layer]) -> set[str]:
    return {layer.name for layer in layers}


def _make_error(reason: str) -> UsageError:
    return UsageError(f"the classifier cannot become a layer of the network, because {reason}")
