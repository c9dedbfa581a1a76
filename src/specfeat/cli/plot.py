"""`specfeat plot AUDIO [PICTURE]`: draws a sound as the network receives it."""

from typing import TYPE_CHECKING, Annotated

import typer

from specfeat.audio.folder_search import check_inputs_exist
from specfeat.cli.messages import print_message
from specfeat.cli.options import ConfigOption, DeviceOption, SetOption
from specfeat.cli.plot_target import DEFAULT_WIDTH_PX, ProtocolChoice, make_target
from specfeat.cpu_count import count_available_cores
from specfeat.errors import UsageError
from specfeat.files import format_path
from specfeat.process_state import hide_optional_packages, resume_garbage_collection

if TYPE_CHECKING:
    from specfeat.config import Config
    from specfeat.network.build import Network
    from specfeat.plots.base import Plot
    from specfeat.plots.sound_view import SoundLength

Source = Annotated[
    str,
    typer.Argument(metavar="AUDIO", show_default=False, help="The sound to draw."),
]
Picture = Annotated[
    str,
    typer.Argument(
        metavar="[PICTURE]",
        show_default=False,
        help="The picture to write: .png, .svg or .pdf. If it is left out, the terminal shows the plot.",
    ),
]
FeaturesOption = Annotated[
    bool, typer.Option("--features", help="Also draw the features of the sound over time.")
]
LayerOption = Annotated[
    str | None,
    typer.Option(
        "--layer",
        metavar="NAME",
        show_default=False,
        help="Draw the output of this layer of the network, for the clip at --start.",
    ),
]
StartOption = Annotated[
    str | None,
    typer.Option(
        "--start",
        metavar="TIME",
        show_default=False,
        help="Where the plot begins: seconds or h:m:s. The clips are those of the whole file.",
    ),
]
EndOption = Annotated[
    str | None,
    typer.Option("--end", metavar="TIME", show_default=False, help="Where the plot ends: seconds or h:m:s."),
]
DurationOption = Annotated[
    str | None,
    typer.Option(
        "--duration", metavar="TIME", show_default=False, help="How much of the file the plot shows."
    ),
]
ChannelOption = Annotated[
    int | None,
    typer.Option(
        "--channel",
        metavar="N",
        min=0,
        show_default=False,
        help="The channel of the file, counted from 0; by default those that the config names.",
    ),
]
TerminalOption = Annotated[
    bool, typer.Option("--terminal", help="Draw with characters on stdout; this needs no matplotlib.")
]
ProtocolOption = Annotated[
    ProtocolChoice | None,
    typer.Option(
        "--protocol",
        show_default=False,
        help="How the terminal shows pictures, if specfeat does not recognise it.",
    ),
]
WidthOption = Annotated[
    int, typer.Option("--width", metavar="PX", min=200, max=10_000, help="The width of a PNG in pixels.")
]
ReplaceOption = Annotated[bool, typer.Option("--force", help="Replace an existing picture.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


def plot_command(
    source: Source,
    picture: Picture = "",
    config: ConfigOption = "default",
    overrides: SetOption = None,
    start: StartOption = None,
    end: EndOption = None,
    duration: DurationOption = None,
    channel: ChannelOption = None,
    features: FeaturesOption = False,
    layer: LayerOption = None,
    device: DeviceOption = "auto",
    terminal: TerminalOption = False,
    protocol: ProtocolOption = None,
    width: WidthOption = DEFAULT_WIDTH_PX,
    force: ReplaceOption = False,
    quiet: QuietOption = False,
) -> int:
    """See what the network receives: the waveform and the spectrogram of a sound, with its clips.

    specfeat plot bird.wav bird.png -c yamnet

    specfeat plot night.flac --start 1:30 --duration 10 --terminal

    Values and shapes are exactly those that the network gets from extract with this config. The padding after
    the end of the sound is hatched.

    Exit code: 0 drawn, 1 failed, 2 usage or config is wrong, 3 drawn but the file breaks in the middle.
    """
    # Imported here and below, because --help needs none of these, and they take time to load.
    from specfeat.config import load_config
    from specfeat.config.weights_file import check_weights_file
    from specfeat.plots.sound_view import TimeRange, measure_sound
    from specfeat.run.selection_options import make_time_range

    check_inputs_exist([source])
    target = make_target(picture, terminal=terminal, protocol=protocol, width_px=width, force=force)
    loaded_config = load_config(config, overrides or [], override_prefix="--set ")
    if layer is not None and features:
        raise UsageError("--layer and --features are different plots; leave one of them out")
    if layer is not None or features:
        check_weights_file(loaded_config)
        _check_layer_name(loaded_config, layer)
    part = make_time_range(start, end, duration)
    shown = TimeRange(part.start_s or 0.0, part.end_s)
    length = measure_sound(source, loaded_config.settings, channel, shown)
    if layer is not None:
        plot = _make_layer_plot(loaded_config, length, layer, device)
    else:
        plot = _make_sound_plot(loaded_config, length, device if features else None)
    target.show(plot)
    if length.break_error:
        print_message(f"{format_path(source)}: {length.break_error}; the plot ends there")
        return 3
    if picture and not quiet:
        print_message(f"{format_path(picture)}: {format_path(source)}")
    return 0


def _make_sound_plot(config: "Config", length: "SoundLength", device: str | None) -> "Plot":
    """Return the plot of a sound, with its features if a device is given."""
    from specfeat.plots.sound_plot import SoundPlot
    from specfeat.plots.sound_view import read_sound_view

    features, feature_count = None, 0
    if device is not None:
        network = _build_network(config, device)
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
    network = _build_network(config, device)
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


def _build_network(config: "Config", device: str) -> "Network":
    """Load TensorFlow and build the network."""
    with hide_optional_packages():
        from specfeat.weights.files.formats import check_weights_format

        check_weights_format(config.settings.model.weights)
        from specfeat.network.build import build_network

    network = build_network(config, device, count_available_cores())
    resume_garbage_collection()
    return network
