"""Ends of a sound that are padded by any number of samples, or as Kaldi does without `snip_edges`."""

from typing import Any

import librosa
import numpy as np
import pytest

from helpers.sample_data import Float, compute_clips, compute_frames, get_bits, make_noise, make_settings
from specfeat.config import load_config

SIZES = ((), (1, 0, 99), (7,) * 30)
MODES = ("constant", "reflect", "symmetric")


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("padding", [(0, 0), (44, 0), (0, 20), (22, 42), (300, 5)], ids=str)
def test_padding_is_that_of_a_padded_sound(padding: tuple[int, int], mode: Any) -> None:
    """The spectrogram is librosa's of np.pad(sound, padding, mode) with `center=False`, however the file is read."""
    sound = make_noise(1003)
    settings = make_settings(center=False, padding=padding, pad_mode=mode)

    result = compute_frames(settings, sound)

    padded = np.pad(sound.astype(np.float64), padding, mode=mode)
    expected = np.abs(librosa.stft(padded, n_fft=64, hop_length=20, center=False)) ** 2
    np.testing.assert_allclose(result[..., 0], expected.T, rtol=1e-5, atol=1e-9)
    assert len(result) == settings.spectrogram.count_frames(1003)
    for sizes in SIZES:
        assert get_bits(compute_frames(settings, sound, sizes)) == get_bits(result)


def test_centred_frames_are_padded_by_half_a_frame() -> None:
    """`center: true` is the padding of n_fft / 2 samples at both ends, and `symmetric` is one of its modes."""
    for mode in MODES:
        centred = make_settings(pad_mode=mode)
        padded = make_settings(center=False, padding=[32, 32], pad_mode=mode)
        assert get_bits(compute_frames(centred, make_noise(500))) == get_bits(
            compute_frames(padded, make_noise(500))
        )


def extract_kaldi_frames(sound: Float, length: int, hop: int) -> list[list[float]]:
    """Restate Kaldi's feature-window.cc (NumFrames, FirstSampleOfFrame, ExtractWindow) for snip_edges = false."""
    frames = []
    for t in range((len(sound) + hop // 2) // hop):
        first = hop * t + hop // 2 - length // 2
        frame = []
        for index in range(first, first + length):
            while not 0 <= index < len(sound):
                index = -index - 1 if index < 0 else 2 * len(sound) - 1 - index
            frame.append(float(sound[index]))
        frames.append(frame)
    return frames


@pytest.mark.parametrize("samples", [1, 5, 9, 10, 11, 100, 729, 1000])
@pytest.mark.parametrize(("length", "hop"), [(50, 20), (51, 20), (50, 21), (51, 21), (20, 20)])
def test_frames_without_snipped_edges_are_kaldis(length: int, hop: int, samples: int) -> None:
    """Number and place of the frames, and the mirrored samples, also of a sound shorter than a frame."""
    sound = make_noise(samples)
    settings = make_settings(
        n_fft=64, win_length=length, hop_length=hop, framing="win_length", center=False, snip_edges=False
    )
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    frames = np.array(extract_kaldi_frames(sound, length, hop)).reshape(-1, length)

    result = compute_frames(settings, sound)[..., 0]

    assert result.shape == (len(frames), 33)
    np.testing.assert_allclose(result, np.abs(np.fft.rfft(frames * window, 64)) ** 2, rtol=1e-5, atol=1e-9)


def test_a_second_has_a_hundred_of_kaldis_frames() -> None:
    """Without `snip_edges`, clips of 100 frames of 10 ms lie end to end, and the last one is used with `tail: drop`."""
    changes = ["spectrogram.snip_edges=false", "clips.tail=drop"]
    settings = load_config("kaldi80", changes).settings

    assert len(compute_clips(settings, make_noise(48_000))) == settings.clip_grid.count_rows(48_000) == 3
    assert settings.clip_grid.count_rows(48_000 - 81) == 2


def test_the_frame_centred_on_the_end_may_be_kept() -> None:
    """Clips are then cut from all frames of librosa: 20 hops of sound have 21 centred frames, three clips of 7."""
    sound = make_noise(400)
    kept = make_settings(clips={"frames": 7, "tail": "drop", "end_frame": "keep"})
    dropped = make_settings(clips={"frames": 7, "tail": "drop"})

    frames = compute_frames(kept, sound)

    assert len(frames) == 21
    assert get_bits(compute_clips(kept, sound)) == get_bits(frames.reshape(3, 7, 33, 1))
    assert get_bits(compute_clips(dropped, sound)) == get_bits(frames[:14].reshape(2, 7, 33, 1))
