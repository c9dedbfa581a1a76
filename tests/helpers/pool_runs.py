"""Runs sounds through a pool of workers, and makes workers crash or hang."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from specfeat.audio import decode
from specfeat.audio.clip_stream import ClipStream
from specfeat.audio.clips import ClipMaker
from specfeat.config import load_config
from specfeat.config.settings import Settings
from specfeat.errors import AudioError
from specfeat.sound import Sound

SETTINGS = load_config("minimal").settings

Results = dict[str, "np.ndarray | str"]

CRASH = """
import os, sys, signal
if "specfeat.audio.worker" in " ".join(sys.orig_argv):
    import soundfile
    read = soundfile.SoundFile.read
    def broken(self, *arguments, **options):
        name = os.readlink(f"/proc/self/fd/{{self.name}}")  # it is opened by its descriptor
        if name.endswith(("07.wav", "11.wav", "12.wav", "39.wav")):
            block = read(self, 30_000, dtype="float32", always_2d=True)
            if len(block) < 30_000 or "07" not in name or self.tell() > 200_000:
                {action}
            return block
        return read(self, *arguments, **options)
    soundfile.SoundFile.read = broken
"""

HANG = """
import os, sys, time
if "specfeat.audio.worker" in " ".join(sys.orig_argv):
    import soundfile
    read = soundfile.SoundFile.read
    def broken(self, *arguments, **options):
        name = os.readlink(f"/proc/self/fd/{{self.name}}")  # it is opened by its descriptor
        if name.endswith(("07.wav", "11.wav", "39.wav")) and (self.tell() > 200_000 or "07" not in name):
            open(os.path.join(os.path.dirname(name), "hangs-" + str(os.getpid())), "w").close()
            {action}
        return read(self, *arguments, **options)
    soundfile.SoundFile.read = broken
"""

HANGS = ["time.sleep(600)", "while True: pass", "import ctypes; ctypes.PyDLL(None).sleep(600)"]


def compute_locally(sounds: Sequence[Sound], settings: Settings = SETTINGS) -> Results:
    """Return the clips of each sound, or its error, without workers."""
    maker = ClipMaker(settings)
    results: Results = {}
    for sound in sounds:
        try:
            clips = [clip.copy() for clip in maker.make_clips(decode.read_samples(sound, settings.audio))]
            results[sound.path] = np.array(clips, np.float32).reshape(-1, *settings.input_shape)
        except AudioError as e:
            results[sound.path] = str(e)
    return results


def collect_clips(streams: Iterator[ClipStream], settings: Settings = SETTINGS) -> Results:
    """Return the clips of each stream, or its error."""
    results: Results = {}
    for stream in streams:
        try:
            pieces = [np.empty((0, *settings.input_shape), np.float32), *(clips.copy() for clips in stream)]
            results[stream.sound.path] = np.concatenate(pieces)
        except AudioError as e:
            results[stream.sound.path] = str(e)
    return results


def assert_same(results: Results, expected: Results) -> None:
    """Check that each sound has the expected clips or error, in the expected order."""
    assert list(results) == list(expected)
    for path, result in results.items():
        np.testing.assert_array_equal(result, expected[path], err_msg=path)


def count_hanging_workers(folder: Path) -> int:
    """Count the workers that have come to the place where `HANG` lets them hang."""
    return len(list(folder.glob("hangs-*")))
