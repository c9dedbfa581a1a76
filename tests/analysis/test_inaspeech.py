"""The decoding of inaSpeechSegmenter, on scores and energies from elsewhere."""

import itertools
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from helpers.handmade_outputs import write_output
from specfeat.analysis.event_detection import ScoreEvent
from specfeat.analysis.frame_energy import compute_log_energies
from specfeat.analysis.inaspeech import (
    ClassDecoder,
    LabelledRows,
    find_active_frames,
    find_silent_rows,
    split_by_energy,
    split_by_scores,
)
from specfeat.analysis.inaspeech_events import iterate_inaspeech_events
from specfeat.analysis.viterbi import find_best_path
from specfeat.audio.stft import Stft
from specfeat.config import load_config
from specfeat.errors import UsageError
from specfeat.output.finished_output import open_output

REPEATED = "{frames: 50, hop: 5, tail: drop, edges: repeat}"  # a row for each 0.05 s


def score_path(
    emission: NDArray[np.float64], transition: NDArray[np.float64], path: tuple[int, ...]
) -> float:
    """Return the logarithm of the probability of a path."""
    changes = sum(transition[a, b] for a, b in itertools.pairwise(path))
    return float(sum(emission[k, state] for k, state in enumerate(path)) + changes)


def test_the_best_path_is_the_best_of_all_paths() -> None:
    """Compared with the probabilities of all 3^6 paths."""
    generator = np.random.default_rng(3)
    for _ in range(20):
        emission, transition = np.log(generator.random((6, 3))), np.log(generator.random((3, 3)))
        wanted = max(itertools.product(range(3), repeat=6), key=partial(score_path, emission, transition))
        assert find_best_path(emission, transition).tolist() == list(wanted)
    assert find_best_path(np.zeros((0, 2)), np.zeros((2, 2))).tolist() == []


def test_a_sound_without_energy_has_no_active_frame() -> None:
    """Digital silence has the energy -inf, and no threshold; a short pause in a loud sound is not cut out."""
    silence = np.full(300, -np.inf, np.float32)
    assert not find_active_frames(silence).any()
    assert not find_active_frames(np.empty(0, np.float32)).any()

    loud = np.zeros(2000, np.float32)
    loud[500:505] = -30.0
    assert find_active_frames(loud).all()
    loud[500:1200] = -30.0
    assert np.flatnonzero(~find_active_frames(loud)).tolist() == [*range(500, 1200)]


def test_groups_are_divided_by_the_scores_of_their_rows_alone() -> None:
    """The decoder starts anew in each group with its label, and the other groups stay; a score of 0 is possible."""
    groups = split_by_energy(np.array([1, 1, 1, 0, 0, 1], bool))
    scores = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 1], [1, 0]], np.float32)
    decoder = ClassDecoder(("a", "b"), 1)

    assert split_by_scores(groups, "energy", scores, decoder) == [
        LabelledRows("a", 0, 2),
        LabelledRows("b", 2, 3),
        LabelledRows("noEnergy", 3, 5),
        LabelledRows("a", 5, 6),
    ]


def test_a_clip_with_a_frame_of_silence_is_found() -> None:
    """The rows are those of which inaSpeechSegmenter cannot normalise the clip."""
    energies = np.zeros(20, np.float32)
    energies[[0, 12]] = -np.inf
    starts = np.array([0, 2, 8, 9, 12, 13, 18, 30])

    assert find_silent_rows(energies, starts, 4).tolist() == [
        *(True, False, False, True, True, False, False, False)
    ]


@pytest.mark.parametrize("name", ["musanmix", "lamartine"])
def test_energies_are_those_of_the_author(name: str, shared: Path) -> None:
    """The log energy of each frame agrees to 1e-3 with the output of inaSpeechSegmenter's own code."""
    settings = load_config("inaspeech").settings
    sound, _ = soundfile.read(shared / f"reference/inaspeech/{name}.wav", dtype="float32")
    with np.load(shared / "reference/inaspeech/golden.npz") as golden:
        wanted = golden[f"{name}.wav_loge"]

    energies = compute_log_energies(settings, [sound[:70_000], sound[70_000:]])

    np.testing.assert_allclose(energies, wanted, rtol=0, atol=1e-3)
    assert Stft(settings.spectrogram).block_frames < len(energies)  # so several blocks were joined


