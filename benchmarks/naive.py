"""The script that people write: librosa, a Keras model, and `predict` for each file.

    python benchmarks/naive.py CONFIG OUT.json LIST

It makes as many rows as specfeat does, by a network of the same layers, in the way that examples on the web
show; the logarithm and the weights are its own. LIST is a file of paths, a NUL between two. OUT.json gets
the seconds that the files took, without imports, building and one file to warm up, and the number of rows.
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


def build(settings: Settings) -> keras.Model:
    """Build a Keras model of the config's layers, as one would by hand."""
    tensors = {"spectrogram": keras.Input(settings.input_shape)}
    for layer in settings.model.layers:
        made = getattr(keras.layers, layer.kind)(**layer.options)
        inputs = [tensors[name] for name in layer.inputs]
        tensors[layer.name] = made(inputs if len(inputs) > 1 else inputs[0])
    return keras.Model(tensors["spectrogram"], tensors[settings.model.feature_layer])


def spectrogram(samples: np.ndarray, settings: Settings) -> np.ndarray:
    """Return the log-mel spectrogram, shape (frames, bands)."""
    spec = settings.spectrogram
    mel = spec.mel or Mel()
    power = librosa.feature.melspectrogram(
        y=samples,
        sr=settings.audio.sample_rate,
        n_fft=spec.n_fft,
        win_length=spec.win_length,
        hop_length=spec.hop_length,
        center=spec.center,
        power=spec.power,
        n_mels=mel.n_mels,
        fmin=mel.fmin,
        fmax=mel.fmax,
        htk=mel.htk,
        norm=mel.norm,
    )
    log: np.ndarray = np.log(power + 0.001).T
    return log


def clips(samples: np.ndarray, settings: Settings) -> np.ndarray:
    """Return the file's clips, padded with silence, as specfeat cuts them."""
    cutter = settings.clip_grid
    count = cutter.count_rows(len(samples))
    samples = np.pad(
        samples,
        (0, max(0, cutter.compute_padded_length(len(samples)) - len(samples)) + settings.spectrogram.n_fft),
    )
    if settings.clips.cut == "samples":
        starts = range(0, count * cutter.hop_samples, cutter.hop_samples)
        cut = [spectrogram(samples[s : s + cutter.clip_samples], settings) for s in starts]
        return np.array(cut)[..., np.newaxis]
    frames = spectrogram(samples, settings)
    return np.array([frames[k * cutter.hop_frames :][: cutter.frames] for k in range(count)])[..., np.newaxis]


def main(config: str, output: str, listed: str) -> None:
    """Extract from every file and write how long it took."""
    paths = [os.fsdecode(path) for path in Path(listed).read_bytes().split(b"\0")]
    settings = load_config(config).settings
    model = build(settings)
    samples, _ = librosa.load(paths[0], sr=settings.audio.sample_rate)  # librosa imports when it is used
    model.predict(clips(samples, settings), verbose=0)
    begun = time.perf_counter()
    rows = []
    for path in paths:
        samples, _ = librosa.load(path, sr=settings.audio.sample_rate)
        batch = clips(samples, settings)
        if len(batch):
            rows.append(model.predict(batch, verbose=0))
    everything = np.concatenate(rows)
    seconds = time.perf_counter() - begun
    Path(output).write_text(json.dumps({"seconds": seconds, "rows": len(everything)}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3])
