"""The options of a run: what it does about earlier work and about failures, and how it is executed."""

from dataclasses import dataclass, field

from specfeat.config.device import parse_device
from specfeat.errors import Remedy, UsageError, escape_control_characters
from specfeat.network.engine_names import TENSORFLOW, check_engine_name
from specfeat.run.shard import Shard

_MAX_FILES = 10**12  # a larger limit is a mistake; it could also be too large for a float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the run may do with earlier work, and what it does with broken files.

    Attributes:
        force: replace an existing output. Without `resume` and `update`, discard unfinished work; with one of
            them, discard it only if it cannot be continued.
        resume: continue the work of a run that was interrupted.
        update: take the rows of unchanged files from the existing output; continue unfinished work, too.
        retry_failed: whether files that failed, or gave only a part, in an earlier run are extracted again.
        keep_partial: whether the rows before the damage are kept if a file is damaged in the middle.
        shard: the shard of the run that is extracted; None for the whole run.

    Raises:
        UsageError: `retry_failed` is set without `resume` or `update`.
    """

    force: bool = False
    resume: bool = False
    update: bool = False
    retry_failed: bool = False
    keep_partial: bool = False
    shard: Shard | None = None

    def __post_init__(self) -> None:
        if self.retry_failed and not self.uses_unfinished_work:
            raise UsageError(
                "failed files can be tried again only in a run that continues or updates an earlier one",
                remedy=Remedy.RESUME_OR_UPDATE,
            )

    @property
    def uses_unfinished_work(self) -> bool:
        """Whether the work of a run that was interrupted is continued."""
        return self.resume or self.update


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureLimit:
    """How many files may fail before a run stops.

    Attributes:
        stop_at_first: whether the first failure stops the run.
        max_failures: how many files may fail, as the user writes it: a number of files ("20") or a percentage
            of all files ("2.5%"); None for no limit.

    Raises:
        UsageError: `max_failures` is neither a number of files nor a percentage.
    """

    stop_at_first: bool = False
    max_failures: str | None = None

    def __post_init__(self) -> None:
        self.count_allowed(1)

    def count_allowed(self, files: int) -> int:
        """Return how many of `files` files may fail."""
        if self.max_failures is None:
            return files
        is_percentage = self.max_failures.endswith("%")
        try:
            number = float(self.max_failures.removesuffix("%")) if is_percentage else int(self.max_failures)
        except ValueError:
            number = -1
        if not 0 <= number <= (100 if is_percentage else _MAX_FILES):  # NaN is refused here, too
            raise UsageError(
                f"the limit of failures is {escape_control_characters(self.max_failures[:40])!r}; "
                "it must be a number of files, e.g. 20, or a share of all files, e.g. 1%"
            )
        # 2.3 % of 1000 is 22.999999999999996 in binary.
        return int(files * number / 100 + 1e-9) if is_percentage else int(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionOptions:
    """How a run is executed. Of these options, only device and engine affect the numbers.

    Attributes:
        device: what runs the network: "auto" (the first GPU, or the CPU), "cpu", "gpu" or "gpu:N".
        workers: how many processes decode, 1 or more; None for one per core.
        threads: how many batches the network computes at the same time on a CPU, each in one thread, 1 or
            more; None for one per core.
        timeout_s: how many seconds it may take to read one file; None for 600, plus 1 per 100 kB of the file.
        failure_limit: how many files may fail before the run stops.
        engine: the library that runs the network, see `network.engine_names`.

    Raises:
        DeviceError: `device` is not written as above.
        UsageError: a number is less than 1, or there is no such engine.
    """

    device: str = "auto"
    workers: int | None = None
    threads: int | None = None
    timeout_s: float | None = None
    failure_limit: FailureLimit = field(default_factory=FailureLimit)
    engine: str = TENSORFLOW

    def __post_init__(self) -> None:
        parse_device(self.device)
        check_engine_name(self.engine)
        for name, number in (("workers", self.workers), ("threads", self.threads)):
            if number is not None and number < 1:
                raise UsageError(f"{name} is {number}; it must be 1 or more")


DEFAULT_EXECUTION = ExecutionOptions()
