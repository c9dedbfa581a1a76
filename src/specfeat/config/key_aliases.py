"""Other names of the keys of a config, from papers and other programs, for suggestions after unknown keys."""

from collections.abc import Callable, Collection

# Names of keys in papers, torchaudio, Kaldi, Essentia and TensorFlow's examples, and the name in a config.
_KEYS_BY_OTHER_NAME = {
    **dict.fromkeys(("sr", "fs", "rate", "sampling_rate", "sample_frequency"), "sample_rate"),
    **dict.fromkeys(("window_size", "win_size", "window_length", "frame_length", "frame_size"), "win_length"),
    **dict.fromkeys(("hop_size", "hopsize", "frame_step", "frame_shift", "stride", "step"), "hop_length"),
    **dict.fromkeys(("nfft", "fft_size", "fft_length"), "n_fft"),
    **dict.fromkeys(("bands", "mel_bands", "n_bands", "num_mels", "num_mel_bins", "mel_bins"), "n_mels"),
    **dict.fromkeys(("f_min", "low_freq", "lower_edge_hertz", "mel_min_hz", "fmin_hz"), "fmin"),
    **dict.fromkeys(("f_max", "high_freq", "upper_edge_hertz", "mel_max_hz", "fmax_hz"), "fmax"),
    **dict.fromkeys(("duration", "length"), "seconds"),
    **dict.fromkeys(("num_frames", "n_frames", "patch_frames", "context"), "frames"),
    **dict.fromkeys(("log", "natural_log"), "ln"),
    **dict.fromkeys(("log_mel", "decibel", "decibels", "power_to_db"), "db"),
    **dict.fromkeys(("type", "representation"), "kind"),
    **dict.fromkeys(("network", "architecture"), "layers"),
    **dict.fromkeys(("output", "embedding", "feature", "output_layer"), "features"),
    **dict.fromkeys(("path", "checkpoint", "weights_file"), "file"),
    **dict.fromkeys(("seed", "init"), "random"),
}

# Names for which a config has no key, and what to write instead.
_HINTS_BY_UNKNOWN_KEY = {
    "log1p": "; ln(1 + x) is ln: {offset: 1}",
    "overlap": "; hop is from one clip's start to the next: the length less the overlap",
    "ref_db": "; decibels below a clip's loudest are normalize: {clip: subtract_max}",
}


def suggest_key(key: object, known: Collection[str], find_sections: Callable[[str], Collection[str]]) -> str:
    """Return the end of a message about an unknown key: its name here, or the section to which it belongs.

    Args:
        key: the unknown key.
        known: the keys of the section that contains the unknown key.
        find_sections: a function that returns the sections that have a given key.

    Returns:
        The end of the message; "" if there is nothing to suggest.
    """
    if key in _HINTS_BY_UNKNOWN_KEY:
        return _HINTS_BY_UNKNOWN_KEY[str(key)]
    name = _KEYS_BY_OTHER_NAME.get(str(key).lower(), str(key))
    if name in known:
        return f" (it is {name} here)"
    sections = sorted(find_sections(name))
    return f"; {name} belongs in {' and in '.join(sections)}" if sections else ""
