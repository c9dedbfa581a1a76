"""README and docs/ describe what the program has: keys, options, exit codes, events, and commands that run."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import specfeat
from helpers import without_tensorflow
from helpers.specfeat_command import run_in_this_process, write_noise
from specfeat import errors
from specfeat.architecture.kinds import LAYER_KINDS
from specfeat.architecture.kinds.application import APPLICATIONS
from specfeat.architecture.shapes import compute_network_shapes
from specfeat.config import load_config, shipped_names
from specfeat.config.audio import Audio
from specfeat.config.augmentation import Augmentation, Mask, Noise
from specfeat.config.clips import Clips
from specfeat.config.compression import Compress, Db, Ln, Log10, Pcen, Power
from specfeat.config.mel import Mel, Mfcc
from specfeat.config.model import Compile, Model, Weights, WeightsFormat
from specfeat.config.normalize import Normalize
from specfeat.config.seconds import LENGTHS
from specfeat.config.section import Section
from specfeat.config.spectrogram import Deltas, Preemphasis, Spectrogram
from specfeat.config.train import Cache, Labels, OptimizerSettings, Schedule, Split, Stop, Teacher, Train
from specfeat.output.index import COLUMNS
from specfeat.weights.files.array_names import IGNORED_ARRAYS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", *sorted(DOCS.glob("*.md")))
LINKED_PAGES = (
    *PAGES,
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "data" / "sample" / "README.md",
)

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
    *(Train, Labels, Split, Augmentation, Noise, Mask, Teacher, Stop, Schedule, Cache, OptimizerSettings),
)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s.__name__)
def test_every_key_is_documented(section: type[Section]) -> None:
    """docs/config.md names each key of each section."""
    text = (DOCS / "config.md").read_text()

    assert [key for key in section.model_fields if not re.search(rf"\b{key}\b", text)] == []


def test_every_layer_and_length_in_seconds_is_documented() -> None:
    """docs/config.md names each layer, and each key that may be in seconds."""
    text = (DOCS / "config.md").read_text()

    assert [kind for kind in LAYER_KINDS if not re.search(rf"`{kind}[`:]", text)] == []
    assert [name for name in APPLICATIONS if f"`{name}`" not in text] == []
    assert [length.seconds_key for length in LENGTHS if f"`{length.seconds_key}`" not in text] == []


def test_the_page_of_weights_is_whole() -> None:
    """docs/weights.md names each format, each name that is ignored by rule, each command, and each framework's words."""
    text = (DOCS / "weights.md").read_text()
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


def test_every_exit_code_is_documented() -> None:
    """docs/command-line.md has the codes of all errors, of signals and of finished work."""
    text = (DOCS / "command-line.md").read_text()
    table = text[text.index("| exit code | meaning |") :].split("\n\n")[0]
    documented = {
        int(code) for line in table.splitlines()[2:] for code in re.findall(r"\d+", line.split("|")[1])
    }
    kinds = [errors.SpecfeatError]
    for kind in kinds:
        kinds += kind.__subclasses__()

    assert documented >= {kind.exit_code for kind in kinds} | {0, 3, 129, 130, 141, 143}


def test_the_options_about_running_are_explained() -> None:
    """docs/running.md and docs/failures.md explain each option that is about running."""
    running, failures = ((DOCS / name).read_text() for name in ("running.md", "failures.md"))
    options = ("--resume", "--update", "--force", "--retry-failed", "--lock-wait")
    assert [option for option in options if option not in running] == []
    options = ("--keep-partial", "--on-error", "--max-failures", "--timeout-per-file", "--retry-failed")
    assert [option for option in options if option not in failures] == []


@pytest.mark.parametrize(
    "command",
    [
        "",
        "extract",
        "convert",
        "doctor",
        "events",
        "plot",
        "report",
        "search",
        "train",
        "inspect",
        "init",
        "list classes",
        "verify",
        "classify fit",
        "classify apply",
        "weights show",
        "weights convert",
        "weights fetch",
    ],
)
def test_every_option_is_documented(command: str) -> None:
    """docs/command-line.md names each option that the help text names, the short ones as well."""
    done = run_in_this_process(ROOT, *command.split(), "--help")
    listed = done.stdout[done.stdout.index("\nOptions:\n") :]
    options = re.findall(r"(?:^  |, )(--?[a-z0-9-]+)", listed, re.M)
    text = (DOCS / "command-line.md").read_text()

    assert len(options) >= 2
    assert [option for option in options if not re.search(rf"(?<![\w-]){option}(?![\w-])", text)] == []


