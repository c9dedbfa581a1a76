"""Computes the checksum CRC-32C of many messages at the same time.

The checksum is described in RFC 3720, appendix B.4. Four bytes of all messages are processed in one step with
two tables; see Kounavis and Berry, "Novel Table Lookup-Based Algorithms for High-Performance CRC Generation".
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78  # Castagnoli's polynomial 0x1EDC6F41 with its bits in reverse order
_MIN_BYTES = 4


def compute_checksums(messages: Sequence[bytes]) -> NDArray[np.uint32]:
    """Return the CRC-32C of each message.

    Args:
        messages: the messages, each of at least 4 bytes.
    """
    low_table, high_table = _make_tables()
    checksums = np.zeros(len(messages), np.uint32)
    for words in _arrange_words(messages):
        checksums ^= words
        checksums = low_table[checksums & 0xFFFF] ^ high_table[checksums >> 16]
    return ~checksums


def _arrange_words(messages: Sequence[bytes]) -> NDArray[np.uint32]:
    """Return the messages as words of 32 bits, shape (words of the longest message, messages).

    All messages end in the last word, and there are zeros before the shorter ones, which do not change a
    checksum that is still 0. A checksum begins with ones in all its bits. The same is done here by inverting
    the first four bytes of each message.
    """
    length = -(-max(map(len, messages), default=0) // 4) * 4
    data = np.zeros((len(messages), length), np.uint8)
    for line, message in zip(data, messages, strict=True):
        if len(message) < _MIN_BYTES:
            raise ValueError("the checksum of less than 4 bytes is not supported")
        first = length - len(message)
        line[first:] = np.frombuffer(message, np.uint8)
        line[first : first + 4] ^= 0xFF
    return np.ascontiguousarray(data.view("<u4").T)


@cache
def _make_tables() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return how the low and the high 16 bits of a word change a checksum in one step of four bytes."""
    values = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = np.where(values & 1, values >> 1 ^ np.uint32(_POLYNOMIAL), values >> 1)
    tables = [values]  # for a byte with no, one, two and three bytes after it
    for _ in range(3):
        tables.append(values[tables[-1] & 0xFF] ^ tables[-1] >> 8)
    low_byte, high_byte = np.arange(2**16) & 0xFF, np.arange(2**16) >> 8
    return tables[3][low_byte] ^ tables[2][high_byte], tables[1][low_byte] ^ tables[0][high_byte]
