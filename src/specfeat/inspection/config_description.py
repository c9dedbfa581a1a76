"""Describes what a config computes from a sound: the network's input, the rows, and their size."""

from dataclasses import dataclass

from specfeat.architecture.feature_sources import ColumnGroup, list_column_groups
from specfeat.architecture.graph import LayerGraph
from specfeat.config import Config, Settings
from specfeat.inspection.layer_table import (
    LayerDescription,
    count_network_multiply_adds,
    count_parameters,
    describe_layers,
    list_graph_shapes,
)
from specfeat.network.postprocess import make_postprocess
from specfeat.text import format_count

BYTES_PER_VALUE = 4  # float32
MINUTE_S, HOUR_S = 60, 3600


@dataclass(frozen=True, slots=True)
class DerivedNumber:
    """One number of the network's input shape.

    Attributes:
        axis: "frames", "bins" or "channels".
        value: the number.
        source: the keys of the config from which it is computed, and how.
    """

    axis: str
    value: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDescription:
    """What a config computes from a sound. Values that only Keras knows are None.

    Attributes:
        config: the name or the path of the config.
        config_sha256: the SHA-256 of its settings, which records have.
        input_shape: the shape of the network's input: (frames, bins, channels).
        input_sources: where the numbers of this shape come from.
        sample_rate: the sample rate in Hz to which files are resampled.
        lowest_hz: the lowest frequency that the spectrogram contains.
        highest_hz: the highest frequency that the spectrogram contains.
        clip_s: the length of a clip in seconds.
        clip_hop_s: the distance from the start of one clip to the start of the next one, in seconds.
        per: "clip" if each clip gives a row, "file" if each file gives one.
        features: the number of features in a row.
        columns: the columns of a clip's row, by layer and pooling.
        rows_per_minute: the rows of a sound of one minute.
        bytes_per_hour: the size of the rows of a sound of one hour, in an array of NumPy.
        parameters: the number of weights.
        multiply_adds: how often the network multiplies and adds for one clip.
        multiply_adds_per_second: the same for a second of a long sound.
        layers: the layers.
    """

    config: str
    config_sha256: str
    input_shape: tuple[int, int, int]
    input_sources: tuple[DerivedNumber, ...]
    sample_rate: int
    lowest_hz: float
    highest_hz: float
    clip_s: float
    clip_hop_s: float
    per: str
    features: int | None
    columns: tuple[ColumnGroup, ...] | None
    rows_per_minute: int
    bytes_per_hour: int | None
    parameters: int | None
    multiply_adds: int | None
    multiply_adds_per_second: float | None
    layers: tuple[LayerDescription, ...]


def describe_config(config: Config, graph: LayerGraph | None = None) -> ConfigDescription:
    """Return the description of a config.

    Args:
        config: the checked config.
        graph: the layers of the built network, in which an application is replaced by its layers; None for
            the layers of the config.

    Raises:
        ConfigError: the file of a principal component analysis cannot be used.
    """
    settings = config.settings
    grid, rate = settings.clip_grid, settings.audio.sample_rate
    graph = graph or settings.graph
    layers = describe_layers(settings, graph)
    columns = list_columns(config, graph)
    features = None if columns is None else settings.rows.count_features(columns[-1].end)
    multiply_adds = count_network_multiply_adds(layers)
    lowest_hz, highest_hz = compute_frequency_range(settings)
    return ConfigDescription(
        config=config.name,
        config_sha256=settings.digest,
        input_shape=settings.input_shape,
        input_sources=_explain_input_shape(settings),
        sample_rate=rate,
        lowest_hz=lowest_hz,
        highest_hz=highest_hz,
        clip_s=grid.clip_samples / rate,
        clip_hop_s=grid.hop_samples / rate,
        per=settings.rows.per,
        features=features,
        columns=columns,
        rows_per_minute=settings.count_rows(MINUTE_S * rate),
        bytes_per_hour=None if features is None else compute_bytes(settings, HOUR_S * rate, features),
        parameters=count_parameters(layers),
        multiply_adds=multiply_adds,
        multiply_adds_per_second=None if multiply_adds is None else multiply_adds * rate / grid.hop_samples,
        layers=layers,
    )


