"""The mistakes of the three Q&A articles on Keras, each with the sentence that specfeat answers.

"This model has not been built" in spectrogram feature extraction; models that cannot be created; models
that are undefined because they are used too early, rebuilt in a loop or lost in a scope.
"""

import importlib
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specfeat.config import load_config
from specfeat.errors import ConfigError, InstallError, ModelError

FRONT = """\
audio: {sample_rate: 16000}
spectrogram: {n_fft: 512, hop_length: 160, mel: {n_mels: 28}, compress: {db: {}}}
clips: {frames: 28}
model:
  weights: {random: 0}
  batch: 4
"""
LAYERS = FRONT + "  layers:\n"

# Found by reading alone: TensorFlow is not loaded. (what the article did, the config, the sentence)
READ = {
    "an input shape that does not fit the spectrogram": (
        LAYERS + "    - Flatten\n  input_shape: [224, 224, 1]\n",
        "c.yaml:9:16: model.input_shape: is 224 x 224 x 1, but the spectrogram settings give 28 x 28 x 1 "
        "(frames x bins x channels); leave it out, or change clips and spectrogram",
    ),
    "a spectrogram of 100 x 100 x 3 for a network of 224 x 224 x 1": (
        LAYERS.replace("{n_mels: 28}", "{n_mels: 100, fmin: 30}, deltas: {order: 2}")
        .replace("n_fft: 512", "n_fft: 4096")
        .replace("frames: 28", "frames: 100")
        + "    - Flatten\n  input_shape: [224, 224, 1]\n",
        "c.yaml:9:16: model.input_shape: is 224 x 224 x 1, but the spectrogram settings give 100 x 100 x 3 "
        "(frames x bins x channels); leave it out, or change clips and spectrogram",
    ),
    "a missing channel axis": (
        LAYERS + "    - Flatten\n  input_shape: [28, 28]\n",
        "c.yaml:9:16: model.input_shape: is 28 x 28, without the channel axis; wanted [28, 28, 1], or leave it out",
    ),
    "zero filters": (
        LAYERS + "    - Conv2D: {filters: 0, kernel_size: 3}\n    - Flatten\n",
        "c.yaml:8:25: model.layers[0].Conv2D.filters: is 0; wanted a whole number, 1 or more",
    ),
    "negative filters": (
        LAYERS + "    - Conv2D: {filters: -32, kernel_size: 3}\n    - Flatten\n",
        "c.yaml:8:25: model.layers[0].Conv2D.filters: is -32; wanted a whole number, 1 or more",
    ),
    "a wrong kernel shape": (
        LAYERS + "    - Conv2D: {filters: 32, kernel_size: [3, 3, 3]}\n    - Flatten\n",
        "c.yaml:8:42: model.layers[0].Conv2D.kernel_size: is [3, 3, 3]; "
        "wanted a whole number, 1 or more, or a list of two: [frames, bins]",
    ),
    "an unknown activation": (
        LAYERS + "    - Conv2D: {filters: 32, kernel_size: 3, activation: rleu}\n    - Flatten\n",
        "c.yaml:8:57: model.layers[0].Conv2D.activation: is the text 'rleu'; "
        "wanted the name of an activation (did you mean 'relu'?)",
    ),
    "a misspelt layer": (
        LAYERS + "    - Conv2d: {filters: 32, kernel_size: 3}\n    - Flaten\n",
        "c.yaml:8:7: model.layers[0].Conv2d: 'Conv2d' is not a layer that specfeat knows (did you mean 'Conv2D'?)",
    ),
    "a misspelt argument": (
        LAYERS + "    - Conv2D: {filter: 32, kernel_size: 3}\n    - Flatten\n",
        "c.yaml:8:16: model.layers[0].Conv2D.filter: is not an argument of Conv2D (did you mean 'filters'?)",
    ),
    "no output layer": (
        FRONT + "  layers: []\n",
        "c.yaml:7:11: model.layers: has no layer, so the network has no output; wanted a list, e.g. [Flatten]",
    ),
    "code in a layer": (
        LAYERS + "    - Lambda: {function: 'x: x'}\n",
        "c.yaml:8:7: model.layers[0].Lambda: 'Lambda' is not a layer that specfeat knows; "
        "a config cannot contain code; use the known layers",
    ),
    "no weights": (
        FRONT.replace("  weights: {random: 0}\n", "") + "  layers: [Flatten]\n",
        "c.yaml:4:1: model: has no 'weights'; it is required",
    ),
}

