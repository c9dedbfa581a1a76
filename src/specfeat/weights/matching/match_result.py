"""What matches and what does not between a network and a weights file, and the error that says so."""

from contextlib import suppress
from dataclasses import dataclass, field

from specfeat.errors import WeightsError
from specfeat.text import format_shape
from specfeat.weights.files.array_names import format_names
from specfeat.weights.files.arrays import FileArray
from specfeat.weights.matching.slots import Slot
from specfeat.weights.matching.suggestions import suggest_fix


@dataclass(slots=True)
class MatchResult:
    """The result of one attempt to match a network with a weights file.

    Attributes:
        network_slots: all slots of the network, in order.
        pairs: the slots that have an array of their shape, with the array.
        missing: the slots without an array.
        shape_mismatches: the slots with an array of another shape, with the array.
        unused: the weights of the file that no slot has got.
        by_order: the result of matching by order, if no name of the file is one of the network's; for the
            suggestion in the error.
    """

    network_slots: list[Slot]
    pairs: list[tuple[Slot, FileArray]] = field(default_factory=list)
    missing: list[Slot] = field(default_factory=list)
    shape_mismatches: list[tuple[Slot, FileArray]] = field(default_factory=list)
    unused: list[FileArray] = field(default_factory=list)
    by_order: "MatchResult | None" = None

    @property
    def is_complete(self) -> bool:
        """Whether every slot has an array of its shape and every array is used."""
        return not (self.missing or self.shape_mismatches or self.unused)

    def check(self) -> None:
        """Check that the match is complete.

        Raises:
            WeightsError: lists all that is missing, unused or of another shape, and ends with a suggestion.
        """
        if not self.is_complete:
            raise WeightsError(f"does not fit the network: {self._format_mismatches()}{self._suggest()}")

    def _format_mismatches(self) -> str:
        missing = [f"{slot.name} {_format_shape(slot.shape)}" for slot in self.missing]
        unused = [f"{array.name} {_format_shape(array.shape)}" for array in self.unused]
        shapes = [
            f"{array.name} {_format_shape(array.shape)} for {slot.name} {_format_shape(slot.shape)}"
            for slot, array in self.shape_mismatches
        ]
        lists = {"missing": missing, "unused": unused, "of another shape": shapes}
        return "; ".join(
            f"{len(items)} {what} ({format_names(items)})" for what, items in lists.items() if items
        )

    def _suggest(self) -> str:
        other = self.by_order
        if other is None or not other.pairs:
            # Rearranging axes may find that their order cannot be known; then there is nothing to suggest.
            with suppress(WeightsError):
                return suggest_fix(self.missing, self.unused, self.shape_mismatches)
            return ""
        if other.is_complete:
            return "; its layers have other names, and match: order fits them"
        mismatches = other._format_mismatches()
        return f"; its layers have other names, and match: order leaves {mismatches}{other._suggest()}"


def _format_shape(shape: tuple[int, ...]) -> str:
    return format_shape(shape) or "1"  # an array without axes is one number
