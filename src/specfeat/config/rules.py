"""The rules that tie the sections of the settings together, each a function with its name."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from specfeat.architecture.kinds import ARRAY_ROLES
from specfeat.config.mel_scale import find_empty_bands
from specfeat.config.sound import Section
from specfeat.config.yaml_tree import make_rule_error
from specfeat.text import format_shape, format_value, suggest_name

if TYPE_CHECKING:
    from specfeat.config.settings import Settings

MAX_CLIP_SAMPLES = 2**29  # 2 GiB as float32; at 16 kHz nine hours
MAX_BATCH_BYTES = 2**31  # of spectrogram clips, as float32
MAX_FILTER_BYTES = 2**28  # of mel filters, as float32


def check_settings(settings: "Settings") -> None:
    """Hold the settings to every rule.

    Raises:
        PydanticCustomError: the first that is broken, and where.
    """
    for rule in _RULES:
        rule(settings)


def _given(section: Section) -> list[str]:
    """Name what a section has; a null counts as left out, so that settings written out are read again."""
    return [name for name in type(section).model_fields if getattr(section, name) is not None]


def _one_compression(s: "Settings") -> None:
    compress = s.spectrogram.compress
    if compress is None:
        return
    given = _given(compress)
    if len(given) != 1:
        names = ", ".join(type(compress).model_fields)
        raise make_rule_error(
            ("spectrogram", "compress"),
            f"has {len(given)} of them; wanted exactly one of {names}, as {{db: {{}}}}",
        )
    if compress.ln and not (compress.ln.offset or compress.ln.amin):
        raise make_rule_error(
            ("spectrogram", "compress", "ln"),
            "would be -inf for silence; wanted an offset or an amin above 0",
        )


def _one_kind_of_weights(s: "Settings") -> None:
    weights = s.model.weights
    if weights.file is None and weights.random is None and "file" in weights.model_fields_set:
        raise make_rule_error(("model", "weights", "file"), "is empty; wanted the path of a file of weights")
    if (weights.file is None) == (weights.random is None):
        raise make_rule_error(("model", "weights"), "wanted either {file: PATH} or {random: SEED}")
    for key in ("sha256", "format"):
        default = type(weights).model_fields[key].default
        if weights.file is None and getattr(weights, key) not in (None, default):
            raise make_rule_error(("model", "weights", key), "is of a file, and there is none", at_key=True)


def _map_names_layers(s: "Settings") -> None:
    names = {layer.name for layer in s.model.layers}
    for key in s.model.weights.map:
        layer, _, role = key.rpartition("/")
        if key not in names and layer in names and role not in ARRAY_ROLES:
            hint = suggest_name(role, ARRAY_ROLES) or f"; wanted one of {', '.join(ARRAY_ROLES)}"
            raise make_rule_error(
                ("model", "weights", "map", key), f"ends in no name of an array{hint}", at_key=True
            )
        if key not in names and layer not in names:
            hint = suggest_name(key, names) or "; wanted LAYER, or LAYER/ARRAY, e.g. conv1/kernel"
            text = f"is not the name of a layer{hint}"
            raise make_rule_error(("model", "weights", "map", key), text, at_key=True)


def _mel_belongs(s: "Settings") -> None:
    kind, mel, mfcc = s.spectrogram.kind, s.spectrogram.mel, s.spectrogram.mfcc
    if kind == "linear" and mel:
        raise make_rule_error(
            ("spectrogram", "mel"), "is of no use for kind: linear; wanted kind: mel", at_key=True
        )
    if kind != "mfcc" and mfcc:
        raise make_rule_error(("spectrogram", "mfcc"), "is of use for kind: mfcc alone", at_key=True)
    if kind != "linear" and not mel:
        raise make_rule_error(("spectrogram", "mel"), f"is empty; kind: {kind} needs it")
    if kind == "mfcc" and not mfcc:
        raise make_rule_error(("spectrogram", "mfcc"), "is empty; kind: mfcc needs it")


def _bands_are_there(s: "Settings") -> None:
    mel, mfcc = s.spectrogram.mel, s.spectrogram.mfcc
    if mel and mel.keep and mel.keep > mel.n_mels:
        raise make_rule_error(
            ("spectrogram", "mel", "keep"), f"is {mel.keep}; wanted at most n_mels, {mel.n_mels}"
        )
    if mel and mfcc and mfcc.n_mfcc > mel.bands:
        bands = "keep" if mel.keep else "n_mels"
        raise make_rule_error(
            ("spectrogram", "mfcc", "n_mfcc"), f"is {mfcc.n_mfcc}; wanted at most {bands}, {mel.bands}"
        )


def _window_fits(s: "Settings") -> None:
    spectrogram = s.spectrogram
    window = spectrogram.window_samples
    if window > spectrogram.n_fft:
        raise make_rule_error(
            ("spectrogram", "win_length"),
            f"is {window}, longer than n_fft, {spectrogram.n_fft}; wanted n_fft or less",
        )
    if spectrogram.hop_length > window:
        raise make_rule_error(
            ("spectrogram", "hop_length"),
            f"is {spectrogram.hop_length}, longer than the window, {window}, so samples between frames would "
            f"go unseen; wanted {window} or less",
        )
    if spectrogram.center and spectrogram.pad_end:
        raise make_rule_error(("spectrogram", "pad_end"), "goes with center: false alone")


def _bands_lie_below_nyquist(s: "Settings") -> None:
    mel = s.spectrogram.mel
    if not mel:
        return
    nyquist = s.audio.sample_rate / 2
    if mel.fmax is not None and mel.fmax > nyquist:
        raise make_rule_error(
            ("spectrogram", "mel", "fmax"),
            f"is {mel.fmax:g} Hz, above half the sample rate; wanted {nyquist:g} or less",
        )
    if mel.fmin >= (mel.fmax or nyquist):
        raise make_rule_error(
            ("spectrogram", "mel", "fmin"),
            f"is {mel.fmin:g} Hz; wanted less than fmax, {mel.fmax or nyquist:g}",
        )


def _no_band_is_empty(s: "Settings") -> None:
    mel = s.spectrogram.mel
    if not mel or mel.empty_bands == "keep":
        return
    rate = s.audio.sample_rate
    empty = find_empty_bands(mel.edges_hz(rate), rate, s.spectrogram.n_fft, drop_top=mel.top_bin == "drop")
    if empty:
        raise make_rule_error(
            ("spectrogram", "mel", "n_mels"),
            f"is {mel.n_mels}, but {_count(len(empty), 'band holds', 'bands hold')} no FFT bin at n_fft "
            f"{s.spectrogram.n_fft} (the first is number {empty[0]}) and would be constant; "
            "wanted fewer bands, a larger n_fft or a higher fmin",
        )


# The largest parameters: tukey's and general_hamming's are shares, the others' are far above any use.
_SHAPES = {"kaiser": 300.0, "chebwin": 300.0, "gaussian": 1e6, "tukey": 1.0, "general_hamming": 1.0}


def _window_has_a_shape(s: "Settings") -> None:
    window = s.spectrogram.window
    if isinstance(window, tuple) and not 0 < window[1] <= _SHAPES[window[0]]:
        text = f"is {window[1]:g} for {window[0]}; wanted more than 0, at most {_SHAPES[window[0]]:g}"
        raise make_rule_error(("spectrogram", "window"), text)


def _filters_fit_in_memory(s: "Settings") -> None:
    spectrogram = s.spectrogram
    size = 4 * spectrogram.bins * (spectrogram.n_fft // 2 + 1)
    if spectrogram.mel and size > MAX_FILTER_BYTES:
        text = f"is {spectrogram.mel.n_mels}: so many filters over n_fft {spectrogram.n_fft} take"
        raise make_rule_error(
            ("spectrogram", "mel", "n_mels"), f"{text} {size / 2**30:.1f} GiB; wanted fewer"
        )


def _clip_has_a_length(s: "Settings") -> None:
    clips = s.clips
    if clips.cut == "frames" and clips.samples is not None:
        raise make_rule_error(
            ("clips", "samples"), "goes with cut: samples; wanted frames or seconds", at_key=True
        )
    if (clips.frames is None) == (clips.samples is None):
        unit = "frames or seconds" if clips.cut == "frames" else "frames, samples or seconds"
        raise make_rule_error(("clips",), f"wanted one length, in {unit}")
    if clips.frames is not None and s.clip_grid.frames != clips.frames:
        raise make_rule_error(
            ("clips", "frames"),
            f"is {clips.frames}, but no number of samples gives so many frames; wanted samples instead",
        )
    if s.clip_grid.frames < 1:
        needed = s.spectrogram.samples(1)
        raise make_rule_error(
            ("clips", "samples"), f"is {clips.samples}, too short for one frame; wanted {needed} or more"
        )


def _clip_is_not_too_long(s: "Settings") -> None:
    samples = s.clip_grid.clip_samples
    if samples > MAX_CLIP_SAMPLES:
        text = f"one clip would span {samples:,} samples; wanted {MAX_CLIP_SAMPLES:,} or fewer"
        raise make_rule_error(("clips",), text)


def _edges_repeat_whole_clips(s: "Settings") -> None:
    if s.clips.edges == "repeat" and s.clips.tail != "drop":
        raise make_rule_error(
            ("clips", "edges"), f"repeat goes with tail: drop, not {s.clips.tail}", at_key=True
        )


def _clip_bears_its_settings(s: "Settings") -> None:
    spectrogram, cutter = s.spectrogram, s.clip_grid
    if spectrogram.deltas and cutter.frames < spectrogram.deltas.width:
        raise make_rule_error(
            ("spectrogram", "deltas", "width"),
            f"is {spectrogram.deltas.width}, more than the {cutter.frames} frames of a clip; "
            "wanted fewer, an odd number",
        )
    if spectrogram.deltas and spectrogram.deltas.width % 2 == 0:
        raise make_rule_error(
            ("spectrogram", "deltas", "width"), f"is {spectrogram.deltas.width}; wanted an odd number"
        )
    per_clip = s.clips.cut == "samples"
    if per_clip and spectrogram.pad_mode == "reflect" and cutter.clip_samples <= spectrogram.margin:
        raise make_rule_error(
            ("spectrogram", "pad_mode"),
            f"cannot reflect {spectrogram.margin} samples of a clip of {cutter.clip_samples}",
        )


def _normalize_fits(s: "Settings") -> None:
    norm, channels = s.spectrogram.normalize, s.spectrogram.channels
    if not norm:
        return
    if norm.clip and (norm.mean is not None or norm.std is not None):
        raise make_rule_error(
            ("spectrogram", "normalize"), "wanted either constants (mean, std) or clip, not both"
        )
    if norm.floor is not None and not norm.clip:
        raise make_rule_error(("spectrogram", "normalize", "floor"), "goes with clip alone", at_key=True)
    if not _given(norm):
        raise make_rule_error(
            ("spectrogram", "normalize"), "says nothing; wanted {mean: M, std: S} or {clip: mean_std}"
        )
    for name in ("mean", "std"):
        value = getattr(norm, name)
        if isinstance(value, tuple) and len(value) != channels:
            raise make_rule_error(
                ("spectrogram", "normalize", name),
                f"has {len(value)} values; wanted one, or one for each of {channels} channels",
            )


def _input_shape_is_derived(s: "Settings") -> None:
    given, derived = s.model.input_shape, s.input_shape
    if given is None or given == derived:
        return
    if not given:
        raise make_rule_error(("model", "input_shape"), "is empty; leave it out, it is derived")
    if given == derived[:2]:
        wanted = ", ".join(map(str, derived))
        text = f"is {format_shape(given)}, without the channel axis; wanted [{wanted}], or leave it out"
    else:
        text = (
            f"is {format_shape(given)}, but the spectrogram settings give {format_shape(derived)} "
            "(frames x bins x channels); leave it out, or change clips and spectrogram"
        )
    raise make_rule_error(("model", "input_shape"), text)


def _features_exist(s: "Settings") -> None:
    names = [layer.name for layer in s.model.layers]
    if s.model.features is not None and s.model.features not in names:
        hint = suggest_name(s.model.features, names) or f"; the last is {names[-1]!r}"
        raise make_rule_error(
            ("model", "features"), f"{format_value(s.model.features)} is not the name of a layer{hint}"
        )


def _batch_fits_in_memory(s: "Settings") -> None:
    frames, bins, channels = s.input_shape
    size = 4 * frames * bins * channels
    if size > MAX_BATCH_BYTES:
        raise make_rule_error(
            ("clips",),
            f"one clip of {format_shape(s.input_shape)} would take {size / 2**30:.1f} GiB; wanted a shorter clip",
        )
    if size * s.model.batch > MAX_BATCH_BYTES:
        raise make_rule_error(
            ("model", "batch"),
            f"is {s.model.batch}: so many clips of {format_shape(s.input_shape)} take "
            f"{size * s.model.batch / 2**30:.1f} GiB; wanted {MAX_BATCH_BYTES // size} or fewer",
        )


_RULES: tuple[Callable[["Settings"], None], ...] = (
    _one_compression,
    _one_kind_of_weights,
    _map_names_layers,
    _mel_belongs,
    _bands_are_there,
    _window_fits,
    _bands_lie_below_nyquist,
    _filters_fit_in_memory,
    _no_band_is_empty,
    _window_has_a_shape,
    _clip_has_a_length,
    _edges_repeat_whole_clips,
    _clip_bears_its_settings,
    _normalize_fits,
    _batch_fits_in_memory,
    _clip_is_not_too_long,
    _input_shape_is_derived,
    _features_exist,
)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
