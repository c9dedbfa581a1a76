"""`specfeat weights show | convert | fetch`: what is in a file, a file of Keras' layout, a published file."""

from pathlib import Path
from typing import Annotated

import typer

from specfeat.cli.extract import ConfigOption, ForceOption, QuietOption, SetOption
from specfeat.cli.signals import set_run_state_describer

weights = typer.Typer(name="weights", help="Look at files of weights, convert and fetch them.")

File = Annotated[str, typer.Argument(metavar="FILE", show_default=False, help="A file of weights.")]
AgainstOption = Annotated[
    str | None,
    typer.Option(
        "--config", "-c", metavar="NAME|FILE", show_default=False, help="Compare with this config's network."
    ),
]
Name = Annotated[
    str | None, typer.Argument(metavar="[NAME]", show_default=False, help="Which; without it, list them.")
]
OutFile = Annotated[
    str,
    typer.Argument(metavar="OUT.weights.h5", show_default=False, help="The file to write."),
]


@weights.command()
def show(file: File, config: AgainstOption = None, overrides: SetOption = None) -> int:
    """Print what a file of weights holds, and which networks it fits.

    Names, shapes and types of its arrays, its format and SHA-256, and the shipped configs whose networks it
    fits; with -c, that config alone, its network's arrays beside the file's, and why it does not fit. Nothing
    is run, and TensorFlow is loaded for its own checkpoints, and for a config with one of keras.applications,
    only.

    Exit code: 0 shown, 2 the file cannot be read or does not fit the config given.
    """
    from specfeat.config import load_config, shipped_names
    from specfeat.errors import UsageError
    from specfeat.process_state import hide_optional_packages

    if overrides and config is None:
        raise UsageError("--set changes a config, and none is given; name it with -c, e.g. -c default")
    told = load_config(config, overrides or []) if config else None

    with hide_optional_packages():
        from specfeat.cli.weights_report import (
            list_config_slots,
            list_fitting_configs,
            name_fitting_config,
            print_arrays,
            print_head,
            print_pairs,
        )
        from specfeat.weights.inspection import inspect_weights_file

    with inspect_weights_file(file) as found:
        if told is None:
            named, unknown = list_fitting_configs([load_config(name) for name in shipped_names()], found)
            print_head(file, found, named, unknown)
            print_arrays(found)
            return 0
        slots = list_config_slots(told)
        match = name_fitting_config(told, found, slots)
        print_head(file, found, [match] if match else [], [])
        if not print_pairs(told, found, slots):
            print_arrays(found)
    return 0 if match else 2


@weights.command()
def convert(
    file: File,
    output: OutFile,
    config: ConfigOption = "default",
    overrides: SetOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> int:
    """Write a file of weights as Keras 3 lays it out, for one config.

    The network of the config is built and given the weights, and its arrays are written with the settings
    of the spectrogram, which are compared whenever the file is loaded. Loading it gives the same features,
    to the bit.

    Exit code: 0 written, 1 failed, 2 usage, config or weights.
    """
    from specfeat.atomic_file import AtomicFile
    from specfeat.cli.progress import ProgressReporter
    from specfeat.config import load_config
    from specfeat.config.weights_file import describe_unreadable_file
    from specfeat.errors import UsageError
    from specfeat.file_access import sync_folder
    from specfeat.process_state import hide_optional_packages

    target = Path(output)
    checked = load_config(config, [*(overrides or []), f"model.weights.file={_quoted(file)}"])
    wrong = describe_unreadable_file(str(checked.settings.model.weights.file))
    if wrong:
        raise UsageError(wrong)  # no line of a config names it
    _check_target(target, force=force)

    with hide_optional_packages():
        from specfeat.network.build import build_network
        from specfeat.weights.save import save_weights

    network = build_network(checked, "cpu")
    partial = AtomicFile(target)
    set_run_state_describer(lambda: f"{output} is complete" if partial.is_finished else "")
    with partial:
        save_weights(network.model, network.layers, checked.settings, partial.file)
        partial.sync()
        partial.finish()
    sync_folder(target.parent)
    if not quiet:
        numbers, source = network.model.count_params(), network.weights["format"]
        ProgressReporter(quiet=False, verbose=False).say(
            f"{output}: {numbers:,} numbers for {config}, from {source}"
        )
    return 0


@weights.command()
def fetch(name: Name = None, quiet: QuietOption = False) -> int:
    """Bring weights that their authors publish into the user's cache, and print the path.

    Without NAME: list what is known. What has come when a connection fails is kept, and the next fetch goes
    on behind it. The file is verified before it appears; where no hash is known for certain, the first fetch
    says what it found, and later ones compare.

    Exit code: 0 the file is there, 1 it cannot be fetched or is another file, 2 no such weights.
    """
    from specfeat.published.table import find_published_weights

    if name is None:
        _print_table()
        return 0
    entry = find_published_weights(name)

    from tqdm import tqdm

    from specfeat.cli.progress import ProgressReporter
    from specfeat.published.fetch import fetch_weights as bring
    from specfeat.published.fetch import find_cache_folder

    set_run_state_describer(lambda: "what has come is kept: fetch it again to go on")
    hidden = True if quiet else None  # None: hidden unless a terminal
    with tqdm(total=entry.size, disable=hidden, unit="B", unit_scale=True, leave=False) as bar:

        def progress(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        fetched = bring(entry, find_cache_folder(), progress)
    voice = ProgressReporter(quiet=quiet, verbose=False)
    if not quiet:
        known = f"its SHA-256 is known from {entry.vouched}" if entry.sha256 else "no hash of it is known"
        use = f"use it with -c {entry.config} --set model.weights.file=PATH"
        voice.say(f"{name}: licence {entry.licence}; {known}; {use}")
    if not fetched.is_known and not fetched.was_there:
        voice.say(
            f"{name}: no hash of it is known for certain; this file has the SHA-256 {fetched.sha256}, "
            "which is remembered and compared from now on"
        )
    print(fetched.path)
    return 0


def _print_table() -> None:
    """List the published weights, one line each."""
    from specfeat.published.table import PUBLISHED_WEIGHTS

    rows = [
        (
            entry.name,
            f"{entry.size:,}" if entry.size else "?",
            entry.licence.partition(" (")[0],
            "hash known" if entry.sha256 else "no hash known",
            entry.address,
        )
        for entry in PUBLISHED_WEIGHTS
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for name, size, licence, known, address in rows:
        columns = f"{name:{widths[0]}}  {size:>{widths[1]}}  {licence:{widths[2]}}  {known:{widths[3]}}"
        print(f"{columns}  {address}")


def _quoted(file: str) -> str:
    """Write a path as a YAML text, whatever is in it."""
    return "'" + file.replace("'", "''") + "'"


def _check_target(target: Path, *, force: bool) -> None:
    """Refuse what cannot be written, before any work."""
    from specfeat.errors import UsageError

    if not target.name.endswith(".weights.h5"):
        raise UsageError(f"{target}: Keras wants the name to end in .weights.h5; give such a name")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent}: no such folder for the output; make it first")
    if target.exists() and not target.is_file():
        raise UsageError(f"{target}: is not a regular file; wanted the output's file name")
    if target.exists() and not force:
        raise UsageError(f"{target}: exists already; give another name, or --force to replace it")