# Found by following the shapes, without TensorFlow as well.
FOLLOWED = {
    "a dense layer on a convolution": (
        "    - Conv2D: {filters: 32, kernel_size: 3, activation: relu}\n    - Dense: {units: 10}\n",
        "c.yaml:9:7: model.layers[1]: Dense 'dense_1' follows Conv2D 'conv2d_1' with no Flatten or pooling between, so "
        "the network gives 26 x 26 x 10 for a clip, not one row; put Flatten or GlobalAveragePooling2D between the two",
    ),
    "a convolution at the end": (
        "    - Conv2D: {filters: 32, kernel_size: 3}\n",
        "c.yaml:8:7: model.layers[0]: Conv2D 'conv2d_1' gives 26 x 26 x 32 for a clip, not one row; "
        "put Flatten or GlobalAveragePooling2D after it",
    ),
    "a kernel larger than what is left": (
        "    - MaxPooling2D: {pool_size: 8}\n    - Conv2D: {filters: 32, kernel_size: 5}\n    - Flatten\n",
        "c.yaml:9:7: model.layers[1]: Conv2D 'conv2d_1' gets 3 x 3 x 1, too small for a kernel_size of 5 x 5; "
        "make it smaller, pool less before it, make the clips longer, or use padding: same",
    ),
    "pooling to nothing": (
        "    - repeat: 5\n      layers: [MaxPooling2D]\n    - Flatten\n",
        "c.yaml:9:16: model.layers[0].layers[0]: MaxPooling2D 'maxpooling2d_5' gets 1 x 1 x 1, too small for a pool_size of "
        "2 x 2; make it smaller, pool less before it, make the clips longer, or use padding: same; "
        "the shapes before it: spectrogram 28 x 28 x 1, maxpooling2d_1 14 x 14 x 1, maxpooling2d_2 7 x 7 x 1, "
        "maxpooling2d_3 3 x 3 x 1, maxpooling2d_4 1 x 1 x 1",
    ),
    "a convolution after Flatten": (
        "    - Flatten\n    - Conv2D: {filters: 1, kernel_size: 3}\n",
        "c.yaml:9:7: model.layers[1]: Conv2D 'conv2d_1' gets 784 values in one axis; wanted 3 axes, "
        "frames x bins x channels; it follows a Flatten, Dense or global pooling; move it before that layer",
    ),
    "no channel axis for the convolution": (
        "    - Reshape: {target_shape: [28, 28]}\n    - Conv2D: {filters: 1, kernel_size: 3}\n",
        "c.yaml:9:7: model.layers[1]: Conv2D 'conv2d_1' gets 28 x 28, 2 axes; wanted 3 axes, frames x bins x channels; "
        "the channel axis is missing: put Reshape: {target_shape: [28, 28, 1]} before it",
    ),
    "a join of unequal shapes": (
        "    - Conv2D: {name: a, filters: 3, kernel_size: 3}\n    - Add: {inputs: [a, spectrogram]}\n    - Flatten\n",
        "c.yaml:9:7: model.layers[1]: Add 'add_1' joins a (26 x 26 x 3), spectrogram (28 x 28 x 1); wanted equal shapes",
    ),
    "an axis that is not there": (
        "    - BatchNormalization: {axis: 7}\n    - Flatten\n",
        "c.yaml:8:7: model.layers[0]: BatchNormalization 'batchnormalization_1' gets 28 x 28 x 1, 3 axes; "
        "wanted an axis from 1 to 3 or -1, not 7",
    ),
    "weights that no machine holds": (
        "    - Flatten\n    - Dense: {units: 100000000}\n",
        "c.yaml:9:7: model.layers[1]: Dense 'dense_1' would have 78,500,000,000 weights; wanted 2,147,483,648 or fewer",
    ),
    "an output that no machine holds": (
        "    - UpSampling2D: {size: 3000}\n    - Flatten\n",
        "c.yaml:8:7: model.layers[0]: UpSampling2D 'upsampling2d_1' would give 84000 x 84000 x 1, 105 GiB for a batch; "
        "wanted 16 GiB or less",
    ),
}

