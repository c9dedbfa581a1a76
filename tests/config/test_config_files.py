"""Which file a config is, and which file its weights are."""

from pathlib import Path

import pytest

from helpers.config_texts import BASE, load_text, replace_text
from specfeat.config import load_config, shipped_names
from specfeat.errors import ConfigError

pytestmark = pytest.mark.usefixtures("_in_an_empty_folder")


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_config_is_found_by_name(name: str) -> None:
    """From any folder, the name alone is enough."""
    config = load_config(name)

    assert name == config.name
    assert f"{name}.yaml" == Path(config.tree.name).name


def test_a_path_is_not_taken_for_a_shipped_name() -> None:
    """A suffix, a folder or a `Path` means a file; a name alone means the shipped config."""
    Path("yamnet.yaml").write_text(BASE)
    Path("yamnet").write_text(BASE)

    for source, last in (
        ("yamnet.yaml", "last"),
        ("./yamnet", "last"),
        (Path("yamnet"), "last"),
        ("yamnet", "embedding"),
    ):
        assert last == load_config(source).settings.model.feature_layer


_SHIPPED = f"shipped are {', '.join(shipped_names())}, or give a path to a YAML file"


@pytest.mark.parametrize(
    ("source", "rest"),
    [
        ("yament", f"no such config (did you mean 'yamnet'?); {_SHIPPED}"),
        ("YAMNET", f"no such config (did you mean 'yamnet'?); {_SHIPPED}"),
        ("xyzzy", f"no such config; {_SHIPPED}"),
        ("yamnet.yml", "no such file (did you mean 'yamnet'?)"),
        ("folder/none.yaml", "no such file; check its name, and the folder that you are in"),
        ("folder", "is a folder; wanted a YAML file"),
    ],
)
def test_the_message_about_a_missing_config_has_the_nearest_name(source: str, rest: str) -> None:
    """The message suggests the shipped config with the most similar name, or says what to check."""
    Path("folder").mkdir()

    with pytest.raises(ConfigError) as caught:
        load_config(source)

    assert f"{source}: {rest}" == str(caught.value)


@pytest.mark.parametrize("end", ["", ".yaml"])
def test_a_name_too_long_for_a_file_is_refused(end: str) -> None:
    """The system refuses to look for such a file; the message is still a ConfigError."""
    with pytest.raises(ConfigError, match=r"^x{300}"):
        load_config("x" * 300 + end)


@pytest.mark.parametrize("weights", ["weights: {file: sub/w.h5}", "weights: sub/w.h5"])
@pytest.mark.parametrize(
    ("overrides", "file"),
    [([], "models/sub/w.h5"), (["model.weights=v.h5"], "v.h5"), (["model.weights={file: v.h5}"], "v.h5")],
)
def test_a_weights_path_is_relative_to_the_config_or_the_current_folder(
    weights: str, overrides: list[str], file: str
) -> None:
    """A path in a config is relative to its folder, a path in an override to the current folder."""
    Path("models").mkdir()
    Path("models/net.yaml").write_text(replace_text(("weights:\n    random: 0", weights)))

    assert file == load_config("models/net.yaml", overrides).settings.model.weights.file


def test_an_absolute_weights_path_stays(tmp_path: Path) -> None:
    """An absolute path is used as it is."""
    text = replace_text(("random: 0", f"file: {tmp_path}/w.h5"))

    assert load_text(text).settings.model.weights.file == f"{tmp_path}/w.h5"
