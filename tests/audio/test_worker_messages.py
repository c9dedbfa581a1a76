"""Messages between pool and worker: what is sent arrives, and nothing that a worker sends can run code."""

import json
import mmap
import pickle
from collections import deque

import numpy as np
import pytest

from specfeat.audio.messages import (
    PROGRESS_BYTES,
    ClipsEvent,
    DecodedSoundEnd,
    ErrorData,
    WorkerEvent,
    WorkerProgress,
    WorkerSetup,
    decode_setup,
    decode_task,
    encode_setup,
    encode_task,
    read_progress,
    receive_message,
    send_message,
    write_progress,
)
from specfeat.config import load_config
from specfeat.errors import AudioError, Remedy
from specfeat.files import FileIdentity
from specfeat.sound import Sound, SoundPart

SHAPE = (3, 5, 2)
OK = DecodedSoundEnd(samples=48_000, seconds=0.25, silent=False, error=None, keeps_clips=True)
FAILED = DecodedSoundEnd(
    samples=7,
    seconds=0.5,
    silent=True,
    error=ErrorData("breaks off \udcff ü", "decode", "broken", 1.5, "ALLOW_MORE_TIME"),
    keeps_clips=False,
)


def pass_message(events: list[WorkerEvent], clips: np.ndarray) -> list[WorkerEvent]:
    """Send a message through a queue instead of a connection."""
    connection: deque[bytes] = deque()
    send_message(lambda data: connection.append(bytes(data)), events, clips)
    received = receive_message(connection.popleft, SHAPE)
    assert not connection
    return received


def test_events_arrive_in_order_with_their_clips() -> None:
    """A message has the ends of some sounds, and the clips of each in between."""
    clips = np.arange(6 * 30, dtype=np.float32).reshape(6, *SHAPE)
    clips[1, 0] = np.nan
    events: list[WorkerEvent] = [
        OK,
        ClipsEvent(clips[:2]),
        FAILED,
        ClipsEvent(clips[2:5]),
        OK,
        ClipsEvent(clips[5:]),
    ]

    received = pass_message(events, clips)

    assert [type(event) for event in received] == [type(event) for event in events]
    for event, expected in zip(received, events, strict=True):
        if isinstance(event, ClipsEvent):
            assert isinstance(expected, ClipsEvent)
            np.testing.assert_array_equal(event.clips, expected.clips)
        else:
            assert event == expected


def test_a_message_may_have_no_clips() -> None:
    """Empty and broken files have only an end."""
    assert pass_message([FAILED, OK], np.empty((0, *SHAPE), np.float32)) == [FAILED, OK]


def test_an_error_keeps_its_attributes() -> None:
    """An `AudioError` becomes data and an error again."""
    error = AudioError("is late", "decode", "timeout", 0.5, remedy=Remedy.ALLOW_MORE_TIME)

    copy = ErrorData.from_error(error).to_error()

    assert (str(copy), copy.stage, copy.cause, copy.at_s, copy.remedy) == (
        "is late",
        "decode",
        "timeout",
        0.5,
        Remedy.ALLOW_MORE_TIME,
    )


def test_a_pickle_from_a_worker_is_not_loaded() -> None:
    """A decoder that has been taken over by a file could send one, and a pickle can run any code."""
    with pytest.raises((json.JSONDecodeError, UnicodeDecodeError)):
        receive_message(lambda: pickle.dumps([OK]), SHAPE)


def test_orders_and_tasks_arrive() -> None:
    """The sounds of a task keep their part, and the size and time of their file."""
    order = WorkerSetup(load_config("minimal").settings, keep_partial=True)
    task = [
        Sound("a\udcff.wav", SoundPart(channel=1, start_s=0.5, end_s=1.0, id="x"), FileIdentity(7, 8)),
        Sound("b.wav"),
    ]

    assert decode_setup(encode_setup(order)) == order
    assert decode_task(encode_task(task)) == task


def test_progress_is_shared() -> None:
    """What the worker writes is what the pool reads; it begins with zeros."""
    memory = mmap.mmap(-1, PROGRESS_BYTES)
    before = read_progress(memory)
    write_progress(memory, WorkerProgress(3, 12.5))

    assert (before, read_progress(memory)) == (WorkerProgress(0, 0.0), WorkerProgress(3, 12.5))