# Found while building.
BUILT = {
    "what only Keras knows": (
        "    - Conv2D: {filters: 3, kernel_size: 3, strides: 2, dilation_rate: 2}\n    - Flatten\n",
        "c.yaml:8:7: model.layers[0]: Conv2D 'conv2d_1' cannot take 28 x 28 x 1: strides > 1 not supported in "
        "conjunction with dilation_rate > 1. Received: strides=(2, 2) and dilation_rate=(2, 2)",
    ),
}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    monkeypatch.chdir(tmp_path)

    def config(text: str) -> str:
        Path("c.yaml").write_text(text)
        return "c.yaml"

    return config


@pytest.mark.parametrize(("text", "sentence"), READ.values(), ids=READ)
def test_a_mistake_is_found_by_reading(write: Callable[[str], str], text: str, sentence: str) -> None:
    """What the config alone shows is said before anything heavy is loaded."""
    with pytest.raises(ConfigError) as error:
        load_config(write(text))

    assert str(error.value)[: len(sentence)] == sentence
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("layers", "sentence"), FOLLOWED.values(), ids=FOLLOWED)
def test_a_mistake_is_found_by_following_shapes(
    write: Callable[[str], str], layers: str, sentence: str
) -> None:
    """A layer that does not fit those before it is said with its line, its input and the cure; nothing heavy is loaded."""
    with pytest.raises(ModelError) as error:
        load_config(write(LAYERS + layers))

    assert str(error.value) == sentence


@pytest.mark.tf
@pytest.mark.parametrize(("layers", "sentence"), BUILT.values(), ids=BUILT)
def test_a_mistake_is_found_by_building(write: Callable[[str], str], layers: str, sentence: str) -> None:
    """What only building shows is said in one sentence, with the line of the layer at fault."""
    from specfeat.network.build import build_network

    with pytest.raises(ModelError) as error:
        build_network(load_config(write(LAYERS + layers)), "cpu")

    assert str(error.value) == sentence


@pytest.mark.tf
@pytest.mark.parametrize(("frames", "bins"), [(28, 28), (224, 224)])
def test_the_corrected_networks_run(write: Callable[[str], str], frames: int, bins: int) -> None:
    """The articles' networks, corrected, are configs: their input shape follows, with the channel axis."""
    from specfeat import Extractor

    text = f"""
    audio: {{sample_rate: 16000}}
    spectrogram: {{n_fft: 4096, hop_length: 160, mel: {{n_mels: {bins}, fmin: 30}}, compress: {{db: {{}}}}}}
    clips: {{frames: {frames}}}
    model:
      input_shape: [{frames}, {bins}, 1]
      layers:
        - Conv2D: {{filters: 32, kernel_size: 3, activation: relu}}
        - MaxPooling2D: {{pool_size: 2}}
        - Flatten
        - Dense: {{units: 10}}
      weights: {{random: 0}}
      batch: 2
    """
    extractor = Extractor(write(textwrap.dedent(text)))
    rows, _ = extractor.extract(np.sin(np.arange(60_000) / 5), 16_000)

    assert extractor.network.model.input_shape == (None, frames, bins, 1)
    assert rows.shape[1] == 10
    assert np.abs(rows).max() > 0


@pytest.mark.tf
def test_only_flatten_gives_the_spectrogram_itself(write: Callable[[str], str]) -> None:
    """A list of layers that is only a Flatten is welcome: a row is the clip, bit for bit."""
    from specfeat import Extractor
    from specfeat.audio.clips import ClipMaker

    extractor = Extractor(write(LAYERS + "    - Flatten\n"))
    samples = np.sin(np.arange(20_000) / 5).astype(np.float32)
    rows, _ = extractor.extract(samples, 16_000)
    clips = [clip.ravel().copy() for clip in ClipMaker(extractor.settings).make_clips([samples])]

    assert len(clips) == 5
    np.testing.assert_array_equal(rows, clips)


