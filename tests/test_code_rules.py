"""Checks the rules of CONTRIBUTING.md by reading the source: who imports whom, and who prints."""

import ast
import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "specfeat"

# A part may import those that are listed for it, and itself. Audio, network and output do not know each other.
# Imported from everywhere.
GROUND = {
    *{"errors", "text", "key_path", "files", "file_access", "library_messages", "specfeat"},
    *{"plugins", "time_text", "delimited_text"},
}
ALLOWED = {
    "cli": {
        *{"run", "training", "pipeline", "network", "weights", "audio", "output", "published", "config"},
        "plots",
        "segments",
        "architecture",
        "analysis",
        "report",
        "native_stderr",
        "inspection",
        *{"process_state", "system_limits", "cpu_count", "sound", "atomic_file", "events"},
    },
    "analysis": {
        *{"run", "pipeline", "events", "network", "audio", "output", "config", "architecture", "segments"},
        *{"sound", "atomic_file", "anonymous_file", "weights", "native_stderr"},
    },
    "plots": {
        *{"pipeline", "events", "analysis", "network", "audio", "output", "config", "sound"},
        "process_state",
    },
    "report": {"analysis", "audio", "output", "config", "sound", "atomic_file"},
    "integrations": {"extractor", "tensorflow_runtime", "config"},
    "inspection": {
        "atomic_file",  # for the starter config
        *{"network", "weights", "audio", "output", "published", "config", "architecture"},
        *{"sound", "convertible_files", "cpu_count"},
    },
    "extractor": {"pipeline", "events", "network", "audio", "config", "sound", "python_config"},
    "run": {
        *{"pipeline", "events", "network", "weights", "audio", "output", "config", "segments"},
        *{"row_types", "sound", "cpu_count", "onednn", "python_config", "system_limits"},
    },
    "training": {
        *{"run", "pipeline", "events", "network", "weights", "audio", "output", "config", "architecture"},
        *{"sound", "cpu_count", "atomic_file", "tensorflow_runtime", "native_stderr", "python_config"},
    },
    "pipeline": {"network", "audio", "events", "row_pooling", "sound"},
    "row_pooling": {"events"},
    "row_types": {"events"},
    "events": {"output", "sound"},
    "network": {
        *{"weights", "config", "architecture"},
        *{"tensorflow_runtime", "native_stderr", "process_state", "system_limits", "cpu_count", "onednn"},
        "atomic_file",
    },
    "weights": {"config", "architecture", "tensorflow_runtime", "native_stderr", "anonymous_file"},
    "audio": {"convertible_files", "config", "sound", "anonymous_file"},
    "output": {"convertible_files", "config", "architecture", "sound", "anonymous_file"},
    "published": set(),
    "segments": {"sound"},
    "time_text": set(),
    "delimited_text": set(),
    "python_config": {"architecture", "config"},
    "config": {"architecture"},
    "architecture": set(),
    "tensorflow_runtime": {"native_stderr", "process_state", "onednn"},
    "native_stderr": {"anonymous_file"},
    "crash_report": set(),
    "anonymous_file": set(),
    "process_state": set(),
    "system_limits": set(),
    "cpu_count": set(),
    "onednn": set(),
    "text": set(),
    "key_path": set(),
    "files": set(),
    "file_access": set(),
    "library_messages": set(),
    "plugins": set(),
    "atomic_file": set(),
    "sound": set(),
    "convertible_files": set(),
    "errors": set(),
}
# A library, and the only parts that may load it.
DOORS = {
    "tensorflow": {"tensorflow_runtime.py"},
    "keras": {"tensorflow_runtime.py"},
    "av": {"audio/ffmpeg_decoder.py"},
    "h5py": {
        "weights/files/hdf5.py",
        "weights/files/hdf5_names.py",
        "weights/files/hdf5_values.py",
        "weights/files/keras_files.py",
        "weights/save.py",
        "output/formats/h5.py",
    },
    "pyarrow": {"output/arrow_tables.py"},
    "zarr": {"output/formats/zarr.py"},
    "fsspec": {"audio/inputs/remote_files.py"},
    "aiohttp": {"audio/inputs/remote_files.py"},
    "tarfile": {"audio/inputs/tar_archives.py", "audio/inputs/tar_bytes.py"},
    "zipfile": {
        "audio/inputs/zip_archives.py",
        "output/formats/npz.py",
        "training/checkpoints.py",
        "weights/files/zip_archive.py",
    },
    "librosa": {"audio/stft.py"},
    "soundfile": {
        "audio/audio_extensions.py",
        "audio/decoder.py",
        "audio/raw_decoder.py",
        "run/provenance.py",
    },
    "platformdirs": {"published/fetch.py", "network/network_cache.py"},
    "onnxruntime": {"network/engines/onnxruntime.py"},
    "tf2onnx": {"network/engines/onnx_conversion.py"},
    "urllib": {"published/download.py", "cli/playlist.py", "report/sound_files.py", "report/report.py"},
    "scipy": {"analysis/head_fitting.py"},
    "ruamel": {"config/yaml_tree.py", "config/yaml_writer.py"},
    "typer": {
        *{"cli/app.py", "cli/extract.py", "cli/options.py", "cli/train.py", "cli/weights.py"},
        "cli/input_options.py",
        "cli/segment_options.py",
        "cli/cache.py",
        "cli/completion.py",
        "cli/convert.py",
        "cli/merge.py",
        "cli/search.py",
        "cli/plot.py",
        "cli/doctor.py",
        "cli/events.py",
        "cli/event_options.py",
        "cli/output_options.py",
        "cli/report.py",
        *{"cli/inspect.py", "cli/init.py", "cli/lists.py", "cli/verify.py"},
        "cli/classify.py",
        "cli/plot_options.py",
    },
    "tqdm": {"cli/progress.py", "cli/progress_display.py", "cli/training_progress.py", "cli/weights.py"},
    "sklearn": {"integrations/scikit_learn.py"},
    "umap": {"plots/map_coordinates.py"},
    "matplotlib": {"network/picture.py", "plots/canvas.py", "training/curves.py"},
}


