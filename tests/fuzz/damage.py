"""Ways to damage bytes at random, but the same for the same seed."""

from collections.abc import Callable, Sequence
from random import Random

Bytes = bytearray
Damage = Callable[[Random, Bytes, Sequence[bytes]], None]

HEADER_BYTES = 256  # at the beginning, where the lengths and rates are
BAD_FIELDS = (  # values that a field of a header should not have
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


def _flip(random: Random, data: Bytes, others: Sequence[bytes]) -> None:
    for _ in range(random.choice((1, 1, 3, 30))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _truncate(random: Random, data: Bytes, _: Sequence[bytes]) -> None:
    del data[random.choice((random.randrange(len(data)), random.randrange(min(len(data), HEADER_BYTES)))) :]


def _cut_out(random: Random, data: Bytes, _: Sequence[bytes]) -> None:
    start = random.randrange(len(data))
    del data[start : start + random.choice((1, 2, 7, 100, 4000))]


def _repeat(random: Random, data: Bytes, _: Sequence[bytes]) -> None:
    start = random.randrange(len(data))
    part = data[start : start + random.choice((1, 4, 100, 4000))]
    data[start:start] = part * random.choice((1, 3))


def _garbage(random: Random, data: Bytes, _: Sequence[bytes]) -> None:
    start = random.randrange(len(data))
    length = random.choice((4, 64, 2000))
    data[start : start + length] = random.randbytes(length)


def _splice(random: Random, data: Bytes, others: Sequence[bytes]) -> None:
    other = random.choice(others)
    data[random.randrange(len(data)) :] = other[random.randrange(len(other)) :]


def _chain(random: Random, data: Bytes, others: Sequence[bytes]) -> None:
    data += random.choice(others)


def _edit_header(random: Random, data: Bytes, others: Sequence[bytes]) -> None:
    for _ in range(random.choice((1, 1, 2))):
        value = random.choice(BAD_FIELDS)
        start = random.randrange(min(len(data), HEADER_BYTES))
        data[start : start + len(value)] = value


DAMAGES: tuple[Damage, ...] = (
    *(_flip, _truncate, _cut_out, _repeat, _garbage, _splice, _chain),
    *(_edit_header, _edit_header, _edit_header),
)


def damage(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """Return a damaged copy of some bytes.

    Args:
        random: the source of random numbers.
        content: the bytes.
        others: other contents, of which pieces can be put into the copy.
    """
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        if data:
            random.choice(DAMAGES)(random, data, others)
    return bytes(data)
