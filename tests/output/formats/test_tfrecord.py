"""TFRecord files, read back by TensorFlow."""

from pathlib import Path

import numpy as np
import pytest

from helpers.tables import TEXT_NAMES, WIDTH, list_paths, make_layout, make_rows, write_array
from specfeat.output.formats import get_format


@pytest.mark.tf
def test_tensorflow_reads_the_examples(tmp_path: Path) -> None:
    """TensorFlow checks both checksums of a record. Each row is an example with the columns of the index."""
    import tensorflow as tf

    rows = make_rows()
    path = tmp_path / "out.tfrecord"
    write_array(path, rows)
    specification = {
        "features": tf.io.FixedLenFeature([WIDTH], tf.float32),
        "row": tf.io.FixedLenFeature([], tf.int64),
        "start_s": tf.io.FixedLenFeature([], tf.float32),
        **{name: tf.io.FixedLenFeature([], tf.string) for name in ("path", "path_hex", "label")},
    }
    records = list(tf.data.TFRecordDataset(str(path)))
    examples = [tf.io.parse_single_example(record, specification) for record in records]

    assert np.stack([example["features"].numpy() for example in examples]).tobytes() == rows.tobytes()
    assert [int(example["row"]) for example in examples] == list(range(len(rows)))
    assert [example["start_s"].numpy() for example in examples] == [
        np.float32(k / 10) for k in range(len(rows))
    ]
    assert [example["path"].numpy().decode() for example in examples] == list_paths()
    assert bytes.fromhex(examples[-1]["path_hex"].numpy().decode()) == b"in/\xff\xfe.wav"
    assert TEXT_NAMES[-1] == list_paths()[-1]
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(data)
    with pytest.raises(tf.errors.DataLossError):
        list(tf.data.TFRecordDataset(str(path)))


def test_another_file_is_noticed(tmp_path: Path) -> None:
    """A wrong checksum of the length, another name of the features and a cut file are not the output."""
    rows = make_rows()
    layout, tfrecord = make_layout(rows), get_format("tfrecord")
    path = tmp_path / "out.tfrecord"
    write_array(path, rows)
    data = path.read_bytes()
    assert tfrecord.has_layout(path, layout)
    wrong_checksum = data[:8] + bytes(4) + data[12:]
    huge = bytes([255] * 8) + data[8:]
    for damaged in (wrong_checksum, huge, data.replace(b"features", b"feathers"), data[:90], data[:11]):
        path.write_bytes(damaged)
        assert not tfrecord.has_layout(path, layout)
    path.write_bytes(data[:-8])
    with pytest.raises(RuntimeError, match="ends before its last row"):
        list(tfrecord.read_rows(path, layout))
