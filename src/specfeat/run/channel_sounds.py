"""Makes a sound of each channel of each file, for the setting `audio.channels: each`."""

from collections.abc import Sequence
from dataclasses import replace

from specfeat.audio.discovery import FoundSounds
from specfeat.audio.worker_pool import WorkerPool
from specfeat.config.settings import Settings
from specfeat.cpu_count import count_available_cores
from specfeat.errors import AudioError
from specfeat.run.options import ExecutionOptions
from specfeat.sound import Sound


def split_channels(found: FoundSounds, settings: Settings, execution: ExecutionOptions) -> FoundSounds:
    """Return the sounds with one sound for each channel in place of each sound that names no channel.

    The files are opened by workers, because a damaged file can end or block a decoder. A file that cannot be
    opened keeps its one sound, which will fail.

    Args:
        found: the sounds in the inputs.
        settings: the settings of the config.
        execution: how many workers there are, and how long a file may take.

    Raises:
        WorkerError: worker processes cannot be started.
    """
    files = {sound.path: sound for sound in found.sounds if sound.part.channel is None}
    counts = _count_channels([*files.values()], settings, execution) if files else {}
    sounds: list[Sound] = []
    ends = [0]  # how many sounds there are up to the end of each sound of `found`
    for sound in found.sounds:
        count = 0 if sound.part.channel is not None else counts[sound.path]
        parts = [replace(sound.part, channel=channel) for channel in range(count)] or [sound.part]
        sounds += [replace(sound, part=part) for part in parts]
        ends.append(len(sounds))
    folders = [
        replace(folder, first_sound=ends[folder.first_sound], end_sound=ends[folder.end_sound])
        for folder in found.unreadable_folders
    ]
    return replace(found, sounds=tuple(sounds), unreadable_folders=tuple(folders))


def _count_channels(
    files: Sequence[Sound], settings: Settings, execution: ExecutionOptions
) -> dict[str, int]:
    """Return the number of channels of each file by its path; 0 if it cannot be opened."""
    workers = min(execution.workers or count_available_cores(), len(files))
    counts: dict[str, int] = {}
    with WorkerPool(settings, workers, timeout_s=execution.timeout_s, counts_channels=True) as pool:
        for stream in pool.stream_clips(files):
            counts[stream.sound.path] = 0
            try:
                list(stream)  # there are no clips
            except AudioError:  # the worker has crashed or takes too long
                continue
            counts[stream.sound.path] = stream.channels or 0
    return counts
