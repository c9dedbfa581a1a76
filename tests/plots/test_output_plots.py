"""The plots of finished outputs."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers.handmade_outputs import write_output
from helpers.sample_data import make_noise
from specfeat.errors import InstallError, UsageError
from specfeat.output.finished_output import open_output
from specfeat.plots import file_rows
from specfeat.plots.file_rows import find_file_rows
from specfeat.plots.map_coordinates import compute_map, spread_rows
from specfeat.plots.map_plot import MapPlot
from specfeat.plots.row_colors import RowCategories, RowValues, choose_row_colors
from specfeat.plots.score_plot import make_score_plot
from specfeat.plots.similarity_plot import make_similarity_plot
from specfeat.plots.text_picture import TextStyle

ROWS = make_noise(21 * 3).reshape(21, 3)


def write_sounds(folder: Path, rows_of_sounds: dict[str, Any], **options: Any) -> Any:
    """Write an output, and return it open."""
    write_output(folder / "out.npy", rows_of_sounds, **options)
    return open_output(folder / "out.npy")


def test_a_folder_is_a_category(tmp_path: Path) -> None:
    """The eight most frequent folders have colours, equally frequent ones in the order of the alphabet."""
    sounds = {f"{letter}/1.wav": ROWS[:2] for letter in "ihgfedcba"} | {
        "x/e/2.wav": ROWS[:3],
        "top.wav": ROWS[:1],
    }
    output = write_sounds(tmp_path, sounds)
    colors = choose_row_colors(output, None)

    assert isinstance(colors, RowCategories)
    assert (colors.column, colors.names, colors.other_count) == ("folder", tuple("eabcdfgh"), 2)
    names = [(*colors.names, "other")[number] for number in colors.numbers]
    folders = [Path(path).parent.name for path in output.read_index()["path"]]
    assert names == [name if name in colors.names else "other" for name in folders]


def test_a_column_of_the_index_is_a_colour(tmp_path: Path) -> None:
    """A column of numbers gives values, one of texts categories; another name is refused with a suggestion."""
    output = write_sounds(tmp_path, {"a.wav": ROWS[:2], "b.wav": ROWS[:3]})
    colors = choose_row_colors(output, "end_s")
    assert isinstance(colors, RowValues)
    assert colors.values.tolist() == [0.5, 1.0, 0.5, 1.0, 1.5]

    paths = choose_row_colors(output, "path")
    assert isinstance(paths, RowCategories)
    assert paths.names == ("b.wav", "a.wav")
    with pytest.raises(UsageError, match=r"has no column 'foldr' \(did you mean 'folder'\?\)"):
        choose_row_colors(output, "foldr")


def test_a_map_has_each_finite_row_once(tmp_path: Path) -> None:
    """Each letter is the category of the rows there; rows that are not finite are left out and counted."""
    rows = np.array([[0, 0], [10, 0], [0, 1], [np.nan, 0]], np.float32)
    output = write_sounds(tmp_path, {"a/1.wav": rows[[0, 3]], "b/1.wav": rows[[1]], "c/1.wav": rows[[2]]})
    plot = MapPlot(
        output_name="out.npy",
        coordinates=compute_map(output.load_rows(), "pca"),
        colors=choose_row_colors(output, None),
    )

    assert plot.summary == "3 rows; without 1 row with values that are not finite"
    lines = plot.draw_text(TextStyle.ASCII, 40).splitlines()
    assert sorted("".join(lines[3:13]).replace(" ", "")) == ["A", "B", "C"]
    assert lines[-3:] == ["A a (1)", "B b (1)", "C c (1)"]
    assert [line.index("B") for line in lines[3:13] if "B" in line] == [39]
    assert plot.facts == {"Title": "out.npy", "Method": "PCA", "Colors": "folder"}


def test_rows_are_spread_evenly() -> None:
    """At most as many rows as wanted are chosen, from the whole array."""
    assert spread_rows(3, 5).tolist() == [0, 1, 2]
    assert spread_rows(10, 4).tolist() == [0, 2, 5, 7]


class FakeUmap:
    """Stands for umap-learn's class, with its arguments."""

    arguments: dict[str, Any]

    def __init__(self, **arguments: Any) -> None:
        FakeUmap.arguments = arguments

    def fit_transform(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the first two columns."""
        return rows[:, :2]


def test_umap_has_a_fixed_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed is given to umap-learn, and is in the metadata; without umap-learn, the message says what to do."""
    monkeypatch.setitem(
        sys.modules, "umap", SimpleNamespace(UMAP=FakeUmap, __version__="0.5", __spec__=object())
    )
    made = compute_map(ROWS, "umap")

    assert np.array_equal(made.places, ROWS[:, :2])
    assert made.facts == {"Method": "UMAP (umap-learn 0.5)", "Seed": "0"}
    assert FakeUmap.arguments == {"n_components": 2, "n_neighbors": 15, "random_state": 0, "n_jobs": 1}
    with pytest.raises(UsageError, match="needs at least 5 rows"):
        compute_map(ROWS[:4], "umap")

    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(InstallError, match=r"pip install 'specfeat\[umap\]', or use PCA"):
        compute_map(ROWS, "umap")


def test_a_file_is_found_by_its_last_parts(tmp_path: Path) -> None:
    """A name is enough if one file has it; otherwise the message lists the files."""
    output = write_sounds(tmp_path, {"a/1.wav": ROWS[:2], "b/1.wav": ROWS[2:5], "b/2.wav": ROWS[5:6]})

    assert find_file_rows(output, "b/1.wav", None).numbers.tolist() == [2, 3, 4]
    assert find_file_rows(output, "2.wav", None).numbers.tolist() == [5]
    with pytest.raises(
        UsageError, match=r"several files end in 1\.wav: a/1\.wav, b/1\.wav; give the whole path"
    ):
        find_file_rows(output, "1.wav", None)
    with pytest.raises(UsageError, match=r"has no rows of the file b/3\.wav \(did you mean 'b/2\.wav'\?\)"):
        find_file_rows(output, "b/3.wav", None)
    with pytest.raises(UsageError, match=r"the rows of 2\.wav have no channel of its own, not 1"):
        find_file_rows(output, "2.wav", 1)


def test_the_similarity_is_the_cosine(tmp_path: Path) -> None:
    """The matrix equals the cosines that NumPy computes; a row of zeros has none."""
    rows = np.concatenate([ROWS, np.zeros((1, 3), np.float32)])
    output = write_sounds(tmp_path, {"a.wav": ROWS[:4], "b.wav": rows})
    plot = make_similarity_plot("out.npy", output.load_rows(), find_file_rows(output, "b.wav", None))

    unit = ROWS / np.linalg.norm(ROWS, axis=1, keepdims=True)
    assert np.allclose(plot.matrix[:21, :21], unit @ unit.T, atol=1e-6)
    assert np.isnan(plot.matrix[21]).all()
    assert plot.summary == "22 rows"
    assert "22 rows; cosine similarity from -" in plot.draw_text(TextStyle.ASCII, 60)


def test_a_long_file_is_compared_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With more rows than columns, the means of neighbouring rows are compared, and the title says so."""
    monkeypatch.setattr(file_rows, "TIME_COLUMNS", 6)
    output = write_sounds(tmp_path, {"b.wav": ROWS})
    rows = find_file_rows(output, "b.wav", None)
    plot = make_similarity_plot("out.npy", output.load_rows(), rows)

    means = np.stack([ROWS[first : first + 4].mean(axis=0) for first in range(0, 21, 4)])
    unit = means / np.linalg.norm(means, axis=1, keepdims=True)
    assert np.allclose(plot.matrix, unit @ unit.T, atol=1e-5)
    assert plot.summary == "21 rows; a cell compares the means of 4 rows"
    assert rows.find_groups_of_columns().tolist() == [0, 1, 2, 3, 3, 4]


def test_the_scores_have_the_names_of_the_classes(tmp_path: Path) -> None:
    """The classes with the largest scores come first; wanted classes keep their order."""
    scores = np.array([[0.1, 0.9, 0.3], [0.8, 0.2, 0.3]], np.float32)
    output = write_sounds(tmp_path, {"a.wav": scores, "b.wav": 1 - scores}, labels=["cat", "dog, big", "owl"])
    array, rows = output.load_rows(), find_file_rows(output, "a.wav", None)
    plot = make_score_plot(output, array, rows, ())

    assert plot.classes == ("dog, big", "cat", "owl")
    assert np.array_equal(plot.scores, scores[:, [1, 0, 2]])
    wanted = make_score_plot(output, array, rows, ("owl", "cat"))
    assert (wanted.classes, wanted.summary) == (("owl", "cat"), "2 of 3 classes")
    assert np.array_equal(wanted.scores, scores[:, [2, 0]])
    with pytest.raises(UsageError, match=r"has no class 'owll' \(did you mean 'owl'\?\)"):
        make_score_plot(output, array, rows, ("owll",))


def test_columns_without_names_have_no_scores(tmp_path: Path) -> None:
    """Features of another network are no scores, and are refused."""
    output = write_sounds(tmp_path, {"a.wav": ROWS})
    with pytest.raises(UsageError, match="its columns have no names of classes"):
        make_score_plot(output, output.load_rows(), find_file_rows(output, "a.wav", None), ())
