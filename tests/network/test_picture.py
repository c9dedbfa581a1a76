"""A spectrogram as a picture, against matplotlib, and its scaling, against the formula."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers.sample_data import Float, compute_clips, make_tone
from specfeat.config import load_config
from specfeat.errors import ConfigError, InstallError

pytestmark = pytest.mark.tf

HEAD = """\
audio: {sample_rate: 8000}
spectrogram: {kind: linear, n_fft: 32, hop_length: 16, compress: {db: {}}, normalize: {clip: subtract_max}}
clips: {frames: 11}
model:
  weights: {random: 0}
  batch: 2
  layers:
"""


def network(tmp_path: Path, *layers: str) -> Any:
    """Build a network of these layers and a Flatten behind them."""
    from specfeat.network.build import build_network

    text = HEAD + "".join(f"    - {layer}\n" for layer in [*layers, "Flatten"])
    (tmp_path / "c.yaml").write_text(text)
    return build_network(load_config(tmp_path / "c.yaml"), "cpu")


@pytest.mark.parametrize("colormap", ["viridis", "gray_r", "tab10"])
def test_colours_are_matplotlibs(tmp_path: Path, colormap: str) -> None:
    """Of values inside, at the ends of and beyond the range, in maps of 256 colours and of 10; upright."""
    import matplotlib as mpl
    from matplotlib.colors import Normalize

    rng = np.random.default_rng(0)
    decibels = rng.uniform(-100, 20, (2, 11, 17, 1)).astype(np.float32)
    decibels[0, 0, :4, 0] = [-80, 0, -1e9, 1e9]

    made = network(tmp_path, f"Picture: {{colormap: {colormap}, range: [-80, 0]}}")
    got = made.compute_rows(decibels).reshape(2, 17, 11, 3)

    colours = mpl.colormaps[colormap](Normalize(-80, 0)(decibels[..., 0]), bytes=True)[..., :3]
    np.testing.assert_array_equal(got, np.transpose(colours, (0, 2, 1, 3))[:, ::-1])


def test_low_frequencies_are_at_the_bottom(tmp_path: Path) -> None:
    """A tone in bin 2 of 17 is the brightest line, the third one from below, in every column."""
    made = network(tmp_path, "Picture: {colormap: gray, range: [-80, 0]}")
    settings = load_config(tmp_path / "c.yaml").settings
    clip = compute_clips(settings, make_tone(500, 16 * 11))[:1]

    picture = made.compute_rows(np.repeat(clip, 2, axis=0))[0].reshape(17, 11, 3)

    assert (picture[:, 1:-1, 0].argmax(axis=0) == 17 - 1 - 2).all()


def bilinear(picture: Float, height: int, width: int) -> NDArray[np.float64]:
    """Scale height x width x channels; the middle of pixel k lies at k + 0.5."""

    def weights(size: int, wanted: int) -> NDArray[np.float64]:
        places = np.clip((np.arange(wanted) + 0.5) * size / wanted - 0.5, 0, size - 1)
        distance = np.abs(places[:, np.newaxis] - np.arange(size))
        return np.maximum(0.0, 1.0 - distance)

    rows, columns = weights(picture.shape[0], height), weights(picture.shape[1], width)
    scaled: NDArray[np.float64] = np.einsum("hr,rcx,wc->hwx", rows, picture.astype(np.float64), columns)
    return scaled


@pytest.mark.parametrize(("height", "width"), [(17, 11), (34, 33), (9, 20), (5, 4)])
def test_scaling_is_bilinear(tmp_path: Path, height: int, width: int) -> None:
    """Up and down, to float32's rounding: two neighbours in each direction, no smoothing."""
    pictures = np.random.default_rng(0).uniform(0, 255, (2, 11, 17, 1)).astype(np.float32)

    made = network(tmp_path, f"Resizing: {{height: {height}, width: {width}}}")
    got = made.compute_rows(pictures).reshape(2, height, width, 1)

    for k in range(2):
        np.testing.assert_allclose(got[k], bilinear(pictures[k], height, width), rtol=0, atol=1e-3)


def test_deepspectrum_sees_224_by_224_colours() -> None:
    """The layers before the application, of a whole clip: viridis' yellow where the clip is loudest."""
    from specfeat.network.keras_layers import make_keras_layer

    settings = load_config("deepspectrum").settings
    clip = compute_clips(settings, make_tone(1000, 16_000, rate=16_000))
    picture, resizing, application = settings.model.layers

    coloured = np.asarray(make_keras_layer(picture, 0)(clip))
    scaled = np.asarray(make_keras_layer(resizing, 0)(coloured))

    assert application.options["application"] == "VGG16"
    assert coloured.shape == (1, 257, 61, 3)
    assert (coloured[0, 256 - 32] == [253, 231, 36]).all(axis=1).all()
    assert scaled.shape == (1, 224, 224, 3)
    assert (scaled[0, :100] == [68, 1, 84]).all()


def test_without_matplotlib_a_picture_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no other network misses it."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    assert network(tmp_path, "ReLU").width == 11 * 17
    with pytest.raises(
        InstallError, match=r"Picture takes .*install it with: pip install 'specfeat\[plot\]'"
    ):
        network(tmp_path, "Picture: {colormap: viridis, range: [-80, 0]}")


def test_an_unknown_map_is_told_at_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        network(tmp_path, "Picture: {colormap: viridiss, range: [-80, 0]}")

    assert str(error.value).endswith(
        "c.yaml:8:7: model.layers[0]: Picture 'picture_1' cannot take 11 x 17 x 1: the text 'viridiss' is not "
        "one of matplotlib's colour maps (did you mean 'viridis'?)"
    )


def test_colours_have_no_colours(tmp_path: Path) -> None:
    """A picture of three channels cannot be coloured."""
    with pytest.raises(ConfigError, match="gets 11 x 17 x 3; wanted 1 channel, because it gives each value"):
        network(
            tmp_path, "Conv2D: {filters: 3, kernel_size: 1}", "Picture: {colormap: gray, range: [-80, 0]}"
        )
