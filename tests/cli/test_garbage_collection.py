"""When the garbage collector runs, and in what state it is left."""

import gc
import sys
from pathlib import Path

import pytest

from helpers.long_tests import IS_LONG_FORM
from helpers.specfeat_command import SAMPLE, run_program
from specfeat.cli import run_command_line
from specfeat.errors import UsageError

pytestmark = pytest.mark.slow

# Prints whether the collector is on, and whether the objects of the start are frozen, before two steps of a run.
PRINT_COLLECTOR_STATE = """
import gc, sys
import specfeat.config as config, specfeat.run.runner as runner
from specfeat.cli import main

def print_state_before(name, function):
    def call(*arguments, **options):
        print(name, gc.isenabled(), gc.get_freeze_count() > 100_000)
        return function(*arguments, **options)
    return call

config.load_config = print_state_before("config", config.load_config)
runner.execute_plan = print_state_before("run", runner.execute_plan)
if sys.argv.pop(1) == "off":
    gc.disable()
code = main()
print(code, gc.isenabled())
"""


def _list_states(folder: Path, state_before: str, *options: str) -> list[str]:
    run = run_program(
        folder,
        *(sys.executable, "-c", PRINT_COLLECTOR_STATE, state_before),
        *("extract", SAMPLE / "chirp.wav", "out.npy", *options),
        check=True,
    )
    return run.stdout.splitlines()


@pytest.mark.tf
def test_garbage_is_collected_in_the_run_and_not_in_the_start(tmp_path: Path) -> None:
    """The collector is off while modules load; during a run it is on, and leaves out what came before."""
    states = _list_states(tmp_path, "off", "-c", "minimal")

    assert states == ["config False False", "run True True", "0 False"]
    if IS_LONG_FORM:
        states = _list_states(tmp_path, "on", "-c", "minimal", "--force")
        assert states == ["config False False", "run True True", "0 True"]


@pytest.mark.parametrize(("state_before", "is_enabled"), [("on", True), ("off", False)])
def test_a_run_that_does_not_start_leaves_the_collector_as_it_was(
    tmp_path: Path, state_before: str, is_enabled: bool
) -> None:
    """After an error the collector is on or off as it was before `main`."""
    assert _list_states(tmp_path, state_before, "-c", "minimall") == ["config False False", f"2 {is_enabled}"]


@pytest.mark.parametrize(
    ("words", "function"),
    [
        ("report out.npy", "specfeat.report.report.write_report"),
        ("search out.npy --row 0", "specfeat.output.finished_output.open_output"),
        ("events out.npy", "specfeat.output.finished_output.open_output"),
        ("classify fit out.npy labels.csv model.json", "specfeat.output.finished_output.open_output"),
        ("classify apply out.npy model.json", "specfeat.analysis.head_files.load_head"),
        ("inspect minimal", "specfeat.inspection.config_description.describe_config"),
        ("convert out.npy out.csv", "specfeat.run.convert.convert"),
        ("merge a.npy b.npy out.npy", "specfeat.run.merge.merge"),
    ],
)
def test_garbage_is_collected_while_other_commands_work(
    words: str, function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The collector is on before the part of a command that may take long."""
    states = []

    def note_state(*_: object, **__: object) -> None:
        states.append(gc.isenabled())
        raise UsageError("stop here")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(function, note_state)
    assert run_command_line(words.split()) == 2
    assert states == [True]
