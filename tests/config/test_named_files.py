"""The files that a config names: which folder their paths start from."""

from pathlib import Path

import pytest

from specfeat.config import load_config
from specfeat.errors import ConfigError

CONFIG = """\
audio: {{sample_rate: 8000}}
spectrogram: {{kind: mel, mel: {{n_mels: 4}}, n_fft: 256, hop_length: 80, normalize: {normalize}}}
clips: {{frames: 4}}
model: {{layers: [Flatten], weights: {weights}, labels: {labels}, postprocess: {postprocess}}}
train: {{labels: {{file: {table}}}}}
"""
VALUES = {
    "normalize": "null",
    "weights": "{random: 0}",
    "labels": "null",
    "postprocess": "null",
    "table": "labels.csv",
}


def _write(folder: Path, **values: str) -> Path:
    path = folder / "c.yaml"
    path.write_text(CONFIG.format(**{**VALUES, **values}))
    return path


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("normalize", "{mean: ~nobody-of-this-name/mean.txt}"),
        ("weights", "~nobody-of-this-name/w.npz"),
        ("labels", "~nobody-of-this-name/classes.txt"),
        ("postprocess", "[{pca: ~nobody-of-this-name/pca.npz}]"),
        ("table", "~nobody-of-this-name/labels.csv"),
    ],
)
def test_the_folder_of_an_unknown_user_is_an_error_of_the_config(
    tmp_path: Path, key: str, value: str
) -> None:
    """The message names the place in the config."""
    with pytest.raises(
        ConfigError, match=r"c\.yaml:\d+:\d+: .*is the text '~nobody.*: there is no such user's folder"
    ):
        load_config(_write(tmp_path, **{key: value}))


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It means the same for every file in a config."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    (home / "mean.txt").write_text("1.5")
    (home / "classes.txt").write_text("\n".join(f"class {number}" for number in range(16)))
    (home / "pca.npz").write_bytes(b"content")
    settings = load_config(
        _write(
            tmp_path,
            normalize="{mean: ~/mean.txt, std: 1}",
            weights="~/w.npz",
            labels="~/classes.txt",
            postprocess="[{pca: ~/pca.npz}]",
            table="~/labels.csv",
        )
    ).settings

    assert settings.spectrogram.normalize is not None
    assert settings.spectrogram.normalize.mean == (1.5,)
    assert settings.model.labels[15] == "class 15"
    pca = settings.model.postprocess[0].pca
    assert pca is not None
    assert settings.train is not None
    files = (pca.file, settings.model.weights.file, settings.train.labels.file)
    assert files == tuple(str(home / name) for name in ("pca.npz", "w.npz", "labels.csv"))
