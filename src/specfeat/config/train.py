"""The settings `train`: how `specfeat train` finds the weights. Extraction does not use them."""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from specfeat.config.augmentation import Augmentation, Share, Text
from specfeat.config.model import Optimizer
from specfeat.config.section import Section, list_given_keys, make_rule_error
from specfeat.text import format_value, suggest_name

Column = Annotated[str, Field(min_length=1)]


class Labels(Section):
    """Where the labels of the sounds come from: from a table, or from the names of folders.

    Attributes:
        file: a CSV file, or a TSV file if its name ends in .tsv, with a header line and one line for each
            sound. In a config the path is relative to the config's folder. Left out, the label of a file is
            the folder that it is in, directly below an input.
        path: the column with the path of the audio file, relative to the input folder or to the folder of the
            table.
        label: the column with the label. With `multi`, several labels are separated by `separator`.
        start: the column with the start of the sound in its file, in seconds; used if the table has it.
        end: the column with the end of the sound in its file, in seconds; used if the table has it.
        split: the column that says "train", "validation" or "test"; used if the table has it.
        multi: whether a sound may have several labels, or none.
        separator: what separates the labels of a sound.
    """

    file: Text | None = None
    path: Column = "path"
    label: Column = "label"
    start: Column = "start"
    end: Column = "end"
    split: Column = "split"
    multi: bool = False
    separator: Annotated[str, Field(min_length=1, max_length=8)] = ";"


class Split(Section):
    """Which sounds are held back from training.

    Sounds of one group are never divided between two parts.

    Attributes:
        validation: the share of the sounds in the validation part, 0 to 1. It decides which weights are best.
        test: the share of the sounds in the test part, 0 to 1. It is measured once, at the end.
        by: what a group is: the "file" of a sound, its "folder", or the name of a column of the table.
        seed: the seed of the choice.
    """

    validation: Share = 0.2
    test: Share = 0.0
    by: Column = "file"
    seed: NonNegativeInt = 0


class Teacher(Section):
    """A network whose features the trained network learns to predict.

    Attributes:
        config: the shipped config or the YAML file of the teacher. Its clips get the hop of this config.
        weights: the weights file of the teacher; left out, the one that its config names.
        features: the layer of the teacher whose output is predicted; left out, its config's.
        weight: the factor of this teacher's loss.
        power: the exponent of the teacher's values before they are standardised, e.g. 0.5 for values that are
            never negative and often 0.
    """

    config: Text
    weights: Text | None = None
    features: Text | None = None
    weight: PositiveFloat = 1.0
    power: Annotated[float, Field(gt=0, le=1)] = 1.0


class Stop(Section):
    """When the training ends early, and which weights are the best.

    Attributes:
        monitor: the value of the validation part that is watched, e.g. "val_loss" or "val_accuracy".
        patience: how many epochs may pass without a better value.
        min_delta: how much better a value has to be.
    """

    monitor: Text = "val_loss"
    patience: PositiveInt = 8
    min_delta: NonNegativeFloat = 0.0


class Schedule(Section):
    """How the learning rate changes from step to step.

    Attributes:
        kind: "constant", or "cosine" for a decay along half a period of a cosine.
        warmup: the share of all steps in which the rate rises linearly from 0, 0 to 1.
        final: the rate at the end, as a share of the highest rate, 0 to 1.
    """

    kind: Literal["constant", "cosine"] = "cosine"
    warmup: Share = 0.05
    final: Share = 0.01


class Cache(Section):
    """How the clips are kept on the disk while the network is trained.

    Attributes:
        dtype: float32 keeps the exact values; float16 takes half of the space.
        max_gb: how many gigabytes the clips may take; more is refused before the training begins.
    """

    dtype: Literal["float32", "float16"] = "float32"
    max_gb: PositiveFloat = 50.0


def _expand_optimizer(value: object) -> object:
    """Return the settings of `AdamW`, or of `{AdamW: {learning_rate: 1e-3}}`, as a mapping with the name.

    Raises:
        PydanticCustomError: Keras has no such optimizer, or it takes no such argument here.
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
    """The optimizer and its arguments, as Keras names them; `{AdamW: {learning_rate: 1e-3}}`.

    Attributes:
        name: the name of a Keras optimizer.
        learning_rate: the highest learning rate.
        weight_decay: the weight decay of each step; none if left out.
        clipnorm: the largest norm of the gradient of a variable; larger gradients are scaled; none if left
            out.
        global_clipnorm: the largest norm of all gradients together; none if left out.
        momentum: the momentum, of sgd and rmsprop.
    """

    name: Optimizer
    learning_rate: PositiveFloat = 1e-3
    weight_decay: PositiveFloat | None = None
    clipnorm: PositiveFloat | None = None
    global_clipnorm: PositiveFloat | None = None
    momentum: Share | None = None

    @property
    def arguments(self) -> dict[str, float]:
        """The arguments of Keras' optimizer that are given."""
        return {name: getattr(self, name) for name in list_given_keys(self) if name != "name"}


class Train(Section):
    """How the network is trained: the section `train`.

    Attributes:
        task: what is learned. "classify": the labels. "distill": the features of other networks, the
            teachers. "contrast": which two clips are random forms of the same clip (needs no labels).
        labels: where the labels come from.
        split: which sounds are held back from training.
        balance: what is done about classes of unequal size: "none"; "weights" gives rare classes a larger
            weight in the loss; "sample" draws clips so that all classes are equally frequent.
        augment: random changes of sounds and clips, in this order; none for the validation and test parts.
        variants: how many random forms of each clip are made, if samples are changed.
        teachers: the networks whose features are predicted, for `distill`.
        temperature: the temperature of the loss, for `contrast`.
        freeze: patterns of the names of layers whose weights are not changed; "*" stands for any letters.
        optimizer: the optimizer; the one of `model.compile` if left out.
        schedule: how the learning rate changes.
        epochs: how often the training part is used.
        batch: the clips of one step.
        stop: when the training ends early; left out, it goes on to the last epoch.
        seed: the seed of everything that is drawn at random while training.
        cache: how clips are kept on the disk.
        checkpoint_s: how many seconds may pass inside an epoch until the next checkpoint; 0 for one after
            each step. There is always one at the end of an epoch.
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
