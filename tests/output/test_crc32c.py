"""The checksum CRC-32C."""

import numpy as np
import pytest

from specfeat.output.crc32c import compute_checksums


def test_checksums_are_those_of_the_standard() -> None:
    """The examples of RFC 3720, appendix B.4, and the check value of the catalogue of CRCs, all at once."""
    messages = {
        b"123456789": 0xE3069283,
        bytes(32): 0x8A9136AA,
        b"\xff" * 32: 0x62A8AB43,
        bytes(range(32)): 0x46DD794E,
        bytes(range(31, -1, -1)): 0x113FDB5C,
    }

    assert compute_checksums([*messages]).tolist() == [*messages.values()]
    assert compute_checksums([]).tolist() == []


def test_a_checksum_does_not_depend_on_the_other_messages() -> None:
    """Messages of any length can be computed together; one of less than 4 bytes is refused."""
    data = np.random.default_rng(0).bytes(200)
    messages = [data[:length] for length in range(4, 200)]

    assert compute_checksums(messages).tolist() == [int(compute_checksums([m])[0]) for m in messages]
    with pytest.raises(ValueError, match="less than 4 bytes"):
        compute_checksums([b"abc"])
