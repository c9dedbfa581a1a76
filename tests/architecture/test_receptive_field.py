"""A receptive field is the part of the spectrogram that one value depends on."""

from typing import Any

import numpy as np
import pytest

from specfeat.architecture.receptive_field import ReceptiveField, compute_receptive_fields
from specfeat.config import Config, load_config

FRAMES, BINS = 48, 33


def _load(layers: str) -> Config:
    """Return a config with these layers, whose input has 48 frames and 33 bins."""
    overrides = ("spectrogram.kind=linear", "spectrogram.mel=null", "spectrogram.n_fft=64")
    return load_config(
        "minimal",
        [*overrides, "spectrogram.hop_length=64", f"clips.frames={FRAMES}", f"model.layers={layers}"],
    )


def test_mobilenet_has_the_published_field() -> None:
    """The last convolution of MobileNet v1 sees 315 values (Araujo, Norris and Sim, Distill 2019, table of networks)."""
    settings = load_config("yamnet", ["clips.frames=1000", "clips.hop=1000"]).settings
    fields = compute_receptive_fields(settings.graph)

    assert fields["layer14/depthwise_conv"].frames == 315
    assert fields["layer14/pointwise_conv/relu"].frames == 315
    assert fields["embedding"] == ReceptiveField(1000, 64)


def test_vggish_has_the_field_that_a_hand_computes() -> None:
    """Each 3 x 3 convolution adds 2 steps of its input, and each pooling of 2 adds one step and doubles it."""
    fields = compute_receptive_fields(load_config("vggish").settings.graph)
    convolutions = [fields[name][0] for name in ("conv1", "conv2", "conv3/conv3_1", "conv3/conv3_2")]

    assert convolutions == [3, 4 + 2 * 2, 10 + 2 * 4, 18 + 2 * 4]
    assert fields["conv4/conv4_2"] == ReceptiveField(62, 62)
    assert fields["fc1/fc1_1"] == ReceptiveField(96, 64)  # a dense layer after Flatten sees everything


# The channels of these layers have different fields; the field of the layer contains all of them.
JOINING_KINDS = ("Concatenate", "Bidirectional")
CASES = {
    "strides": "[Conv2D: {filters: 2, kernel_size: [5, 3], strides: [3, 2]}, Flatten]",
    "same": "[Conv2D: {filters: 2, kernel_size: 4, strides: 3, padding: same}, DepthwiseConv2D: {kernel_size: 2, padding: same}, Flatten]",
    "dilation": "[Conv2D: {filters: 2, kernel_size: 3, dilation_rate: [4, 2]}, AveragePooling2D: {pool_size: 2}, Flatten]",
    "causal": "[Reshape: {target_shape: [48, 33]}, Conv1D: {filters: 2, kernel_size: 5, padding: causal, dilation_rate: 2}, Flatten]",
    "permute": "[Permute: {dims: [2, 1, 3]}, Conv2D: {filters: 2, kernel_size: [7, 3]}, Flatten]",
    "transposed": "[Conv2D: {filters: 2, kernel_size: 3, strides: 3}, Conv2DTranspose: {filters: 2, kernel_size: [5, 3], strides: 2, padding: same}, Flatten]",
    "transposed valid": "[Conv2DTranspose: {filters: 1, kernel_size: 4, strides: 3}, Conv2D: {filters: 1, kernel_size: 3}, Flatten]",
    "upsampling": "[AveragePooling2D: {pool_size: 4}, UpSampling2D: {size: 2}, Conv2D: {filters: 1, kernel_size: 3}, Flatten]",
    "bilinear": "[UpSampling2D: {size: 2, interpolation: bilinear}, Conv2D: {filters: 1, kernel_size: 2}, Flatten]",
    "padding": "[ZeroPadding2D: {padding: [[3, 0], [1, 2]]}, Cropping2D: {cropping: [[1, 2], [0, 3]]}, Conv2D: {filters: 1, kernel_size: [3, 5]}, Flatten]",
    "branches": "[Conv2D: {name: a, filters: 2, kernel_size: 3, padding: same}, Conv2D: {name: b, inputs: spectrogram, filters: 2, kernel_size: [1, 7], padding: same}, Concatenate: {inputs: [a, b]}, Conv2D: {filters: 1, kernel_size: 1}, Flatten]",
    "residual": "[Conv2D: {name: a, filters: 1, kernel_size: 5, padding: same}, Add: {inputs: [spectrogram, a]}, BatchNormalization, Flatten]",
    "excitation": "[Conv2D: {name: a, filters: 2, kernel_size: 3}, GlobalAveragePooling2D: {name: g, keepdims: true}, Multiply: {inputs: [a, g]}, Flatten]",
    "reshape": "[AveragePooling2D: {pool_size: [2, 3]}, Reshape: {target_shape: [24, 11]}, Conv1D: {filters: 3, kernel_size: 3}, Flatten]",
    "frames kept": "[DepthwiseConv2D: {kernel_size: [1, 3]}, AveragePooling2D: {pool_size: [1, 31]}, Flatten]",
    "normalised": "[Reshape: {target_shape: [48, 33]}, Conv1D: {filters: 4, kernel_size: 3}, LayerNormalization, Flatten]",
    "group": "[Conv2D: {filters: 4, kernel_size: 3}, GroupNormalization: {groups: 2}, Flatten]",
    "recurrent": "[Reshape: {target_shape: [48, 33]}, Bidirectional: {layer: {LSTM: {units: 3, return_sequences: true}}}, Flatten]",
}


@pytest.mark.tf
@pytest.mark.parametrize("name", CASES)
def test_the_field_is_what_changes_a_value(name: str) -> None:
    """The field contains exactly the values with which the middle value of Keras' output changes."""
    import tensorflow

    from specfeat.network.compose import compose_model
    from specfeat.tensorflow_runtime import keras

    config = _load(CASES[name])
    model: Any = compose_model(config).keras_model
    generator = np.random.default_rng(0)
    for variable in model.weights:  # all positive, so that no changes cancel
        variable.assign(generator.uniform(0.1, 0.2, variable.shape))
    clip = tensorflow.Variable(generator.uniform(0.1, 1, (1, FRAMES, BINS, 1)).astype(np.float32))
    fields = compute_receptive_fields(config.settings.graph)
    for layer in config.settings.model.layers[:-1]:  # without Flatten, whose middle may be at an edge
        part = keras.Model(model.input, model.get_layer(layer.name).output)
        with tensorflow.GradientTape() as tape:
            output = part(clip)
            value = output[(0, *(size // 2 for size in output.shape[1:-1]))]
            if layer.kind not in JOINING_KINDS:
                value = value[value.shape[-1] // 2]
        changed = np.nonzero(tape.gradient(value, clip).numpy()[0, :, :, 0])
        extents = [int(places.max() - places.min() + 1) for places in changed]
        assert fields[layer.name] == ReceptiveField(*extents), layer.name
