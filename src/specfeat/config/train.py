"""The settings `train`: how `specfeat train` finds the weights. `specfeat extract` does not use them."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from specfeat.config.augmentation import Augmentation, Share, Text
from specfeat.config.model import Optimizer
from specfeat.config.section import Section, list_given_keys, make_rule_error
from specfeat.text import format_value, suggest_name


class Labels(Section):
    """The source of the labels of the sounds: a table, or the names of folders.

    Attributes:
        file: the table: a CSV file, or a TSV file if its name ends in .tsv, with a header line and one line
            for each sound. In a config the path is relative to the config's folder. If it is left out, the
            label of a file is the name of the folder, directly below an input, that contains it.
        path: the name of the column with the path of the audio file, relative to the input folder, to the
            folder of the table or to the current folder.
        label: the name of the column with the label. With `multi`, `separator` is between several labels.
        start: the name of the column with the start of the sound in its file, in seconds. The table may lack
            this column.
        end: the name of the column with the end of the sound in its file, in seconds. The table may lack this
            column.
        split: the name of the column with the part of the sound: "train", "validation" or "test". The table
            may lack this column.
        multi: whether a sound may have several labels, or no label.
        separator: the text between the labels of a sound.
    """

    file: Text | None = None
    path: Text = "path"
    label: Text = "label"
    start: Text = "start"
    end: Text = "end"
    split: Text = "split"
    multi: bool = False
    separator: Annotated[str, Field(min_length=1, max_length=8)] = ";"


class Split(Section):
    """How the sounds are divided into the parts for training, validation and test.

    The sounds of one group are always in the same part.

    Attributes:
        validation: the share of the sounds in the validation part, 0 to 1. The results for this part decide
            which weights are the best.
        test: the share of the sounds in the test part, 0 to 1. The results for this part are computed once,
            at the end.
        by: the sounds that form a group: those with the same "file", the same "folder", or the same value in
            the column of the table with this name.
        seed: the seed of the random choice.
    """

    validation: Share = 0.2
    test: Share = 0.0
    by: Text = "file"
    seed: NonNegativeInt = 0


class Teacher(Section):
    """A network whose features the trained network learns to predict.

    Attributes:
        config: the shipped config or the YAML file of the teacher. Its clips get the hop of the trained
            network's config. Given if `output` is not.
        output: the array of an output with the features of the teacher for all sounds of the training. Given
            if `config` is not. Its rows are of the unchanged sounds, so the samples may not be changed.
        weights: the weights file of the teacher; if left out, the file that the teacher's config names.
        features: the layer of the teacher whose output is predicted; if left out, the layer that the
            teacher's config names.
        weight: the factor of this teacher in the sum of the losses.
        power: the exponent of the teacher's values before they are standardised, e.g. 0.5 for values that are
            never negative and often 0.
        min_deviation: the least deviation by which a column is divided, as a share of the root mean square of
            the deviations of all columns. A column that is almost always 0 has a small deviation; without
            this limit, its few other values would be very large, and most of the loss would come from them.
    """

    later_keys: ClassVar[frozenset[str]] = frozenset({"output", "min_deviation"})

    config: Text | None = None
    output: Text | None = None
    weights: Text | None = None
    features: Text | None = None
    weight: PositiveFloat = 1.0
    power: Annotated[float, Field(gt=0, le=1)] = 1.0
    min_deviation: Share = 0.0


class Stop(Section):
    """When the training ends early, and which weights are the best.

    Attributes:
        monitor: the name of the result of the validation part that is compared from epoch to epoch, e.g.
            "val_loss" or "val_accuracy".
        patience: the number of epochs without a better result after which the training ends.
        min_delta: the smallest difference by which a result must be better.
    """

    monitor: Text = "val_loss"
    patience: PositiveInt = 8
    min_delta: NonNegativeFloat = 0.0


class Schedule(Section):
    """How the learning rate changes from step to step.

    Attributes:
        kind: "constant", or "cosine", which falls like half a period of a cosine.
        warmup: the share of all steps, 0 to 1, in which the rate first rises linearly from 0.
        final: the rate at the end, divided by the highest rate, 0 to 1.
    """

    kind: Literal["constant", "cosine"] = "cosine"
    warmup: Share = 0.05
    final: Share = 0.01


class Cache(Section):
    """How the clips are kept on the disk while the network is trained.

    Attributes:
        dtype: the type of the values on the disk: "float32" for the exact values, "float16" for half of the
            space.
        max_gb: the largest size of all clips in gigabytes. If they need more, an error is reported before the
            training begins.
    """

    dtype: Literal["float32", "float16"] = "float32"
    max_gb: PositiveFloat = 50.0


def _expand_optimizer(value: object) -> object:
    """Convert the short forms `NAME` and `{NAME: {ARGUMENT: VALUE}}` to `{name: NAME, ARGUMENT: VALUE}`.

    The name of the optimizer is converted to lower case.

    Raises:
        PydanticCustomError: Keras has no such optimizer, or it has no such argument in a config.
    """
    name: object
    arguments: object
    if isinstance(value, str):
        name, arguments = value, {}
    elif isinstance(value, Mapping) and len(value) == 1 and "name" not in value:
        ((name, arguments),) = value.items()
        arguments = {} if arguments is None else arguments
    else:
        return value
    names = get_args(Optimizer)
    if str(name).lower() not in names:
        hint = suggest_name(str(name).lower(), names)
        raise make_rule_error((), f"is {format_value(name)}; wanted one of {', '.join(names)}{hint}")
    if not isinstance(arguments, Mapping):
        raise make_rule_error((), "has no mapping of arguments; wanted e.g. {AdamW: {learning_rate: 1e-3}}")
    known = [key for key in OptimizerSettings.model_fields if key != "name"]
    for key in arguments:
        if key not in known:
            hint = suggest_name(str(key), known)
            text = f"has the argument {str(key)!r}; known: {', '.join(known)}{hint}"
            raise make_rule_error((), text)
    return {"name": str(name).lower(), **arguments}


class OptimizerSettings(Section):
    """The optimizer and its arguments with Keras' names, e.g. `{AdamW: {learning_rate: 1e-3}}` in a config.

    Attributes:
        name: the name of a Keras optimizer.
        learning_rate: the highest learning rate.
        weight_decay: the weight decay of each step; no decay if left out.
        clipnorm: the largest norm of the gradient of one variable. Larger gradients are scaled. No limit if
            left out.
        global_clipnorm: the largest norm of all gradients together. Larger gradients are scaled. No limit if
            left out.
        momentum: the momentum; only for sgd and rmsprop.
    """

    name: Optimizer
    learning_rate: PositiveFloat = 1e-3
    weight_decay: PositiveFloat | None = None
    clipnorm: PositiveFloat | None = None
    global_clipnorm: PositiveFloat | None = None
    momentum: Share | None = None

    @property
    def arguments(self) -> dict[str, float]:
        """The arguments that are passed to Keras' optimizer: those that the config gives."""
        return {name: getattr(self, name) for name in list_given_keys(self) if name != "name"}


