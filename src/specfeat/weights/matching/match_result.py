"""The result of matching a network with a weights file, and the error message about what does not match."""

from contextlib import suppress
from dataclasses import dataclass, field

from specfeat.errors import WeightsError
from specfeat.text import format_shape
from specfeat.weights.files.array_names import format_names
from specfeat.weights.files.arrays import FileArray
from specfeat.weights.matching.slots import Slot
from specfeat.weights.matching.suggestions import Mismatch, suggest_fix


@dataclass(slots=True)
class MatchResult:
    """The result of one attempt to match a network with a weights file.

    Attributes:
        network_slots: all slots of the network, in order.
        pairs: the slots that have an array of their shape, with the array.
        missing: the slots without an array.
        shape_mismatches: the slots with an array of another shape, with the array.
        unused: the weights of the file that are in no slot.
        order_result: the result of matching by order, if the names do not fit; for the suggestion in the
            error message.
        order_problem: why matching by order is refused; empty if it is not refused or was not tried.
    """

    network_slots: list[Slot]
    pairs: list[tuple[Slot, FileArray]] = field(default_factory=list)
    missing: list[Slot] = field(default_factory=list)
    shape_mismatches: list[tuple[Slot, FileArray]] = field(default_factory=list)
    unused: list[FileArray] = field(default_factory=list)
    order_result: "MatchResult | None" = None
    order_problem: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether every slot has an array of its shape and every array is used."""
        return not (self.missing or self.shape_mismatches or self.unused)

    def raise_if_incomplete(self) -> None:
        """Check that the match is complete.

        Raises:
            WeightsError: the match is not complete. The message lists the arrays that are missing, unused or
                of another shape, and ends with a suggestion if one is likely to help.
        """
        if not self.is_complete:
            raise WeightsError(
                f"does not fit the network: {self._format_mismatches()}{self._make_suggestion()}"
            )

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

    @property
    def has_equal_names(self) -> bool:
        """Whether at least one layer of the network is paired with a layer of the file."""
        return bool(self.pairs or self.shape_mismatches)

    def _make_suggestion(self) -> str:
        if not self.has_equal_names:
            return self._suggest_order()
        # Rearranging the axes fails if their order cannot be known. Then nothing is suggested.
        suggestion = ""
        with suppress(WeightsError):
            suggestion = self._suggest_fix()
        if suggestion or self.order_result is None or not self.order_result.is_complete:
            return suggestion
        return self._suggest_order_against_names(self.order_result)

    def _suggest_fix(self) -> str:
        network_norms = {slot.layer for slot in self.network_slots if slot.role == "moving_variance"}
        # The config does not name these layers, so another layer of the same shape may be the right one.
        unproven = [array for slot, array in self.pairs if not slot.is_named]
        return suggest_fix(
            Mismatch(
                missing=self.missing,
                unused=self.unused,
                shape_mismatches=self.shape_mismatches,
                pairs=self.pairs,
                unproven=unproven,
                network_norms=len(network_norms),
            )
        )

    def _suggest_order(self) -> str:
        """Say what matching by order gives; for a file that has no layer with a name of the network."""
        other = self.order_result
        if self.order_problem:
            return f"; its layers have other names, and match: order {self.order_problem}"
        if other is None or not other.pairs:
            with suppress(WeightsError):
                return self._suggest_fix()
            return ""
        if other.is_complete:
            return "; its layers have other names, and match: order fits them"
        mismatches = other._format_mismatches()
        return (
            f"; its layers have other names, and match: order leaves {mismatches}{other._make_suggestion()}"
        )

    def _suggest_order_against_names(self, other: "MatchResult") -> str:
        """Suggest matching by order, which fits; and say so if a name contradicts it.

        Args:
            other: the complete result of matching by order.
        """
        arrays = {slot.name: array.name for slot, array in other.pairs}
        for slot, array in (*self.pairs, *self.shape_mismatches):
            if slot.is_named and arrays[slot.name] != array.name:
                return (
                    f"; match: order fits all layers, but gives {slot.name} the array {arrays[slot.name]}: "
                    f"right only if {array.name} has its name by chance"
                )
        return "; some of its layers have other names, and match: order fits them all"


def _format_shape(shape: tuple[int, ...]) -> str:
    return format_shape(shape) or "1"  # an array without axes is one number