@pytest.mark.tf
def test_the_network_is_built_and_traced_once(
    write: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rebuilt in a loop: for 50 files of 50 lengths there is one build, one compile and one trace."""
    import soundfile

    from specfeat.cli import main
    from specfeat.network import build
    from specfeat.network.build import Network
    from specfeat.network.engines.tensorflow import TensorFlowRowFunction
    from specfeat.tensorflow_runtime import keras

    built: list[Network] = []
    compiled = []
    original, compile_it = build.build_network, keras.Model.compile

    def spied(*arguments: Any) -> Network:
        built.append(original(*arguments))
        return built[-1]

    def counted(model: Any, **options: Any) -> None:
        compiled.append(model)
        compile_it(model, **options)

    monkeypatch.setattr(build, "build_network", spied)
    monkeypatch.setattr(keras.Model, "compile", counted)
    Path("in").mkdir()
    for n in range(50):
        soundfile.write(f"in/{n:02}.wav", np.sin(np.arange(1_000 + 777 * n) / 5), 16_000)
    path = write(LAYERS + "    - Conv2D: {filters: 2, kernel_size: 3}\n    - Flatten\n")
    monkeypatch.setattr(sys, "argv", ["specfeat", "extract", "in", "out.npy", "-c", path, "-q"])
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    code = main()
    for number, handler in handlers.items():
        signal.signal(number, handler)

    assert code == 0
    assert len(built) == len(compiled) == 1
    function = built[0].row_function
    assert isinstance(function, TensorFlowRowFunction)
    assert function.trace_count == 1


@pytest.mark.tf
def test_a_model_is_not_lost_in_a_scope(write: Callable[[str], str]) -> None:
    """What a function returns is the whole extractor; there is no half-made state to lose or to use."""
    from specfeat import Extractor
    from specfeat.network.build import Network

    path = write(LAYERS + "    - Flatten\n")

    def make() -> Extractor:
        return Extractor(path)

    rows, _ = make().extract(np.zeros(5_000), 16_000)

    assert rows.shape == (2, 784)
    with pytest.raises(TypeError, match=r"missing .* required keyword-only arguments"):
        Network()  # type: ignore[call-arg]  # the test makes this mistake on purpose


def _python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    return (done.stdout + done.stderr).strip()


RUN = (
    "from specfeat.cli import main;"
    "sys.argv = ['specfeat', 'extract', sys.executable, 'unused.npy', '-c', 'minimal', '-q'];"
    "print(main())"
)


@pytest.mark.slow
def test_tensorflow_missing() -> None:
    """A mismatched install is one sentence and exit code 1, not a traceback."""
    said = _python(f"import sys; sys.modules['tensorflow'] = None; {RUN}")

    assert said.splitlines()[0].startswith("1")
    assert "specfeat: TensorFlow and Keras cannot be imported in" in said
    assert said.endswith("install them with: pip install tensorflow 'keras>=3.14'")
    assert "Traceback" not in said


@pytest.mark.tf
def test_keras_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Keras before 3.14 is refused with the command that mends it."""
    from specfeat.tensorflow_runtime import keras

    monkeypatch.setattr(keras, "__version__", "3.3.3")
    with pytest.raises(
        InstallError, match=r"^Keras 3\.3\.3 is too old; wanted 3\.14 or newer: pip install 'keras>=3\.14'"
    ):
        _load_again()


@pytest.mark.tf
def test_keras_of_another_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Keras that the caller has loaded for another library is refused."""
    from specfeat.tensorflow_runtime import keras

    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(InstallError, match=r"^Keras was loaded with the backend torch; wanted tensorflow"):
        _load_again()


def _load_again() -> None:
    """Load TensorFlow and Keras as at the start of a process; only the libraries themselves are there already."""
    from specfeat import tensorflow_runtime

    importlib.reload(tensorflow_runtime)
