"""Layers that cannot take what the layers before them give, and the whole message for each."""

import pytest

from helpers.layer_lists import CONV, HEAD, POOL, load_layers, parse_items
from specfeat.errors import ModelError

pytestmark = pytest.mark.usefixtures("_in_an_empty_folder")

# Layers that follow each other as their sizes do not allow, and the line that follows, less the file's name.
CHAIN = (
    *(
        "Conv2D: {name: one, filters: 2, kernel_size: 5}",
        "MaxPooling2D: {name: two, pool_size: [4, 2]}",
        "ReLU",
    ),
    *("Conv2D: {name: three, filters: 2, kernel_size: 5}", "MaxPooling2D: {name: four, pool_size: [4, 2]}"),
    "Conv2D: {name: five, filters: 2, kernel_size: 5, padding: same}",
)
MISMATCHES = {
    "sizes that run out": (
        (*CHAIN, "MaxPooling2D: {pool_size: [8, 2]}", POOL),
        "13:7: model.layers[6]: MaxPooling2D 'maxpooling2d_1' gets 4 x 13 x 2, too small for a pool_size of 8 x 2; "
        "sizes are [frames, bins], and [2, 8] would fit; otherwise make it smaller, pool less before it, make the "
        "clips longer, or use padding: same; the shapes before it: spectrogram 96 x 64 x 1, one 92 x 60 x 2, "
        "two 23 x 30 x 2, three 19 x 26 x 2, four 4 x 13 x 2",
    ),
    "many layers on the way": (
        (*(f"Conv2D: {{name: c{i}, filters: 2, kernel_size: 9}}" for i in range(9)), "Flatten"),
        "14:7: model.layers[7]: Conv2D 'c7' gets 40 x 8 x 2, too small for a kernel_size of 9 x 9; make it "
        "smaller, pool less before it, make the clips longer, or use padding: same; the shapes before it: "
        "spectrogram 96 x 64 x 1, ..., c2 72 x 40 x 2, c3 64 x 32 x 2, c4 56 x 24 x 2, c5 48 x 16 x 2, c6 40 x 8 x 2",
    ),
    "a weight for each channel that lost its axes": (
        (CONV, POOL, "Multiply: {inputs: [conv, pool]}", "Flatten"),
        "9:7: model.layers[2]: Multiply 'multiply_1' joins conv (94 x 62 x 8), pool (8); wanted equal shapes, or sizes "
        "of 1, as a global pooling with keepdims: true gives them",
    ),
    "bins and channels apart": (
        (CONV, "Conv1D: {filters: 2, kernel_size: 3}", "Flatten"),
        "8:7: model.layers[1]: Conv1D 'conv1d_1' gets 94 x 62 x 8, 3 axes; wanted 2 axes, frames x channels; "
        "put Reshape: {target_shape: [94, 496]} before it",
    ),
    "groups": (
        (CONV, "Conv2D: {filters: 4, kernel_size: 1, groups: 3}", POOL),
        "8:7: model.layers[1]: Conv2D 'conv2d_1' has 3 groups, which do not divide its 8 channels",
    ),
    "more groups than channels": (
        (CONV, "GroupNormalization", POOL),
        "8:7: model.layers[1]: GroupNormalization 'groupnormalization_1' has 32 groups, which do not divide its 8 channels",
    ),
    "slopes along an axis that is not there": (
        (CONV, "PReLU: {shared_axes: [1, 4]}", POOL),
        "8:7: model.layers[1]: PReLU 'prelu_1' gets 94 x 62 x 8, 3 axes; wanted an axis from 1 to 3 or -1, not 4",
    ),
    "a cropping of everything": (
        ("Cropping2D: {cropping: [[40, 56], [0, 0]]}", POOL),
        "7:7: model.layers[0]: Cropping2D 'cropping2d_1' gets 96 x 64 x 1, and its cropping removes all of it",
    ),
    "a mean without a variance": (
        ("Normalization: {mean: 3}", POOL),
        "7:7: model.layers[0]: Normalization 'normalization_1' has no variance; wanted both of mean and variance, or "
        "neither",
    ),
    "means of another number": (
        ("Normalization: {mean: [1, 2], variance: [1, 1], axis: 2}", POOL),
        "7:7: model.layers[0]: Normalization 'normalization_1' has a mean and a variance of 2 and 2; wanted 64 values "
        "each, or one number for all",
    ),
    "a recurrent layer on bins and channels": (
        (CONV, "LSTM: {units: 3}", "Dense: {units: 2}"),
        "8:7: model.layers[1]: LSTM 'lstm_1' gets 94 x 62 x 8, 3 axes; wanted 2 axes, frames x channels; "
        "put Reshape: {target_shape: [94, 496]} before it",
    ),
    "attention on bins and channels": (
        (CONV, "MultiHeadAttention: {num_heads: 2, key_dim: 8}", "Flatten"),
        "8:7: model.layers[1]: MultiHeadAttention 'multiheadattention_1' gets 94 x 62 x 8, 3 axes; wanted 2 axes, "
        "frames x channels; put Reshape: {target_shape: [94, 496]} before it",
    ),
    "attention of three axes to two": (
        (CONV, "Reshape: {name: frames, target_shape: [94, 496]}", "Attention: {inputs: [frames, conv]}", "Flatten"),
        "9:7: model.layers[2]: Attention 'attention_1' reads conv, which has 94 x 62 x 8, 3 axes; wanted 2 axes, "
        "frames x channels; put Reshape: {target_shape: [94, 496]} after conv",
    ),
    "attention to other channels": (
        ("Reshape: {name: frames, target_shape: [96, 64]}", "Dense: {name: few, units: 3}",
         "AdditiveAttention: {inputs: [frames, few]}", "Flatten"),
        "9:7: model.layers[2]: AdditiveAttention 'additiveattention_1' compares a query of 96 x 64 with a key of 96 x 3; "
        "wanted as many channels in both, e.g. by a Dense before one of them",
    ),
    "a key of other frames": (
        ("Reshape: {name: frames, target_shape: [96, 64]}", "MaxPooling1D: {name: half, pool_size: 2}",
         "MultiHeadAttention: {inputs: [frames, frames, half], num_heads: 1, key_dim: 1}", "Flatten"),
        "9:7: model.layers[2]: MultiHeadAttention 'multiheadattention_1' gets a value of 96 x 64 and a key of 48 x 64; "
        "wanted as many frames in both",
    ),
    "scores that do not fit into the memory": (
        ("Reshape: {target_shape: [6144, 1]}", "MultiHeadAttention: {num_heads: 64, key_dim: 1}", "Flatten"),
        "8:7: model.layers[1]: MultiHeadAttention 'multiheadattention_1' would compare all frames with all frames in an "
        "array of 64 x 6144 x 6144 for each clip, 576 GiB for a batch; wanted 16 GiB or less: use a smaller model.batch, "
        "shorter clips, or a pooling along the frames before it",
    ),
    "an output padding of a whole stride": (
        ("Conv2DTranspose: {filters: 2, kernel_size: 3, strides: 2, output_padding: [1, 2]}", POOL),
        "7:7: model.layers[0]: Conv2DTranspose 'conv2dtranspose_1' has an output_padding that is not smaller than its "
        "strides",
    ),
    "an output padding that TensorFlow cannot compute": (
        ("Conv2DTranspose: {filters: 2, kernel_size: [3, 4], strides: 2, padding: same, output_padding: 0}", POOL),
        "7:7: model.layers[0]: Conv2DTranspose 'conv2dtranspose_1' has an output_padding of 0 with padding: same and "
        "a kernel_size that is even, which TensorFlow cannot compute; leave output_padding out",
    ),
    "a vector that is none": (
        ("RepeatVector: {n: 3}", "Flatten"),
        "7:7: model.layers[0]: RepeatVector 'repeatvector_1' gets 96 x 64 x 1, 3 axes; wanted one axis, as Flatten or "
        "a global pooling gives it",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("items", "line"), MISMATCHES.values(), ids=MISMATCHES)
def test_mismatches_are_reported_without_keras(items: tuple[str, ...], line: str) -> None:
    """The layer's line, what it gets, what would do, and where the sizes went."""
    with pytest.raises(ModelError) as caught:
        parse_items(*items)

    assert f"bad.yaml:{line}" == str(caught.value)


def test_features_of_several_axes_are_reported_with_the_key_that_names_them() -> None:
    """A layer in the middle needs a pooling of its own, which `features` then names."""
    with pytest.raises(ModelError) as caught:
        load_layers(HEAD + f"    - {CONV}\n    - {POOL}\n  features: conv\n")

    assert str(caught.value) == (
        "bad.yaml:7:7: model.layers[0]: Conv2D 'conv' gives 94 x 62 x 8 for a clip, not one row; "
        "put Flatten or GlobalAveragePooling2D after it and name that layer in features"
    )
