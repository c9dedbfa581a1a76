"""Classifying the rows of a finished output: labels, folds, the fit, its quality and its files."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.handmade_outputs import write_output
from specfeat.analysis.average_precision import PrecisionCurve
from specfeat.analysis.head_files import load_head
from specfeat.analysis.head_selection import assign_folds
from specfeat.analysis.labels import RowLabels, read_labels
from specfeat.analysis.linear_head import LinearHead, activate
from specfeat.analysis.output_files import OutputFiles
from specfeat.analysis.row_places import read_row_places
from specfeat.cli import run_command_line
from specfeat.errors import UsageError
from specfeat.output.finished_output import open_output

FILES = ("a.wav", "b.wav", "d/c.wav", "d/e.wav")


def make_rows(file: int) -> Any:
    """Return six rows of a file: three near (2, 0, 0), three near (0, 2, 0), the third feature is constant."""
    noise = np.random.default_rng(file).normal(0, 0.5, (6, 3))
    rows = noise + np.repeat([[2.0, 0, 0], [0, 2.0, 0]], 3, axis=0)
    rows[:, 2] = 7
    return rows


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write an output of four files with six clips of 0.5 s each, and go to its folder."""
    monkeypatch.chdir(tmp_path)
    write_output(tmp_path / "out.npy", {name: make_rows(k) for k, name in enumerate(FILES)})
    return tmp_path


def write_labels(path: str = "labels.csv") -> None:
    """Label the rows as `make_rows` makes them."""
    lines = [
        f"{name},{start},{start + 1.5},{label}" for name in FILES for start, label in ((0, "x"), (1.5, "y"))
    ]
    Path(path).write_text("\n".join(["path,start,end,label", *lines]) + "\n")


def read(text: str, name: str = "t.csv", **options: Any) -> RowLabels:
    Path(name).write_text(text)
    output = open_output("out.npy")
    files = OutputFiles((entry.path for entry in output.record.files), output.record.folder or "")
    return read_labels(name, files, read_row_places(output), **options)


def list_labels(labels: RowLabels) -> dict[int, str]:
    """Return for each row its labels: as they are if it has them, with ? if that is not known."""
    return {
        int(row): "".join(
            f"{name}?" if np.isnan(value) else name * int(value)
            for name, value in zip(labels.classes, targets, strict=True)
        )
        for row, targets in zip(labels.rows, labels.targets, strict=True)
    }


@pytest.mark.parametrize(
    ("text", "expected", "activation"),
    [
        ("row,label\n3,x\n0,y\n", {0: "y", 3: "x"}, "softmax"),
        # The table that the page of a report exports.
        (
            "row,path,start_s,end_s,label,label_type\n0,a.wav,0,0.5,x,positive\n7,b.wav,0.5,1,x,negative\n",
            {0: "x", 7: ""},
            "sigmoid",
        ),
        ("row,label\n3,x;y\n0,y\n1,\n", {0: "y", 1: "", 3: "xy"}, "sigmoid"),
        (
            "path,label\nb.wav,x\na.wav,y\n",
            dict.fromkeys(range(6), "y") | dict.fromkeys(range(6, 12), "x"),
            "softmax",
        ),
        # 0.2 to 0.9 s has 0.3 s of the first clip and 0.4 s of the second one; 1.4 to 1.75 s has 0.1 and 0.25.
        ("path,start,end,label\na.wav,0.2,0.9,x\na.wav,1.4,1.75,y\n", {0: "x", 1: "x", 3: "y"}, "softmax"),
        ("path,start,end,label\nc.wav,0.1,0.2,x\ne.wav,0,0.5,y\n", {12: "x", 18: "y"}, "softmax"),
        (
            "row,label,label_type\n0,x,positive\n1,x,negative\n2,x,uncertain\n3,y,\n0,y,negative\n",
            {0: "x", 1: "y?", 3: "x?y"},
            "sigmoid",
        ),
    ],
)
def test_a_table_labels_rows(text: str, expected: dict[int, str], activation: str, run: Path) -> None:
    """By row, by file and by segment; a segment labels the clips of which it has half, or that have half of it."""
    labels = read(text)

    assert list_labels(labels) == expected
    assert labels.activation == activation


