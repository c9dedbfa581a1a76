"""Compares earlier runs with this one before the network exists."""

from dataclasses import replace

from specfeat.config import Config
from specfeat.config.device import parse_device
from specfeat.files import identify_weights_file
from specfeat.output.field_types import JsonObject
from specfeat.output.previous_run import PreviousRun
from specfeat.run.provenance import collect_provenance, describe_differences


class ProvenanceComparer:
    """The provenance of this run as far as it is known before TensorFlow is loaded.

    Two sections are not known yet: the weights are known by their seed or hash, and the device by what the
    caller asks for. Where that leaves something open, the comparer assumes what the earlier run has; the
    comparison is repeated when the network is built.

    Args:
        config: the checked config.
        device: what the caller asks for: "auto", "cpu", "gpu" or "gpu:N".
        keep_partial: whether the rows before a break in a file are kept.

    Attributes:
        provenance: the sections that are known.
    """

    def __init__(self, config: Config, device: str, *, keep_partial: bool) -> None:
        self.provenance = collect_provenance(config, keep_partial=keep_partial)
        self._grid = config.settings.clip_grid
        self._weights = config.settings.model.weights
        self._device = device

    def describe_differences(self, previous: PreviousRun) -> str:
        """Return how an earlier run differs from this one; "" if its rows can be used, as far as is known."""
        expected = replace(
            self.provenance,
            weights=self._predict_weights(previous.provenance.weights or {}),
            device=self._predict_device(previous.provenance.device or ""),
        )
        return describe_differences(previous.provenance, expected)

    def describe_row_mismatch(self, previous: PreviousRun) -> str:
        """Return which file has another number of rows than its length gives; "" if all have the right one.

        This makes sense only for runs with the same settings, because the number of rows depends on them.
        """
        return previous.find_wrong_row_count(self._grid.count_rows)

    def _predict_device(self, previous_device: str) -> str:
        """Return the device, as far as the caller names it.

        A record has more words than the caller: "gpu:0 NVIDIA H100" for "gpu".
        """
        kind, index = parse_device(self._device)
        requested = {"auto": previous_device, "cpu": "cpu", "gpu": f"gpu:{index}"}[kind]
        return previous_device if previous_device.startswith(requested) else requested

    def _predict_weights(self, previous_weights: JsonObject) -> JsonObject:
        """Return the seed or the hash of the weights.

        A file that has not been touched since the earlier run has the hash that the run noted. It is not read
        again, so that a run with nothing to do is fast however large its weights are.
        """
        name = self._weights.file
        if name is None:
            return {"random": self._weights.random}
        identity = identify_weights_file(name)
        if identity and "sha256" in previous_weights and identity.items() <= previous_weights.items():
            return {"sha256": previous_weights["sha256"]}
        from specfeat.weights.files.source import compute_weights_hash  # few runs need the readers of weights

        return {"sha256": compute_weights_hash(name)}
