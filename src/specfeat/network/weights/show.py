"""What is in a file of weights, and which networks it fits; only checkpoints need TensorFlow for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from specfeat.config.load import other_sound
from specfeat.config.settings import Settings
from specfeat.errors import WeightsError
from specfeat.network.weights.arrays import Array, Contents
from specfeat.network.weights.formats import opened
from specfeat.network.weights.front_end import check_sound
from specfeat.network.weights.match import Matching, match_up
from specfeat.network.weights.names import why_left_over
from specfeat.network.weights.slots import Slot
from specfeat.network.weights.source import at_rest, locate, naming


@dataclass(frozen=True, slots=True)
class Shown:
    """A file of weights, open.

    Attributes:
        contents: what it holds.
        size: of all its files, in bytes.
        sha256: of it.
    """

    contents: Contents
    size: int
    sha256: str

    @property
    def weights(self) -> list[Array]:
        """The arrays but those that are known to be no weights."""
        return [array for array in self.contents.arrays if why_left_over(array.name) is None]

    @property
    def left_over(self) -> list[tuple[Array, str]]:
        """The arrays that are known to be no weights, and what they are."""
        reasons = [(array, why_left_over(array.name)) for array in self.contents.arrays]
        return [(array, reason) for array, reason in reasons if reason is not None]


@contextmanager
def look_into(path: str) -> Iterator[Shown]:
    """Open a file of weights to look at it.

    Raises:
        WeightsError: one sentence that begins with the path.
    """
    with naming(path):
        source = locate(path)
        with at_rest(source), opened(source) as contents:
            yield Shown(contents, source.size, source.sha256())


def fit(
    settings: Settings, contents: Contents, slots: list[Slot]
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
            match_up(slots, contents, match, settings.model.weights.map).check()
        except WeightsError as e:
            problem = problem or str(e)
            continue
        try:
            check_sound(settings, contents)
        except WeightsError as e:
            return match, str(e)
        difference = other_sound(settings)
        return match, f"{difference[0]} {difference[1]}" if difference else ""
    return None, problem


def side_by_side(
    settings: Settings,
    contents: Contents,
    match: Literal["name", "order"] | None,
    slots: list[Slot],
) -> Matching:
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
    matching = match_up(slots, contents, match or weights.match, weights.map)
    return matching.by_order if matching.by_order and matching.by_order.pairs else matching
