"""The request of a run: everything that the caller decides."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from specfeat.audio.path_filter import EVERY_PATH, PathFilter
from specfeat.config import Config
from specfeat.run.options import ExecutionOptions, RunOptions
from specfeat.run.selection_options import SoundSelection

if TYPE_CHECKING:
    from specfeat.network.ready_network import ReadyNetwork

NetworkBuilder = Callable[[Config, ExecutionOptions], "ReadyNetwork"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractionRequest:
    """What a run should extract, and how.

    Attributes:
        config: the checked config.
        inputs: paths of audio files, and of folders to search for them.
        listed_inputs: paths from a list of inputs. They come after `inputs`. A listed path that does not
            exist is a file that fails, and does not end the run.
        path_filter: chooses the files in folders.
        selection: which parts of the files are extracted, and what the index says about them.
        options: what the run may do with earlier work.
        execution: how the run is executed.
        command: how the run was started, for the record: the words of the command line, without those that
            only continue an earlier run; or the name of a Python function.
        build_network: a function that loads TensorFlow and builds the network. It is called only if there is
            work to do, and only once.
    """

    config: Config
    inputs: tuple[str, ...]
    listed_inputs: tuple[str, ...] = ()
    path_filter: PathFilter = EVERY_PATH
    selection: SoundSelection = field(default_factory=SoundSelection)
    options: RunOptions = field(default_factory=RunOptions)
    execution: ExecutionOptions = field(default_factory=ExecutionOptions)
    command: tuple[str, ...] = ()
    build_network: NetworkBuilder
