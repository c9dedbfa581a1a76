"""`model.labels`: the names of classes, from the config or from a file."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.sample_records import make_provenance
from specfeat.architecture.feature_sources import ColumnGroup
from specfeat.config import Settings, load_config
from specfeat.errors import ConfigError
from specfeat.output.feature_columns import name_features
from specfeat.run.provenance import collect_provenance, describe_differences

NETWORK = "model.layers=[GlobalAveragePooling2D: {name: mean}, Dense: {name: row, units: 3}]"
NAMES = ("Speech", "Child speech, kid speaking", "Größe")
TABLE = 'index,mid,display_name\n0,/m/09x0r,Speech\n1,/m/0ytgt,"Child speech, kid speaking"\n2,/m/1,Größe\n'


def _load(labels: object) -> Settings:
    return load_config("minimal", [NETWORK, f"model.labels={labels}"]).settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text", "labels"),
    [
        ("map.csv", TABLE, "map.csv"),
        ("map.csv", TABLE, "{file: map.csv, column: display_name}"),
        ("map.CSV", "\ufeff" + TABLE.replace("\n", "\r\n"), "map.CSV"),
        ("map.tsv", "nummer\ttext\na\tSpeech\nb\tChild speech, kid speaking\nc\tGröße\n", "{file: map.tsv, column: text}"),
        ("one.csv", 'anything\nSpeech\n"Child speech, kid speaking"\nGröße\n', "one.csv"),
        ("classes.txt", "Speech\r\n Child speech, kid speaking\n\nGröße", "classes.txt"),
    ],
    ids=str,
)  # fmt: skip
def test_names_are_read_from_files(folder: Path, name: str, text: str, labels: str) -> None:
    """A column of a table, or the lines of a text, with the line ends and the mark of Windows or without."""
    (folder / name).write_bytes(text.encode())

    assert _load(labels).model.labels == NAMES


def test_a_path_is_relative_to_the_config(folder: Path) -> None:
    """So that config and names can be moved together; the record has the names and not the path."""
    (folder / "sub").mkdir()
    (folder / "sub/map.csv").write_text(TABLE, encoding="utf-8")
    text = load_config("minimal", [NETWORK]).settings.model_dump_json()
    config = text.replace('"model":{', '"model":{"labels":{"file":"map.csv"},')
    (folder / "sub/my.yaml").write_text(config, encoding="utf-8")
    settings = load_config("sub/my.yaml").settings

    assert settings.model.labels == NAMES
    assert settings.model_dump(mode="json")["model"]["labels"] == list(NAMES)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("[a, b]", "model.labels: has 2 names, but the layers of the features give 3 values"),
        ("[a, b, 7]", "model.labels[2]: is 7"),
        ("no.csv", "model.labels: is the text 'no.csv': no such file; wanted a list of names"),
        ("{file: map.csv, column: name}", "has no column 'name'; it has index, mid, display_name"),
        ("{file: map.csv, colunm: mid}", "model.labels.colunm: is not known here (did you mean 'column'?)"),
        ("{column: mid}", "wanted a list of names, a file with one name on each line"),
        ("two.csv", "has the columns a, b; choose one with column"),
        ("gap.csv", "has the text '2' in the column 'index' where 1 should be"),
        ("{file: lines.txt, column: name}", "has no columns; only .csv and .tsv files have them"),
        ("latin.txt", "is not UTF-8 text (byte 1); save it as UTF-8"),
        ("empty.csv", "is empty; wanted a table with a header"),
        ("pipe", "no such file"),
    ],
    ids=str,
)
def test_wrong_names_are_refused(folder: Path, labels: str, message: str) -> None:
    """The message names the key, what is wrong, and what is wanted."""
    (folder / "map.csv").write_text(TABLE, encoding="utf-8")
    (folder / "two.csv").write_text("a,b\n1,2\n")
    (folder / "gap.csv").write_text("index,name\n0,a\n2,b\n")
    (folder / "lines.txt").write_text("a\nb\nc\n")
    (folder / "latin.txt").write_bytes(b"G\xf6\n")
    (folder / "empty.csv").write_text("")
    os.mkfifo(folder / "pipe")
    with pytest.raises(ConfigError) as caught:
        _load(labels)

    assert message in str(caught.value)


def test_names_do_not_change_the_features() -> None:
    """The digest is that of a config without names, and an output can be updated with names."""
    plain, named = (
        load_config("minimal", [NETWORK]),
        load_config("minimal", [NETWORK, "model.labels=[a, b, c]"]),
    )

    assert plain.settings.digest == named.settings.digest
    assert "labels" not in plain.settings.model_dump(mode="json")["model"]
    assert describe_differences(collect_provenance(plain), collect_provenance(named)) == ""


def test_columns_have_the_names() -> None:
    """Columns of scores have the names of the classes, also beside other layers and for several statistics."""
    config = load_config("minimal", [NETWORK, "model.labels=[a, b, c]"])
    provenance = replace(make_provenance(), config=collect_provenance(config).config, features=3)
    scores = ColumnGroup(layer="row", first=2, count=3)
    groups = (ColumnGroup(layer="mean", pool="max", over="both", first=0, count=2), scores)

    assert name_features(provenance) == ("a", "b", "c")
    both = replace(provenance, features=5, feature_columns=groups)
    assert name_features(both) == ("mean_max_0", "mean_max_1", "a", "b", "c")
    statistics = tuple(replace(scores, rows=rows, first=3 * k) for k, rows in enumerate(("mean", "std")))
    per_file = replace(provenance, features=6, feature_columns=statistics)
    assert name_features(per_file) == ("a_mean", "b_mean", "c_mean", "a_std", "b_std", "c_std")


def test_names_may_belong_to_one_of_several_layers() -> None:
    """The layer that has as many values as there are names, and is not pooled."""
    load_config("minimal", [NETWORK, "model.labels=[a, b, c]", "model.features=[mean, row]"])
    with pytest.raises(ConfigError, match="has 2 names, but the layers of the features give"):
        load_config("minimal", [NETWORK, "model.labels=[a, b]", "model.features=[mean, row]"])
