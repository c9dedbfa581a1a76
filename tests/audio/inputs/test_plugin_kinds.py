"""A kind of inputs that another package adds, as docs/inputs.md shows it."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from specfeat import plugins
from specfeat.audio.decode import read_samples
from specfeat.audio.discovery import find_sounds
from specfeat.config.audio import Audio
from specfeat.errors import InstallError, NoUsableAudioError

PAGE = Path(__file__).parents[3] / "docs" / "inputs.md"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install a package with the code of the page."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    site = tmp_path / "site"
    (site / "my_package").mkdir(parents=True)
    (site / "my_package/__init__.py").touch()
    (site / "my_package/joined.py").write_text(code)
    (site / "my_package-1.0.dist-info").mkdir()
    (site / "my_package-1.0.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n"
    )
    (site / "my_package-1.0.dist-info/entry_points.txt").write_text(
        "[specfeat.input_kinds]\njoined = my_package.joined:KIND\nwrong = my_package.joined:JoinedKind\n"
    )
    monkeypatch.syspath_prepend(str(site))
    for function in (plugins.find_plugin, plugins.list_plugins):
        function.cache_clear()
    yield
    for function in (plugins.find_plugin, plugins.list_plugins):
        function.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_package"]:
        del sys.modules[name]  # another test has a package of this name


@pytest.mark.usefixtures("package")
def test_a_kind_of_another_package(tmp_path: Path) -> None:
    """The kind is found by the extension of the file, and its sounds are read."""
    for name, value in (("a.wav", 0.25), ("b.wav", 0.5)):
        soundfile.write(tmp_path / name, np.full(1000, value), 16_000)
    contents = [(tmp_path / name).read_bytes() for name in ("a.wav", "b.wav")]
    (tmp_path / "x.joined").write_bytes(b"".join(len(data).to_bytes(8, "big") + data for data in contents))
    sounds = find_sounds([tmp_path / "x.joined"]).sounds
    samples = [np.concatenate([*read_samples(sound, Audio(sample_rate=16_000))]) for sound in sounds]

    assert [sound.path for sound in sounds] == [f"{tmp_path}/x.joined/{k}.wav" for k in range(2)]
    assert [set(values) for values in samples] == [{0.25}, {0.5}]
    (tmp_path / "x.wrong").touch()
    with pytest.raises(InstallError, match="'wrong' of another package is no `InputKind`"):
        find_sounds([tmp_path / "x.wrong"])


def test_entry_points_are_not_searched_for_audio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files with the extension of audio, folders and archives need no search for other packages."""

    def fail(**_: object) -> None:
        raise AssertionError("searched")

    monkeypatch.setattr("importlib.metadata.entry_points", fail)
    for name in ("a.wav", "folder/b.flac"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a.zip").write_bytes(b"PK\5\6" + bytes(18))

    assert len(find_sounds([tmp_path / "a.wav", tmp_path / "folder", tmp_path / "a.zip"]).sounds) == 2
    with pytest.raises(NoUsableAudioError, match="no audio in"):
        find_sounds([tmp_path / "a.zip"])
