"""All settings of a config as one object, and the numbers that follow from several sections."""

import hashlib
import json
from collections.abc import Iterator
from typing import ClassVar

from pydantic import model_validator

from specfeat.architecture.graph import LayerGraph
from specfeat.config import clip_rules, compression_rules, model_rules, normalize_rules, spectrogram_rules
from specfeat.config.audio import Audio
from specfeat.config.clip_grid import ClipGrid
from specfeat.config.clips import Clips
from specfeat.config.compression import Db
from specfeat.config.model import WEIGHTS_FILE_KEYS, Model
from specfeat.config.postprocess import check_postprocess, remove_file_paths
from specfeat.config.row_spans import RowSpan, iterate_file_span
from specfeat.config.rows import Rows, check_rows
from specfeat.config.section import Section
from specfeat.config.spectrogram import Spectrogram
from specfeat.config.train import Train
from specfeat.config.train_rules import check_train, check_training_channels


class Settings(Section):
    """All settings of a config.

    Attributes:
        audio: how samples are made from a file.
        spectrogram: how a spectrogram is made from samples.
        clips: how a sound is cut into clips.
        model: the network that computes a row of features from a clip.
        rows: from what each row of the array is made.
        train: how the network is trained. It does not change the features of given weights, whose SHA-256 is
            in the record of an output.
    """

    later_keys: ClassVar[frozenset[str]] = frozenset({"rows", "train"})

    audio: Audio
    spectrogram: Spectrogram
    clips: Clips
    model: Model
    rows: Rows = Rows()
    train: Train | None = None

    @property
    def clip_grid(self) -> ClipGrid:
        """The grid that computes which samples each clip of a file has."""
        return ClipGrid(self.spectrogram, self.clips)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """The shape of the network's input without the batch: (frames, bins, channels)."""
        channels = self.spectrogram.channels * (self.audio.stacked_channels or 1)
        return (self.clip_grid.frames, self.spectrogram.bins, channels)

    @property
    def reads_ahead(self) -> bool:
        """Whether a sound is read to its end before its first clip, for a value of the whole sound."""
        spectrogram = self.spectrogram
        return self.clips.cut == "frames" and (
            spectrogram.peak is not None
            or bool(spectrogram.normalize and spectrogram.normalize.file)
            or any(isinstance(step, Db) and step.has_largest_value for step in spectrogram.compression_steps)
        )

    @property
    def graph(self) -> LayerGraph:
        """The graph of the network: its layers and the shape of its input."""
        return LayerGraph(self.model.layers, self.input_shape)

    def count_rows(self, samples: int) -> int:
        """Return how many rows a file gives.

        Args:
            samples: the length of the file in samples.
        """
        clips = self.clip_grid.count_rows(samples)
        return clips if self.rows.per == "clip" else min(1, clips)

    def iterate_row_spans(self, samples: int) -> Iterator[RowSpan]:
        """Yield the samples that each row of a file is made from, in order.

        Args:
            samples: the length of the file in samples.
        """
        if self.rows.per == "clip":
            return self.clip_grid.iterate_spans(samples)
        return iterate_file_span(self.clip_grid, samples)

    @property
    def digest(self) -> str:
        """The SHA-256 of the settings with all defaults, in hexadecimal. Equal settings have equal digests.

        `WEIGHTS_FILE_KEYS` and `train` are left out, because the record has the SHA-256 of the weights file;
        the names of classes are left out, because they do not change the features.
        """
        data = self.model_dump(
            mode="json", exclude={"model": {"weights": set(WEIGHTS_FILE_KEYS), "labels": True}, "train": True}
        )
        remove_file_paths(data["model"])
        # Sorted keys and no spaces, so that equal settings give the same text.
        text = json.dumps(data, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @model_validator(mode="after")
    def _check_rules(self) -> "Settings":
        """Check the rules about several settings. The user sees the message about the first broken rule.

        The order matters, because later rules rely on earlier ones: frames can be counted only if the window
        is not longer than the FFT, bands have edges only if their upper limit is above the lower one, and
        clips have a grid and a shape only if exactly one length is given.
        """
        audio, spectrogram, clips, model = self.audio, self.spectrogram, self.clips, self.model
        compression_rules.check_compression(spectrogram)
        model_rules.check_weights_source(model.weights)
        model_rules.check_weights_map(model)
        spectrogram_rules.check_kind(spectrogram)
        spectrogram_rules.check_band_counts(spectrogram)
        spectrogram_rules.check_frame_lengths(spectrogram)
        spectrogram_rules.check_gain(spectrogram)
        spectrogram_rules.check_dither(spectrogram)
        spectrogram_rules.check_band_limits(spectrogram, audio.sample_rate)
        spectrogram_rules.check_filter_memory(spectrogram)
        spectrogram_rules.check_empty_bands(spectrogram, audio.sample_rate)
        spectrogram_rules.check_window_parameter(spectrogram)
        clip_rules.check_clip_unit(clips)
        clip_rules.check_clip_frames(clips, spectrogram, self.clip_grid)
        clip_rules.check_edges(clips)
        clip_rules.check_end_frame(clips, spectrogram)
        clip_rules.check_deltas(spectrogram, self.clip_grid)
        clip_rules.check_reflection(clips, spectrogram, self.clip_grid)
        compression_rules.check_largest_value(spectrogram, clips)
        normalize_rules.check_normalize(spectrogram, clips)
        clip_rules.check_batch_memory(self.input_shape, model.batch)
        clip_rules.check_clip_samples(self.clip_grid)
        model_rules.check_input_shape(model, self.input_shape)
        model_rules.check_features(model)
        check_postprocess(model.postprocess)
        check_rows(self.rows)
        if self.train is not None:
            check_train(self.train)
            check_training_channels(self.train, audio)
        return self
