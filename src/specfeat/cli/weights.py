"""`specfeat weights show | convert | fetch`: inspect, convert and download weights files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specfeat.cli.messages import print_message
from specfeat.cli.network_loading import load_tensorflow_network
from specfeat.cli.options import ConfigOption, SetOption
from specfeat.cli.output_options import ErrorsOnlyOption, ReplaceOption
from specfeat.cli.signals import set_run_state_describer

if TYPE_CHECKING:
    from specfeat.config import Config
    from specfeat.published.fetch import FetchedWeights
    from specfeat.published.table import PublishedWeights

weights_app = typer.Typer(name="weights", help="Show, convert and download weights files.")

WeightsFile = Annotated[str, typer.Argument(metavar="FILE", show_default=False, help="A weights file.")]
ComparedConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config",
        "-c",
        metavar="NAME|FILE",
        show_default=False,
        help="Compare with the network of this config: a shipped config or a YAML file.",
    ),
]
PublishedName = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME", show_default=False, help="The weights to download; without it, all are listed."
    ),
]
ConvertedFile = Annotated[
    str,
    typer.Argument(metavar="OUT.weights.h5", show_default=False, help="The file to write."),
]


@weights_app.command("show")
def show_weights_file(
    file: WeightsFile, config: ComparedConfigOption = None, overrides: SetOption = None
) -> int:
    """Print what a weights file contains, and which networks it fits.

    The command prints the format, the SHA-256, the names, shapes and types of the arrays, and the shipped
    configs whose networks the file fits. With -c, the file is compared only with this config: each array of
    the network is printed together with the matching array of the file, and stderr says why the file does not
    fit. The network does not run. TensorFlow is loaded only for a TensorFlow checkpoint, and for a config
    with a network of keras.applications.

    Exit code: 0 shown, 2 the file cannot be read, or does not fit the config given with -c.
    """
    from specfeat.config import load_config
    from specfeat.errors import UsageError
    from specfeat.process_state import hide_optional_packages

    if overrides and config is None:
        raise UsageError(
            "--set changes a value of a config, and no config is given; name it with -c, e.g. -c default"
        )
    compared_config = load_config(config, overrides or [], override_prefix="--set ") if config else None

    with hide_optional_packages():
        from specfeat.cli import weights_report as report
        from specfeat.weights.fitting_configs import compare_with_configs, load_shipped_configs
        from specfeat.weights.inspection import inspect_weights_file

    with inspect_weights_file(file) as open_file:
        if compared_config is None:
            comparison = compare_with_configs(load_shipped_configs(), open_file.contents)
            report.print_summary(file, open_file, comparison)
            report.print_arrays(open_file)
            return 0
        slots = report.list_config_slots(compared_config)
        comparison = report.compare_with_one_config(compared_config, file, open_file, slots)
        report.print_summary(file, open_file, comparison)
        if not report.print_pairs(compared_config, open_file, slots):
            report.print_arrays(open_file)
    return 0 if comparison.fitting_configs else 2


@weights_app.command("convert")
def convert_weights_file(
    file: WeightsFile,
    output: ConvertedFile,
    config: ConfigOption = "default",
    overrides: SetOption = None,
    force: ReplaceOption = False,
    quiet: ErrorsOnlyOption = False,
) -> int:
    """Convert a weights file to the format of Keras 3.

    The network of the config is built and gets the weights. Then its arrays are written, together with the
    settings of the spectrogram. When the converted file is loaded, these settings are compared with those of
    the config. The converted file gives exactly the same features.

    Exit code: 0 written, 1 failed, 2 usage, config or weights are wrong.
    """
    from specfeat.config import load_config
    from specfeat.config.weights_file import describe_unreadable_file
    from specfeat.config.yaml_writer import quote_yaml
    from specfeat.errors import UsageError

    target = Path(output)
    loaded_config = load_config(
        config, [*(overrides or []), f"model.weights.file={quote_yaml(file)}"], override_prefix="--set "
    )
    problem = describe_unreadable_file(str(loaded_config.settings.model.weights.file))
    if problem:
        raise UsageError(problem)  # no line of the config, because the file is named on the command line
    _check_target(target, force=force)
    numbers, source_format = _write_converted_file(loaded_config, target)
    if not quiet:
        print_message(f"{output}: {numbers:,} numbers for {config}, from {source_format}")
    return 0


def _write_converted_file(config: "Config", target: Path) -> tuple[int, str]:
    """Write the weights of the config's network to a new file.

    Returns:
        The number of numbers that are written, and the format of the original file.
    """
    from specfeat.atomic_file import AtomicFile
    from specfeat.file_access import sync_folder

    network = load_tensorflow_network(config, "cpu")
    from specfeat.weights.save import save_weights

    file = AtomicFile(target)
    set_run_state_describer(lambda: f"{target} is complete" if file.is_finished else "")
    with file:
        save_weights(network.model, network.layers, config.settings, file.file)
        file.sync()
        file.finish()
    sync_folder(target.parent)
    return network.model.count_params(), str(network.weights["format"])


@weights_app.command("fetch")
def fetch_published_weights(name: PublishedName = None, quiet: ErrorsOnlyOption = False) -> int:
    """Download published weights, and print the path of the file.

    The file is stored in the user's cache. Without NAME, the weights that can be downloaded are listed. If
    the connection fails, the downloaded part is kept, and the next fetch continues the download. The file
    appears only after its SHA-256 has been verified. If no SHA-256 is known for certain, the first fetch
    prints the SHA-256 of the file, and later fetches compare with it.

    Exit code: 0 the file is there, 1 it cannot be downloaded or is not the published file, 2 no such weights.
    """
    from specfeat.published.table import find_published_weights

    if name is None:
        _print_published_weights()
        return 0
    entry = find_published_weights(name)
    fetched = _download_file(entry, quiet=quiet)
    _describe_fetched_file(entry, fetched, quiet=quiet)
    print(fetched.path)
    return 0


def _download_file(entry: "PublishedWeights", *, quiet: bool) -> "FetchedWeights":
    from tqdm import tqdm

    from specfeat.published.fetch import fetch_weights, find_cache_folder

    set_run_state_describer(lambda: "the downloaded part is kept; fetch again to continue")
    is_hidden = True if quiet else None  # None: hidden unless stderr is a terminal
    with tqdm(total=entry.size, disable=is_hidden, unit="B", unit_scale=True, leave=False) as bar:

        def show_progress(done_bytes: int, total_bytes: int | None) -> None:
            bar.total = total_bytes
            bar.update(done_bytes - bar.n)

        return fetch_weights(entry, find_cache_folder(), show_progress)


def _describe_fetched_file(entry: "PublishedWeights", fetched: "FetchedWeights", *, quiet: bool) -> None:
    if not quiet:
        source = (
            f"its SHA-256 is known from {entry.hash_source}" if entry.sha256 else "its SHA-256 is not known"
        )
        usage = f"use it with -c {entry.config} --set model.weights.file=PATH"
        print_message(f"{entry.name}: licence {entry.licence}; {source}; {usage}")
    if not fetched.has_known_hash and not fetched.was_cached:
        print_message(
            f"{entry.name}: no SHA-256 is known for certain; this file has the SHA-256 {fetched.sha256}, "
            "which later fetches compare with"
        )


def _print_published_weights() -> None:
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
    for name, size, licence, hash_note, address in rows:
        columns = f"{name:{widths[0]}}  {size:>{widths[1]}}  {licence:{widths[2]}}  {hash_note:{widths[3]}}"
        print(f"{columns}  {address}")


def _check_target(target: Path, *, force: bool) -> None:
    """Check that the converted file can be written, before the network is built.

    Raises:
        UsageError: the name or the folder is wrong, or the file exists and must not be replaced.
    """
    from specfeat.errors import UsageError
    from specfeat.file_access import check_new_path

    if not target.name.endswith(".weights.h5"):
        raise UsageError(f"{target}: Keras requires a name that ends in .weights.h5; choose such a name")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent}: no such folder for the output; make it first")
    if target.exists() and not target.is_file():
        raise UsageError(f"{target}: is not a regular file; wanted the output's file name")
    check_new_path(target, force=force)
