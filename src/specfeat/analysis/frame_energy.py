"""The energy of each frame of a sound, which is computed from the audio again."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from specfeat.audio.decode import read_samples
from specfeat.audio.stft import FloatArray, Stft
from specfeat.config.settings import Settings
from specfeat.errors import AudioError, UsageError
from specfeat.files import format_path, read_file_size
from specfeat.output.finished_output import FinishedOutput
from specfeat.output.records import SoundEntry
from specfeat.sound import Sound


def read_log_energies(output: FinishedOutput, settings: Settings, entry: SoundEntry) -> NDArray[np.float32]:
    """Return the log energy of each frame of a sound of an output, see `compute_log_energies`.

    Args:
        output: the output that has the rows of the sound.
        settings: the settings of the output.
        entry: the sound.

    Raises:
        UsageError: the audio file is missing, cannot be read, or is not the one that the run has read.
    """
    path = output.find_file(entry)
    name = format_path(str(path))
    if not path.exists():
        raise UsageError(
            f"{name}: does not exist, and the energy of its frames is needed; bring it back there"
        )
    if entry.size is not None and read_file_size(str(path)) != entry.size:
        raise UsageError(f"{name}: has changed since its rows were extracted; extract them again")
    # A file that breaks in the middle has rows up to the break.
    on_break = (lambda _: None) if entry.status == "partial" else None
    try:
        samples = read_samples(Sound(str(path), entry.key.part), settings.audio, on_break)
        return compute_log_energies(settings, samples)
    except AudioError as e:
        raise UsageError(f"{name}: cannot be read again: {e}; extract its rows again") from None


def compute_log_energies(settings: Settings, blocks: Iterable[FloatArray]) -> NDArray[np.float32]:
    """Return the logarithm of the energy of each frame, shape (frames,).

    The energy is the sum of the squares of the samples of a frame, after pre-emphasis and before the window,
    as SIDEKIT's `power_spectrum` computes it (sidekit_mfcc.py in inaSpeechSegmenter). It is -inf for a frame
    of silence.

    Args:
        settings: the settings of the frames.
        blocks: the mono samples of the sound at the config's sample rate, in blocks of any lengths.

    Raises:
        AudioError: the samples cannot be read.
    """
    preemphasis = settings.spectrogram.preemphasis
    coef = preemphasis.coef if preemphasis and preemphasis.per == "frame" else 0.0
    energies = [np.empty(0, np.float32)]
    for frames, count in Stft(settings.spectrogram).cut_frames(blocks):
        values = frames[:count].astype(np.float64)
        # As in the spectrogram, the sample before the first one is assumed to be equal to the first one.
        before = np.concatenate([values[:, :1], values[:, :-1]], axis=1)
        energy = ((values - coef * before) ** 2).sum(axis=1)
        with np.errstate(divide="ignore"):
            energies.append(np.log(energy).astype(np.float32))
    return np.concatenate(energies)
