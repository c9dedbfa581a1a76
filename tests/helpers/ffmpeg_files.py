"""Writes sound files in the formats that FFmpeg reads and libsndfile does not, with FFmpeg's own encoders."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio import AudioStream
from numpy.typing import NDArray

SAMPLES_OF_A_PACKET = 1024  # for codings that have no fixed size
_SAMPLE_FORMATS = {"wavpack": "s16p", "tta": "s16"}  # where the encoder's first choice is 8 bits


def make_tones(samples: int, rate: int, *frequencies: float) -> NDArray[np.int16]:
    """Return one tone for each channel, shape (samples, channels)."""
    times = np.arange(samples)[:, None] / rate
    return np.round(9_000 * np.sin(2 * np.pi * np.array(frequencies) * times)).astype(np.int16)


def write_with_ffmpeg(
    path: Path,
    coding: str,
    samples: NDArray[np.int16],
    rate: int,
    *,
    container: str | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write samples to a file.

    Args:
        path: the file; its extension tells the container.
        coding: FFmpeg's name of the encoder, e.g. "alac".
        samples: shape (samples, channels).
        rate: samples per second.
        container: FFmpeg's name of the container, if the extension does not tell it.
        options: options of the container, e.g. `{"movflags": "faststart"}`.
    """
    layout = "mono" if samples.shape[1] == 1 else "stereo"
    with av.open(str(path), "w", format=container, container_options=options or {}) as file:
        stream = file.add_stream(coding, rate=rate, layout=layout)
        assert isinstance(stream, AudioStream)
        if coding in _SAMPLE_FORMATS:
            stream.codec_context.format = _SAMPLE_FORMATS[coding]
        if coding == "wmav2":
            stream.bit_rate = 128_000  # its encoder refuses to choose one
        size = stream.codec_context.frame_size or SAMPLES_OF_A_PACKET
        for start in range(0, len(samples), size):
            frame = _make_frame(stream, samples[start : start + size], layout)
            frame.rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def _make_frame(stream: AudioStream, samples: NDArray[np.int16], layout: str) -> av.AudioFrame:
    sample_format = stream.codec_context.format
    values: NDArray[np.generic] = samples
    if sample_format.name.startswith("flt"):
        values = samples.astype(np.float32) / np.float32(32_768)
    elif sample_format.name.startswith("s32"):
        values = samples.astype(np.int32) << 16
    planes = values.T if sample_format.is_planar else values.reshape(1, -1)
    return av.AudioFrame.from_ndarray(np.ascontiguousarray(planes), format=sample_format.name, layout=layout)
