"""The documents say what is there."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from specfeat import errors
from specfeat.architecture.kinds import LAYER_KINDS
from specfeat.architecture.kinds.application import APPLICATIONS
from specfeat.config import load_config, shipped_names
from specfeat.config.audio import Audio
from specfeat.config.clips import Clips
from specfeat.config.compression import Compress, Db, Ln, Log10, Pcen, Power
from specfeat.config.mel import Mel, Mfcc
from specfeat.config.model import Compile, Model, Weights, WeightsFormat
from specfeat.config.seconds import LENGTHS
from specfeat.config.section import Section
from specfeat.config.spectrogram import Deltas, Normalize, Preemphasis, Spectrogram
from specfeat.weights.files.array_names import IGNORED_ARRAYS

ROOT = Path(__file__).parents[1]
SECTIONS = (
    *(
        Audio,
        Clips,
        Compress,
        Db,
        Deltas,
        Ln,
        Log10,
        Mel,
        Mfcc,
        Normalize,
        Pcen,
        Power,
        Preemphasis,
        Spectrogram,
    ),
    *(Model, Compile, Weights),
)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s.__name__)
def test_every_key_is_documented(section: type[Section]) -> None:
    """docs/config.md names each key of each section."""
    text = (ROOT / "docs" / "config.md").read_text()

    assert [key for key in section.model_fields if not re.search(rf"\b{key}\b", text)] == []


def test_every_layer_and_length_in_seconds_is_documented() -> None:
    """docs/config.md names each layer, and each key that may speak seconds."""
    text = (ROOT / "docs" / "config.md").read_text()

    assert [kind for kind in LAYER_KINDS if not re.search(rf"`{kind}[`:]", text)] == []
    assert [name for name in APPLICATIONS if f"`{name}`" not in text] == []
    assert [length.seconds_key for length in LENGTHS if f"`{length.seconds_key}`" not in text] == []


def test_the_page_of_weights_is_whole() -> None:
    """docs/weights.md names each format, each name that is left over by rule, each command, and each framework's words."""
    text = (ROOT / "docs" / "weights.md").read_text()
    words = {
        word
        for pattern, _ in IGNORED_ARRAYS
        for word in re.findall(r"[A-Za-z][A-Za-z_0-9]{3,}", re.sub(r"\[.*?\]", "", pattern))
    }
    words -= {"training_config", "ATTRIBUTES", "VARIABLE_VALUE", "beta_power"}

    assert [
        name for name in get_args(WeightsFormat) if f"`{name}`" not in text.replace("format: auto", "`auto`")
    ] == []
    assert sorted(word for word in words if word not in text) == []
    assert [name for name in ("show", "convert", "fetch") if f"specfeat weights {name}" not in text] == []


def test_every_exit_code_and_running_option_is_documented() -> None:
    """docs/running.md has the codes of all errors, of signals and of done work, and each option that is about running."""
    text = (ROOT / "docs" / "running.md").read_text()
    table = text[text.index("| exit code | meaning |") :].split("\n\n")[0]
    documented = {
        int(code) for line in table.splitlines()[2:] for code in re.findall(r"\d+", line.split("|")[1])
    }
    kinds = [errors.SpecfeatError]
    for kind in kinds:
        kinds += kind.__subclasses__()

    assert documented >= {kind.exit_code for kind in kinds} | {0, 3, 129, 130, 143}
    options = ("--resume", "--update", "--force", "--retry-failed", "--lock-wait", "--keep-partial")
    assert [
        option
        for option in (*options, "--on-error", "--max-failures", "--timeout-per-file")
        if option not in text
    ] == []


def test_the_shown_weights_section_is_read(tmp_path: Path) -> None:
    """The keys at the top of docs/weights.md are the config's."""
    text = (ROOT / "docs" / "weights.md").read_text()
    shown = re.search(r"```yaml\n(.*?)```", text, re.S)
    assert shown
    head = (ROOT / "configs" / "minimal.yaml").read_text().partition("model:")[0]
    layers = "  layers: [Flatten, Dense: {name: logits, units: 2}]\n"
    section = shown[1].replace("13c3308955bb...", "a" * 64)
    (tmp_path / "my.yaml").write_text(f"{head}{section}{layers}")

    weights = load_config(tmp_path / "my.yaml").settings.model.weights
    assert set(weights.model_fields_set) == {"file", "sha256", "format", "match", "map"}
    assert weights.map == {"logits": "dense"}


def test_every_shipped_config_is_in_the_readme() -> None:
    """The table of configs is the folder of configs."""
    readme = (ROOT / "README.md").read_text()
    table = readme[readme.index("| shipped config |") :].split("\n\n")[0]
    named = [name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.split("|")[1])]

    assert sorted(named) == shipped_names()


def test_the_readmes_commands_are_commands(tmp_path: Path) -> None:
    """Each `specfeat extract` line of the README is understood: it fails for the missing files, or not at all."""
    lines = re.findall(r"^specfeat (extract .*?)(?:\s+#.*)?$", (ROOT / "README.md").read_text(), re.M)
    for line in lines:
        words = [word for word in shlex.split(line) if word != "more/*.flac"]
        done = subprocess.run(
            [sys.executable, "-m", "specfeat", *words],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        assert re.search(r": no such file", done.stderr), done.stderr

    assert len(lines) >= 4


def test_the_readmes_errors_are_the_programs(tmp_path: Path) -> None:
    """The two messages that the README shows are what the README's config gives with those mistakes."""
    readme = (ROOT / "README.md").read_text()
    config = re.search(r"```yaml\n(.*?)```", readme, re.S)
    assert config
    shown = re.search(r"```\n(specfeat: my.yaml:6.*?)```", readme, re.S)
    assert shown
    (tmp_path / "a.wav").write_bytes(b"")
    mistakes = (config[1].replace("n_mels", "n_mel"), config[1].replace("    - Flatten\n", ""))
    said = []
    for text in mistakes:
        (tmp_path / "my.yaml").write_text(text)
        command = [sys.executable, "-m", "specfeat", "extract", "a.wav", "o.npy", "-c", "my.yaml", "-q"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        said.append(done.stderr)

    assert " ".join(shown[1].split()) == " ".join("".join(said).split())


def test_the_shown_config_runs(tmp_path: Path) -> None:
    """The README's example is a whole config."""
    config = re.search(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert config
    (tmp_path / "my.yaml").write_text(config[1])

    assert load_config(tmp_path / "my.yaml").settings.input_shape == (100, 64, 1)


def test_the_readmes_speeds_were_measured() -> None:
    """The table is what the benchmark's report makes of docs/speed.json, and the sentences round its numbers."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.report", "docs/speed.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    readme = (ROOT / "README.md").read_text()
    measured = json.loads((ROOT / "docs" / "speed.json").read_text())

    assert done.stdout in readme
    assert all(pair["machine"] in readme for pair in measured["pairs"])
    for name in ("one second of audio", "import tensorflow"):
        assert f" {measured['start'][name]:.1f} s" in readme
    memory = json.loads((ROOT / "docs" / "memory.json").read_text())
    long, files, batches = memory["long"], memory["files"], memory["batches"]
    for grown in (
        f"{long['hours']:.0f} hours of audio in one file take {long['hours_mb'] - long['minute_mb']:.0f} MB more",
        f"{files['files']:,} files {files['files_mb'] - files['hundredth_mb']:.0f} MB more",
        f"{batches['batches']:,} batches it grows by {batches['last_mb'] - batches['first_mb']:.1f} MB",
    ):
        assert grown in " ".join(readme.split())
