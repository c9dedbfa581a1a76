"""The ticks of the frequency axis, compared with tones."""

from itertools import pairwise
from typing import Any

import pytest

from helpers.sample_data import compute_frames, make_settings, make_tone
from specfeat.plots.value_axis import make_bin_axis

MEL = {"kind": "mel", "n_fft": 512, "hop_length": 128}


@pytest.mark.parametrize(
    "spectrogram",
    [
        {"kind": "linear", "n_fft": 512, "hop_length": 128},
        {**MEL, "mel": {"n_mels": 40}},
        {**MEL, "mel": {"n_mels": 40, "fmin": 90, "fmax": 3000, "htk": True, "keep": 33}},
    ],
    ids=["linear", "slaney", "htk with fewer bands"],
)
def test_a_tone_lies_at_its_tick(spectrogram: dict[str, Any]) -> None:
    """A tone with the frequency of a tick makes the largest value where the tick is."""
    settings = make_settings(**spectrogram)
    ticks = [(position, float(text)) for position, text in make_bin_axis(settings).ticks]
    checked = [(position, hz) for position, hz in ticks if hz >= 100]

    assert len(checked) >= 4
    for position, hz in checked:
        frame = compute_frames(settings, make_tone(hz, 4096))[8, :, 0]
        last = len(frame) - 1
        assert abs(frame[: last + 1].argmax() - min(position, last)) <= 0.6, hz


def test_ticks_do_not_stand_too_close_together() -> None:
    """Neighbouring ticks have a distance of at least a twentieth of the axis, and there are at most twelve."""
    cases: list[dict[str, Any]] = [
        {"kind": "linear", "n_fft": 2048},
        {**MEL, "mel": {"n_mels": 64}},
        {"kind": "mfcc", "n_fft": 512},
    ]
    for spectrogram in cases:
        settings = make_settings(**spectrogram)
        positions = sorted(position for position, _ in make_bin_axis(settings).ticks)
        steps = [after - before for before, after in pairwise(positions)]

        assert 3 <= len(positions) <= 12
        assert min(steps) >= settings.input_shape[1] / 20