@pytest.mark.slow
def test_every_event_and_its_fields_are_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/command-line.md names each event that a run writes to the log, and each of its fields."""
    text = (DOCS / "command-line.md").read_text()
    table = text[text.index("| `event` |") :]
    (tmp_path / "bad.wav").write_bytes(b"")
    without_tensorflow.install_fake_network(monkeypatch.setitem)
    words = ("bad.wav", "o.npy", "-c", "minimal", "--workers", "1", "--log-json", "log")
    run_in_this_process(tmp_path, "extract", *words)
    events = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]

    assert {event["event"] for event in events} >= {"begin", "file", "end"}
    for event in events:
        (row,) = [line for line in table.splitlines() if line.startswith(f"| `{event['event']}` |")]
        assert [name for name in event if name not in ("event", "time") and f"`{name}`" not in row] == []


def test_every_column_and_status_is_documented() -> None:
    """docs/output-files.md names each column of the index and each status of a file."""
    text = (DOCS / "output-files.md").read_text()

    assert [name for name in COLUMNS if f"| `{name}` |" not in text] == []
    assert [
        name for name in ("ok", "partial", "empty", "short", "failed") if f"| `{name}` |" not in text
    ] == []


def test_every_public_name_is_documented() -> None:
    """docs/python.md names what `from specfeat import ...` gives."""
    text = (DOCS / "python.md").read_text()

    assert [name for name in specfeat.__all__ if not re.search(rf"\b{name}\b", text)] == []


def _anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.S | re.M)
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", LINKED_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """Each link inside the repository names a file or folder that exists, and a heading that this file has."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or not file.is_relative_to(ROOT) or (anchor and anchor not in _anchors(file)):
            broken.append(target)

    assert broken == []


def test_the_readme_links_to_every_page() -> None:
    """No page of docs/ is hidden."""
    readme = (ROOT / "README.md").read_text()

    assert [page.name for page in PAGES[1:] if f"(docs/{page.name})" not in readme] == []


def test_the_shown_weights_section_is_read(tmp_path: Path) -> None:
    """The keys at the top of docs/weights.md are the config's."""
    text = (DOCS / "weights.md").read_text()
    shown = re.search(r"```yaml\n(.*?)```", text, re.S)
    assert shown
    head = (ROOT / "configs" / "minimal.yaml").read_text().partition("model:")[0]
    layers = "  layers: [Flatten, Dense: {name: logits, units: 2}]\n"
    section = shown[1].replace("13c3308955bb...", "a" * 64)
    (tmp_path / "my.yaml").write_text(f"{head}{section}{layers}")

    weights = load_config(tmp_path / "my.yaml").settings.model.weights
    assert set(weights.model_fields_set) == {"file", "sha256", "format", "match", "map", "ignore"}
    assert weights.map == {"logits": "dense"}


