"""The settings `spectrogram.mel` and `spectrogram.mfcc`: mel bands and their cepstrum."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from specfeat.config.mel_scale import compute_band_edges_hz
from specfeat.config.section import Section


class Mel(Section):
    """Triangular filters that sum FFT bins into mel bands, as `librosa.filters.mel` makes them.

    Attributes:
        n_mels: the number of bands, 1 to 4096.
        fmin: the lower edge of the lowest band in Hz, 0 or more.
        fmax: the upper edge of the highest band in Hz, at most half the sample rate. null means half the
            sample rate.
        htk: the formula of the mel scale: true for the formula of HTK, TensorFlow and Kaldi, false for
            Slaney's formula (librosa's default).
        norm: the size of each triangle. "slaney" gives it the area 1 over Hz (librosa's default). null gives
            it the height 1 (HTK, Kaldi, TensorFlow).
        triangles: the axis over which the sides of the triangles are straight lines: "hz" (librosa) or "mel"
            (TensorFlow, Kaldi, VGGish).
        empty_bands: what happens if bands are so narrow that they contain no FFT bin, so that their values
            never change. "refuse" reports an error. "keep" keeps the bands, for networks that were trained
            with such bands (AST).
        keep: how many of the `n_mels` bands are used, counted from the lowest one. All are used if it is left
            out.
        top_bin: what happens to the highest FFT bin on the falling side of each triangle. "keep" uses it
            (librosa). "drop" ignores it (SIDEKIT, whose filters are those of inaSpeechSegmenter).
    """

    n_mels: Annotated[int, Field(ge=1, le=4096)] = 128
    fmin: Annotated[float, Field(ge=0)] = 0.0
    fmax: PositiveFloat | None = None
    htk: bool = False
    norm: Literal["slaney"] | None = "slaney"
    triangles: Literal["hz", "mel"] = "hz"
    empty_bands: Literal["refuse", "keep"] = "refuse"
    keep: PositiveInt | None = None
    top_bin: Literal["keep", "drop"] = "keep"

    @property
    def bands(self) -> int:
        """The number of bands that are used."""
        return self.keep or self.n_mels

    def compute_edges_hz(self, sample_rate: int) -> tuple[float, ...]:
        """Return the edges of the used bands in Hz, two more than there are bands.

        Args:
            sample_rate: the sample rate of the sound in Hz.
        """
        fmax = sample_rate / 2 if self.fmax is None else self.fmax
        # The bands that are not used still determine the spacing of the others.
        return compute_band_edges_hz(self.n_mels, self.fmin, fmax, htk=self.htk)[: self.bands + 2]


class Mfcc(Section):
    """The cepstrum of the compressed mel bands, as `librosa.feature.mfcc` computes it: a DCT of type 2.

    Attributes:
        n_mfcc: the number of coefficients, counted from the 0th one, at most the number of mel bands.
        norm: the scale of the DCT. "ortho" is the orthonormal DCT (librosa's default). null leaves out the
            scale factors, as `scipy.fft.dct` does by default.
        lifter: the length L of the lifter, which multiplies coefficient n, counted from 1, by
            `1 + L/2 sin(pi n / L)` (librosa's formula); 0 for no lifter.
    """

    n_mfcc: PositiveInt = 20
    norm: Literal["ortho"] | None = "ortho"
    lifter: Annotated[float, Field(ge=0)] = 0.0
