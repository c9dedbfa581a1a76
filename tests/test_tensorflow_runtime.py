"""The door to TensorFlow: what is checked before it is loaded."""

import subprocess
import sys

WITHOUT_PROC = """
import os, sys
from specfeat.errors import InstallError

exists = os.path.lexists
os.path.lexists = lambda path: exists(path) and not str(path).startswith("/proc")
sys.platform = "linux"
try:
    import specfeat.tensorflow_runtime
except InstallError as e:
    print(e, "tensorflow" in sys.modules, sep=" | ")
"""


def test_a_system_without_proc_is_refused_before_tensorflow_is_loaded() -> None:
    """TensorFlow would call abort() when it builds its first graph; the error names what to mount."""
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_PROC], capture_output=True, text=True, check=False, timeout=60
    )

    assert result.stdout == (
        "TensorFlow needs /proc, and it is not mounted here; mount it (mount -t proc proc /proc) | False\n"
    )
