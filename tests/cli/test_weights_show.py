"""`specfeat weights show`: what a weights file contains, and which networks it fits."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.forked_commands import run_forked
from helpers.specfeat_command import SPECFEAT, run_in_this_process, run_program
from helpers.weights_files import (
    CONFIG,
    SHAPES,
    load_small_config,
    make_arrays,
    make_torch_state,
    write_keras_2,
    write_npz,
    write_safetensors,
)
from specfeat.config import load_config
from specfeat.errors import WeightsError
from specfeat.weights.files.source import compute_weights_hash, locate_weights

pytestmark = pytest.mark.slow


@pytest.fixture
def config_folder(tmp_path: Path) -> Path:
    """Return a folder with the config `net.yaml`, whose network is small."""
    (tmp_path / "net.yaml").write_text(CONFIG)
    return tmp_path


def test_show_prints_all_facts_of_a_file(config_folder: Path) -> None:
    """Format, size, hash, fitting config, and each array with name, shape and type are printed to stdout."""
    write_safetensors(
        config_folder / "w.safetensors",
        {name: np.ascontiguousarray(a) for name, a in make_torch_state(make_arrays()).items()},
    )

    run = run_in_this_process(config_folder, "weights", "show", "w.safetensors", "-c", "net.yaml")

    assert (run.returncode, run.stderr) == (0, "")
    head, _, rows = run.stdout.partition("\n\n")
    numbers = sum(int(np.prod(shape)) for shape in SHAPES.values())
    digest = subprocess.run(
        ["sha256sum", config_folder / "w.safetensors"], capture_output=True, text=True, check=True
    )
    assert head.splitlines() == [
        "file    w.safetensors",
        "format  safetensors",
        f"size    {(config_folder / 'w.safetensors').stat().st_size:,} bytes",
        f"sha256  {digest.stdout[:64]}",
        f"holds   14 arrays, {numbers:,} numbers",
        "fits    net.yaml",
    ]
    assert rows.splitlines()[0].split() == ["network", "file"]
    assert rows.splitlines()[3].split() == ["block/bn/beta", "3", "block.bn.bias", "3", "float32"]
    assert rows.splitlines()[-1].split()[:2] == ["-", "block.bn.num_batches_tracked"]
    assert rows.splitlines()[-1].endswith("int64    ignored: PyTorch's count of training batches")


def test_show_says_why_a_config_does_not_fit(config_folder: Path) -> None:
    """With -c, the reason is one line on stderr, and the exit code is 2."""
    weights = make_arrays()
    del weights["head/bias"]
    write_keras_2(config_folder / "w.h5", weights)

    run = run_in_this_process(config_folder, "weights", "show", "w.h5", "-c", "net.yaml")

    assert run.returncode == 2
    assert run.stderr == (
        "specfeat: w.h5: does not fit the network: 1 missing (head/bias 2); if head had no bias when "
        "trained, set use_bias: false\n"
    )
    assert "fits    none of the configs compared" in run.stdout


def test_show_names_the_shipped_configs_that_fit(config_folder: Path) -> None:
    """A file with the shapes of `minimal` fits it, by the order of its arrays, whatever their names are."""
    names = ("a.weight", "a.bias", "b.weight", "b.bias")
    shapes = ((32, 1, 3, 3), (32,), (10, 5408), (10,))
    arrays = {name: np.zeros(shape, np.float32) for name, shape in zip(names, shapes, strict=True)}
    write_npz(config_folder / "w.npz", arrays)

    run = run_in_this_process(config_folder, "weights", "show", "w.npz")
    differs = run_in_this_process(config_folder, "weights", "show", "w.npz", "-c", "net.yaml")

    assert "fits    minimal (with model.weights.match=order)\n" in run.stdout
    assert (run.returncode, run.stderr) == (0, "")
    assert differs.returncode == 2
    assert differs.stderr.startswith("specfeat: w.npz: does not fit the network: ")
    assert differs.stderr.endswith("; the file fits the config minimal (with model.weights.match=order)\n")


def test_show_loads_no_tensorflow(config_folder: Path) -> None:
    """To show a file, neither TensorFlow nor any other large package is loaded."""
    write_keras_2(config_folder / "w.h5", make_arrays())
    code = (
        "import sys; from specfeat.cli import main; sys.argv = ['specfeat', 'weights', 'show', 'w.h5']; main();"
        "print('loaded:', *{'tensorflow', 'keras', 'torch', 'librosa'} & set(sys.modules))"
    )
    run = run_program(config_folder, sys.executable, "-c", code, check=True)

    assert run.stdout.splitlines()[-1] == "loaded:"


def test_a_missing_file_is_one_line(config_folder: Path) -> None:
    """The message says what is wrong and where; the exit code is 2."""
    run = run_in_this_process(config_folder, "weights", "show", "nowhere.h5")

    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        "specfeat: nowhere.h5: the weights cannot be read: No such file or directory; "
        "check its name, and the folder that you are in\n"
    )


def test_a_network_that_cannot_be_built_is_one_line(config_folder: Path) -> None:
    """The message says where in the config the layer is that does not fit; the exit code is 2."""
    write_keras_2(config_folder / "w.h5", make_arrays())
    (config_folder / "net.yaml").write_text(
        CONFIG.replace("    - Flatten: {name: flat}\n", "").replace(
            "units: 7", "units: 7}\n    - Conv2D: {filters: 1, kernel_size: 99"
        )
    )

    run = run_in_this_process(config_folder, "weights", "show", "w.h5", "-c", "net.yaml")

    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("specfeat: net.yaml:")
    assert run.stderr.count("\n") == 1


def test_a_file_that_changes_while_it_is_shown_is_refused(
    config_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hash and the arrays that are printed belong together."""
    from specfeat.weights import inspection
    from specfeat.weights.files.source import WeightsSource

    write_keras_2(config_folder / "w.h5", make_arrays())
    compute_sha256 = WeightsSource.compute_sha256

    def compute_and_write(source: WeightsSource) -> str:
        digest = compute_sha256(source)
        with (config_folder / "w.h5").open("ab") as file:
            file.write(b"more")
        return digest

    monkeypatch.setattr(WeightsSource, "compute_sha256", compute_and_write)
    with (
        pytest.raises(WeightsError, match=r"w\.h5: was written to while it was read"),
        inspection.inspect_weights_file(str(config_folder / "w.h5")),
    ):
        pass


