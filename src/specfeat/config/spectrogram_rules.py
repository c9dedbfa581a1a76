"""Checks of the spectrogram's settings that depend on other settings or on the sample rate.

Each function raises the error of `make_rule_error` for the first thing that is wrong, with a path from the
top of the config. `Settings` calls them in a fixed order.
"""

from specfeat.config.mel_scale import find_empty_bands
from specfeat.config.section import make_rule_error
from specfeat.config.spectrogram import LARGEST_WINDOW_PARAMETERS, Spectrogram
from specfeat.text import format_count

MAX_FILTER_BYTES = 2**28  # of all mel filters as float32; the shipped configs have 1 MiB or less


def check_kind(spectrogram: Spectrogram) -> None:
    """Check that `mel` and `mfcc` are given if, and only if, the kind of spectrogram needs them."""
    kind, mel, mfcc = spectrogram.kind, spectrogram.mel, spectrogram.mfcc
    if kind == "linear" and mel:
        raise make_rule_error(
            ("spectrogram", "mel"), "does not apply to kind: linear; wanted kind: mel", at_key=True
        )
    if kind != "mfcc" and mfcc:
        raise make_rule_error(("spectrogram", "mfcc"), "applies only to kind: mfcc", at_key=True)
    if kind != "linear" and not mel:
        raise make_rule_error(("spectrogram", "mel"), f"is empty; kind: {kind} needs it")
    if kind == "mfcc" and not mfcc:
        raise make_rule_error(("spectrogram", "mfcc"), "is empty; kind: mfcc needs it")


def check_band_counts(spectrogram: Spectrogram) -> None:
    """Check that not more bands are kept, and not more coefficients are computed, than there are bands."""
    mel, mfcc = spectrogram.mel, spectrogram.mfcc
    if mel and mel.keep and mel.keep > mel.n_mels:
        raise make_rule_error(
            ("spectrogram", "mel", "keep"), f"is {mel.keep}; wanted at most n_mels ({mel.n_mels})"
        )
    if mel and mfcc and mfcc.n_mfcc > mel.bands:
        limiting_key = "keep" if mel.keep else "n_mels"
        raise make_rule_error(
            ("spectrogram", "mfcc", "n_mfcc"),
            f"is {mfcc.n_mfcc}; wanted at most {limiting_key} ({mel.bands})",
        )


def check_frame_lengths(spectrogram: Spectrogram) -> None:
    """Check that the window fits into the FFT, each sample is in a frame, and the ends are padded once."""
    window = spectrogram.window_samples
    if window > spectrogram.n_fft:
        raise make_rule_error(
            ("spectrogram", "win_length"),
            f"is {window}, longer than n_fft ({spectrogram.n_fft}); wanted n_fft or less",
        )
    if spectrogram.hop_length > window:
        raise make_rule_error(
            ("spectrogram", "hop_length"),
            f"is {spectrogram.hop_length}, longer than the window ({window}), so samples between the frames "
            f"would not be used; wanted {window} or less",
        )
    _check_padding(spectrogram)


def _check_padding(spectrogram: Spectrogram) -> None:
    """Check that not more than one setting pads the ends."""
    ways = {
        "center": spectrogram.center,
        "pad_end": spectrogram.pad_end,
        "padding": spectrogram.padding is not None,
        "snip_edges": not spectrogram.snip_edges,
    }
    if not spectrogram.snip_edges and spectrogram.pad_mode == "reflect":
        raise make_rule_error(
            ("spectrogram", "pad_mode"),
            "is reflect, but snip_edges: false always pads like symmetric; wanted symmetric, or no pad_mode",
        )
    first, *others = [key for key, is_used in ways.items() if is_used] or [""]
    if not others:
        return
    if first == "center":
        value = " false" if others[0] == "snip_edges" else ""
        raise make_rule_error(
            ("spectrogram", others[0]), f"{value} applies only together with center: false".strip()
        )
    raise make_rule_error(
        ("spectrogram", others[0]),
        f"is given together with {first}, which also pads the ends; keep one of them",
    )


def check_gain(spectrogram: Spectrogram) -> None:
    """Check that only one setting sets the scale of the samples."""
    if spectrogram.peak is not None and spectrogram.gain != 1:
        raise make_rule_error(
            ("spectrogram", "gain"),
            "has no effect together with peak, which sets the scale; keep one of them",
            at_key=True,
        )


def check_dither(spectrogram: Spectrogram) -> None:
    """Check that the noise is added before the pre-emphasis, as in Kaldi.

    Noise is added to frames, and a pre-emphasis of the whole file comes before the frames.
    """
    preemphasis = spectrogram.preemphasis
    if spectrogram.dither and preemphasis and preemphasis.per == "file":
        raise make_rule_error(
            ("spectrogram", "dither"),
            "is added to frames, so it must come before the pre-emphasis; wanted preemphasis: {per: frame}",
            at_key=True,
        )


def check_band_limits(spectrogram: Spectrogram, sample_rate: int) -> None:
    """Check that fmin is below fmax, and fmax not above half the sample rate."""
    mel = spectrogram.mel
    if not mel:
        return
    nyquist_hz = sample_rate / 2
    if mel.fmax is not None and mel.fmax > nyquist_hz:
        raise make_rule_error(
            ("spectrogram", "mel", "fmax"),
            f"is {mel.fmax:g} Hz, above half the sample rate; wanted {nyquist_hz:g} Hz or less",
        )
    if mel.fmin >= (mel.fmax or nyquist_hz):
        raise make_rule_error(
            ("spectrogram", "mel", "fmin"),
            f"is {mel.fmin:g} Hz; wanted less than fmax ({mel.fmax or nyquist_hz:g} Hz)",
        )


def check_filter_memory(spectrogram: Spectrogram) -> None:
    """Check that the mel filters, a matrix of bands x bins, do not take too much memory."""
    filter_bytes = 4 * spectrogram.bins * (spectrogram.n_fft // 2 + 1)
    if spectrogram.mel and filter_bytes > MAX_FILTER_BYTES:
        raise make_rule_error(
            ("spectrogram", "mel", "n_mels"),
            f"is {spectrogram.mel.n_mels}, and so many filters for n_fft {spectrogram.n_fft} take "
            f"{filter_bytes / 2**30:.1f} GiB of memory; wanted fewer bands or a smaller n_fft",
        )


def check_empty_bands(spectrogram: Spectrogram, sample_rate: int) -> None:
    """Check that each band contains an FFT bin, unless the config keeps empty bands."""
    mel = spectrogram.mel
    if not mel or mel.empty_bands == "keep":
        return
    empty_bands = find_empty_bands(
        mel.compute_edges_hz(sample_rate), sample_rate, spectrogram.n_fft, drop_top=mel.top_bin == "drop"
    )
    if empty_bands:
        raise make_rule_error(
            ("spectrogram", "mel", "n_mels"),
            f"is {mel.n_mels}, but {format_count(len(empty_bands), 'band contains', 'bands contain')} no FFT "
            f"bin at n_fft {spectrogram.n_fft} (the first is number {empty_bands[0]}), so the values would "
            "never change; wanted fewer bands, a larger n_fft or a higher fmin",
        )


def check_window_parameter(spectrogram: Spectrogram) -> None:
    """Check the parameter of a window that has one."""
    window = spectrogram.window
    if isinstance(window, str):
        return
    name, parameter = window
    largest = LARGEST_WINDOW_PARAMETERS[name]
    if not 0 < parameter <= largest:
        raise make_rule_error(
            ("spectrogram", "window"),
            f"has the parameter {parameter:g} for {name}; wanted more than 0 and at most {largest:g}",
        )
