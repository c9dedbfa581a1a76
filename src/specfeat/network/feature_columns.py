"""Makes the row of a clip from the outputs of one or more layers, each as it is or pooled."""

from collections.abc import Sequence
from typing import Any

from specfeat.architecture.feature_sources import ColumnGroup, FeatureSource, list_column_groups
from specfeat.architecture.graph import to_keras_name
from specfeat.config import Config
from specfeat.config.label_rules import check_label_count
from specfeat.network.batch_norm_folding import fold_batch_norms
from specfeat.network.compose import ComposedModel
from specfeat.tensorflow_runtime import keras

Layer: Any = keras.layers.Layer


class JoinedFeatures(Layer):
    """Pools the outputs of layers, and puts the results one after another into one row.

    Args:
        sources: the layers whose outputs are the inputs of this layer, in order, with their pooling.
        **options: the arguments that every Keras layer has, e.g. `name`.
    """

    def __init__(self, sources: Sequence[FeatureSource], **options: Any) -> None:
        super().__init__(dtype="float32", **options)
        self._sources = tuple(sources)

    def call(self, outputs: Any) -> Any:
        """Return the rows, shape (batch, columns), for one output or a list of outputs."""
        outputs = outputs if isinstance(outputs, list) else [outputs]
        columns: list[Any] = []
        for source, output in zip(self._sources, outputs, strict=True):
            axes = tuple(axis + 1 for axis in source.list_pooled_axes(output.shape[1:]))
            pooled = [_pool(output, statistic, axes) for statistic in source.statistics] or [output]
            count = source.count_columns(output.shape[1:])
            columns += [keras.ops.reshape(values, (-1, count)) for values in pooled]
        return keras.ops.concatenate(columns, axis=-1)


def _pool(output: Any, statistic: str, axes: tuple[int, ...]) -> Any:
    """Return one statistic of the output of a layer.

    Args:
        output: shape (batch, frames, channels) or (batch, frames, bins, channels).
        statistic: see `architecture.feature_sources.STATISTICS`.
        axes: the axes that are pooled; only one for "first" and "last".
    """
    if statistic in ("first", "last"):
        index = 0 if statistic == "first" else output.shape[axes[0]] - 1
        return keras.ops.take(output, index, axis=axes[0])
    if statistic in ("mean", "std"):
        mean = _average(output, axes)
        if statistic == "mean":
            return mean
        # The definition of numpy.std. The mean is subtracted first, so that a large mean costs no digits.
        return keras.ops.sqrt(_average(keras.ops.square(output - mean), axes))
    return {"max": keras.ops.max, "min": keras.ops.min}[statistic](output, axis=axes)


def _average(values: Any, axes: tuple[int, ...]) -> Any:
    """Return the mean over axes, which stay with the size 1.

    Not `keras.ops.mean`: over one of two axes, TensorFlow rounds differently at different places of a batch.
    """
    window = [size if axis in axes else 1 for axis, size in enumerate(values.shape[1:-1], 1)]
    return keras.ops.average_pool(values, window, data_format="channels_last")


def make_extractor(model: Any, sources: Sequence[FeatureSource]) -> Any:
    """Return a Keras model from clips to rows, with batch normalisations folded if that is exact.

    Args:
        model: the composed Keras model, its weights set.
        sources: the layers whose outputs are the columns of the row, in order, with their pooling.
    """
    names = list(dict.fromkeys(source.layer for source in sources))
    extractor = fold_batch_norms(model, *names)
    if len(sources) == 1 and not sources[0].statistics:
        return extractor  # the output of the layer is the row
    outputs = dict(zip(names, extractor.outputs, strict=True))
    # ">" cannot be in the name of a layer of the config.
    joined = JoinedFeatures(sources, name="features>joined")
    return keras.Model(extractor.inputs[0], joined([outputs[source.layer] for source in sources]))


def list_model_columns(config: Config, composed: ComposedModel) -> tuple[ColumnGroup, ...]:
    """Return the columns of a clip's row: for each layer and each of its statistics a group, in order.

    Args:
        config: the config of the model.
        composed: the composed model.

    Raises:
        ConfigError: the config has names of classes, and no layer of the features has so many values.
    """
    layers = {source.layer: to_keras_name(source.layer) for source in composed.feature_sources}
    shapes = {
        name: tuple(composed.keras_model.get_layer(keras_name).output.shape[1:])
        for name, keras_name in layers.items()
    }
    groups = list_column_groups(composed.feature_sources, shapes)
    check_label_count(config.tree, config.settings, groups)
    return groups
