"""Lists the layers of a network with their shapes, sizes and receptive fields, without Keras."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from specfeat.architecture.axes import Shape
from specfeat.architecture.graph import Layer, LayerGraph
from specfeat.architecture.multiply_adds import count_multiply_adds
from specfeat.architecture.receptive_field import ReceptiveField, compute_receptive_fields
from specfeat.architecture.shapes import compute_array_shapes, compute_output_shape, iterate_layer_shapes
from specfeat.config.settings import Settings
from specfeat.config.spectrogram import Spectrogram


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerDescription:
    """One layer of a network. Values that only Keras knows are None.

    Attributes:
        name: the name of the layer.
        kind: the layer kind, e.g. "Conv2D".
        inputs: the names of the layers that it reads.
        output_shape: the shape of its output for one clip.
        parameters: the number of its weights, with the statistics of batch normalisation.
        multiply_adds: how often it multiplies and adds for one clip; see `count_multiply_adds`.
        field_frames: how many frames of the spectrogram one value of its output depends on.
        field_bins: the same for the bins.
        field_ms: the length of these frames in milliseconds, at most the length of a clip.
        field_hz: the width of these bins in Hz; None for mel bands, whose widths differ.
        sees_whole_clip: whether a value depends on all frames.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    output_shape: Shape | None = None
    parameters: int | None = None
    multiply_adds: int | None = None
    field_frames: int | None = None
    field_bins: int | None = None
    field_ms: float | None = None
    field_hz: float | None = None
    sees_whole_clip: bool | None = None


def describe_layers(settings: Settings, graph: LayerGraph) -> tuple[LayerDescription, ...]:
    """Return the descriptions of all layers, in order.

    The receptive field contains the frames of the deltas and the bins of a cepstrum, but not the frames whose
    values are used for a normalisation of the clip or the file.

    Args:
        settings: the checked settings.
        graph: the layers of the network.
    """
    shapes: dict[str, Shape] = {}
    inputs = {layer.name: input_shapes for layer, input_shapes in iterate_layer_shapes(graph, shapes)}
    fields = compute_receptive_fields(graph)
    return tuple(
        _describe_layer(settings, layer, inputs.get(layer.name), fields.get(layer.name))
        for layer in graph.layers
    )


def _describe_layer(
    settings: Settings, layer: Layer, shapes: Sequence[Shape] | None, field: ReceptiveField | None
) -> LayerDescription:
    """Return the description of one layer.

    Args:
        settings: the checked settings.
        layer: the layer.
        shapes: the shapes of its inputs; None if only Keras knows them.
        field: its receptive field in the spectrogram; None if only Keras knows it.
    """
    if shapes is None or field is None:
        return LayerDescription(name=layer.name, kind=layer.kind, inputs=layer.inputs)
    spectrogram = settings.spectrogram
    grid = settings.clip_grid
    before = spectrogram.deltas.width - 1 if spectrogram.deltas else 0
    frames = min(grid.frames, field.frames + before)
    bins = spectrogram.bins if spectrogram.mfcc else field.bins  # a coefficient is computed from all bands
    samples = min(grid.clip_samples, (frames - 1) * spectrogram.hop_length + spectrogram.frame_length)
    return LayerDescription(
        name=layer.name,
        kind=layer.kind,
        inputs=layer.inputs,
        output_shape=compute_output_shape(layer, shapes),
        parameters=sum(math.prod(shape) for _, shape in compute_array_shapes(layer, shapes)),
        multiply_adds=count_multiply_adds(layer, shapes),
        field_frames=frames,
        field_bins=bins,
        field_ms=1000 * samples / settings.audio.sample_rate,
        field_hz=_compute_width_hz(spectrogram, bins, settings.audio.sample_rate),
        sees_whole_clip=frames == grid.frames,
    )


def _compute_width_hz(spectrogram: Spectrogram, bins: int, sample_rate: int) -> float | None:
    """Return the distance from the first to the last of some neighbouring FFT bins, plus one bin, in Hz."""
    if spectrogram.kind != "linear":
        return None
    return min(sample_rate / 2, bins * sample_rate / spectrogram.n_fft)


def has_unknown_layers(layers: Sequence[LayerDescription]) -> bool:
    """Return whether the shapes of some layers are known only when Keras builds the network."""
    return any(layer.output_shape is None for layer in layers)


def count_parameters(layers: Sequence[LayerDescription]) -> int | None:
    """Return the number of parameters of a network; None if only Keras knows it."""
    return None if has_unknown_layers(layers) else sum(layer.parameters or 0 for layer in layers)


def count_network_multiply_adds(layers: Sequence[LayerDescription]) -> int | None:
    """Return how often a network multiplies and adds for one clip; None if only Keras knows it."""
    return None if has_unknown_layers(layers) else sum(layer.multiply_adds or 0 for layer in layers)


def list_graph_shapes(graph: LayerGraph) -> dict[str, Shape]:
    """Return the shapes of the outputs by the names of the layers, as far as they are known without Keras."""
    shapes: dict[str, Shape] = {}
    for _ in iterate_layer_shapes(graph, shapes):
        pass
    return shapes
