"""Examines the machine: processor, cores, memory, limits, and the folders that specfeat writes to."""

import contextlib
import os
import platform
import resource
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from specfeat.cpu_count import count_available_cores, list_cgroup_folders
from specfeat.inspection.finding import Finding

# TensorFlow's wheels for x86-64 need AVX. The other instruction sets make oneDNN faster.
_NEEDED_INSTRUCTIONS = ("avx",)
_USEFUL_INSTRUCTIONS = ("avx2", "fma", "avx512f", "avx512_vnni", "amx_tile")
_ENOUGH_MEMORY = 2 * 2**30  # TensorFlow needs about half a GiB, and a batch of a large network about one GiB
_ENOUGH_FILES = 256  # each worker and each file needs some descriptors


def inspect_machine() -> list[Finding]:
    """Return what was found about the machine."""
    return [
        inspect_processor(),
        _inspect_cores(),
        inspect_memory(),
        *_inspect_limits(),
        *_inspect_folders(),
    ]


def inspect_processor(cpu_info: Path = Path("/proc/cpuinfo")) -> Finding:
    """Return the kind of the processor and its instruction sets.

    Args:
        cpu_info: the file in which Linux describes the processor.
    """
    machine = platform.machine()
    try:
        lines = cpu_info.read_text(errors="replace").splitlines()
    except OSError:
        return Finding("processor", "ok", f"{machine}; its instruction sets are not known here")
    values = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    model = values.get("model name", machine)
    flags = {*values.get("flags", "").split()}
    known = [name for name in (*_NEEDED_INSTRUCTIONS, *_USEFUL_INSTRUCTIONS) if name in flags]
    if machine in ("x86_64", "AMD64") and flags and not flags.issuperset(_NEEDED_INSTRUCTIONS):
        return Finding(
            "processor",
            "problem",
            f"{model} has no AVX, which TensorFlow's packages need",
            "use another machine; in a virtual machine, pass the processor of the host through",
        )
    return Finding("processor", "ok", f"{model}; {' '.join(known) or machine}")


def _inspect_cores() -> Finding:
    available, all_cores = count_available_cores(), os.cpu_count() or 1
    if available < all_cores:
        text = f"{available} of {all_cores}, because the process or its control group is limited to them"
        return Finding("cores", "ok", text)
    return Finding("cores", "ok", str(available))


def inspect_memory(memory_info: Path = Path("/proc/meminfo"), folders: list[Path] | None = None) -> Finding:
    """Return how much memory the process can have.

    Args:
        memory_info: the file in which Linux says how much memory there is.
        folders: the folders of the control groups of this process; None to find them.
    """
    sizes: list[tuple[int, str]] = []
    with contextlib.suppress(OSError, ValueError, IndexError):
        total = next(line for line in memory_info.read_text().splitlines() if line.startswith("MemTotal:"))
        sizes.append((int(total.split()[1]) * 1024, "of the machine"))
    for folder in folders if folders is not None else list_cgroup_folders("memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            with contextlib.suppress(OSError, ValueError):
                sizes.append((int((folder / name).read_text()), "allowed by the control group"))
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY:
        sizes.append((limit, "allowed by ulimit -v"))
    if not sizes:
        return Finding("memory", "ok", "is not known here")
    size, origin = min(sizes)
    text = f"{size / 2**30:.1f} GiB {origin}"
    if size < _ENOUGH_MEMORY:
        cure = "give the process at least 2 GiB, or use a small batch (model.batch)"
        return Finding("memory", "note", text, cure)
    return Finding("memory", "ok", text)


def _inspect_limits() -> Iterator[Finding]:
    for name, number, enough, option in (
        ("open files", resource.RLIMIT_NOFILE, _ENOUGH_FILES, "-n"),
        ("processes and threads", resource.RLIMIT_NPROC, 64 * count_available_cores(), "-u"),
    ):
        limit = resource.getrlimit(number)[0]
        if limit == resource.RLIM_INFINITY:
            yield Finding(name, "ok", "no limit")
        elif limit < enough:
            yield Finding(name, "note", f"at most {limit}", f"raise the limit: ulimit {option} {enough}")
        else:
            yield Finding(name, "ok", f"at most {limit}")
    if sys.platform == "linux" and not os.path.lexists("/proc/self/exe"):
        yield Finding(
            "/proc",
            "problem",
            "is not mounted, and TensorFlow needs it",
            "mount it: mount -t proc proc /proc",
        )


def _inspect_folders() -> Iterator[Finding]:
    try:
        yield Finding("temporary files", "ok", tempfile.gettempdir())
    except OSError:
        yield Finding(
            "temporary files", "problem", "no folder can be written", "set TMPDIR to a folder that can"
        )
    yield inspect_cache(find_cache_base() / "specfeat")


def find_cache_base() -> Path:
    """Return the folder of the user's caches, as `platformdirs` finds it, which may be missing."""
    if sys.platform == "darwin":
        return Path("~/Library/Caches").expanduser()
    folder = os.environ.get("XDG_CACHE_HOME", "").strip()
    return Path(folder) if folder else Path("~/.cache").expanduser()


def inspect_cache(folder: Path) -> Finding:
    """Return whether weights can be stored in the user's cache.

    Args:
        folder: the folder of specfeat in the cache, which may not exist yet.
    """
    cure = "set XDG_CACHE_HOME to a folder that can be written"
    existing = next((one for one in (folder, *folder.parents) if one.exists()), None)
    if existing is None or not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        text = f"{folder} cannot be written, so weights cannot be downloaded"
        return Finding("cache", "note", text, cure)
    return Finding("cache", "ok", str(folder))
