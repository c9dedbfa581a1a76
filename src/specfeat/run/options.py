"""What a caller may ask of a run: what to do about earlier work, about failures, and how to execute."""

from dataclasses import dataclass, field

from specfeat.config.device import parse_device
from specfeat.errors import Remedy, UsageError, escape_control_characters

_MAX_FILES = 10**12  # keeps absurd numbers out of the arithmetic


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the run may do with earlier work, and what it does with broken files.

    Attributes:
        force: replace an existing output, and discard unfinished work; with `resume` or `update`, discard
            only unfinished work that cannot be continued.
        resume: continue the work of a run that was interrupted.
        update: take the rows of unchanged files from the existing output; continue unfinished work, too.
        retry_failed: try the files again that failed or broke in an earlier run.
        keep_partial: when a file breaks in the middle, keep its rows before the break.

    Raises:
        UsageError: `retry_failed` without `resume` or `update`: no file has been tried yet.
    """

    force: bool = False
    resume: bool = False
    update: bool = False
    retry_failed: bool = False
    keep_partial: bool = False

    def __post_init__(self) -> None:
        if self.retry_failed and not self.uses_unfinished_work:
            raise UsageError(
                "retrying failed files has an effect only on an earlier run", remedy=Remedy.RESUME_OR_UPDATE
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
        most: how many failures are allowed, as the user writes it: a number of files ("20") or a percentage
            of all files ("2.5%"); None for any number.

    Raises:
        UsageError: `most` is neither a number of files nor a percentage.
    """

    stop_at_first: bool = False
    most: str | None = None

    def __post_init__(self) -> None:
        self.count_allowed(1)

    def count_allowed(self, files: int) -> int:
        """Return how many of `files` files may fail."""
        if self.most is None:
            return files
        is_percentage = self.most.endswith("%")
        try:
            number = float(self.most.removesuffix("%")) if is_percentage else int(self.most)
        except ValueError:
            number = -1
        if not 0 <= number <= (100 if is_percentage else _MAX_FILES):  # nan is refused here, too
            raise UsageError(
                f"the limit of failures is {escape_control_characters(self.most[:40])!r}; "
                "wanted a number of files, e.g. 20, or a share of all files, e.g. 1%"
            )
        # 2.3 % of 1000 is 22.999999999999996 in binary.
        return int(files * number / 100 + 1e-9) if is_percentage else int(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionOptions:
    """How a run is executed; of this only the device has an effect on the numbers.

    Attributes:
        device: what runs the network: "auto" (the first GPU, or the CPU), "cpu", "gpu" or "gpu:N".
        workers: how many processes decode; None for one per core.
        threads: how many batches the network computes at the same time on a CPU, each in one thread; None for
            one per core.
        timeout_s: seconds that reading one file may take; None for 600, and 1 more per 100 kB of the file.
        failure_limit: how many files may fail before the run stops.

    Raises:
        DeviceError: `device` is not written as above.
        UsageError: a number is less than 1.
    """

    device: str = "auto"
    workers: int | None = None
    threads: int | None = None
    timeout_s: float | None = None
    failure_limit: FailureLimit = field(default_factory=FailureLimit)

    def __post_init__(self) -> None:
        parse_device(self.device)
        for name, number in (("workers", self.workers), ("threads", self.threads)):
            if number is not None and number < 1:
                raise UsageError(f"{name} is {number}; wanted at least 1")
