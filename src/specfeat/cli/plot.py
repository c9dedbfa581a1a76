"""`specfeat plot AUDIO|OUTPUT [PICTURE]`: draws a sound as the network receives it, or a finished output."""

import typer

from specfeat.audio.folder_search import check_inputs_exist
from specfeat.cli.messages import print_message
from specfeat.cli.options import ConfigOption, DeviceOption, SetOption
from specfeat.cli.output_options import ErrorsOnlyOption, ReplaceOption
from specfeat.cli.overwritten_inputs import refuse_overwriting
from specfeat.cli.plot_options import (
    ChannelOption,
    ClassOption,
    ColorOption,
    DurationOption,
    EndOption,
    FeaturesOption,
    LayerOption,
    MapChoice,
    MapOption,
    Picture,
    ProtocolOption,
    ScoresOption,
    SimilarityOption,
    Source,
    StartOption,
    TerminalOption,
    WidthOption,
)
from specfeat.cli.plot_target import DEFAULT_WIDTH_PX, make_target
from specfeat.errors import UsageError
from specfeat.files import format_path

# The options that only a sound or only an output has, by the names of the parameters of `plot_command`.
_SOUND_OPTIONS = {
    "config": "--config",
    "overrides": "--set",
    "start": "--start",
    "end": "--end",
    "duration": "--duration",
    "features": "--features",
    "layer": "--layer",
    "device": "--device",
}
_OUTPUT_OPTIONS = {
    "method": "--map",
    "color_by": "--color-by",
    "similarity": "--similarity",
    "scores": "--scores",
    "classes": "--class",
}


def plot_command(
    context: typer.Context,
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
    method: MapOption = MapChoice.pca,
    color_by: ColorOption = None,
    similarity: SimilarityOption = None,
    scores: ScoresOption = None,
    classes: ClassOption = None,
    terminal: TerminalOption = False,
    protocol: ProtocolOption = None,
    width: WidthOption = DEFAULT_WIDTH_PX,
    force: ReplaceOption = False,
    quiet: ErrorsOnlyOption = False,
) -> int:
    """See what the network receives from a sound, or what the rows of a finished output look like.

    specfeat plot bird.wav bird.png -c yamnet

    specfeat plot features.npy map.png --color-by folder

    A sound is drawn with its waveform, its clips, and the spectrogram with exactly the values that the
    network gets from extract with this config. Without options, a finished output is drawn as a map, on which
    similar rows are near each other.

    Exit code: 0 drawn, 1 failed, 2 usage or config is wrong, 3 drawn but the file breaks in the middle.
    """
    # Imported here, because --help needs none of these, and they take time to load.
    from specfeat.cli.plot_output import OutputPlotOptions, check_output_options, is_output, make_output_plot
    from specfeat.cli.plot_sound import SoundPlotOptions, make_plot_of_sound

    check_inputs_exist([source])
    refuse_overwriting([picture] if picture else [], [source])
    target = make_target(picture, terminal=terminal, protocol=protocol, width_px=width, force=force)
    break_error = None
    if is_output(source):
        _refuse_options(context, _SOUND_OPTIONS, f"is for a sound, and {format_path(source)} is an output")
        output_options = OutputPlotOptions(
            method=method.value,
            color_by=color_by,
            similarity=similarity,
            scores=scores,
            classes=tuple(classes or ()),
            channel=channel,
        )
        check_output_options(
            output_options, _list_given(context, {**_OUTPUT_OPTIONS, "channel": "--channel"})
        )
        plot = make_output_plot(source, output_options)
    else:
        _refuse_options(context, _OUTPUT_OPTIONS, f"is for an output, and {format_path(source)} is none")
        sound_options = SoundPlotOptions(
            config=config,
            overrides=tuple(overrides or ()),
            times=(start, end, duration),
            channel=channel,
            layer=layer,
            features=features,
            device=device,
        )
        plot, break_error = make_plot_of_sound(source, sound_options)
    target.show(plot)
    if break_error:
        print_message(f"{format_path(source)}: {break_error}; the plot ends there")
        return 3
    if picture and not quiet:
        print_message(f"{format_path(picture)}: {format_path(source)}")
    return 0


def _refuse_options(context: typer.Context, options: dict[str, str], reason: str) -> None:
    """Refuse options that do not apply, because they would have no effect."""
    for option in _list_given(context, options):
        raise UsageError(f"{option} {reason}; leave it out")


def _list_given(context: typer.Context, options: dict[str, str]) -> list[str]:
    """Return which of some options are on the command line, from the names of their parameters."""
    sources = {name: context.get_parameter_source(name) for name in options}
    return [option for name, option in options.items() if getattr(sources[name], "name", "") == "COMMANDLINE"]
