"""Makes the plots of a sound for `specfeat plot`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from specfeat.cli.network_loading import load_tensorflow_network
from specfeat.errors import UsageError
from specfeat.files import format_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from specfeat.config import Config
    from specfeat.errors import AudioError
    from specfeat.plots.base import Plot
    from specfeat.plots.sound_view import SoundLength


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundPlotOptions:
    """What a plot of a sound shows.

    Attributes:
        config: the name or the path of the config.
        overrides: values that replace those of the config.
        times: the start, the end and the duration of the shown part, as the user wrote them.
        channel: the channel of the file, counted from 0; None for those of the config.
        layer: the layer whose output is drawn; None for the plot of the spectrogram.
        features: whether the features are drawn below the spectrogram.
        device: the device of the network.
    """

    config: str
    overrides: "Sequence[str]"
    times: tuple[str | None, str | None, str | None]
    channel: int | None
    layer: str | None
    features: bool
    device: str


def make_plot_of_sound(name: str, options: SoundPlotOptions) -> "tuple[Plot, AudioError | None]":
    """Return the plot of a sound, and why it ends early if its file breaks in the middle; otherwise None.

    Raises:
        AudioError: the file cannot be read.
        ConfigError: the config is wrong.
        UsageError: an option is wrong.
    """
    # Imported here and below, because --help needs none of these, and they take time to load.
    from specfeat.config import load_config
    from specfeat.config.weights_file import check_weights_file
    from specfeat.plots.sound_view import TimeRange, measure_sound
    from specfeat.run.selection_options import make_time_range

    config = load_config(options.config, options.overrides, override_prefix="--set ")
    if options.layer is not None and options.features:
        raise UsageError("--layer and --features are different plots; leave one of them out")
    if options.layer is not None or options.features:
        check_weights_file(config)
        _check_layer_name(config, options.layer)
    part = make_time_range(*options.times)
    shown = TimeRange(part.start_s or 0.0, part.end_s)
    length = measure_sound(name, config.settings, options.channel, shown)
    if options.layer is not None:
        return _make_layer_plot(config, length, options.layer, options.device), length.break_error
    device = options.device if options.features else None
    return _make_sound_plot(config, length, device), length.break_error


def _make_sound_plot(config: "Config", length: "SoundLength", device: str | None) -> "Plot":
    """Return the plot of a sound, with its features if a device is given."""
    from specfeat.plots.sound_plot import SoundPlot
    from specfeat.plots.sound_view import read_sound_view

    features, feature_count = None, 0
    if device is not None:
        network = load_tensorflow_network(config, device)
        from specfeat.plots.feature_image import compute_feature_image

        features, feature_count = compute_feature_image(length, config.settings, network), network.width
    return SoundPlot(
        name=format_path(length.sound.path),
        config_name=config.name,
        settings=config.settings,
        view=read_sound_view(length, config.settings),
        features=features,
        feature_count=feature_count,
    )


def _make_layer_plot(config: "Config", length: "SoundLength", layer: str, device: str) -> "Plot":
    from specfeat.plots.layer_plot import LayerPlot
    from specfeat.plots.sound_view import read_clip

    number, span, clip = read_clip(length, config.settings)
    network = load_tensorflow_network(config, device)
    from specfeat.network.layer_outputs import compute_layer_output

    return LayerPlot(
        name=format_path(length.sound.path),
        config_name=config.name,
        settings=config.settings,
        layer=layer,
        output=compute_layer_output(network, layer, clip),
        clip_number=number,
        span=span,
        clip=clip,
    )


def _check_layer_name(config: "Config", layer: str | None) -> None:
    """Refuse a wrong name before TensorFlow is loaded; the layers of applications are known only then."""
    from specfeat.architecture.kinds import get_layer_kind
    from specfeat.text import suggest_name

    layers = config.settings.model.layers
    names = [one.name for one in layers]
    if layer is None or layer in names or any(get_layer_kind(one.kind).is_composite for one in layers):
        return
    hint = suggest_name(layer, names) or f"; its layers are {', '.join(names)}"
    raise UsageError(f"the network of {config.name} has no layer {layer!r}{hint}")
