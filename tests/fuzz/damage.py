"""Ways to damage bytes, by chance but repeatably."""

from collections.abc import Callable, Sequence
from random import Random

Bytes = bytearray
Damage = Callable[[Random, Bytes, Sequence[bytes]], None]

HEADER = 256  # bytes at the front, where the lengths and rates are
TELLING = (  # what a field of a header should never hold, and now does
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x7f\xff\xff\xff",
    b"\1\0\0\0",
    b"\0\0\0\1",
    b"\0\0\0\x80",
    b"\xff\xff",
    b"\0\0",
    b"\0\4",
    b"\xff" * 8,
    b"\xff" * 7 + b"\x7f",
)


def _flip(chance: Random, data: Bytes, others: Sequence[bytes]) -> None:
    for _ in range(chance.choice((1, 1, 3, 30))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _truncate(chance: Random, data: Bytes, _: Sequence[bytes]) -> None:
    del data[chance.choice((chance.randrange(len(data)), chance.randrange(min(len(data), HEADER)))) :]


def _cut_out(chance: Random, data: Bytes, _: Sequence[bytes]) -> None:
    start = chance.randrange(len(data))
    del data[start : start + chance.choice((1, 2, 7, 100, 4000))]


def _repeat(chance: Random, data: Bytes, _: Sequence[bytes]) -> None:
    start = chance.randrange(len(data))
    part = data[start : start + chance.choice((1, 4, 100, 4000))]
    data[start:start] = part * chance.choice((1, 3))


def _garbage(chance: Random, data: Bytes, _: Sequence[bytes]) -> None:
    start = chance.randrange(len(data))
    length = chance.choice((4, 64, 2000))
    data[start : start + length] = chance.randbytes(length)


def _splice(chance: Random, data: Bytes, others: Sequence[bytes]) -> None:
    other = chance.choice(others)
    data[chance.randrange(len(data)) :] = other[chance.randrange(len(other)) :]


def _chain(chance: Random, data: Bytes, others: Sequence[bytes]) -> None:
    data += chance.choice(others)


def _edit_header(chance: Random, data: Bytes, others: Sequence[bytes]) -> None:
    for _ in range(chance.choice((1, 1, 2))):
        value = chance.choice(TELLING)
        start = chance.randrange(min(len(data), HEADER))
        data[start : start + len(value)] = value


DAMAGES: tuple[Damage, ...] = (
    *(_flip, _truncate, _cut_out, _repeat, _garbage, _splice, _chain),
    *(_edit_header, _edit_header, _edit_header),
)


def damaged(chance: Random, whole: bytes, others: Sequence[bytes]) -> bytes:
    """Return a damaged copy; `others` are there to be spliced in."""
    data = bytearray(whole)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        if data:
            chance.choice(DAMAGES)(chance, data, others)
    return bytes(data)