def test_the_background_has_no_label(run: Path) -> None:
    """With `background`, clips of labelled files that no segment touches are examples without a label."""
    labels = read("path,start,end,label\na.wav,0.2,0.8,x\n", background=True)

    assert list_labels(labels) == {0: "x", 1: "x", 2: "", 3: "", 4: "", 5: ""}
    assert labels.activation == "sigmoid"


def test_tables_of_other_programs_label_rows(run: Path) -> None:
    """A selection table of Raven and a label track of Audacity are read; the track belongs to the file of its name."""
    raven = (
        "Selection\tBegin Time (s)\tEnd Time (s)\tBegin Path\tFile Offset (s)\tAnnotation\n"
        "1\t0\t0.5\t/far/away/b.wav\t0.5\tx\n2\t9\t9.5\tb.wav\t1.0\ty\n"
    )
    assert list_labels(read(raven, "t.selections.txt")) == {7: "x", 8: "y"}
    assert list_labels(read("0.0\t0.5\tx\n0.5\t1.0\ty\n", "e.txt")) == {18: "x", 19: "y"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "row,path,label\n6,a.wav,x\n",
            r"line 2: row 6 of the output is that of b.wav at 0 s, but the line has a.wav; use",
        ),
        (
            "path,start,end,label,row\na.wav,1.0,2.0,x,1\n",
            r"line 2: row 1 of the output is that of a.wav at 0.5 s, but the line has a.wav at 1.0; use",
        ),
        ("row,label\n24,x\n", "line 2: row is '24'; the rows of the output are 0 to 23"),
        ("row,label\n-1,x\n", "line 2: row is '-1'"),
        ("row,labl\n1,x\n", r"has no column 'label' \(did you mean 'labl'\?\)"),
        ("row,label\n1,x\n2,x\n", "no row is known to be without the label 'x'"),
        ("path,label\nother.wav,x\n", "has no label for a row of the output"),
        (
            "row,label,label_type\n1,x,maybe\n",
            "label_type is 'maybe'; wanted positive, negative or uncertain",
        ),
        ("path,label\nwav,x\n", "has no label for a row"),
    ],
)
def test_a_wrong_table_of_labels_is_refused(text: str, message: str, run: Path) -> None:
    """The message names the table, and the line or the column."""
    with pytest.raises(UsageError, match=rf"^t\.csv: .*{message}"):
        read(text)


def test_an_ambiguous_name_is_refused() -> None:
    """The end of a path is enough only if one file of the output has it."""
    files = OutputFiles(["x/a.wav", "y/a.wav", "b.wav"], "/run")

    assert files.find_file("x/a.wav", "t.csv") == files.find_file("/run/x/a.wav", "t.csv") == 0
    assert files.find_file("y/a.wav", "/run/t.csv") == files.find_file("./a.wav", "/run/y/t.csv") == 1
    assert files.find_file("wav", "t.csv") is None
    with pytest.raises(UsageError, match=r"a\.wav can be x/a\.wav or y/a\.wav; give more of its path"):
        files.find_file("a.wav", "t.csv")


