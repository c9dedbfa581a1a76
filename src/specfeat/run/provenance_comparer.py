"""Compares the provenance of earlier runs with that of this run, before the network is built."""

from dataclasses import replace

from specfeat.audio.decoder_choice import describe_installed_ffmpeg
from specfeat.config import Config
from specfeat.config.device import parse_device
from specfeat.files import identify_weights_file
from specfeat.network.engine_names import TENSORFLOW
from specfeat.output.field_types import JsonObject
from specfeat.output.previous_run import PreviousRun
from specfeat.run.provenance import collect_provenance, describe_differences


class ProvenanceComparer:
    """Compares earlier runs with this run, as far as this is possible before TensorFlow is loaded.

    Of the weights, only the seed or the hash is known at this time, and of the device, only what the caller
    asks for. What is not known is assumed to be as in the earlier run. When the network is built, the
    comparison is repeated with the complete provenance (see `runner`).

    Args:
        config: the checked config.
        device: the device that the caller asks for: "auto", "cpu", "gpu" or "gpu:N".
        keep_partial: whether the rows before the break of a file that breaks in the middle are kept.
        engine: the name of the engine that runs the network.

    Attributes:
        provenance: the provenance of this run, without weights, device and features.
    """

    def __init__(self, config: Config, device: str, *, keep_partial: bool, engine: str = TENSORFLOW) -> None:
        self.provenance = collect_provenance(config, keep_partial=keep_partial, engine=engine)
        self._settings = config.settings
        self._weights = config.settings.model.weights
        self._device = device

    def describe_differences(self, previous: PreviousRun) -> str:
        """Return how an earlier run differs from this one; "" if its rows can be used, as far as is known."""
        expected = replace(
            self.provenance,
            weights=self._predict_weights(previous.provenance.weights or {}),
            device=self._predict_device(previous.provenance.device or ""),
        )
        return describe_differences(previous.provenance, expected) or _describe_other_ffmpeg(previous)

    def describe_row_mismatch(self, previous: PreviousRun) -> str:
        """Return which file of an earlier run has a wrong number of rows for its length; "" if none has.

        The number of rows depends on the settings, so compare these first.
        """
        return previous.find_wrong_row_count(self._settings.count_rows)

    def _predict_device(self, previous_device: str) -> str:
        """Return the description of the device that this run will probably have.

        A record has a longer description than the caller gives: "gpu:0 NVIDIA H100" for "gpu".
        """
        kind, index = parse_device(self._device)
        requested = {"auto": previous_device, "cpu": "cpu", "gpu": f"gpu:{index}"}[kind]
        return previous_device if previous_device.startswith(requested) else requested

    def _predict_weights(self, previous_weights: JsonObject) -> JsonObject:
        """Return the seed or the hash of the weights.

        If the file has not changed since the earlier run (path, size, times and inode), the hash in the
        record of that run is used, and the file is not read. So a run that has nothing to do takes little
        time with large weights, too.
        """
        name = self._weights.file
        if name is None:
            return {"random": self._weights.random}
        identity = identify_weights_file(name)
        if identity and "sha256" in previous_weights and identity.items() <= previous_weights.items():
            return {"sha256": previous_weights["sha256"]}
        from specfeat.weights.files.source import compute_weights_hash  # few runs need the readers of weights

        return {"sha256": compute_weights_hash(name)}


def _describe_other_ffmpeg(previous: PreviousRun) -> str:
    """Return how the FFmpeg of an earlier run differs from the installed one; "" if it does not."""
    versions = {entry.decoder for entry in previous.entries if entry.decoder}
    if not versions:  # so PyAV is loaded only for the outputs that need it
        return ""
    installed = describe_installed_ffmpeg()
    other = min(versions - {installed}, default="")
    return f"FFmpeg: {other}, now {installed or 'not installed'}" if other else ""
