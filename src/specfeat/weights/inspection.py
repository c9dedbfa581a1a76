"""What is in a file of weights, and which networks it fits; only checkpoints need TensorFlow for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from specfeat.config.load import compare_training_sound
from specfeat.config.settings import Settings
from specfeat.errors import WeightsError
from specfeat.weights.files.array_names import explain_ignored_array
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import check_unchanged, locate_weights, prefix_errors_with
from specfeat.weights.matching.match import MatchResult, match_arrays
from specfeat.weights.matching.slots import Slot
from specfeat.weights.sound_check import check_sound


@dataclass(frozen=True, slots=True)
class OpenWeightsFile:
    """A file of weights, open.

    Attributes:
        contents: what it holds.
        size: of all its files, in bytes.
        sha256: of it.
    """

    contents: FileContents
    size: int
    sha256: str

    @property
    def weights(self) -> list[FileArray]:
        """The arrays but those that are known to be no weights."""
        return [array for array in self.contents.arrays if explain_ignored_array(array.name) is None]

    @property
    def left_over(self) -> list[tuple[FileArray, str]]:
        """The arrays that are known to be no weights, and what they are."""
        reasons = [(array, explain_ignored_array(array.name)) for array in self.contents.arrays]
        return [(array, reason) for array, reason in reasons if reason is not None]


@contextmanager
def inspect_weights_file(path: str) -> Iterator[OpenWeightsFile]:
    """Open a file of weights to look at it.

    Raises:
        WeightsError: one sentence that begins with the path.
    """
    with prefix_errors_with(path):
        source = locate_weights(path)
        with check_unchanged(source), open_weights_file(source) as contents:
            yield OpenWeightsFile(contents, source.size, source.sha256())


def compare_with_config(
    settings: Settings, contents: FileContents, slots: list[Slot]
) -> tuple[Literal["name", "order"] | None, str]:
    """Say whether the file fits the config's network.

    Args:
        settings: of the config.
        contents: of the file.
        slots: of its network.

    Returns:
        How its layers are matched, None if it does not fit; and what is wrong: why it does not fit, or that
        it was trained on another sound. The second is empty where all is well.
    """
    problem = ""
    for match in dict.fromkeys((settings.model.weights.match, "name", "order")):
        try:
            match_arrays(slots, contents, match, settings.model.weights.map).check()
        except WeightsError as e:
            problem = problem or str(e)
            continue
        try:
            check_sound(settings, contents)
        except WeightsError as e:
            return match, str(e)
        difference = compare_training_sound(settings)
        return match, f"{difference[0]} {difference[1]}" if difference else ""
    return None, problem


def pair_arrays(
    settings: Settings,
    contents: FileContents,
    match: Literal["name", "order"] | None,
    slots: list[Slot],
) -> MatchResult:
    """Pair the network's arrays with the file's, as far as they go.

    Args:
        settings: of the config.
        contents: of the file.
        match: how; None for what the config says, and by order where no name is the same.
        slots: of its network.

    Raises:
        WeightsError: the file's arrays cannot be told apart.
    """
    weights = settings.model.weights
    matching = match_arrays(slots, contents, match or weights.match, weights.map)
    return matching.by_order if matching.by_order and matching.by_order.pairs else matching
