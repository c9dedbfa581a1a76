"""`specfeat weights show` and `convert`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from helpers.weights_files import (
    CLIPS,
    CONFIG,
    SHAPES,
    assert_same_arrays,
    build_small_network,
    load_small_config,
    make_arrays,
    make_torch_state,
    read_network_arrays,
    write_keras_2,
    write_safetensors,
)
from specfeat.config import load_config
from specfeat.errors import WeightsError
from specfeat.weights.files.source import compute_weights_hash, locate_weights

pytestmark = pytest.mark.slow


def _run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "specfeat", "weights", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


@pytest.fixture
def net(tmp_path: Path) -> Path:
    (tmp_path / "net.yaml").write_text(CONFIG)
    return tmp_path


def test_show_tells_names_shapes_types_and_what_fits(net: Path) -> None:
    """All that is needed to write the config that goes with a file, on stdout."""
    write_safetensors(
        net / "w.safetensors",
        {name: np.ascontiguousarray(a) for name, a in make_torch_state(make_arrays()).items()},
    )

    done = _run("show", "w.safetensors", "-c", "net.yaml", cwd=net)

    assert (done.returncode, done.stderr) == (0, "")
    head, _, rows = done.stdout.partition("\n\n")
    numbers = sum(int(np.prod(shape)) for shape in SHAPES.values())
    digest = subprocess.run(["sha256sum", net / "w.safetensors"], capture_output=True, text=True, check=True)
    assert head.splitlines() == [
        "file    w.safetensors",
        "format  safetensors",
        f"size    {(net / 'w.safetensors').stat().st_size:,} bytes",
        f"sha256  {digest.stdout[:64]}",
        f"holds   14 arrays, {numbers:,} numbers",
        "fits    net.yaml",
    ]
    assert rows.splitlines()[0].split() == ["network", "file"]
    assert rows.splitlines()[3].split() == ["block/bn/beta", "3", "block.bn.bias", "3", "float32"]
    assert rows.splitlines()[-1].split()[:2] == ["-", "block.bn.num_batches_tracked"]
    assert rows.splitlines()[-1].endswith("int64    ignored: PyTorch's count of training batches")


def test_show_says_why_a_config_does_not_fit(net: Path) -> None:
    """With -c the difference is one line on stderr, and the exit code tells."""
    made = make_arrays()
    del made["head/bias"]
    write_keras_2(net / "w.h5", made)

    done = _run("show", "w.h5", "-c", "net.yaml", cwd=net)

    assert done.returncode == 2
    assert done.stderr == (
        "specfeat: net.yaml: does not fit the network: 1 missing (head/bias 2); if head had no bias when "
        "trained, set use_bias: false\n"
    )
    assert "fits    none of the configs compared" in done.stdout


def test_show_names_the_shipped_configs_that_fit(net: Path) -> None:
    """A file with the arrays of `minimal` is told to be one; numbers for names go by order."""
    with (net / "w.npz").open("wb") as file:
        names = ("a.weight", "a.bias", "b.weight", "b.bias")
        shapes = ((32, 1, 3, 3), (32,), (10, 5408), (10,))
        np.savez(file, **{n: np.zeros(s, np.float32) for n, s in zip(names, shapes, strict=True)})  # type: ignore[arg-type]

    done = _run("show", "w.npz", cwd=net)

    assert "fits    minimal (with model.weights.match=order)\n" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def test_show_loads_no_tensorflow_and_answers_quickly(net: Path) -> None:
    """A look at a file costs what reading its names costs."""
    write_keras_2(net / "w.h5", make_arrays())
    code = (
        "import sys; from specfeat.cli import main; sys.argv = ['specfeat', 'weights', 'show', 'w.h5']; main();"
        "print('loaded:', *{'tensorflow', 'keras', 'torch', 'librosa'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=net, check=True)

    assert done.stdout.splitlines()[-1] == "loaded:"


def test_names_cannot_command_the_terminal(net: Path) -> None:
    """A name in a file is data: escapes are shown, not sent."""
    write_safetensors(net / "w.safetensors", {"a\x1b[2J\nb": np.zeros(3, np.float32)})

    done = _run("show", "w.safetensors", cwd=net)

    assert "a\\x1b[2J\\nb" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_show_of_what_is_no_file_is_one_line(net: Path) -> None:
    """As everywhere: what, where, exit code 2."""
    done = _run("show", "nowhere.h5", cwd=net)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "specfeat: nowhere.h5: the weights cannot be read: No such file or directory\n"


def test_a_name_too_long_for_the_system_is_one_line(net: Path) -> None:
    """Of a file to show as of one in a config: the system's word, no traceback."""
    name = "w" * 5000 + ".h5"
    done = _run("show", name, cwd=net)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"specfeat: {name}: the weights cannot be read: File name too long\n"
    with pytest.raises(WeightsError, match="File name too long"):
        locate_weights(load_small_config(net, {"file": name}).settings.model.weights.file or "")


