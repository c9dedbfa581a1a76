"""Turns the errors of a system that gives no more memory or threads into one that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from specfeat.errors import InstallError, Remedy, SystemLimitError
from specfeat.library_messages import is_memory_limit, is_thread_limit


@contextmanager
def report_system_limits() -> Iterator[None]:
    """Raise a `SystemLimitError` in place of an error of the block that a limit of the system has caused.

    Raises:
        SystemLimitError: there is no more memory, or the system starts no more threads.
    """
    try:
        yield
    except MemoryError as e:
        detail = " ".join(str(e).split())
        raise SystemLimitError(
            f"there is not enough memory{f' ({detail})' if detail else ''}", remedy=Remedy.USE_LESS_MEMORY
        ) from e
    except (ImportError, InstallError, RuntimeError) as e:
        if is_memory_limit(e):
            raise SystemLimitError(
                "there is not enough memory to load a library; raise the limit of the process (ulimit -v)"
            ) from e
        if not is_thread_limit(e):
            raise
        raise SystemLimitError(
            "the system starts no more threads; raise its limit on processes (ulimit -u)",
            remedy=Remedy.START_FEWER_WORKERS,
        ) from e