@pytest.mark.tf
def test_show_compares_with_an_application(config_folder: Path) -> None:
    """Only Keras knows the arrays of an application: with -c the network is built; without it the fit is unknown."""
    write_keras_2(config_folder / "w.h5", make_arrays())
    text = CONFIG[: CONFIG.index("    - Conv2D")] + (
        "    - Picture: {colormap: gray, range: [-80, 0]}\n    - Resizing: {height: 32, width: 32}\n"
        "    - Application: {name: it, application: MobileNet, include_top: false}\n    - GlobalMaxPooling2D\n"
        "  weights: {random: 0}\n"
    )
    (config_folder / "net.yaml").write_text(text)
    from specfeat.network.build import build_network

    build_network(load_config(config_folder / "net.yaml"), "cpu").model.save_weights(
        config_folder / "mobile.weights.h5"
    )

    fits = run_forked(config_folder, "weights", "show", "mobile.weights.h5", "-c", "net.yaml")
    differs = run_forked(config_folder, "weights", "show", "w.h5", "-c", "net.yaml")
    among_all = run_in_this_process(config_folder, "weights", "show", "w.h5")

    assert (fits.returncode, fits.stderr) == (0, "")
    assert "fits    net.yaml\n" in fits.stdout
    assert differs.returncode == 2
    assert "w.h5: does not fit the network: 135 missing (conv1/kernel 3 x 3 x 3 x 32" in differs.stderr
    assert "unknown deepspectrum (has a network of keras.applications; compare with -c)\n" in among_all.stdout


def test_a_reader_who_leaves_ends_show_quietly(config_folder: Path) -> None:
    """`specfeat weights show w.h5 | head -1` ends with the exit code of SIGPIPE and without a message."""
    names = [f"{'long' * 100}{i}/kernel" for i in range(300)]  # more than a pipe holds
    write_safetensors(config_folder / "w.h5", {name: np.zeros((1, 1), np.float32) for name in names})
    command = f"{' '.join(SPECFEAT)} weights show w.h5 | head -1; echo ${{PIPESTATUS[0]}}"

    run = run_program(config_folder, "bash", "-c", command)

    assert run.stdout.splitlines() == ["file    w.h5", "141"]
    assert run.stderr == ""


def test_an_override_needs_a_config(config_folder: Path) -> None:
    """--set without -c is refused, because it would change nothing."""
    write_keras_2(config_folder / "w.h5", make_arrays())
    run = run_in_this_process(config_folder, "weights", "show", "w.h5", "--set", "model.batch=2")

    assert (run.returncode, run.stdout) == (2, "")
    assert "name it with -c" in run.stderr


def test_names_cannot_send_commands_to_the_terminal(config_folder: Path) -> None:
    """Control characters in the name of an array are printed as escapes."""
    write_safetensors(config_folder / "w.safetensors", {"a\x1b[2J\nb": np.zeros(3, np.float32)})

    run = run_in_this_process(config_folder, "weights", "show", "w.safetensors")

    assert "a\\x1b[2J\\nb" in run.stdout
    assert "\x1b" not in run.stdout + run.stderr


def test_a_name_too_long_for_the_system_is_one_line(config_folder: Path) -> None:
    """The system's own text is shown, for a file to show and for one in a config."""
    name = "w" * 5000 + ".h5"
    run = run_in_this_process(config_folder, "weights", "show", name)

    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"specfeat: {name}: the weights cannot be read: File name too long\n"
    with pytest.raises(WeightsError, match="File name too long"):
        locate_weights(load_small_config(config_folder, {"file": name}).settings.model.weights.file or "")


def test_a_file_that_cannot_be_hashed_is_named() -> None:
    """An error of the system while the file is read is one sentence with the name of the file."""
    name = "/proc/self/mem"  # a regular file that opens, and gives an error when its first byte is read
    if not Path(name).exists():
        pytest.skip("this system has no /proc/self/mem")
    with pytest.raises(WeightsError, match=f"^{name}: the weights cannot be read: "):
        compute_weights_hash(name)
