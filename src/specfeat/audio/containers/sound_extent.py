"""Where the sound of a file stands, and how many samples its bytes stand for."""

from typing import NamedTuple

# Bytes of one sample in the codings that have the same number for each.
_SAMPLE_BYTES = {
    **dict.fromkeys(("PCM_S8", "PCM_U8", "ULAW", "ALAW", "DPCM_8"), 1),
    **dict.fromkeys(("PCM_16", "DPCM_16"), 2),
    "PCM_24": 3,
    **dict.fromkeys(("PCM_32", "FLOAT"), 4),
    "DOUBLE": 8,
}
# A block of MIDI's Sample Dump Standard has 120 bytes of samples with 7 bits each: 2, 3 or 4 bytes a sample.
_SDS_BLOCK_SAMPLES = {"PCM_S8": 60, "PCM_16": 40, "PCM_24": 30}


class SoundExtent(NamedTuple):
    """Where the sound stands in a file, as its header says.

    Attributes:
        start: the place of the first byte of the sound.
        length: the length of the sound in bytes; None if the header does not tell it. It may be wrong.
        block_bytes: the length of a block of a block coding (`nBlockAlign` of WAV); 0 for other codings.
        length_place: where the length stands in the header; None if it cannot be replaced.
        length_layout: the layout of the length, for the module `struct`.
        length_extra: what the length in the header counts besides the sound, in bytes.
        has_other_sound: whether there is sound in another part of the file.
    """

    start: int
    length: int | None
    block_bytes: int = 0
    length_place: int | None = None
    length_layout: str = "<I"
    length_extra: int = 0
    has_other_sound: bool = False


class BlockSize(NamedTuple):
    """The smallest piece of a coding that can be decoded.

    Attributes:
        size: its length in bytes, of all channels together.
        samples: how many samples of each channel it stands for.
    """

    size: int
    samples: int


def count_samples(length: int, block: BlockSize, coding: str, channels: int) -> int:
    """Return how many samples of each channel some bytes of sound stand for.

    Args:
        length: the number of bytes.
        block: the smallest piece that can be decoded.
        coding: libsndfile's name of the coding. libsndfile decodes what there is of the last block if this
            coding is IMA ADPCM of WAV: a sample for each channel, and then groups of 8 samples in 4 bytes.
        channels: the number of channels.
    """
    blocks, rest = divmod(length, block.size)
    samples = blocks * block.samples
    if coding == "IMA_ADPCM" and block.samples % 8 == 1 and rest >= 4 * channels:
        samples += 1 + (rest - 4 * channels) // (4 * channels) * 8
    return samples


def get_sample_bytes(coding: str, channels: int) -> int:
    """Return the length in bytes of one sample of all channels; 0 if samples have different lengths."""
    return _SAMPLE_BYTES.get(coding, 0) * channels


def get_block_size(extent: SoundExtent, container: str, coding: str, channels: int) -> BlockSize | None:
    """Return the smallest piece of a coding that can be decoded; None if the pieces have different lengths.

    Sources: GSM 06.10 in WAV has 65 bytes for 320 samples (Microsoft's WAV49), elsewhere 33 for 160. IMA
    ADPCM in AIFF has 34 bytes for 64 samples (Apple's Technical Note TN1081). In WAV, a block of IMA ADPCM
    has a header of 4 bytes with one sample for each channel, one of MS ADPCM a header of 7 bytes with two.
    Then there are 4 bits for each sample (Microsoft's "Multimedia Data Standards Update", 1994). PAF stores
    10 samples of 24 bits in 32 bytes (libsndfile's paf.c).

    Args:
        extent: where the sound stands.
        container: libsndfile's name of the file format, e.g. "WAV".
        coding: libsndfile's name of the coding of the samples, e.g. "PCM_16".
        channels: the number of channels.
    """
    if container == "SDS":
        return BlockSize(127, _SDS_BLOCK_SAMPLES[coding]) if coding in _SDS_BLOCK_SAMPLES else None
    if container == "PAF" and coding == "PCM_24":
        return BlockSize(32 * channels, 10)
    if coding in _SAMPLE_BYTES:
        return BlockSize(_SAMPLE_BYTES[coding] * channels, 1)
    if coding == "GSM610":
        return BlockSize(33, 160) if container == "AIFF" else BlockSize(65, 320)
    if coding == "IMA_ADPCM" and container == "AIFF":
        return BlockSize(34 * channels, 64)
    header_bytes, header_samples = {"IMA_ADPCM": (4, 1), "MS_ADPCM": (7, 2)}.get(coding, (0, 0))
    nibbles = 2 * (extent.block_bytes - header_bytes * channels)
    if header_bytes and nibbles >= 0:
        return BlockSize(extent.block_bytes, header_samples + nibbles // channels)
    return None