def write_rows(folder: Path, name: str, *rows: tuple[int, list[float]], labels: tuple[str, ...] = ()) -> Path:
    """Write an output whose one sound, `a.wav`, has some rows with each of the scores."""
    scores = np.concatenate([np.tile(np.array(values, np.float32), (count, 1)) for count, values in rows])
    write_output(folder / name, {"a.wav": scores}, labels=labels, clips=REPEATED)
    return folder / name


def read_events(
    output: Path, names: tuple[str, ...] = (), gender: Path | None = None, labels: tuple[str, ...] = ()
) -> list[ScoreEvent]:
    """Return the events of the only sound of an output."""
    gender_output = None if gender is None else open_output(gender)
    (sound,) = iterate_inaspeech_events(open_output(output), names, gender_output, labels)
    return list(sound.events)


def write_pause(path: Path, rows: int, pause: tuple[int, int]) -> None:
    """Write noise with a row for each 400 samples, and almost silence (not digital silence) in some rows."""
    samples = np.random.default_rng(4).uniform(-0.5, 0.5, rows * 400)
    samples[pause[0] * 400 - 200 : pause[1] * 400] *= 1e-3  # the frames are centred
    soundfile.write(path, samples, 8000, subtype="FLOAT")


def test_speech_is_divided_by_the_rows_of_another_output(tmp_path: Path) -> None:
    """Energy, then speech and music, then gender; all segments of a sound together fill its time."""
    write_pause(tmp_path / "a.wav", 400, (100, 200))
    run = write_rows(tmp_path, "run.npy", (300, [0.99, 0.01]), (100, [0.0, 1.0]))
    gender = write_rows(tmp_path, "g.npy", (50, [1, 0]), (350, [1e-9, 1]), labels=("male", "female"))

    undivided = read_events(run)
    events = read_events(run, (), gender)

    assert [event[:3] for event in undivided] == [
        ("speech", 0.0, 5.0),
        ("noEnergy", 5.0, 10.0),
        ("speech", 10.0, 15.0),
        ("music", 15.0, 20.0),
    ]
    assert [event[:3] for event in events] == [
        ("male", 0.0, 2.5),
        ("female", 2.5, 5.0),
        ("noEnergy", 5.0, 10.0),
        ("female", 10.0, 15.0),
        ("music", 15.0, 20.0),
    ]
    assert [event.mean for event in events] == [1.0, 1.0, None, 1.0, 1.0]
    kept = read_events(run, (), gender, ("music", "noEnergy"))
    assert [event.label for event in kept] == ["noEnergy", "music"]


def test_digital_silence_makes_all_classes_equal(tmp_path: Path) -> None:
    """The scores of a clip with digital silence do not count: the segment before it goes on, as the author's does."""
    samples = np.random.default_rng(5).uniform(-0.5, 0.5, 400 * 400)
    samples[100 * 400 : 101 * 400] = 0.0
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
    run = write_rows(tmp_path, "run.npy", (96, [1, 0]), (9, [0, 1]), (295, [1, 0]))

    assert [event[:3] for event in read_events(run)] == [("speech", 0.0, 20.0)]


def test_outputs_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    """Other classes, clips without `edges: repeat`, other rows, and an audio file that has changed."""
    write_pause(tmp_path / "a.wav", 40, (10, 20))
    run = write_rows(tmp_path, "run.npy", (40, [0.9, 0.1]))
    other = write_rows(tmp_path, "other.npy", (40, [0.9, 0.1]), labels=("cat", "dog"))
    write_output(tmp_path / "cut.npy", {"b.wav": np.ones((4, 3))})
    gender = tmp_path / "gender.npy"
    write_output(gender, {"b.wav": np.ones((40, 2))}, clips=REPEATED)

    for arguments, message in (
        ((other, (), None), "has no scores of speech, music and noise or of speech and music; extract"),
        ((run, ("speech", "noise"), None), "has no scores of"),
        ((tmp_path / "cut.npy", (), None), "does not have a row for each hop"),
        ((run, (), gender), "does not have the rows of a.wav that"),
        (
            (run, (), None, ("musik",)),
            "there is no class 'musik'; the classes are speech, music and noEnergy",
        ),
    ):
        with pytest.raises(UsageError, match=message):
            read_events(*arguments)
    write_pause(tmp_path / "a.wav", 41, (10, 20))
    with pytest.raises(UsageError, match=r"a\.wav: has changed since its rows were extracted"):
        read_events(run)
    (tmp_path / "a.wav").unlink()
    with pytest.raises(UsageError, match=r"a\.wav: does not exist, and the energy of its frames is needed"):
        read_events(run)