def list_columns(config: Config, graph: LayerGraph) -> tuple[ColumnGroup, ...] | None:
    """Return the columns of a clip's row; None if only Keras knows the shape of a layer.

    Args:
        config: the checked config.
        graph: the layers of the network.

    Raises:
        ConfigError: the file of a principal component analysis cannot be used.
    """
    model = config.settings.model
    shapes = list_graph_shapes(graph)
    if any(source.layer not in shapes for source in model.feature_sources):
        return None
    columns = list_column_groups(model.feature_sources, shapes)
    return make_postprocess(config, columns[-1].end).list_columns(columns)


def compute_bytes(settings: Settings, samples: int, features: int) -> int:
    """Return the size of the rows of a sound in bytes.

    Args:
        settings: the checked settings.
        samples: the length of the sound in samples, at the config's sample rate.
        features: the number of features in a row.
    """
    return settings.count_rows(samples) * features * BYTES_PER_VALUE


def compute_frequency_range(settings: Settings) -> tuple[float, float]:
    """Return the lowest and the highest frequency of the spectrogram in Hz."""
    rate, mel = settings.audio.sample_rate, settings.spectrogram.mel
    if mel is None:
        return 0.0, rate / 2
    edges = mel.compute_edges_hz(rate)
    return edges[0], edges[-1]


def count_empty_bins(settings: Settings, highest_hz: float) -> int:
    """Return how many bins or mel bands contain no sound, if the sound has no higher frequency.

    Args:
        settings: the checked settings.
        highest_hz: the highest frequency of the sound in Hz.
    """
    rate, spectrogram = settings.audio.sample_rate, settings.spectrogram
    if spectrogram.mel is None:
        lower_edges: list[float] = [k * rate / spectrogram.n_fft for k in range(spectrogram.bins)]
        return sum(edge > highest_hz for edge in lower_edges)
    # Band k is a triangle from edge k to edge k + 2.
    return sum(edge >= highest_hz for edge in spectrogram.mel.compute_edges_hz(rate)[:-2])


def _explain_input_shape(settings: Settings) -> tuple[DerivedNumber, ...]:
    frames, bins, channels = settings.input_shape
    return (
        DerivedNumber("frames", frames, _explain_frames(settings)),
        DerivedNumber("bins", bins, _explain_bins(settings)),
        DerivedNumber("channels", channels, _explain_channels(settings)),
    )


def _explain_frames(settings: Settings) -> str:
    clips, spectrogram = settings.clips, settings.spectrogram
    rate = settings.audio.sample_rate
    length_ms, hop_ms = (1000 * n / rate for n in (spectrogram.frame_length, spectrogram.hop_length))
    frame = f"frames of {length_ms:.3g} ms, one every {hop_ms:.3g} ms"
    if clips.samples:
        return f"from clips.samples ({clips.samples:,}): {frame}"
    return f"clips.frames: {frame}"


def _explain_bins(settings: Settings) -> str:
    spectrogram = settings.spectrogram
    lowest_hz, highest_hz = compute_frequency_range(settings)
    hertz = f"{lowest_hz:,.0f} to {highest_hz:,.0f} Hz"
    if spectrogram.mfcc and spectrogram.mel:
        bands = format_count(spectrogram.mel.bands, "mel band")
        return f"spectrogram.mfcc.n_mfcc: coefficients of {bands}, {hertz}"
    if spectrogram.mel:
        key = "keep" if spectrogram.mel.keep else "n_mels"
        return f"spectrogram.mel.{key}: mel bands, {hertz}"
    return f"spectrogram.n_fft / 2 + 1: bins of the FFT, {hertz}"


def _explain_channels(settings: Settings) -> str:
    audio, deltas = settings.audio, settings.spectrogram.deltas
    texts = []
    if audio.stacked_channels:
        texts.append(f"audio.channels: {audio.stacked_channels} channels of the file")
    if deltas:
        texts.append(f"spectrogram.deltas: the values and {format_count(deltas.order, 'derivative')}")
    return ", each with ".join(texts) or f"audio.channels: {audio.description}"
