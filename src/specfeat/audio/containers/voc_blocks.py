"""The blocks of a VOC file (Creative Labs' "Sound Blaster Hardware Programming Guide", chapter "VOC")."""

import struct

from specfeat.audio.containers.file_bytes import FileBytes
from specfeat.audio.containers.sound_extent import SoundExtent

HEADER_BYTES = 26
MAX_BLOCKS = 100_000
# How many bytes stand before the samples, by the type of the block: new sound, more sound, new sound with a
# long header.
SOUND_BLOCKS = {1: 2, 2: 0, 9: 12}
SILENCE_BLOCK = 3
OTHER_BLOCKS = (4, 5, 6, 7, 8)  # markers, texts, repetitions


def find_voc_sound(file: FileBytes) -> SoundExtent | None:
    """Return where the sound of a VOC file stands; None if no block has sound.

    libsndfile reads from the first block with sound to the end of the file, and takes the headers of further
    blocks for sound.

    Raises:
        OSError: the file cannot be read.
    """
    header = file.read(0, HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return None
    (position,) = struct.unpack_from("<H", header, 20)
    sound: SoundExtent | None = None
    for _ in range(MAX_BLOCKS):
        block = file.read(position, 4)
        if len(block) < 4 or block[0] == 0:
            break
        length = int.from_bytes(block[1:], "little")
        if block[0] in SOUND_BLOCKS or block[0] == SILENCE_BLOCK:
            if sound:
                return sound._replace(has_other_sound=True)
            skipped = SOUND_BLOCKS.get(block[0], 0)
            sound = SoundExtent(position + 4 + skipped, length - skipped)
        if position + 4 + length > file.size:
            break
        position += 4 + length
    return sound


def skip_voc_blocks(file: FileBytes, position: int) -> int:
    """Return the place behind the blocks without sound that stand one after another from a position on.

    Raises:
        OSError: the file cannot be read.
    """
    for _ in range(MAX_BLOCKS):
        block = file.read(position, 4)
        end = position + 4 + int.from_bytes(block[1:], "little")
        if len(block) < 4 or block[0] not in OTHER_BLOCKS or end > file.size:
            break
        position = end
    return position
