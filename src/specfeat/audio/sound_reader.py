"""Reads the sounds of one file one after another, and decodes the file as few times as the memory allows."""

import math
from collections.abc import Iterator, Sequence

from specfeat.audio import decode
from specfeat.audio.decode import BreakHandler, OpenHandler, PartReader, Samples
from specfeat.config.audio import Audio
from specfeat.sound import Sound, SoundPart

# How many seconds of decoded sound may wait for a later part of the same file. Parts that overlap more are
# read by another decoder of the file. 30 s of stereo at 48 kHz are 11 MB, of mono at 384 kHz 46 MB.
MAX_WAITING_S = 30.0
MAX_DECODERS = 8  # decoders of one file that are open at the same time; each of them holds a descriptor


class SoundReader:
    """Reads the sounds of one file one after another. The end of the `with` block closes the file.

    One decoder reads all sounds of which only a little overlaps. So short parts that follow each other, or
    that overlap by half, need one decoder. If one part is the whole file and the others are in it, the file
    is decoded twice.

    Args:
        sounds: the sounds, all of the same file. The fewest decoders are needed if they are sorted by start.
        audio: the config's sample rate, channel and quality of the resampler.

    Attributes:
        sounds: the sounds.
    """

    def __init__(self, sounds: Sequence[Sound], audio: Audio) -> None:
        self.sounds = sounds
        self._audio = audio
        self._plan = plan_decoders([sound.part for sound in sounds]) if len(sounds) > 1 else [None]
        # The parts of each decoder, and the number of each sound among the parts of its decoder.
        self._parts: list[list[SoundPart]] = [[] for _ in range(MAX_DECODERS)]
        self._part_numbers: list[int] = []
        for sound, decoder in zip(sounds, self._plan, strict=True):
            parts = self._parts[decoder or 0]
            self._part_numbers.append(len(parts))
            if decoder is not None:
                parts.append(sound.part)
        self._readers: dict[int, PartReader] = {}

    def __enter__(self) -> "SoundReader":
        return self

    def __exit__(self, *error: object) -> None:
        for reader in self._readers.values():
            reader.close()

    def read_samples(
        self, number: int, on_break: BreakHandler | None = None, on_open: OpenHandler | None = None
    ) -> Iterator[Samples]:
        """Yield the samples of one sound as `decode.read_samples` does. Each sound is read once, in order.

        Args:
            number: the number of the sound, counted from 0.
            on_break: see `decode.read_samples`.
            on_open: see `decode.read_samples`.

        Raises:
            AudioError: see `decode.read_samples`.
        """
        decoder = self._plan[number]
        if decoder is None:
            yield from decode.read_samples(self.sounds[number], self._audio, on_break, on_open)
            return
        parts, part_number = self._parts[decoder], self._part_numbers[number]
        if decoder not in self._readers:
            block_values = decode.KEEP_PARTIAL_BLOCK_VALUES if on_break else None
            sound = self.sounds[number]
            self._readers[decoder] = PartReader(sound.path, parts, self._audio, block_values, sound.source)
        if on_open:
            on_open(self._readers[decoder].decoder_version)
        yield from self._readers[decoder].read_samples(part_number, on_break)
        if part_number == len(parts) - 1:
            self._readers.pop(decoder).close()


def plan_decoders(parts: Sequence[SoundPart]) -> list[int | None]:
    """Return which decoder reads each part of a file, if the parts are read in this order.

    While a decoder reads a part, it keeps what it decodes of the later ones. A part is given to the first
    decoder that has to keep at most `MAX_WAITING_S` of it.

    Returns:
        For each part the number of its decoder; None for a part that needs a decoder of its own.
    """
    positions = [-math.inf] * MAX_DECODERS  # how far each decoder has read
    plan: list[int | None] = []
    for part in parts:
        start = part.start_s or 0.0
        end = math.inf if part.end_s is None else part.end_s
        decoder = next((k for k in range(MAX_DECODERS) if positions[k] - start <= MAX_WAITING_S), None)
        if decoder is not None:
            positions[decoder] = max(positions[decoder], end)
        plan.append(decoder)
    return plan