def test_show_of_a_network_that_cannot_be_built_is_one_line(net: Path) -> None:
    """A layer that does not fit is told as everywhere, with its place, and exit code 2."""
    write_keras_2(net / "w.h5", make_arrays())
    (net / "net.yaml").write_text(
        CONFIG.replace("    - Flatten: {name: flat}\n", "").replace(
            "units: 7", "units: 7}\n    - Conv2D: {filters: 1, kernel_size: 99"
        )
    )

    done = _run("show", "w.h5", "-c", "net.yaml", cwd=net)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("specfeat: net.yaml:")
    assert done.stderr.count("\n") == 1


def test_show_holds_the_file_at_rest(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hash that is shown is that of the arrays that are shown."""
    from specfeat.weights import inspection
    from specfeat.weights.files.source import WeightsSource

    write_keras_2(net / "w.h5", make_arrays())
    digest = WeightsSource.compute_sha256

    def written(source: WeightsSource) -> str:
        found = digest(source)
        with (net / "w.h5").open("ab") as file:
            file.write(b"more")
        return found

    monkeypatch.setattr(WeightsSource, "compute_sha256", written)
    with (
        pytest.raises(WeightsError, match=r"w\.h5: was written to while it was read"),
        inspection.inspect_weights_file(str(net / "w.h5")),
    ):
        pass


@pytest.mark.tf
def test_show_compares_with_an_application(net: Path) -> None:
    """Only Keras knows its arrays: asked for by name, the network is built; among all, it is said to be unknown."""
    write_keras_2(net / "w.h5", make_arrays())
    text = CONFIG[: CONFIG.index("    - Conv2D")] + (
        "    - Picture: {colormap: gray, range: [-80, 0]}\n    - Resizing: {height: 32, width: 32}\n"
        "    - Application: {name: it, application: MobileNet, include_top: false}\n    - GlobalMaxPooling2D\n"
        "  weights: {random: 0}\n"
    )
    (net / "net.yaml").write_text(text)
    from specfeat.network.build import build_network

    build_network(load_config(net / "net.yaml"), "cpu").model.save_weights(net / "mobile.weights.h5")

    fits = _run("show", "mobile.weights.h5", "-c", "net.yaml", cwd=net)
    differs = _run("show", "w.h5", "-c", "net.yaml", cwd=net)
    among_all = _run("show", "w.h5", cwd=net)

    assert (fits.returncode, fits.stderr) == (0, "")
    assert "fits    net.yaml\n" in fits.stdout
    assert differs.returncode == 2
    assert "net.yaml: does not fit the network: 135 missing (conv1/kernel 3 x 3 x 3 x 32" in differs.stderr
    assert "unknown deepspectrum (has a network of keras.applications; compare with -c)\n" in among_all.stdout


def test_show_into_a_closed_pipe_is_quiet(net: Path) -> None:
    """`specfeat weights show w.h5 | head -1` ends with the status of SIGPIPE and no word."""
    names = [f"{'long' * 100}{i}/kernel" for i in range(300)]  # more than a pipe holds
    write_safetensors(net / "w.h5", {name: np.zeros((1, 1), np.float32) for name in names})
    command = f"{sys.executable} -m specfeat weights show w.h5 | head -1; echo ${{PIPESTATUS[0]}}"

    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=net, check=False)

    assert done.stdout.splitlines() == ["file    w.h5", "141"]
    assert done.stderr == ""


@pytest.mark.tf
def test_convert_gives_a_file_that_loads_to_the_same_bits(net: Path) -> None:
    """PyTorch's names and axes in, Keras 3's layout out; network, bytes and Keras' own reader agree."""
    made = make_arrays()
    with (net / "it's.npz").open("wb") as file:
        np.savez(file, **make_torch_state(made))  # type: ignore[arg-type]

    done = _run("convert", "it's.npz", "-c", "net.yaml", "out.weights.h5", cwd=net)
    again = _run("convert", "out.weights.h5", "-c", "net.yaml", "again.weights.h5", "-q", cwd=net)
    network = build_small_network(net, {"file": str(net / "out.weights.h5")})

    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr == "specfeat: out.weights.h5: 1,584 numbers for net.yaml, from NumPy archive (.npz)\n"
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert (net / "again.weights.h5").read_bytes() == (net / "out.weights.h5").read_bytes()
    assert_same_arrays(made, read_network_arrays(network))
    other = build_small_network(net, {"random": 9})
    type(other.model)(other.model.inputs, other.model.outputs).load_weights(net / "out.weights.h5")
    assert_same_arrays(made, read_network_arrays(other))  # by Keras' own reader
    np.testing.assert_array_equal(
        network.rows(CLIPS), build_small_network(net, {"file": str(net / "it's.npz")}).rows(CLIPS)
    )
    assert sorted(p.name for p in net.iterdir()) == [
        "again.weights.h5",
        "it's.npz",
        "net.yaml",
        "out.weights.h5",
    ]


@pytest.mark.tf
@pytest.mark.parametrize(
    ("override", "said"),
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
def test_a_converted_file_refuses_another_sound(net: Path, override: str, said: str) -> None:
    """The settings of the spectrogram go into the file, and the first that differs is named."""
    from specfeat.network.build import build_network
    from specfeat.weights.save import save_weights

    saved = build_network(load_config(net / "net.yaml"), "cpu")
    with (net / "w.weights.h5").open("w+b") as file:
        save_weights(saved.model, saved.layers, load_config(net / "net.yaml").settings, file)
    weights = {"file": str(net / "w.weights.h5")}

    assert build_small_network(net, weights, CONFIG, "model.batch=2").batch == 2
    with pytest.raises(WeightsError) as error:
        build_small_network(net, weights, CONFIG, override)

    assert f"was {said}; its features would be wrong" in str(error.value)


@pytest.mark.tf
def test_a_key_that_the_file_does_not_know_had_the_defaults_effect(net: Path) -> None:
    """A file of an older specfeat loads as long as the new setting is at its default; one of a newer is refused."""
    from specfeat.network.build import build_network
    from specfeat.weights.save import save_weights

    settings = load_config(net / "net.yaml").settings
    path = net / "w.weights.h5"
    with path.open("w+b") as file:
        saved = build_network(load_config(net / "net.yaml"), "cpu")
        save_weights(saved.model, saved.layers, settings, file)
    with h5py.File(path, "r+") as written:
        text = json.loads(written.attrs["specfeat"])
        del text["pad_mode"]
        written.attrs["specfeat"] = json.dumps(text)

    build_small_network(net, {"file": str(path)})
    with pytest.raises(WeightsError, match=r"trained with spectrogram\.pad_mode"):
        build_small_network(net, {"file": str(path)}, CONFIG, "spectrogram.pad_mode=reflect")
    with h5py.File(path, "r+") as written:
        written.attrs["specfeat"] = json.dumps(text | {"phase": "kept"})
    with pytest.raises(WeightsError, match="was converted by another version of specfeat"):
        build_small_network(net, {"file": str(path)})


def test_convert_does_not_write_over_what_is_there(net: Path) -> None:
    """Not without --force, not over a folder, not under a name that Keras would not read; before any work."""
    write_keras_2(net / "w.h5", make_arrays())
    (net / "there.weights.h5").write_bytes(b"kept")
    (net / "folder.weights.h5").mkdir()
    said = {
        "there.weights.h5": "there.weights.h5: exists already; give another name, or use --force to replace it",
        "folder.weights.h5": "folder.weights.h5: is not a regular file",
        "out.h5": "out.h5: Keras requires a name that ends in .weights.h5",
        "no/out.weights.h5": "no: no such folder for the output",
    }
    for name, sentence in said.items():
        done = _run("convert", "w.h5", "-c", "net.yaml", name, cwd=net)
        assert done.returncode == 2
        assert done.stderr.startswith(f"specfeat: {sentence}")

    assert (net / "there.weights.h5").read_bytes() == b"kept"


def test_convert_of_what_is_not_there_is_answered_at_once(net: Path) -> None:
    """A typo is told before TensorFlow is loaded."""
    code = (
        "import sys; from specfeat.cli import main; sys.argv = ['specfeat', *sys.argv[1:]]; code = main();"
        "print(code, *{'numpy', 'keras', 'tensorflow'} & set(sys.modules))"
    )
    words = ["weights", "convert", "none.h5", "-c", "net.yaml", "out.weights.h5"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=net, capture_output=True, text=True, check=True
    )

    assert done.stdout == "2\n"
    cure = "`specfeat weights fetch` prints the path of published weights"
    assert done.stderr == f"specfeat: none.h5: no such file; {cure}\n"


def test_show_with_an_override_wants_a_config(net: Path) -> None:
    """An override of nothing is not passed over in silence."""
    write_keras_2(net / "w.h5", make_arrays())
    done = _run("show", "w.h5", "--set", "model.batch=2", cwd=net)

    assert (done.returncode, done.stdout) == (2, "")
    assert "name it with -c" in done.stderr


def test_weights_that_break_while_they_are_hashed_are_named() -> None:
    """Whatever the system says, there or while reading: one sentence with the file's name."""
    name = "/proc/self/mem"  # a regular file that opens, and gives an error when its first byte is read
    if not Path(name).exists():
        pytest.skip("this system has no /proc/self/mem")
    with pytest.raises(WeightsError, match=f"^{name}: the weights cannot be read: "):
        compute_weights_hash(name)


@pytest.mark.tf
def test_convert_leaves_nothing_of_a_failure(net: Path) -> None:
    """What does not fit is refused, and the old file stays as it was."""
    made = make_arrays()
    del made["head/bias"]
    write_keras_2(net / "w.h5", made)
    (net / "there.weights.h5").write_bytes(b"kept")

    done = _run("convert", "w.h5", "-c", "net.yaml", "there.weights.h5", "--force", cwd=net)

    assert done.returncode == 2
    assert "w.h5: does not fit the network: 1 missing (head/bias 2)" in done.stderr
    assert (net / "there.weights.h5").read_bytes() == b"kept"
    assert sorted(os.listdir(net)) == ["net.yaml", "there.weights.h5", "w.h5"]  # noqa: PTH208