class Train(Section):
    """The section `train`: how the network is trained.

    Attributes:
        task: what the network learns. "classify": to predict the labels. "distill": to predict the features
            of other networks, the teachers. "contrast": to find the two clips that are random forms of the
            same clip, which needs no labels.
        labels: the source of the labels.
        split: how the sounds are divided into the parts for training, validation and test.
        balance: how classes of unequal size are treated. "none" does nothing. "weights" gives rare classes a
            larger weight in the loss. "sample" draws the clips so that all classes are equally frequent.
        augment: the random changes of sounds and clips, in the order in which they are applied. The sounds of
            the validation and test parts are not changed.
        variants: the number of random forms of each clip, if samples are changed.
        teachers: the networks whose features are predicted, for `distill`.
        temperature: the temperature of the loss, for `contrast`.
        freeze: the patterns of the names of layers whose weights are not changed; "*" stands for any number
            of characters.
        optimizer: the optimizer and its arguments; if left out, the optimizer of `model.compile`.
        schedule: how the learning rate changes.
        epochs: how many times the network sees all clips for training.
        batch: the number of clips in one step.
        stop: when the training ends early. null means that it continues to the last epoch.
        seed: the seed of everything random in the training.
        cache: how clips are kept on the disk.
        checkpoint_s: the time between two checkpoints inside an epoch, in seconds; 0 for a checkpoint after
            each step. At the end of an epoch there is always a checkpoint.
    """

    task: Literal["classify", "distill", "contrast"] = "classify"
    labels: Labels = Labels()
    split: Split = Split()
    balance: Literal["none", "weights", "sample"] = "none"
    augment: tuple[Augmentation, ...] = ()
    variants: Annotated[PositiveInt, Field(le=1000)] = 1
    teachers: tuple[Teacher, ...] = ()
    temperature: PositiveFloat = 0.1
    freeze: tuple[Text, ...] = ()
    optimizer: Annotated[OptimizerSettings, BeforeValidator(_expand_optimizer)] | None = None
    schedule: Schedule = Schedule()
    epochs: Annotated[PositiveInt, Field(le=1_000_000)] = 50
    batch: Annotated[PositiveInt, Field(le=65_536)] = 64
    stop: Stop | None = Stop()
    seed: Annotated[NonNegativeInt, Field(lt=2**32)] = 0
    cache: Cache = Cache()
    checkpoint_s: NonNegativeFloat = 60.0

    @property
    def sample_augmentations(self) -> tuple[Augmentation, ...]:
        """The changes of samples, in order."""
        return tuple(a for a in self.augment if a.changes_samples)

    @property
    def clip_augmentations(self) -> tuple[Augmentation, ...]:
        """The changes of finished clips, in order."""
        return tuple(a for a in self.augment if not a.changes_samples)
