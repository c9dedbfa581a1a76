"""A typical script: librosa, a Keras model, and `predict` for each file.

    python benchmarks/naive.py CONFIG OUT.json LIST

The script is like examples on the web. It makes the same number of rows as specfeat, with a network of the
same layers, but with another logarithm and other weights. LIST is a file of paths, with a NUL byte between
them. OUT.json gets the number of rows, and the seconds for all files. These seconds do not include imports,
building, and a warm-up with the first file.
"""

import json
import os
import sys
import time
from pathlib import Path

import keras
import librosa
import numpy as np

from specfeat.config import load_config
from specfeat.config.mel import Mel
from specfeat.config.settings import Settings


def build_model(settings: Settings) -> keras.Model:
    """Build a Keras model with the layers of the config, as a user would write it."""
    tensors = {"spectrogram": keras.Input(settings.input_shape)}
    for layer in settings.model.layers:
        keras_layer = getattr(keras.layers, layer.kind)(**layer.options)
        inputs = [tensors[name] for name in layer.inputs]
        tensors[layer.name] = keras_layer(inputs if len(inputs) > 1 else inputs[0])
    return keras.Model(tensors["spectrogram"], tensors[settings.model.feature_layer])


def compute_spectrogram(samples: np.ndarray, settings: Settings) -> np.ndarray:
    """Return the log-mel spectrogram, shape (frames, bands)."""
    spectrogram = settings.spectrogram
    mel = spectrogram.mel or Mel()
    power = librosa.feature.melspectrogram(
        y=samples,
        sr=settings.audio.sample_rate,
        n_fft=spectrogram.n_fft,
        win_length=spectrogram.win_length,
        hop_length=spectrogram.hop_length,
        center=spectrogram.center,
        power=spectrogram.power,
        n_mels=mel.n_mels,
        fmin=mel.fmin,
        fmax=mel.fmax,
        htk=mel.htk,
        norm=mel.norm,
    )
    log_mel: np.ndarray = np.log(power + 0.001).T
    return log_mel


def cut_clips(samples: np.ndarray, settings: Settings) -> np.ndarray:
    """Return the clips of a file, padded with silence and cut like those of specfeat."""
    grid = settings.clip_grid
    count = grid.count_rows(len(samples))
    samples = np.pad(
        samples,
        (0, max(0, grid.compute_padded_length(len(samples)) - len(samples)) + settings.spectrogram.n_fft),
    )
    if settings.clips.cut == "samples":
        starts = range(0, count * grid.hop_samples, grid.hop_samples)
        clips = [compute_spectrogram(samples[s : s + grid.clip_samples], settings) for s in starts]
        return np.array(clips)[..., np.newaxis]
    frames = compute_spectrogram(samples, settings)
    return np.array([frames[k * grid.hop_frames :][: grid.frames] for k in range(count)])[..., np.newaxis]


def main(config: str, output: str, list_file: str) -> None:
    """Extract the features of every file, and write the time and the number of rows."""
    paths = [os.fsdecode(path) for path in Path(list_file).read_bytes().split(b"\0")]
    settings = load_config(config).settings
    model = build_model(settings)
    # To warm up: librosa imports modules at its first use.
    samples, _ = librosa.load(paths[0], sr=settings.audio.sample_rate)
    model.predict(cut_clips(samples, settings), verbose=0)
    started_at = time.perf_counter()
    rows = []
    for path in paths:
        samples, _ = librosa.load(path, sr=settings.audio.sample_rate)
        batch = cut_clips(samples, settings)
        if len(batch):
            rows.append(model.predict(batch, verbose=0))
    features = np.concatenate(rows)
    seconds = time.perf_counter() - started_at
    Path(output).write_text(json.dumps({"seconds": seconds, "rows": len(features)}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3])
