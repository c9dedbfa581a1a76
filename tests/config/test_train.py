"""The section `train`: its rules, its paths, and that it changes nothing else."""

from pathlib import Path

import pytest

from helpers.config_texts import BASE, get_refusal, load_text
from specfeat.config import load_config
from specfeat.config.train import Train

pytestmark = pytest.mark.usefixtures("_in_an_empty_folder")


def _load_train(text: str) -> Train:
    train = load_text(f"{BASE}train: {text}\n").settings.train
    assert train is not None
    return train


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{labels: {multi: true}}",
         "train.labels.multi: multi applies only to a table, and there is none; give labels: {file: labels.csv, multi: true}"),
        ("{split: {validation: 0.5, test: 0.5}}",
         "train.split: leaves nothing to train with; validation and test must add up to less than 1"),
        ("{split: {by: speaker}}", "train.split.by: is 'speaker', a column, but there is no table; give file or folder"),
        ("{augment: [{}]}", "train.augment[0]: needs exactly one of gain, speed, mix, noise, equalize, shift, mask, mixup"),
        ("{augment: [{mix: 0.5, shift: 3}]}",
         "train.augment[0]: needs exactly one of gain, speed, mix, noise, equalize, shift, mask, mixup"),
        ("{augment: [{gain: [6, -6]}]}", "train.augment[0].gain: gain is [6.0, -6.0]; the lowest value comes first"),
        ("{augment: [{noise: {folder: n, snr: [6, 0]}}]}",
         "train.augment[0].noise: snr is [6.0, 0.0]; the lowest value comes first"),
        ("{task: distill}", "train.teachers: task: distill needs at least one teacher"),
        ("{teachers: [{config: yamnet}]}", "train.teachers: teachers apply only together with task: distill"),
        ("{task: contrast, augment: [{mix: 0.5}]}",
         "train.variants: is 1, but task: contrast compares random forms of a clip; give 2 or more"),
        ("{task: contrast, variants: 2, augment: [{shift: 2}]}",
         "train.augment: task: contrast compares random forms of a clip; give a change of samples, e.g. gain or mix"),
        ("{optimizer: {Adm: {}}}", "train.optimizer: is the text 'Adm'; wanted one of adam, adamw, "),
        ("{optimizer: {AdamW: {lr: 0.1}}}", "train.optimizer: has the argument 'lr'; known: learning_rate, "),
        ("{optimizer: {AdamW: 0.1}}", "train.optimizer: has no mapping of arguments; wanted e.g. {AdamW: {"),
        ("{epoch: 3}", "train.epoch: is not known here (did you mean 'epochs'?)"),
        ("{mixup: 0.2}", "train.mixup: is not known here; known: task, labels, split, balance, augment,"),
        ("3", "train: is 3; wanted a mapping, its keys indented below"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) and value[0] == "{" else "",
)  # fmt: skip
def test_a_mistake_is_told_in_one_sentence(text: str, message: str) -> None:
    """The message names the line and the key."""
    refusal = get_refusal(f"{BASE}train: {text}\n")

    assert refusal.startswith("bad.yaml:20:")
    assert message in refusal


def test_the_optimizer_may_be_a_name_or_have_arguments() -> None:
    """Names are Keras', in any case; the arguments that are left out have Keras' values, but for the rate."""
    plain, full = (
        _load_train(f"{{optimizer: {text}}}").optimizer
        for text in ("SGD", "{AdamW: {learning_rate: 1e-2, weight_decay: 1e-4}}")
    )

    assert plain is not None
    assert full is not None
    assert (plain.name, plain.arguments) == ("sgd", {"learning_rate": 1e-3})
    assert (full.name, full.arguments) == ("adamw", {"learning_rate": 0.01, "weight_decay": 1e-4})


def test_paths_are_relative_to_the_config() -> None:
    """Paths of labels, noises and teachers follow the config; shipped names and overrides stay as they are."""
    Path("deep").mkdir()
    Path("deep/bad.yaml").write_text(
        f"{BASE}train:\n  task: distill\n  labels: {{file: l.csv}}\n  augment: [{{noise: {{folder: n}}}}]\n"
        "  teachers: [{config: yamnet, weights: w.h5}, {config: t.yaml}]\n"
    )
    train = load_config("deep/bad.yaml").settings.train
    other = load_config("deep/bad.yaml", ["train.labels.file=x.csv"]).settings.train

    assert train is not None
    assert other is not None
    assert train.labels.file == "deep/l.csv"
    assert train.augment[0].noise is not None
    assert train.augment[0].noise.folder == "deep/n"
    assert [(t.config, t.weights) for t in train.teachers] == [("yamnet", "deep/w.h5"), ("deep/t.yaml", None)]
    assert other.labels.file == "x.csv"


def test_the_section_changes_no_features() -> None:
    """The digest that the record has is the same with and without the section."""
    assert load_text(f"{BASE}train: {{epochs: 3}}\n").settings.digest == load_text(BASE).settings.digest
