"""The decoding of inaSpeechSegmenter: energy, then speech, music and noise, then the gender of speakers.

Doukhan et al., "An open-source speaker gender detection framework for monitoring gender equality", ICASSP
2018. All numbers are those of ina-foss/inaSpeechSegmenter: `segmenter.py` and `viterbi_utils.py`.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specfeat.analysis.viterbi import find_best_path

ENERGY_RATIO = 0.03  # a frame is active if its energy is more than this share of the mean (of logarithms)
ENERGY_SWITCH_EXPONENT = 150  # a change between energy and no energy has the probability 10 ** -150
NO_ENERGY_STAY = -5.0  # the logarithm of the probability that a frame without energy follows another one
OBSERVATION_ERROR = 1e-10  # how probable it is that a frame has energy and looks as if it has none
NON_FINITE_SCORE = 0.5  # the score of all classes if a clip has a frame of digital silence

NO_ENERGY = "noEnergy"


@dataclass(frozen=True, slots=True)
class ClassDecoder:
    """One network of inaSpeechSegmenter: its classes, and how seldom they change.

    Attributes:
        labels: the classes, in the order of the network's scores.
        switch_exponent: a change from one class to another has the probability 10 ** -switch_exponent.
    """

    labels: tuple[str, ...]
    switch_exponent: int


ACTIVITY_DECODERS = (
    ClassDecoder(("speech", "music", "noise"), 80),  # SpeechMusicNoise
    ClassDecoder(("speech", "music"), 150),  # SpeechMusic
)
GENDER_DECODER = ClassDecoder(("female", "male"), 80)  # Gender


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Rows that follow each other and have the same label.

    Attributes:
        label: the label.
        first: the first row.
        end: the row after the last one.
    """

    label: str
    first: int
    end: int


def find_active_frames(log_energies: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which frames have energy, shape (frames,).

    Args:
        log_energies: the logarithm of the energy of each frame; -inf for silence.
    """
    finite = log_energies[np.isfinite(log_energies)]
    if not len(finite):
        return np.zeros(len(log_energies), bool)
    is_loud = log_energies > finite.mean(dtype=np.float64) + np.log(ENERGY_RATIO)
    states = np.stack([~is_loud, is_loud], axis=1)
    emission = np.log(np.where(states, 1.0 - OBSERVATION_ERROR, OBSERVATION_ERROR))
    change = -ENERGY_SWITCH_EXPONENT * np.log(10.0)
    path = find_best_path(emission, np.array([[NO_ENERGY_STAY, change], [change, 0.0]]))
    return path.astype(bool)


def split_by_energy(is_active: NDArray[np.bool_]) -> list[LabelledRows]:
    """Return the groups of rows with energy (label "energy") and without energy (label "noEnergy").

    Args:
        is_active: whether each row has energy, shape (rows,).
    """
    return _group_rows(is_active.astype(np.uint8), (NO_ENERGY, "energy"), 0)


def split_by_scores(
    groups: Sequence[LabelledRows], label: str, scores: NDArray[np.float32], decoder: ClassDecoder
) -> list[LabelledRows]:
    """Replace each group of rows with a label by groups for the classes of a network.

    Args:
        groups: the groups of rows of a sound; those with other labels are not changed.
        label: the label of the groups that are replaced.
        scores: the probability of each class in each row of the sound, shape (rows, classes).
        decoder: the classes.
    """
    change = -decoder.switch_exponent * np.log(10.0)
    transition = np.where(np.eye(len(decoder.labels), dtype=bool), 0.0, change)
    result: list[LabelledRows] = []
    for group in groups:
        if group.label != label:
            result.append(group)
            continue
        with np.errstate(divide="ignore"):
            emission = np.log(scores[group.first : group.end].astype(np.float64))
        result += _group_rows(find_best_path(emission, transition), decoder.labels, group.first)
    return result


def _group_rows(path: NDArray[np.uint8], labels: Sequence[str], first: int) -> list[LabelledRows]:
    borders = [0, *(np.flatnonzero(np.diff(path)) + 1), len(path)]
    return [
        LabelledRows(labels[path[start]], first + int(start), first + int(end))
        for start, end in itertools.pairwise(borders)
        if end > start
    ]


def find_silent_rows(
    log_energies: NDArray[np.float32], clip_frames: NDArray[np.int64], frames: int
) -> NDArray[np.bool_]:
    """Return the rows whose clip has a frame of digital silence, shape (rows,).

    inaSpeechSegmenter cannot normalise such a clip, because the logarithm of its spectrogram is infinite. It
    gives all classes the score `NON_FINITE_SCORE`.

    Args:
        log_energies: the logarithm of the energy of each frame; -inf for silence.
        clip_frames: the first frame of the clip of each row, shape (rows,).
        frames: the number of frames in a clip.
    """
    silent_before = np.concatenate([[0], np.cumsum(~np.isfinite(log_energies))])
    ends = np.minimum(clip_frames + frames, len(log_energies))
    found: NDArray[np.bool_] = silent_before[ends] > silent_before[np.minimum(clip_frames, ends)]
    return found