MODULES = tuple(sorted(SOURCE.rglob("*.py")))


@functools.cache
def _list_nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return the nodes of a module's syntax tree; every rule reads every module."""
    return tuple(ast.walk(ast.parse(path.read_text())))


def _imports(path: Path) -> Iterator[str]:
    for node in _list_nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _part(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def _place(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def _is_import_allowed(path: Path, name: str) -> bool:
    part = _part(path)
    top, _, inside = name.partition(".")
    if top == "specfeat" and part not in ("__init__", "__main__"):
        target = inside.split(".")[0] or "specfeat"
        if target != part and target not in GROUND | ALLOWED[part]:
            return False
    return _place(path) in DOORS.get(top, {_place(path)})


def test_imports_run_one_way() -> None:
    """The order is cli -> run -> pipeline -> {network, audio, output} -> weights -> config -> architecture -> errors; few modules import a large library."""
    imports = [(path, name) for path in MODULES for name in _imports(path)]

    assert len(imports) > len(MODULES)
    assert [f"{_place(path)}: {name}" for path, name in imports if not _is_import_allowed(path, name)] == []


def test_only_the_command_line_prints_and_exits() -> None:
    """Only cli/ and __main__, which starts it, have `print`, `sys.exit` and exit codes."""
    calls = [
        f"{_place(path)}: {ast.unparse(node.func)} in line {node.lineno}"
        for path in MODULES
        if _part(path) not in ("cli", "__main__")
        for node in _list_nodes(path)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "sys.exit", "exit")
    ]
    assert calls == []


def _list_texts(path: Path) -> Iterator[str]:
    """Yield every text of a module but its docstrings."""
    nodes = _list_nodes(path)
    statements = [node.value for node in nodes if isinstance(node, ast.Expr)]
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in statements:
            yield node.value


def test_only_the_command_line_knows_its_options() -> None:
    """An error of the library names a `Remedy`; outside cli/, no message has an option and none reads `sys.argv`."""
    modules = [path for path in MODULES if _part(path) != "cli"]
    option = re.compile(r"(^|\W)--\w")

    assert [
        (_place(path), text) for path in modules for text in _list_texts(path) if option.search(text)
    ] == []
    readers = [_place(path) for path in modules if "sys.argv" in path.read_text()]
    # The processes of these two modules have words of their own.
    own_processes = ("audio/worker.py", "inspection/library_probe.py")
    assert [place for place in readers if place not in own_processes] == []


# Where the state of the whole process may be changed: see the docstring of process_state.py. The worker's process
# is specfeat's alone, and standard_streams to the console script.
GLOBAL_STATE_OWNERS = {
    "process_state.py",
    "native_stderr.py",
    "tensorflow_runtime.py",
    "cli/signals.py",
    "cli/standard_streams.py",
    "audio/worker.py",
}
GLOBAL_STATE_CALLS = {
    *(
        "os.dup2",
        "os.putenv",
        "os.unsetenv",
        "os.chdir",
        "os.umask",
        "os.environ.update",
        "os.environ.setdefault",
    ),
    *("os.environ.pop", "os.environ.clear", "signal.signal", "signal.set_wakeup_fd", "sys.modules.pop"),
    *("sys.setrecursionlimit", "sys.settrace", "sys.setprofile", "random.seed", "random.setstate"),
}
GLOBAL_STATE_VARIABLES = ("os.environ", "sys.modules", "sys.stdout", "sys.stderr", "sys.argv")


def _changes_of_global_state(path: Path) -> Iterator[str]:
    for node in _list_nodes(path):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in GLOBAL_STATE_CALLS or name.startswith("gc."):
                yield f"{name}() in line {node.lineno}"
        elif isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            target = ast.unparse(node.value if isinstance(node, ast.Subscript) else node)
            if target in GLOBAL_STATE_VARIABLES or (target.endswith("hook") and target.startswith("sys.")):
                yield f"{target} in line {node.lineno}"


def test_the_state_of_the_process_is_changed_in_a_few_modules() -> None:
    """Environment, signal handlers, hooks, descriptors, `sys.modules` and the collector have few owners."""
    changes = [
        f"{_place(path)}: {change}"
        for path in MODULES
        if _place(path) not in GLOBAL_STATE_OWNERS
        for change in _changes_of_global_state(path)
    ]
    assert changes == []


HEAVY = ["numpy", "scipy", "librosa", "soundfile", "tqdm", "keras", "tensorflow"]
CHEAP_COMMANDS = (
    "--help",
    "--version",
    "help",
    "extract --help",
    "weights --help",
    "weights show --help",
    "weights convert --help",
    "weights convert nowhere out.h5",
    "weights fetch --help",
    "report --help",
    "weights fetch",
    "weights fetch yament",
    "extract nowhere out.npy",
    "extract . out.npy -c yament",
    "extract . out.npy --set model.batch=0",
    "extract . no/such/folder/out.npy",
    "extract",
)
# Runs each command, and prints which heavy libraries it has loaded in addition to the commands before it.
LIST_LOADED = """
import json, sys
from specfeat.cli import run_command_line

loaded = set()
for command in json.loads(sys.argv[1]):
    run_command_line(command.split())
    new = set(json.loads(sys.argv[2])) & set(sys.modules) - loaded
    loaded |= new
    print("loaded:", json.dumps([command, sorted(new)]))
"""


@pytest.mark.slow
def test_cheap_answers_load_nothing_heavy(tmp_path: Path) -> None:
    """Help, the version, and a typo in an option, a config or a path are answered at once."""
    words = [sys.executable, "-c", LIST_LOADED, json.dumps(CHEAP_COMMANDS), json.dumps(HEAVY)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path)
    lines = [line for line in done.stdout.splitlines() if line.startswith("loaded: ")]

    assert [json.loads(line.removeprefix("loaded: ")) for line in lines] == [
        [command, []] for command in CHEAP_COMMANDS
    ]


PLUGGED = """
import os, sys
from specfeat.cli import main

code = main()
print(code, "a_plugin" in sys.modules, os.environ.get("PYDANTIC_DISABLE_PLUGINS"))
"""


@pytest.mark.slow
@pytest.mark.parametrize("before", [None, "other"])
def test_nobodys_plugin_has_a_say_in_our_checks(before: str | None, tmp_path: Path) -> None:
    """Pydantic loads what any installed package offers it; the environment is the caller's again after it."""
    about = tmp_path / "a_plugin-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: a-plugin\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[pydantic]\na = a_plugin\n")
    (tmp_path / "a_plugin.py").write_text("def new_schema_validator(*_, **__): return None, None, None\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    environment |= {"PYDANTIC_DISABLE_PLUGINS": before} if before else {}
    words = [sys.executable, "-c", PLUGGED, "extract", ".", "out.npy", "--set", "model.batch=0"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)

    assert done.stdout.split() == ["2", "False", str(before)]


@pytest.mark.slow
def test_the_package_costs_nothing_to_import() -> None:
    """`import specfeat` loads no dependency, and its public names are all there."""
    code = (
        "import sys; before = set(sys.modules); import specfeat;"
        "new = {m.split('.')[0] for m in set(sys.modules) - before};"
        "print(sorted(new - set(sys.stdlib_module_names)));"
        "[getattr(specfeat, name) for name in specfeat.__all__ if name not in ('Extractor', 'Features')]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "['specfeat']"


@pytest.mark.slow
def test_audio_needs_no_tensorflow() -> None:
    """Everything before the network runs in a process that never loads TensorFlow."""
    code = (
        "import sys, numpy as np; from specfeat.config import load_config; from specfeat.audio.clips import ClipMaker;"
        "list(ClipMaker(load_config('yamnet').settings).make_clips([np.zeros(99999, np.float32)]));"
        "import specfeat.audio.discovery, specfeat.audio.decode, specfeat.audio.worker_pool, specfeat.audio.worker;"
        "import specfeat.output.index, specfeat.output.rows_file;"
        "print(sorted({'tensorflow', 'keras', 'librosa', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_tests_are_collected_without_heavy_libraries(loaded_by_collection: list[str]) -> None:
    """A module of tests loads TensorFlow in its tests only: each process of pytest collects all modules."""
    assert loaded_by_collection == []
