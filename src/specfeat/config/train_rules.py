"""The rules that tie the settings of a training together."""

from specfeat.config.audio import Audio
from specfeat.config.augmentation import Augmentation
from specfeat.config.section import list_given_keys, make_rule_error
from specfeat.config.train import Teacher, Train
from specfeat.key_path import KeyPath


def check_train(train: Train) -> None:
    """Check what ties the settings of the training together."""
    labels, split = train.labels, train.split
    if labels.multi and labels.file is None:
        text = (
            "multi applies only to a table, and there is none; give labels: {file: labels.csv, multi: true}"
        )
        raise make_rule_error(("train", "labels", "multi"), text)
    if split.validation + split.test >= 1:
        raise make_rule_error(
            ("train", "split"), "leaves nothing to train with; validation and test must add up to less than 1"
        )
    if split.by not in ("file", "folder") and labels.file is None:
        text = f"is {split.by!r}, a column, but there is no table; give file or folder"
        raise make_rule_error(("train", "split", "by"), text)
    for number, augmentation in enumerate(train.augment):
        _check_augmentation(augmentation, number)
    _check_task(train)


def check_training_channels(train: Train, audio: Audio) -> None:
    """Check that random changes of samples are asked for only with sounds of one channel."""
    if audio.stacked_channels and train.sample_augmentations:
        text = "changes samples of one channel, and audio.channels stacks several; leave it out"
        raise make_rule_error(("train", "augment"), text)


def _check_task(train: Train) -> None:
    if train.task == "distill" and not train.teachers:
        raise make_rule_error(("train", "teachers"), "task: distill needs at least one teacher")
    if train.teachers and train.task != "distill":
        raise make_rule_error(("train", "teachers"), "teachers apply only together with task: distill")
    for number, teacher in enumerate(train.teachers):
        _check_teacher(teacher, ("train", "teachers", number))
    if any(teacher.output for teacher in train.teachers):
        _check_unchanged_samples(train)
    if train.task == "contrast" and train.variants < 2:
        raise make_rule_error(
            ("train", "variants"), "is 1, but task: contrast compares random forms of a clip; give 2 or more"
        )
    if train.task == "contrast" and not train.sample_augmentations:
        raise make_rule_error(
            ("train", "augment"),
            "task: contrast compares random forms of a clip; give a change of samples, e.g. gain or mix",
        )


def _check_teacher(teacher: Teacher, path: KeyPath) -> None:
    if (teacher.config is None) == (teacher.output is None):
        raise make_rule_error(path, "needs either config (its rows are computed) or output (it has the rows)")
    for key in ("weights", "features"):
        if teacher.output is not None and getattr(teacher, key) is not None:
            text = "applies only together with config; an output has the rows already"
            raise make_rule_error((*path, key), text)


def _check_unchanged_samples(train: Train) -> None:
    """Check that no samples are changed: the rows of an output are those of the unchanged sounds."""
    for number, step in enumerate(train.augment):
        if step.changes_samples:
            name = list_given_keys(step)[0]
            text = (
                f"{name} changes the samples, but a teacher with output has only the rows of the unchanged "
                f"sounds; remove {name}, or give the teacher's config instead of its output"
            )
            raise make_rule_error(("train", "augment", number), text)
    if train.variants > 1:
        text = f"is {train.variants}, but a teacher with output has rows for one form of each clip; give 1"
        raise make_rule_error(("train", "variants"), text)


def _check_augmentation(augmentation: Augmentation, number: int) -> None:
    names = list_given_keys(augmentation)
    if len(names) != 1:
        keys = ", ".join(Augmentation.model_fields)
        raise make_rule_error(("train", "augment", number), f"needs exactly one of {keys}")
    for name, limits in (
        ("gain", augmentation.gain),
        ("snr", augmentation.noise.snr if augmentation.noise else None),
    ):
        if limits is not None and limits[0] > limits[1]:
            path = ("train", "augment", number, names[0])
            raise make_rule_error(path, f"{name} is {list(limits)}; the lowest value comes first")
