"""All settings of a config as one frozen object, and the numbers that follow from several sections."""

import hashlib
import json
from functools import cached_property
from typing import ClassVar

from pydantic import model_validator

from specfeat.architecture.graph import LayerGraph
from specfeat.config import clip_rules, compression_rules, model_rules, normalize_rules, spectrogram_rules
from specfeat.config.audio import Audio
from specfeat.config.clip_grid import ClipGrid
from specfeat.config.clips import Clips
from specfeat.config.model import WEIGHTS_FILE_KEYS, Model
from specfeat.config.section import Section
from specfeat.config.spectrogram import Spectrogram
from specfeat.config.train import Train
from specfeat.config.train_rules import check_train


class Settings(Section):
    """Everything that changes the features.

    Attributes:
        audio: how a file becomes samples.
        spectrogram: how samples become frames of values.
        clips: how the sound is cut into clips.
        model: the network, from a clip's spectrogram to its row of features.
        train: how the network is trained. It changes no features: the record of an output has the hash of the
            weights instead.
    """

    later_keys: ClassVar[frozenset[str]] = frozenset({"train"})

    audio: Audio
    spectrogram: Spectrogram
    clips: Clips
    model: Model
    train: Train | None = None

    @cached_property
    def clip_grid(self) -> ClipGrid:
        """Which samples each clip of a file has."""
        return ClipGrid(self.spectrogram, self.clips)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """The shape of the network's input without the batch: (frames, bins, channels)."""
        return (self.clip_grid.frames, self.spectrogram.bins, self.spectrogram.channels)

    @property
    def graph(self) -> LayerGraph:
        """The layers and the shape of their input."""
        return LayerGraph(self.model.layers, self.input_shape)

    @property
    def digest(self) -> str:
        """The SHA-256 of the settings with all defaults, in hexadecimal: equal settings, equal digest.

        `WEIGHTS_FILE_KEYS` and `train` are left out, because the record has the hash of the weights file
        instead.
        """
        data = self.model_dump(
            mode="json", exclude={"model": {"weights": set(WEIGHTS_FILE_KEYS)}, "train": True}
        )
        # One spelling for equal settings: keys in order, no spaces.
        text = json.dumps(data, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @model_validator(mode="after")
    def _check_rules(self) -> "Settings":
        """Check what ties settings together; the first broken rule is the one that the user is told.

        Later rules rely on earlier ones: only a window that fits its FFT gives frames, only bands with room
        between their limits have edges, and only a clip with one length has a grid and a shape.
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
        if self.train is not None:
            check_train(self.train)
        return self
