"""`specfeat extract INPUTS... OUTPUT`: cheap checks first, TensorFlow last."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from specfeat.config import Config

Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUTS...", show_default=False, help="Audio files, and folders to search for them."
    ),
]
Output = Annotated[
    str,
    typer.Argument(
        metavar="OUTPUT",
        show_default=False,
        help="The array to write; OUTPUT's index.csv and run.json go beside it.",
    ),
]
ConfigOption = Annotated[
    str, typer.Option("--config", "-c", metavar="NAME|FILE", help="A shipped config or a YAML file.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", show_default=False, help="Override a value: --set model.batch=32."
    ),
]
DeviceOption = Annotated[
    str, typer.Option("--device", metavar="auto|cpu|gpu|gpu:N", help="Where the network runs.")
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers", metavar="N", min=1, max=256, help="Processes that decode; one a core by default."
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads", metavar="N", min=1, max=256, help="Threads of the network; one a core by default."
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an output that exists.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but failures.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say what is done, and each file's rows.")
]


def extract(
    inputs: Inputs,
    output: Output,
    config: ConfigOption = "default",
    overrides: SetOption = None,
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    threads: ThreadsOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Extract features from audio files of any length into one array.

    Row k of OUTPUT (float32, NumPy's .npy) is line k of the index: which file, which seconds.

    Exit code: 0 all done, 1 failed, 2 usage or config, 3 done but some files failed, 4 nothing usable,
    130 and 143 stopped by a signal.
    """
    from specfeat.cli.lean import without_optional
    from specfeat.cli.progress import Voice  # here and below: nothing that --help has to wait for
    from specfeat.config import load_config
    from specfeat.config.device import parse_device
    from specfeat.output.place import Place

    voice = Voice(quiet=quiet, verbose=verbose)
    parse_device(device)
    checked = load_config(config, overrides or [])
    _check_weights(checked)
    place = Place(Path(output))
    place.check(force=force)
    _check_inputs(inputs)

    from specfeat.audio.collect import collect
    from specfeat.audio.pool import Pool
    from specfeat.cli.cores import available

    collection = collect(inputs)
    place.check_apart_from(collection.paths)
    voice.begin(checked, collection)
    paths = collection.paths
    # The workers decode while TensorFlow loads.
    with Pool(checked.settings, min(workers or available(), len(paths))) as pool:
        tracks = pool.tracks(paths)

        with without_optional():
            from specfeat.job import run
            from specfeat.network.build import build

        network = build(checked, device, threads or available())
        voice.built(network)
        with voice.bar(paths) as reporter:
            summary = run(checked, network, tracks, place, reporter, collection.passed_over)
    voice.done(summary, output)
    return 3 if summary.failed else 0


def _check_weights(config: "Config") -> None:
    """A weights file that is not there is told with the line that names it."""
    file = config.settings.model.weights.file
    # os.path, because pathlib raises where a name is too long to be one
    if file is not None and not any(map(os.path.exists, (file, f"{file}.index"))):
        raise config.tree.error(("model", "weights", "file"), f"{file}: no such file")


def _check_inputs(inputs: list[str]) -> None:
    """Find a path that does not exist before anything is loaded to read it with."""
    from specfeat.errors import UsageError

    for name in inputs:
        if not os.path.lexists(name):
            raise UsageError(f"{name}: no such file or folder")
