"""`specfeat train INPUTS... FOLDER`: parse, check what is cheap to check, train, and return the exit code."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specfeat.audio.folder_search import check_inputs_exist
from specfeat.cli.messages import add_run_state, print_message
from specfeat.cli.options import ConfigOption, DeviceOption, SetOption, WorkersOption
from specfeat.cli.output_options import FailuresOnlyOption
from specfeat.cli.signals import restore_signal_error, set_run_state_describer
from specfeat.process_state import hide_optional_packages, resume_garbage_collection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from specfeat.cli.command_line import CommandLine
    from specfeat.config import Config
    from specfeat.training.trainer import TrainingRequest

TrainingInputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUTS",
        show_default=False,
        help="Folders with a folder for each label; with --labels, folders and files of any kind.",
    ),
]
ResultFolder = Annotated[
    str, typer.Argument(metavar="FOLDER", show_default=False, help="The folder for the results; it is made.")
]
LabelsOption = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        show_default=False,
        help="A CSV or TSV file with the columns path and label, and perhaps start, end and split.",
    ),
]
EpochsOption = Annotated[
    int | None,
    typer.Option("--epochs", metavar="N", min=1, show_default=False, help="Short for --set train.epochs=N."),
]
TrainResumeOption = Annotated[
    bool,
    typer.Option(
        "--resume", help="Continue a training that was interrupted, or that has ended with fewer epochs."
    ),
]
TrainForceOption = Annotated[bool, typer.Option("--force", help="Replace the training that is in FOLDER.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Print the classes, the parts and the shape of a batch, and stop.")
]
TrainThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        metavar="N",
        min=1,
        max=256,
        help="The number of threads of a training step; by default one per core.",
    ),
]
TensorBoardOption = Annotated[
    bool,
    typer.Option(
        "--tensorboard",
        help="Write the values of each epoch for TensorBoard into FOLDER/tensorboard (needs the extra "
        "'tensorboard').",
    ),
]


def train_command(
    context: typer.Context,
    inputs: TrainingInputs = None,
    folder: ResultFolder = "",
    labels: LabelsOption = None,
    config: ConfigOption = "default",
    overrides: SetOption = None,
    epochs: EpochsOption = None,
    resume: TrainResumeOption = False,
    force: TrainForceOption = False,
    dry_run: DryRunOption = False,
    workers: WorkersOption = None,
    threads: TrainThreadsOption = None,
    device: DeviceOption = "auto",
    tensorboard: TensorBoardOption = False,
    quiet: FailuresOnlyOption = False,
) -> int:
    """Train the network of a config on labelled sounds, other networks' features, or unlabelled sounds.

    FOLDER gets the best weights, a config that uses them, and figures of how good they are. Extract features
    with them by `specfeat extract INPUTS OUTPUT -c FOLDER/config.yaml`.

    Exit code: 0 trained, 1 failed, 2 usage or config is wrong, 3 trained but some files failed, 4 no file is
    usable, 75 another training is writing to FOLDER, 130 and 143 stopped by a signal.
    """
    from specfeat.errors import UsageError

    if not folder or not inputs:
        raise UsageError("give INPUTS first and FOLDER last, e.g. specfeat train recordings/ trained/")
    command_line: CommandLine = context.obj
    loaded_config = _load_config(config, overrides or [], labels, epochs)
    with hide_optional_packages():
        from specfeat.training.trainer import TrainingRequest
    check_inputs_exist(inputs)
    request = TrainingRequest(
        config=loaded_config,
        inputs=tuple(inputs),
        folder=Path(folder),
        resume=resume,
        force=force,
        workers=workers,
        threads=threads,
        device=device,
        has_tensorboard=tensorboard,
        command=command_line.list_recorded_words(),
        on_libraries_loaded=resume_garbage_collection,
    )
    if dry_run:
        return _describe_training(request)
    return _run_training(request, command_line, quiet=quiet)


def _load_config(name: str, overrides: "Sequence[str]", labels: str | None, epochs: int | None) -> "Config":
    from specfeat.config import load_config
    from specfeat.config.overrides import list_train_overrides
    from specfeat.config.weights_file import check_weights_file

    short_overrides = list_train_overrides(labels or None, epochs)
    config = load_config(name, [*overrides, *short_overrides], override_prefix="--set ")
    if config.settings.model.weights.file is not None:
        check_weights_file(config)
    return config


def _run_training(request: "TrainingRequest", command_line: "CommandLine", *, quiet: bool) -> int:
    from specfeat.cli.training_progress import TrainingReporter

    with hide_optional_packages():
        from specfeat.training.trainer import run_training

    reporter = TrainingReporter(quiet=quiet)
    set_run_state_describer(lambda: reporter.describe_state(command_line.format_resume_command()))
    try:
        with restore_signal_error(), reporter:
            summary = run_training(request, reporter)
    except Exception as e:  # Every error is raised again, with what the training has written.
        if state := reporter.describe_state(command_line.format_resume_command()):
            add_run_state(e, state)
        raise
    return 3 if summary.failures else 0


def _describe_training(request: "TrainingRequest") -> int:
    from specfeat.training.training_data import describe_data, list_notes, read_training_data

    data = read_training_data(request.inputs, request.train)
    for line in describe_data(data):
        print(line)
    for note in list_notes(data, request.train):
        print_message(note)
    shape = " x ".join(map(str, (request.train.batch, *request.config.settings.input_shape)))
    print_message(f"a batch has the shape {shape}; nothing is trained and nothing is written")
    return 0
