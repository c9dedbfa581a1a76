"""The multiplications of a network are those that its authors publish, or that one counts by hand."""

import pytest

from specfeat.architecture.multiply_adds import count_multiply_adds
from specfeat.architecture.shapes import compute_network_shapes
from specfeat.config import load_config
from specfeat.config.settings import Settings


def _count_by_layer(settings: Settings) -> dict[str, int]:
    shapes = compute_network_shapes(settings.graph)
    return {
        layer.name: count_multiply_adds(layer, [shapes[name] for name in layer.inputs])
        for layer in settings.model.layers
    }


def test_yamnet_has_the_published_number() -> None:
    """Its README says 69.2M multiplies for each 960 ms (tensorflow/models, research/audioset/yamnet)."""
    assert round(sum(_count_by_layer(load_config("yamnet").settings).values()) / 1e6, 1) == 69.2


def test_vggish_has_the_number_of_its_convolutions() -> None:
    """3 x 3 kernels at every place of 96 x 64, 48 x 32, 24 x 16 and 12 x 8, and three dense layers."""
    places = {1: 96 * 64, 2: 48 * 32, 3: 24 * 16, 4: 12 * 8}
    convolutions = places[1] * 64 + places[2] * 64 * 128 + places[3] * (128 * 256 + 256 * 256)
    convolutions += places[4] * (256 * 512 + 512 * 512)
    dense = 6 * 4 * 512 * 4096 + 4096 * 4096 + 4096 * 128

    assert sum(_count_by_layer(load_config("vggish").settings).values()) == 9 * convolutions + dense


FRAMES = 28  # of a clip of `minimal`, which has 28 bins
CASES = {
    "Conv2D: {filters: 6, kernel_size: [3, 5], strides: 2, groups: 1}": 13 * 12 * 15 * 6,
    "SeparableConv2D: {filters: 6, kernel_size: 3, depth_multiplier: 2, padding: same}": 28
    * 28
    * (9 * 2 + 2 * 6),
    # Each of the 28 x 28 input values multiplies a whole kernel.
    "Conv2DTranspose: {filters: 6, kernel_size: 3, strides: 2, padding: same}": 28 * 28 * 9 * 6,
    "BatchNormalization": 0,
    "MaxPooling2D": 0,
}
FRAME_CASES = {
    "Dense: {units: 6}": FRAMES * 28 * 6,
    "Conv1D: {filters: 8, kernel_size: 3, groups: 4}": 26 * 3 * 7 * 8,
    "LSTM: {units: 6}": FRAMES * 4 * 6 * (28 + 6),
    "Bidirectional: {layer: {GRU: {units: 6}}}": 2 * FRAMES * 3 * 6 * (28 + 6),
    # Four projections of 28 channels to 2 heads of 5 or back, then the scores and their products with the values.
    "MultiHeadAttention: {num_heads: 2, key_dim: 5}": FRAMES * 28 * 10 * 4 + 2 * FRAMES * FRAMES * (5 + 5),
}


@pytest.mark.parametrize("layer", [*CASES, *FRAME_CASES])
def test_the_number_is_that_of_a_count_by_hand(layer: str) -> None:
    """Convolutions multiply a kernel for each output value, transposed ones for each input value."""
    reshape = "Reshape: {target_shape: [28, 28]}, " if layer in FRAME_CASES else ""
    config = load_config("minimal", [f"model.layers=[{reshape}{layer}, Flatten]"])

    assert sum(_count_by_layer(config.settings).values()) == {**CASES, **FRAME_CASES}[layer]
