"""`specfeat weights convert`: a weights file in the format of Keras 3."""

import json
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from helpers.forked_commands import run_forked
from helpers.specfeat_command import run_in_this_process, run_program, write_noise
from helpers.weights_files import (
    CLIPS,
    CONFIG,
    assert_same_arrays,
    build_small_network,
    make_arrays,
    make_torch_state,
    read_network_arrays,
    write_keras_2,
    write_npz,
)
from specfeat.config import load_config
from specfeat.errors import WeightsError

pytestmark = pytest.mark.slow


@pytest.fixture
def config_folder(tmp_path: Path) -> Path:
    """Return a folder with the config `net.yaml`, whose network is small."""
    (tmp_path / "net.yaml").write_text(CONFIG)
    return tmp_path


@pytest.mark.tf
def test_a_converted_file_gives_the_same_features(config_folder: Path) -> None:
    """From PyTorch's names and axes to Keras' format: rows, arrays, a second conversion and Keras' own reader agree."""
    weights = make_arrays()
    write_npz(config_folder / "it's.npz", make_torch_state(weights))

    run = run_forked(config_folder, "weights", "convert", "it's.npz", "-c", "net.yaml", "out.weights.h5")
    second_run = run_forked(
        config_folder, "weights", "convert", "out.weights.h5", "-c", "net.yaml", "again.weights.h5", "-q"
    )
    network = build_small_network(config_folder, {"file": str(config_folder / "out.weights.h5")})

    assert (run.returncode, run.stdout) == (0, ""), run.stderr
    assert run.stderr == "specfeat: out.weights.h5: 1,584 numbers for net.yaml, from NumPy archive (.npz)\n"
    assert (second_run.returncode, second_run.stdout, second_run.stderr) == (0, "", "")
    assert (config_folder / "again.weights.h5").read_bytes() == (
        config_folder / "out.weights.h5"
    ).read_bytes()
    assert_same_arrays(weights, read_network_arrays(network))
    other = build_small_network(config_folder, {"random": 9})
    type(other.model)(other.model.inputs, other.model.outputs).load_weights(config_folder / "out.weights.h5")
    assert_same_arrays(weights, read_network_arrays(other))  # by Keras' own reader
    np.testing.assert_array_equal(
        network.compute_rows(CLIPS),
        build_small_network(config_folder, {"file": str(config_folder / "it's.npz")}).compute_rows(CLIPS),
    )
    assert sorted(p.name for p in config_folder.iterdir()) == [
        "again.weights.h5",
        "it's.npz",
        "net.yaml",
        "out.weights.h5",
    ]


def test_convert_replaces_no_file(config_folder: Path) -> None:
    """An existing file without --force, a folder, or a name that Keras cannot read is refused before any work."""
    write_keras_2(config_folder / "w.h5", make_arrays())
    (config_folder / "there.weights.h5").write_bytes(b"kept")
    (config_folder / "folder.weights.h5").mkdir()
    messages = {
        "there.weights.h5": "there.weights.h5: exists already; give the output another name, or use --force to replace it",
        "folder.weights.h5": "folder.weights.h5: is not a regular file",
        "out.h5": "out.h5: Keras requires a name that ends in .weights.h5",
        "no/out.weights.h5": "no: no such folder for the output",
    }
    for name, message in messages.items():
        run = run_in_this_process(config_folder, "weights", "convert", "w.h5", "-c", "net.yaml", name)
        assert run.returncode == 2
        assert run.stderr.startswith(f"specfeat: {message}")

    assert (config_folder / "there.weights.h5").read_bytes() == b"kept"


def test_a_missing_file_is_reported_before_tensorflow_is_loaded(config_folder: Path) -> None:
    """A typo in the file name is answered without NumPy, Keras and TensorFlow."""
    code = (
        "import sys; from specfeat.cli import main; sys.argv = ['specfeat', *sys.argv[1:]]; code = main();"
        "print(code, *{'numpy', 'keras', 'tensorflow'} & set(sys.modules))"
    )
    words = ["weights", "convert", "none.h5", "-c", "net.yaml", "out.weights.h5"]
    run = run_program(config_folder, sys.executable, "-c", code, *words, check=True)

    assert run.stdout == "2\n"
    suggestion = "`specfeat weights fetch` prints the path of published weights"
    assert run.stderr == f"specfeat: none.h5: no such file; {suggestion}\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n", "w.h5: is a text file, and not a weights file of a known format; wanted one of "),
        (
            b"model:\n  layers: [Flatten]\n",
            "w.h5: is a text file, and not a weights file of a known format; wanted one of ",
        ),
        (b"", "w.h5: is empty"),
        (b"\x1f\x8b" + bytes(100), "w.h5: is compressed (gzip); unpack it first"),
    ],
    ids=["text", "yaml", "empty", "gzip"],
)
@pytest.mark.parametrize(
    "words",
    [
        ["weights", "convert", "w.h5", "-c", "net.yaml", "out.weights.h5"],
        ["extract", "a.wav", "out.npy", "-c", "net.yaml", "--set", "model.weights.file=w.h5"],
    ],
    ids=["convert", "extract"],
)
def test_a_file_of_another_kind_is_reported_before_tensorflow_is_loaded(
    config_folder: Path, words: list[str], content: bytes, message: str
) -> None:
    """A text, a config or an empty file is refused by its first bytes; nothing is written."""
    (config_folder / "w.h5").write_bytes(content)
    write_noise(config_folder / "a.wav", 1.0)
    code = (
        "import sys; from specfeat.cli import main; sys.argv = ['specfeat', *sys.argv[1:]]; code = main();"
        "print(code, *{'keras', 'tensorflow'} & set(sys.modules))"
    )
    run = run_program(config_folder, sys.executable, "-c", code, *words, check=True)

    assert run.stdout == "2\n"
    assert run.stderr.splitlines()[-1].startswith(f"specfeat: {message}")
    assert list(config_folder.glob("out*")) == []


