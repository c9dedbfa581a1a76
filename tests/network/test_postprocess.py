"""`model.postprocess`: VGGish's published formula, clip by clip."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.sample_data import Float
from specfeat.config import Config, Settings, load_config
from specfeat.errors import ConfigError
from specfeat.network.postprocess import make_postprocess
from specfeat.run.provenance import collect_provenance, describe_differences

WIDTH, COMPONENTS = 6, 4


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the file of a PCA, and return its folder, which is the current one."""
    generator = np.random.default_rng(3)
    means, vectors = generator.normal(size=(WIDTH, 1)), generator.normal(size=(COMPONENTS, WIDTH))
    np.savez(tmp_path / "pca.npz", pca_means=means, pca_eigen_vectors=vectors)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _load(steps: str) -> Config:
    return load_config("minimal", [f"model.postprocess={steps}"])


def _apply(steps: str, rows: Float) -> Float:
    return make_postprocess(_load(steps), WIDTH).apply(rows)


def _make_rows(clips: int = 50) -> Float:
    return np.random.default_rng(4).normal(size=(clips, WIDTH)).astype(np.float32)


def _postprocess_as_vggish(rows: Float) -> Float:
    """The formula of vggish_postprocess.py in TensorFlow's models, with its limits of -2 and 2."""
    arrays = np.load("pca.npz")
    applied = np.dot(arrays["pca_eigen_vectors"], rows.astype(np.float64).T - arrays["pca_means"]).T
    levels: Float = ((np.clip(applied, -2.0, 2.0) + 2.0) * (255.0 / 4.0)).astype(np.uint8).astype(np.float32)
    return levels


def test_the_result_is_that_of_vggish() -> None:
    """All values are the whole numbers of the published post-processing, from 0 to 255."""
    rows = _make_rows()
    result = _apply("[{pca: pca.npz}, {clip: [-2, 2]}, {quantize: [-2, 2]}]", rows)

    assert result.dtype == np.float32
    assert result.shape == (len(rows), COMPONENTS)
    assert np.array_equal(result, _postprocess_as_vggish(rows))
    assert {0.0, 255.0} <= set(result.flat)
    assert np.array_equal(result, _apply("[{pca: pca.npz}, {quantize: [-2, 2]}]", rows))


def test_each_step_is_that_of_numpy() -> None:
    """PCA alone, clipping and the norm, in the order of the list; features that are all 0 stay 0."""
    rows = _make_rows()
    rows[7] = 0
    arrays = np.load("pca.npz")
    components = (rows - arrays["pca_means"].T) @ arrays["pca_eigen_vectors"].T
    norms = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)

    np.testing.assert_allclose(_apply("[{pca: {file: pca.npz}}]", rows), components, rtol=1e-6, atol=1e-6)
    assert np.array_equal(_apply("[{clip: [-0.5, 1]}]", rows), np.clip(rows, -0.5, 1))
    normalized = _apply("[l2]", rows)
    np.testing.assert_allclose(normalized, rows / np.where(norms > 0, norms, 1), rtol=1e-6)
    assert not normalized[7].any()
    clipped_first, normalized_first = (
        _apply("[{clip: [0, 1]}, l2]", rows),
        _apply("[l2, {clip: [0, 1]}]", rows),
    )
    assert not np.array_equal(clipped_first, normalized_first)
    assert _apply("[]", rows) is rows


def test_a_clip_does_not_depend_on_the_others() -> None:
    """A clip has the same bits alone and among others, at any place."""
    rows = _make_rows(9)
    steps = "[{pca: pca.npz}, l2]"
    together = _apply(steps, rows)

    assert together.tobytes() == b"".join(_apply(steps, rows[k : k + 1]).tobytes() for k in range(len(rows)))
    assert together[::-1].tobytes() == _apply(steps, rows[::-1]).tobytes()


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("[{pca: no.npz}]", "model.postprocess[0].pca.file: is the text 'no.npz': no such file"),
        ("[l2, {pca: pipe}]", "model.postprocess[1].pca.file: is the text 'pipe': no such file"),
        ("[{pca: {file: pca.npz, sha256: " + "ab" * 32 + "}}]", "its SHA-256 is not abab"),
        ("[{clip: [2, -2]}]", "model.postprocess[0].clip: wanted two numbers, the smaller one first"),
        (
            "[{clip: [0, 1], l2: true}]",
            "model.postprocess[0]: wanted exactly one of pca, clip, quantize and l2",
        ),
        ("[{}]", "model.postprocess[0]: wanted exactly one of pca, clip, quantize and l2"),
        ("[{l3: true}]", "model.postprocess[0].l3: is not known here"),
    ],
    ids=str,
)
def test_wrong_steps_are_refused(folder: Path, steps: str, message: str) -> None:
    """When the config is read."""
    os.mkfifo(folder / "pipe")
    with pytest.raises(ConfigError) as caught:
        _load(steps)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros(3)}, "has no arrays pca_means and pca_eigen_vectors"),
        ({"pca_means": np.zeros(5), "pca_eigen_vectors": np.zeros((5, 5))}, "but a clip has 6 features"),
        ({"pca_means": np.full(6, np.nan), "pca_eigen_vectors": np.zeros((5, 6))}, "that are not finite"),
        ({"pca_means": np.array([{}]), "pca_eigen_vectors": np.zeros((5, 6))}, "holds objects (a pickle)"),
    ],
    ids=str,
)
def test_wrong_files_are_refused(folder: Path, arrays: dict[str, Any], message: str) -> None:
    """When the network is built: other arrays, other shapes, values that are not finite, pickles."""
    np.savez(folder / "wrong.npz", **arrays)
    with pytest.raises(ConfigError, match=r"model\.postprocess\[0\]\.pca\.file") as caught:
        _apply("[{pca: wrong.npz}]", _make_rows(1))

    assert message in str(caught.value)


def test_a_file_that_is_no_archive_is_refused(folder: Path) -> None:
    """The message names the key and the file."""
    (folder / "text.npz").write_text("no archive")
    with pytest.raises(ConfigError, match=r"model\.postprocess\[0\]\.pca\.file: is 'text\.npz'"):
        _apply("[{pca: text.npz}]", _make_rows(1))


def test_the_content_of_the_file_counts(folder: Path) -> None:
    """A moved file keeps the digest and the rows of an output; another content, or other steps, do not."""
    first = _load("[{pca: pca.npz}, l2]")
    (folder / "other").mkdir()
    (folder / "pca.npz").rename(folder / "other/moved.npz")
    moved = _load("[{pca: other/moved.npz}, l2]")
    np.savez(folder / "pca.npz", pca_means=np.zeros(6), pca_eigen_vectors=np.zeros((6, 6)))
    changed = _load("[{pca: pca.npz}, l2]")
    again = Settings.model_validate_json(first.settings.model_dump_json())

    assert first.settings.digest == moved.settings.digest == again.digest != changed.settings.digest
    assert describe_differences(collect_provenance(first), collect_provenance(moved)) == ""
    difference = describe_differences(collect_provenance(first), collect_provenance(changed))
    assert difference.startswith("model.postprocess[0].pca.sha256: ")
    assert load_config("minimal").settings.digest == _load("[]").settings.digest
    assert "postprocess" not in _load("[]").settings.model_dump(mode="json")["model"]
