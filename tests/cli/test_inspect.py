"""`specfeat inspect`: text for a screen, JSON for programs, and exit codes like those of a run."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from helpers.specfeat_command import run_in_this_process, run_program
from specfeat.audio import discovery
from specfeat.audio.audio_extensions import list_audio_extensions

SCREEN_LINES, SCREEN_COLUMNS = 40, 80


def test_a_screen_says_why_a_folder_gives_no_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """M4A files without FFmpeg: exit code 4, and the whole answer is on one screen of 80 columns."""
    extensions = list_audio_extensions() - {"m4a"}
    monkeypatch.setattr(discovery, "list_audio_extensions", lambda: extensions)
    for number in range(30):
        (tmp_path / f"{number}.m4a").write_bytes(b"\0\0\0\x18ftypM4A ")
    done = run_in_this_process(tmp_path, "inspect", "openl3_mel256", ".")

    assert (done.returncode, done.stderr) == (4, "")
    assert "a run would give no rows" in done.stdout
    assert "pip install 'specfeat[av]'" in done.stdout
    lines = done.stdout.splitlines()
    assert len(lines) <= SCREEN_LINES
    assert [line for line in lines if len(line) > SCREEN_COLUMNS] == []


def test_the_json_has_every_file(tmp_path: Path) -> None:
    """All files are listed, those whose names are not UTF-8 with the bytes of the name; exit code 3 for a broken one."""
    names = [f"{number}.wav" for number in range(15)] + ["caf\udce9.wav"]
    for name in names:
        soundfile.write(
            str(tmp_path / name).encode("utf-8", "surrogateescape"), np.full(8000, 0.1), 16_000, format="WAV"
        )
    (tmp_path / "broken.wav").write_bytes(b"")
    done = run_in_this_process(tmp_path, "inspect", "minimal", ".", "--json")
    fields = json.loads(done.stdout)
    files = fields["audio"]["files"]

    assert (done.returncode, fields["schema"], fields["input_shape"]) == (3, 1, [28, 28, 1])
    assert len(files) == 17
    assert [file["path_hex"] for file in files if "path_hex" in file] == [b"./caf\xe9.wav".hex()]
    assert [file["rows"] for file in files if file["status"] == "ok"] == [2] * 16
    assert fields["audio"]["rows"] * 40 == fields["audio"]["array_bytes"] == 1280
    assert fields["layers"][0]["name"] == "conv2d_1"


@pytest.mark.parametrize("config", ["minimal", "default", "yamnet", "deepspectrum", "logmel_stats"])
def test_the_table_of_layers_fits_80_columns(config: str, tmp_path: Path) -> None:
    """Each layer has a line."""
    done = run_in_this_process(tmp_path, "inspect", config)

    assert (done.returncode, done.stderr) == (0, "")
    # The path of the weights is as long as that of the environment.
    lines = [line for line in done.stdout.splitlines() if not line.startswith("weights")]
    assert [line for line in lines if len(line) > SCREEN_COLUMNS] == []


def test_wrong_configs_and_weights_have_exit_code_2(tmp_path: Path) -> None:
    """A missing weights file does not hide the rest."""
    done = run_in_this_process(tmp_path, "inspect", "minimal", "--set", "model.weights.file=nowhere.h5")
    assert (done.returncode, "28 x 28 x 1" in done.stdout) == (2, True)
    assert "nowhere.h5: no such file" in done.stderr
    assert run_in_this_process(tmp_path, "inspect", "minimla").returncode == 2
    assert run_in_this_process(tmp_path, "inspect", "minimal", "no/such/folder").returncode == 2


@pytest.mark.slow
def test_inspecting_loads_no_tensorflow(tmp_path: Path) -> None:
    """Without --measure, neither TensorFlow nor librosa is loaded."""
    soundfile.write(tmp_path / "a.wav", np.full(8000, 0.1), 16_000)
    code = (
        "import sys; from specfeat.cli import run_command_line;"
        "code = run_command_line(['inspect', 'default', 'a.wav', '--layers']);"
        "print(code, sorted({'tensorflow', 'keras', 'librosa', 'scipy'} & set(sys.modules)))"
    )
    done = run_program(tmp_path, sys.executable, "-c", code)

    assert done.stdout.splitlines()[-1] == "0 []"


@pytest.mark.tf
def test_the_speed_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--measure builds the network; its parameters are those of the table, and only Keras knows deepspectrum's."""
    from specfeat.inspection import speed

    monkeypatch.setattr(speed, "MEASURED_S", 0.01)
    done = run_in_this_process(tmp_path, "inspect", "minimal", "--measure", "--json")
    fields = json.loads(done.stdout)

    assert fields["speed"]["parameters"] == fields["parameters"] == 54_410
    assert fields["speed"]["features"] == fields["features"] == 10
    assert min(fields["speed"][key] for key in ("clips_per_s", "sound_s_per_s", "peak_memory_bytes")) > 0
    assert "s of sound in a second" in run_in_this_process(tmp_path, "inspect", "minimal", "--measure").stdout