@pytest.mark.tf
def test_a_failed_conversion_leaves_no_file(config_folder: Path) -> None:
    """Weights that do not fit are refused, and the existing output stays as it was."""
    weights = make_arrays()
    del weights["head/bias"]
    write_keras_2(config_folder / "w.h5", weights)
    (config_folder / "there.weights.h5").write_bytes(b"kept")

    run = run_forked(
        config_folder, "weights", "convert", "w.h5", "-c", "net.yaml", "there.weights.h5", "--force"
    )

    assert run.returncode == 2
    assert "w.h5: does not fit the network: 1 missing (head/bias 2)" in run.stderr
    assert (config_folder / "there.weights.h5").read_bytes() == b"kept"
    assert sorted(path.name for path in config_folder.iterdir()) == ["net.yaml", "there.weights.h5", "w.h5"]


@pytest.mark.tf
@pytest.mark.parametrize(
    ("override", "difference"),
    [
        ("audio.sample_rate=16000", "trained with audio.sample_rate 8000, the config has 16000"),
        ("spectrogram.hop_length=32", "trained with spectrogram.hop_length 64, the config has 32"),
        ("spectrogram.mel.fmin=50", "trained with spectrogram.mel.fmin 0.0, the config has 50.0"),
        ("spectrogram.mel.norm=null", 'trained with spectrogram.mel.norm "slaney", the config has null'),
        (
            "spectrogram.compress={ln: {amin: 1}}",
            "trained with spectrogram.compress.db.amin 1e-10, the config has null",
        ),
    ],
)
def test_a_converted_file_refuses_other_spectrogram_settings(
    config_folder: Path, override: str, difference: str
) -> None:
    """The settings of the spectrogram are in the file, and the first one that differs is named."""
    from specfeat.network.build import build_network
    from specfeat.weights.save import save_weights

    saved = build_network(load_config(config_folder / "net.yaml"), "cpu")
    with (config_folder / "w.weights.h5").open("w+b") as file:
        save_weights(saved.model, saved.layers, load_config(config_folder / "net.yaml").settings, file)
    weights = {"file": str(config_folder / "w.weights.h5")}

    assert build_small_network(config_folder, weights, CONFIG, "model.batch=2").batch == 2
    with pytest.raises(WeightsError) as error:
        build_small_network(config_folder, weights, CONFIG, override)

    assert f"was {difference}; its features would be wrong" in str(error.value)


@pytest.mark.tf
def test_a_setting_that_the_file_lacks_had_its_default(config_folder: Path) -> None:
    """A file of an older specfeat loads if the new setting has its default; a file of a newer one is refused."""
    from specfeat.network.build import build_network
    from specfeat.weights.save import save_weights

    settings = load_config(config_folder / "net.yaml").settings
    path = config_folder / "w.weights.h5"
    with path.open("w+b") as file:
        saved = build_network(load_config(config_folder / "net.yaml"), "cpu")
        save_weights(saved.model, saved.layers, settings, file)
    with h5py.File(path, "r+") as written:
        text = json.loads(written.attrs["specfeat"])
        del text["pad_mode"]
        written.attrs["specfeat"] = json.dumps(text)

    build_small_network(config_folder, {"file": str(path)})
    with pytest.raises(WeightsError, match=r"trained with spectrogram\.pad_mode"):
        build_small_network(config_folder, {"file": str(path)}, CONFIG, "spectrogram.pad_mode=reflect")
    with h5py.File(path, "r+") as written:
        written.attrs["specfeat"] = json.dumps(text | {"phase": "kept"})
    with pytest.raises(WeightsError, match="was converted by another version of specfeat"):
        build_small_network(config_folder, {"file": str(path)})
