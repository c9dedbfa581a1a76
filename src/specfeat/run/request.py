"""What a caller asks of a run of extraction."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from specfeat.config import Config
from specfeat.run.options import ExecutionOptions, RunOptions

if TYPE_CHECKING:
    from specfeat.network.build import Network

NetworkBuilder = Callable[[Config, ExecutionOptions], "Network"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractionRequest:
    """What is to be extracted, and how.

    Attributes:
        config: the checked config.
        inputs: paths of audio files, and of folders to search for them.
        listed_inputs: paths from a list. They come after `inputs`, and one that does not exist is a file that
            fails.
        options: what the run may do with earlier work.
        execution: how the run is executed.
        command: what the record says of how the run was started: the words of a command line without those
            that only continue an earlier run, or the name of a Python function.
        build_network: loads TensorFlow and builds the network; called at most once, and only if there is work
            to do.
    """

    config: Config
    inputs: tuple[str, ...]
    listed_inputs: tuple[str, ...] = ()
    options: RunOptions = field(default_factory=RunOptions)
    execution: ExecutionOptions = field(default_factory=ExecutionOptions)
    command: tuple[str, ...] = ()
    build_network: NetworkBuilder
