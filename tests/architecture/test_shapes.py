"""Shapes by arithmetic are Keras' own."""

import math
from pathlib import Path
from typing import Any

import pytest

from helpers.published_networks import PARAMETERS
from helpers.weights_files import CONFIG, build_small_network, load_small_config
from specfeat.architecture.shapes import (
    UnknownShapeError,
    compute_network_shapes,
    count_multiplications,
    list_network_arrays,
)
from specfeat.config import load_config, shipped_names

# A network of many layers with many arguments; all sizes differ. Each kind by itself: test_kinds_in_keras.py.
LAYERS = """\
    - Conv2D: {name: a, filters: 3, kernel_size: [4, 3], strides: 2, padding: same, use_bias: false}
    - Conv2D: {name: b, filters: 6, kernel_size: 3, strides: [3, 2], groups: 3}
    - ZeroPadding2D: {padding: [[5, 4], [3, 7]]}
    - Conv2D: {filters: 5, kernel_size: [2, 3], dilation_rate: [2, 3]}
    - ZeroPadding2D: {padding: [2, 3]}
    - ZeroPadding2D: {padding: 2}
    - Cropping2D: {cropping: [[1, 0], [2, 1]]}
    - UpSampling2D: {size: [2, 3]}
    - DepthwiseConv2D: {kernel_size: [2, 3], depth_multiplier: 3, strides: 2}
    - SeparableConv2D: {filters: 7, kernel_size: [3, 2], depth_multiplier: 2, padding: same}
    - BatchNormalization: {axis: 2, scale: false}
    - LayerNormalization: {axis: [1, 3]}
    - LayerNormalization: {center: false}
    - GroupNormalization: {groups: 7, scale: false}
    - PReLU: {shared_axes: [1, 2]}
    - PReLU: {shared_axes: 2}
    - UnitNormalization
    - MaxPooling2D: {name: pool, pool_size: [3, 2], strides: [2, 1]}
    - AveragePooling2D: {pool_size: 2, padding: same}
    - Permute: {dims: [3, 1, 2]}
    - Dense: {name: late, units: 11}
    - Picture: {colormap: viridis, range: [0, 1], inputs: spectrogram}
    - Resizing: {height: 5, width: 4, inputs: pool}
    - GlobalMaxPooling2D: {name: squeezed, keepdims: true, inputs: pool}
    - Multiply: {inputs: [squeezed, pool]}
    - Flatten: {name: kept, inputs: squeezed}
    - Reshape: {target_shape: [1, 1, -1], inputs: kept}
    - Flatten: {name: one}
    - GlobalAveragePooling2D: {name: two, inputs: late}
    - Concatenate: {inputs: [one, two]}
    - Dense: {name: row, units: 24}
    - RepeatVector: {n: 5}
    - Conv1D: {filters: 10, kernel_size: 2, padding: same}
    - DepthwiseConv1D: {kernel_size: 2}
    - SeparableConv1D: {filters: 9, kernel_size: 2}
    - ZeroPadding1D: {padding: [2, 3]}
    - ZeroPadding1D: {padding: 2}
    - Cropping1D: {cropping: [1, 0]}
    - Cropping1D
    - ReLU: {name: relu}
    - LeakyReLU: {name: leaky}
    - ELU: {name: elu}
    - Softmax: {name: soft}
    - Activation: {name: tanh, activation: tanh}
    - Dropout: {name: dropped, rate: 0.5}
    - SpatialDropout1D: {name: channels, rate: 0.5}
    - Rescaling: {name: scaled, scale: 2}
    - SpatialDropout2D: {rate: 0.5, inputs: pool}
    - Subtract: {inputs: [relu, leaky]}
    - Average: {inputs: [elu, soft, tanh]}
    - Maximum: {inputs: [dropped, channels]}
    - Minimum: {inputs: [scaled, relu]}
    - GlobalMaxPooling1D: {inputs: relu}
    - GlobalAveragePooling1D: {inputs: relu, keepdims: true}
    - UpSampling1D: {inputs: scaled}
    - MaxPooling1D
    - AveragePooling1D: {pool_size: 2, padding: same}
    - Reshape: {target_shape: [-1, 3]}
    - Reshape: {name: last, target_shape: [1, 3, -1]}
    - Add: {inputs: [last, last]}
    - GlobalAveragePooling2D: {keepdims: false}
"""


def _compare(network: Any, settings: Any) -> None:
    shapes = compute_network_shapes(settings.graph)
    made = {layer.name.replace(".", "/"): layer for layer in network.model.layers}
    for layer in settings.model.layers:
        assert shapes[layer.name] == tuple(made[layer.name].output.shape[1:]), layer
    by_arithmetic = [(a.layer.name, a.role, a.shape) for a in list_network_arrays(settings.graph)]
    by_keras = [
        (layer.name, variable.name, tuple(variable.shape))
        for layer in settings.model.layers
        for variable in made[layer.name].weights
    ]
    assert by_arithmetic == by_keras


@pytest.mark.tf
def test_every_layer_by_arithmetic(tmp_path: Path) -> None:
    """In one network, too, each layer's output and arrays are those that Keras makes, in Keras' order."""
    head, _, rest = CONFIG.partition("  layers:\n")
    text = f"{head}  layers:\n{LAYERS}  weights{rest.partition('  weights')[2]}"
    text = text.replace("n_mels: 10", "n_mels: 19, empty_bands: keep").replace("frames: 14", "frames: 41")

    network = build_small_network(tmp_path, {"random": 0}, text)

    _compare(network, load_small_config(tmp_path, {"random": 0}, text).settings)


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_networks_by_arithmetic(name: str) -> None:
    """The shipped networks' parameters, inputs and rows need no Keras; an application says that it is unknown."""
    settings = load_config(name).settings
    parameters, shape, width = PARAMETERS[name]
    if name == "deepspectrum":
        with pytest.raises(UnknownShapeError, match=r"^Application$"):
            list(list_network_arrays(settings.graph))
        return
    trained = [
        array.shape for array in list_network_arrays(settings.graph) if not array.role.startswith("moving_")
    ]

    assert sum(map(math.prod, trained)) == parameters
    assert settings.input_shape == shape
    assert compute_network_shapes(settings.graph)[settings.model.feature_layer] == (width,)


def test_multiplications() -> None:
    """VGGish's nine layers by hand: the places that a kernel is put to, times its numbers."""
    layers = [
        96 * 64 * 9 * 1 * 64,
        48 * 32 * 9 * 64 * 128,
        24 * 16 * 9 * 128 * 256,
        24 * 16 * 9 * 256 * 256,
        12 * 8 * 9 * 256 * 512,
        12 * 8 * 9 * 512 * 512,
        12_288 * 4096,
        4096 * 4096,
        4096 * 128,
    ]

    assert count_multiplications(load_config("vggish").settings.graph) == sum(layers) / 9