def test_the_average_precision_is_that_of_scikit_learn() -> None:
    """Also with equal scores; the threshold is the lowest score with the precision in scikit-learn's curve."""
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    for levels in (5, 1000):
        has_label = random.uniform(size=300) < 0.3
        scores = np.round(random.uniform(size=300) + has_label * 0.3, 2 if levels == 5 else 12)
        curve = PrecisionCurve(has_label, scores.astype(np.float64))
        precisions, recalls, thresholds = metrics.precision_recall_curve(has_label, scores)
        good = np.flatnonzero(precisions[:-1] >= 0.6)

        assert curve.average_precision == pytest.approx(metrics.average_precision_score(has_label, scores))
        assert curve.find_threshold(0.6) == pytest.approx((thresholds[good[0]], recalls[good[0]]))
    assert PrecisionCurve(np.array([False, True]), np.array([0.9, 0.1])).find_threshold(0.6) is None


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_the_fit_is_that_of_scikit_learn(activation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scores are those of logistic regression on standardised features, over the borders of blocks."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    from specfeat.analysis import head_fitting

    monkeypatch.setattr(head_fitting, "_BLOCK_VALUES", 50)
    random = np.random.default_rng(1)
    rows = (random.normal(0, 3, (60, 4)) + 5).astype(np.float16)
    labels = random.integers(0, 3, 60)
    head = head_fitting.fit_head(rows, np.eye(3)[labels], activation, 0.1)
    standardised = (rows.astype(float) - rows.astype(float).mean(0)) / rows.astype(float).std(0)
    # scikit-learn's loss is a sum over the rows, and its C is the inverse of the strength.
    strength = 1 / (0.1 * 60)
    if activation == "softmax":
        model = linear_model.LogisticRegression(C=strength, tol=1e-9, max_iter=1000).fit(standardised, labels)
        truth = model.predict_proba(standardised)
    else:
        models = [linear_model.LogisticRegression(C=strength, tol=1e-9, max_iter=1000) for _ in range(3)]
        truth = np.stack(
            [
                one.fit(standardised, labels == k).predict_proba(standardised)[:, 1]
                for k, one in enumerate(models)
            ],
            1,
        )

    assert head.compute_scores(rows) == pytest.approx(truth, abs=1e-4)
    kernel, bias = head.fold_standardisation()
    assert activate((rows.astype(float) @ kernel + bias).astype(np.float64), activation) == pytest.approx(
        truth, abs=1e-4
    )


def test_what_is_not_known_does_not_count() -> None:
    """A row whose label is not known changes nothing for this class, and a constant feature does no harm."""
    from specfeat.analysis.head_fitting import fit_head

    rows = np.array([[1, 5.1], [2, 5.1], [3, 5.1], [9, 5.1]], np.float32)
    some = fit_head(rows, np.array([[1.0], [0], [1], [np.nan]]), "sigmoid", 0.1)
    same = fit_head(rows, np.array([[1.0, 0], [0, 1], [1, 1], [np.nan, 1]]), "sigmoid", 0.1)

    assert some.kernel[:, 0] == pytest.approx(same.kernel[:, 0], abs=1e-5)
    assert np.abs(some.kernel[1]).max() < 1e-6


def test_a_fold_has_whole_files() -> None:
    """All rows of a file are in one fold, and each class is in several folds."""
    files = np.repeat(np.arange(12), 5)
    targets = np.eye(2)[(files % 2)]
    folds = assign_folds(targets, files)

    assert [len(set(folds[files == file])) for file in range(12)] == [1] * 12
    assert all(len(set(folds[targets[:, k] == 1])) == 5 for k in (0, 1))


def test_a_classifier_is_fitted_saved_and_applied(
    run: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The scores of the rows show their labels; the same labels give the same bytes; each class has its quality."""
    write_labels()
    assert run_command_line(["classify", "fit", "out.npy", "labels.csv", "model.json"]) == 0
    message = capsysbinary.readouterr().err.decode()
    assert "2 classes, fitted on 24 rows of 4 files" in message
    assert "x: average precision 1.000; from a score of " in message
    assert run_command_line(["classify", "fit", "out.npy", "labels.csv", "again", "-q"]) == 0
    for suffix in (".json", ".npz"):
        assert Path(f"model{suffix}").read_bytes() == Path(f"again{suffix}").read_bytes()

    assert run_command_line(["classify", "apply", "out.npy", "model.json"]) == 0
    lines = list(csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode())))
    assert [line["labels"] for line in lines] == (["x"] * 3 + ["y"] * 3) * 4
    assert lines[13]["path"] == "d/c.wav"
    assert (lines[13]["row"], lines[13]["start_s"], lines[13]["end_s"]) == ("13", "0.5", "1.0")
    assert all(float(line["x"]) + float(line["y"]) == pytest.approx(1, abs=1e-5) for line in lines)


def test_files_are_not_replaced_unasked(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a classifier nor a table of scores replaces a file without --force."""
    write_labels()
    Path("model.npz").write_text("precious")
    assert run_command_line(["classify", "fit", "out.npy", "labels.csv", "model"]) == 2
    assert Path("model.npz").read_text() == "precious"
    assert (
        run_command_line(["classify", "fit", "out.npy", "labels.csv", "model", "--force", "--l2", "1"]) == 0
    )
    assert json.loads(Path("model.json").read_text())["l2"] == 1
    assert run_command_line(["classify", "apply", "out.npy", "model", "-o", "labels.csv"]) == 2
    assert "labels.csv: exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (["fit", "out.npy", "labels.csv", "out.run"], "out.run.json"),
        (["apply", "out.npy", "model", "-o", "out.npy"], "out.npy"),
    ],
)
def test_no_file_of_the_output_is_replaced(
    words: list[str], file: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even with --force, neither a classifier nor a table of scores replaces array, index or record."""
    write_labels()
    run_command_line(["classify", "fit", "out.npy", "labels.csv", "model", "-q", "--l2", "1"])
    contents = {path: path.read_bytes() for path in run.glob("out.*") if path.is_file()}
    code = run_command_line(["classify", *words, "--force"])

    assert code == 2
    assert f"{file}: is a file of the output itself" in capsys.readouterr().err
    assert contents == {path: path.read_bytes() for path in contents}


def test_a_head_that_cannot_be_written_is_refused_before_the_fit(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The config of another version is refused before the fit; the message names no option of another command."""
    from specfeat.analysis import classify

    monkeypatch.setattr(classify, "fit_classifier", lambda *_: pytest.fail("fitted"))
    write_labels()
    record = json.loads(Path("out.run.json").read_text())
    record["config"]["resolved"]["clips"]["frames"] = 60
    Path("out.run.json").write_text(json.dumps(record))

    words = ["classify", "fit", "out.npy", "labels.csv", "m", "--head", "m.yaml"]
    assert run_command_line(words) == 2
    message = capsys.readouterr().err
    assert "does not read; extract it again, or use the version of specfeat that has written it" in message
    assert "--row" not in message


def test_labels_of_one_file_are_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The quality in unseen files cannot be known then."""
    Path("t.csv").write_text("row,label\n0,x\n3,y\n")

    assert run_command_line(["classify", "fit", "out.npy", "t.csv", "model"]) == 2
    assert "in fewer than two files" in capsys.readouterr().err


def test_a_classifier_of_other_rows_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the setting or the weights that differ."""
    write_labels()
    run_command_line(["classify", "fit", "out.npy", "labels.csv", "model", "-q"])
    record = json.loads(Path("model.json").read_text())
    record["config"]["resolved"]["clips"]["frames"] = 60
    record["weights"] = {"random": 5}
    Path("model.json").write_text(json.dumps(record))

    assert run_command_line(["classify", "apply", "out.npy", "model"]) == 2
    assert "(clips.frames: 60, now 50, weights.random: 5, now 0); use an output" in capsys.readouterr().err


def damage_arrays(change: Any) -> None:
    """Replace the arrays of the classifier `model`, with the right SHA-256."""
    import hashlib

    with np.load("model.npz") as arrays:
        changed = change({name: arrays[name] for name in arrays.files})
    np.savez("model.npz", **changed)
    record = json.loads(Path("model.json").read_text())
    record["arrays_sha256"] = hashlib.sha256(Path("model.npz").read_bytes()).hexdigest()
    Path("model.json").write_text(json.dumps(record))


class Attack:
    """An object whose unpickling writes a file."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("attacked"),)


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: {**arrays, "kernel": arrays["kernel"].astype(np.float32)},
        lambda arrays: {**arrays, "kernel": arrays["kernel"][:, :1]},
        lambda arrays: {**arrays, "bias": arrays["bias"] * np.nan},
        lambda arrays: {**arrays, "more": arrays["bias"]},
        lambda arrays: {**arrays, "bias": np.array([Attack(), Attack()])},
    ],
    ids=["type", "shape", "nan", "more", "pickle"],
)
def test_damaged_arrays_are_refused(change: Any, run: Path) -> None:
    """Names, shapes, types and values are checked, and nothing is unpickled."""
    write_labels()
    run_command_line(["classify", "fit", "out.npy", "labels.csv", "model", "-q", "--l2", "1"])
    head, _ = load_head("model")
    assert isinstance(head, LinearHead)
    damage_arrays(change)

    with pytest.raises(UsageError, match=r"^model\.npz: "):
        load_head("model.json")
    assert not Path("attacked").exists()


@pytest.mark.parametrize("text", ["", "{}", "[" * 100_000, '{"format": 2}', "null"])
def test_a_file_that_is_no_classifier_is_refused(text: str, tmp_path: Path) -> None:
    """The message is one sentence, whatever the file has."""
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(UsageError, match=r"m\.json: is not a classifier of this version of specfeat"):
        load_head(str(tmp_path / "m"))
    with pytest.raises(UsageError, match="no such file"):
        load_head(str(tmp_path / "none"))
