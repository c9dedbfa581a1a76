"""Describes a weights file and finds the networks that it fits; needs TensorFlow only for its checkpoints."""

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
        contents: the arrays of the file.
        size: the size in bytes; of weights in several files, that of all files together.
        sha256: the SHA-256 in hexadecimal; of several files as `WeightsSource.compute_sha256` computes it.
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
        """The arrays that are known not to be weights, each with a text that says what it is."""
        reasons = [(array, explain_ignored_array(array.name)) for array in self.contents.arrays]
        return [(array, reason) for array, reason in reasons if reason is not None]


@contextmanager
def inspect_weights_file(path: str) -> Iterator[OpenWeightsFile]:
    """Open a weights file to show its arrays.

    Args:
        path: the path, as `source.locate_weights` takes it.

    Raises:
        WeightsError: the file cannot be read, or changes while it is open; the message begins with the path.
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
        The match rule with which the arrays fit, or None if they do not fit; the config's own rule is tried
        first. And the problem, a sentence whose subject, the file, is left out: why the arrays do not fit, or
        how the spectrogram that they were trained on differs from the config's. The problem is empty if
        there is none.
    """
    problem = ""
    # If no rule fits, the problem with the config's own rule is reported.
    for match_rule in dict.fromkeys((settings.model.weights.match, "name", "order")):
        try:
            match_config_arrays(slots, contents, settings.model.weights, match_rule).raise_if_incomplete()
        except WeightsError as e:
            problem = problem or str(e)
            continue
        # Arrays that fit give wrong features if they were trained on another spectrogram.
        try:
            check_sound(settings, contents)
        except WeightsError as e:
            return match_rule, str(e)
        difference = compare_training_sound(settings)
        problem = "fits the network, but not its sound: {} {}".format(*difference) if difference else ""
        return match_rule, problem
    return None, problem


def pair_arrays(
    settings: Settings, contents: FileContents, match_rule: MatchRule | None, slots: list[Slot]
) -> MatchResult:
    """Pair the arrays of a config's network with those of a file; the pairs may be incomplete.

    Args:
        settings: the settings of the config.
        contents: the contents of the file.
        match_rule: the match rule. None for the config's own rule, or for `order` if the file and the network
            have no name in common.
        slots: the slots of the config's network.

    Raises:
        WeightsError: two arrays of the file have one layer and role, or more than one match is possible.
    """
    result = match_config_arrays(slots, contents, settings.model.weights, match_rule)
    is_by_order = not result.has_equal_names and result.order_result is not None and result.order_result.pairs
    return result.order_result if is_by_order and result.order_result else result
