"""The JSON schema of configs: what specfeat reads is valid, and typical mistakes are not."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from specfeat.architecture.kinds import LAYER_KINDS
from specfeat.config.yaml_tree import read_tree
from specfeat.inspection import layer_schema
from specfeat.inspection.config_schema import SCHEMA_NAME, make_config_schema

CONFIGS = Path(__file__).parents[2] / "configs"
STARTER = Path(layer_schema.__file__).with_name("starter.yaml")
FILES = (*sorted(CONFIGS.rglob("*.yaml")), STARTER)
MODELINE = f"# yaml-language-server: $schema={SCHEMA_NAME}"


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = make_config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_shipped_config_is_valid(path: Path, validator: Any) -> None:
    """The schema refuses no config that comes with specfeat."""
    assert [error.message for error in validator.iter_errors(read_tree(path, "").data)] == []


VALID = (
    "audio: {sample_rate: 8000, channels: {stack: 2}, res_type: null}",
    "spectrogram: {hop_seconds: 0.01, window: [kaiser, 8.6], compress: [{db: }, {power: {exponent: 2}}]}",
    "spectrogram: {hop_length: 80, normalize: {mean: numbers.txt, std: [1, 2.5]}}",
    "clips: {seconds: 1, hop_seconds: 0.5}",
    "model: {layers: [{repeat: 2, layers: [Flatten]}, ReLU: ], weights: w.h5, labels: {file: c.csv}}",
    "model: {layers: [Flatten], weights: {random: 0}, features: [a, {b: {pool: mean+std, over: time}}, {c: max}]}",
    "model: {layers: [Flatten], weights: {random: 0}, postprocess: [{pca: p.npz}, l2]}",
    "model: {layers: [{Bidirectional: {layer: {LSTM: {units: 3}}}}], weights: {random: 0}}",
    "train: {optimizer: AdamW, stop: null}",
)
INVALID = (
    "audio: {sample_rat: 8000}",
    "audio: {sample_rate: fast}",
    "audio: {sample_rate: 8000, channels: stereo}",
    "spectrogram: {n_fft: 512}",  # without the hop
    "spectrogram: {hop_length: 80, mel: {n_mel: 64}}",
    "clips: {frames: 0}",
    "model: {layers: [], weights: {random: 0}}",
    "model: {layers: [Conv2D], weights: {random: 0}}",
    "model: {layers: [{Conv2D: {filters: 8, kernel: 3}}], weights: {random: 0}}",
    "model: {layers: [{Conv2D: {filters: 8, kernel_size: 3, padding: full}}], weights: {random: 0}}",
    "model: {layers: [{Conv: {filters: 8}}], weights: {random: 0}}",
    "model: {layers: [{Add: {}}], weights: {random: 0}}",
    "model: {layers: [Flatten], weights: random}",
    "model: {layers: [Flatten]}",
)


def _complete(text: str, folder: Path) -> Any:
    """Return a section together with the smallest other sections."""
    (folder / "c.yaml").write_text(text)
    sections = {
        "audio": {"sample_rate": 8000},
        "spectrogram": {"hop_length": 80},
        "clips": {"frames": 10},
        "model": {"layers": ["Flatten"], "weights": {"random": 0}},
    }
    return {**sections, **read_tree(folder / "c.yaml", "").data}


@pytest.mark.parametrize("text", VALID)
def test_the_forms_of_a_config_are_valid(text: str, validator: Any, tmp_path: Path) -> None:
    """Short forms, lengths in seconds, files in place of values, and null for a key that is left out."""
    assert [error.message for error in validator.iter_errors(_complete(text, tmp_path))] == []


@pytest.mark.parametrize("text", INVALID)
def test_typical_mistakes_are_not_valid(text: str, validator: Any, tmp_path: Path) -> None:
    """An unknown key, a wrong type, a missing key, an unknown layer or argument."""
    assert not validator.is_valid(_complete(text, tmp_path))


def test_every_type_of_argument_has_a_schema() -> None:
    """A new type of argument needs a schema of its own; keys have the descriptions of their sections."""
    arguments = [argument for kind in LAYER_KINDS.values() for argument in kind.arguments.values()]
    unknown = {
        type(argument).__name__ for argument in arguments if not layer_schema.make_argument_schema(argument)
    }

    assert unknown == set()
    descriptions = make_config_schema()["$defs"]["Spectrogram"]["properties"]
    assert [key for key, value in descriptions.items() if len(value.get("description", "")) < 20] == []


def test_every_shipped_config_names_the_schema() -> None:
    """The first line tells editors which schema to use."""
    assert [path.name for path in FILES if path.read_text().splitlines()[0] != MODELINE] == []
