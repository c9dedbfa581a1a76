"""What a weights file holds and which networks it fits; TensorFlow is loaded for its own checkpoints only."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from specfeat.config.load import compare_training_sound
from specfeat.config.settings import Settings
from specfeat.errors import WeightsError
from specfeat.weights.files.array_names import explain_ignored_array
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import check_unchanged, locate_weights, prefix_errors_with
from specfeat.weights.matching.ignored_arrays import match_config_arrays
from specfeat.weights.matching.match import MatchRule
from specfeat.weights.matching.match_result import MatchResult
from specfeat.weights.matching.slots import Slot
from specfeat.weights.sound_check import check_sound


@dataclass(frozen=True, slots=True)
class OpenWeightsFile:
    """An open weights file.

    Attributes:
        contents: the file's arrays.
        size: the size of all its files, in bytes.
        sha256: the SHA-256 as `source.WeightsSource.compute_sha256` returns it.
    """

    contents: FileContents
    size: int
    sha256: str

    @property
    def weights(self) -> list[FileArray]:
        """The arrays that may be weights of a network."""
        return [array for array in self.contents.arrays if explain_ignored_array(array.name) is None]

    @property
    def ignored_arrays(self) -> list[tuple[FileArray, str]]:
        """The arrays that are known not to be weights, each with what it is."""
        reasons = [(array, explain_ignored_array(array.name)) for array in self.contents.arrays]
        return [(array, reason) for array, reason in reasons if reason is not None]


@contextmanager
def inspect_weights_file(path: str) -> Iterator[OpenWeightsFile]:
    """Open a weights file to look at it.

    Raises:
        WeightsError: the file cannot be read; the message begins with the path.
    """
    with prefix_errors_with(path):
        source = locate_weights(path)
        with check_unchanged(source), open_weights_file(source) as contents:
            yield OpenWeightsFile(contents, source.size, source.compute_sha256())


def compare_with_config(
    settings: Settings, contents: FileContents, slots: list[Slot]
) -> tuple[MatchRule | None, str]:
    """Compare a file with the network of a config.

    Args:
        settings: the settings of the config.
        contents: the contents of the file.
        slots: the slots of the config's network.

    Returns:
        The rule by which the arrays fit (the config's own is tried first), or None if they do not fit; and
        what is
        wrong: why they do not fit, or that they were trained on another sound. Nothing is wrong if it is
            empty.
    """
    problem = ""
    # The problem under the config's own rule is the one to report; the other rule is tried only for a hint.
    for match_rule in dict.fromkeys((settings.model.weights.match, "name", "order")):
        try:
            match_config_arrays(slots, contents, settings.model.weights, match_rule).raise_if_incomplete()
        except WeightsError as e:
            problem = problem or str(e)
            continue
        # Arrays that fit are worth nothing if they were trained on another spectrogram.
        try:
            check_sound(settings, contents)
        except WeightsError as e:
            return match_rule, str(e)
        difference = compare_training_sound(settings)
        return match_rule, f"{difference[0]} {difference[1]}" if difference else ""
    return None, problem


def pair_arrays(
    settings: Settings, contents: FileContents, match_rule: MatchRule | None, slots: list[Slot]
) -> MatchResult:
    """Pair the arrays of a config's network with those of a file, as far as they match.

    Args:
        settings: the settings of the config.
        contents: the contents of the file.
        match_rule: the rule; None for the config's own, and by order if no name of the file is the network's.
        slots: the slots of the config's network.

    Raises:
        WeightsError: the arrays of the file cannot be told apart.
    """
    result = match_config_arrays(slots, contents, settings.model.weights, match_rule)
    is_by_order = not result.has_equal_names and result.order_result is not None and result.order_result.pairs
    return result.order_result if is_by_order and result.order_result else result
