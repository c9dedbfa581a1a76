"""Limits of the system, on memory and on threads, end a command with one sentence."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.broken_audio import write_good_file
from helpers.specfeat_command import run_program, write_noise
from specfeat.errors import Remedy, SystemLimitError
from specfeat.system_limits import report_system_limits


def test_an_array_that_is_too_large_is_a_lack_of_memory() -> None:
    """The error has NumPy's size, and names what takes less memory."""
    with pytest.raises(SystemLimitError) as caught, report_system_limits():
        np.empty(2**60, np.uint8)

    assert str(caught.value).startswith("there is not enough memory (Unable to allocate ")
    assert caught.value.remedy is Remedy.USE_LESS_MEMORY
    assert caught.value.exit_code == 1


def test_other_errors_stay_as_they_are() -> None:
    """A bug keeps its type and its traceback."""
    with pytest.raises(RuntimeError, match="a bug"), report_system_limits():
        raise RuntimeError("a bug")


# A stack of this size is refused by every system, in the way in which a limit on threads is: as EAGAIN.
WITHOUT_THREADS = """
import runpy, sys, threading
threading.stack_size(2**46)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.slow
def test_a_run_without_threads_ends_with_a_sentence(tmp_path: Path) -> None:
    """The exit code is 1, and the message names the limit and the option that needs fewer threads."""
    write_good_file(tmp_path / "a.wav")
    program = Path(__file__).parent / "helpers" / "without_tensorflow.py"
    result = run_program(
        tmp_path,
        sys.executable,
        "-c",
        WITHOUT_THREADS,
        program,
        "extract",
        "a.wav",
        "out.npy",
        "-c",
        "minimal",
    )

    assert (result.returncode, result.stderr.splitlines()[-1:]) == (
        1,
        [
            "specfeat: the system starts no more threads; raise its limit on processes (ulimit -u); "
            "use --workers N to start fewer processes"
        ],
    )
    assert "Traceback" not in result.stderr


# The limit leaves less memory than the weights of the dense layer take.
WITHOUT_MEMORY = """
import re, resource, sys
from specfeat.config import load_config
from specfeat.errors import SpecfeatError
from specfeat.network.build import build_network

build_network(load_config("minimal"), "cpu")
used_kb = int(re.search(r"VmSize:\\s+(\\d+)", open("/proc/self/status").read())[1])
resource.setrlimit(resource.RLIMIT_AS, (1024 * used_kb + 600 * 2**20, resource.RLIM_INFINITY))
try:
    build_network(load_config("minimal", ["model.layers=[Flatten, {Dense: {units: 300000}}]"]), "cpu")
except SpecfeatError as e:
    print(type(e).__name__, e)
"""


@pytest.mark.tf
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to the limit of the address space")
def test_weights_that_need_more_memory_than_there_is() -> None:
    """It is a lack of memory, and no mistake in a line of the config."""
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_MEMORY], capture_output=True, text=True, check=False, timeout=200
    )

    assert result.stdout.startswith(
        "SystemLimitError there is not enough memory (OOM when allocating tensor with shape[784,300000]"
    ), result.stderr


@pytest.mark.tf
def test_a_batch_that_needs_more_memory_than_there_is() -> None:
    """TensorFlow's error is a lack of memory for the engine, too."""
    from specfeat.network.engines import Device
    from specfeat.network.engines.tensorflow import TensorFlowRowFunction
    from specfeat.tensorflow_runtime import tf

    def compute_rows(clips: object) -> object:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    row_function = object.__new__(TensorFlowRowFunction)
    row_function._device, row_function._graph = Device("/CPU:0", "cpu"), compute_rows
    with pytest.raises(SystemLimitError, match="not enough memory"), report_system_limits():
        row_function(np.zeros((1, 2), np.float32))


def test_a_library_that_does_not_fit_into_the_memory_is_one_sentence(tmp_path: Path) -> None:
    """With an address space of 50 MB, NumPy cannot be loaded; the message names the limit."""
    limit = 50_000_000
    script = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit})); import specfeat.cli; raise SystemExit(specfeat.cli.main())"
    write_noise(tmp_path / "a.wav", 0.1)
    done = run_program(tmp_path, sys.executable, "-c", script, "extract", "a.wav", "o.npy", "-c", "minimal")

    assert done.returncode == 1
    assert done.stderr == (
        "specfeat: there is not enough memory to load a library; raise the limit of the process (ulimit -v)\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_an_import_error_of_another_kind_stays() -> None:
    """A package that is missing is not called a lack of memory."""
    with pytest.raises(ImportError, match="no such package"), report_system_limits():
        raise ImportError("no such package")