def test_every_shipped_config_is_documented() -> None:
    """The table of configs in docs/networks.md is the folder of configs."""
    text = (DOCS / "networks.md").read_text()
    table = text[text.index("| shipped config |") :].split("\n\n")[0]
    named = [name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.split("|")[1])]

    assert sorted(named) == shipped_names()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_shown_commands_are_commands(page: Path, tmp_path: Path) -> None:
    """Each line with `extract` or `plot` of a page is understood: it fails only because its files or an extra are not here."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(), re.S)
    lines = re.findall(r"^specfeat ((?:extract|plot) .*?)(?:\s+#.*)?$", "\n".join(blocks), re.M)
    for line in lines:
        command = re.split(r" [|>] ", line)[0]
        words = [
            word for word in shlex.split(command) if word not in ("more/*.flac", "[OPTIONS]", "[PICTURE]")
        ]
        done = run_in_this_process(tmp_path, *words)
        assert re.search(r": no such file| is missing; install it with: ", done.stderr), done.stderr

    assert page.name != "README.md" or len(lines) >= 4


def test_the_shown_errors_are_the_programs(tmp_path: Path) -> None:
    """The two messages in docs/config.md are what its config gives with those mistakes."""
    text = (DOCS / "config.md").read_text()
    config = re.search(r"```yaml\n(.*?)```", text, re.S)
    assert config
    shown = re.search(r"```\n(specfeat: my.yaml:6.*?)```", text, re.S)
    assert shown
    (tmp_path / "a.wav").write_bytes(b"")
    mistakes = (config[1].replace("n_mels", "n_mel"), config[1].replace("    - Flatten\n", ""))
    messages = []
    for mistake in mistakes:
        (tmp_path / "my.yaml").write_text(mistake)
        messages.append(
            run_in_this_process(tmp_path, "extract", "a.wav", "o.npy", "-c", "my.yaml", "-q").stderr
        )

    assert " ".join(shown[1].split()) == " ".join("".join(messages).split())


def test_the_shown_config_runs(tmp_path: Path) -> None:
    """The first example of docs/config.md is a complete config."""
    config = re.search(r"```yaml\n(.*?)```", (DOCS / "config.md").read_text(), re.S)
    assert config
    (tmp_path / "my.yaml").write_text(config[1])

    assert load_config(tmp_path / "my.yaml").settings.input_shape == (100, 64, 1)


def test_the_shown_config_for_sounds_without_labels_is_complete(tmp_path: Path) -> None:
    """The config of docs/unlabelled.md is read; its two kinds of features have the widths of the table."""
    text = (DOCS / "unlabelled.md").read_text()
    (tmp_path / "unlabelled.yaml").write_text(text.partition("```yaml\n")[2].partition("```")[0])
    settings = load_config(tmp_path / "unlabelled.yaml").settings
    shapes = compute_network_shapes(settings.graph)

    assert settings.train is not None
    assert settings.train.task == "contrast"
    for name in ("learnt", "features"):
        assert f"`{name}`** | {shapes[name][0]} |" in text


@pytest.mark.slow
def test_the_speeds_were_measured() -> None:
    """The table in docs/speed.md is the benchmark's report of docs/speed.json; the sentences round its numbers."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.report", "docs/speed.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    page = (DOCS / "speed.md").read_text()
    measured = json.loads((DOCS / "speed.json").read_text())

    assert done.stdout in page
    assert all(pair["machine"] in page for pair in measured["pairs"])
    for name in ("one second of audio", "import tensorflow"):
        assert f" {measured['start'][name]:.1f} s" in page
    memory = json.loads((DOCS / "memory.json").read_text())
    long, files, batches = memory["long"], memory["files"], memory["batches"]
    for growth in (
        f"{long['hours']:.0f} hours of audio in one file take {long['hours_mb'] - long['minute_mb']:.0f} MB more",
        f"{files['files']:,} files take {files['files_mb'] - files['hundredth_mb']:.0f} MB more",
        f"{batches['batches']:,} batches it grows by {batches['last_mb'] - batches['first_mb']:.1f} MB",
    ):
        assert growth in " ".join(page.split())


@pytest.mark.slow
def test_the_shown_search_can_be_repeated(tmp_path: Path) -> None:
    """The command with `find` of docs/extract.md gives an output, also if it is run a second time."""
    write_noise(tmp_path / "recordings" / "a.wav", 0.5)
    (command,) = re.findall(r"^find recordings .*$", (DOCS / "extract.md").read_text(), re.M)
    program = shlex.join((sys.executable, without_tensorflow.__file__))
    command = command.replace("specfeat", program)
    for _ in range(2):
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr

    assert len(list(tmp_path.glob("*.npy"))) == 1


@pytest.mark.tf
@pytest.mark.slow
def test_the_picture_of_the_output_can_be_drawn(tmp_path: Path) -> None:
    """The script that drew docs/output.png runs."""
    pytest.importorskip("matplotlib")
    script = DOCS / "draw_output.py"
    subprocess.run([sys.executable, str(script), str(tmp_path / "output.png")], check=True, cwd=tmp_path)

    assert (tmp_path / "output.png").read_bytes().startswith(b"\x89PNG")
