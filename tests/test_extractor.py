"""`Extractor` and the pipeline: the same bits in every way, and a bad file affects no other."""

import random
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

import specfeat
from specfeat import AudioError, load_config
from specfeat.audio import decode
from specfeat.audio.clip_stream import LocalClipStream
from specfeat.audio.clips import ClipMaker
from specfeat.audio.worker_pool import WorkerPool
from specfeat.errors import ConfigError, SpecfeatError, UsageError
from specfeat.events import RowsEvent, SoundEndEvent
from specfeat.pipeline import extract_rows
from specfeat.sound import Sound

if TYPE_CHECKING:  # at run time it would import TensorFlow, also where this module is only collected
    from specfeat import Extractor

pytestmark = pytest.mark.tf

CONFIG = """\
audio: {sample_rate: 8000}
spectrogram: {n_fft: 256, win_length: 200, hop_length: 80, mel: {n_mels: 12}, compress: {db: {}}}
clips: {frames: 30, hop: 17}
model:
  layers:
    - Conv2D: {filters: 5, kernel_size: 3, activation: relu}
    - Flatten
    - Dense: {units: 7}
  weights: {random: 1}
  batch: 16
"""


@pytest.fixture(scope="module")
def extractor(tmp_path_factory: pytest.TempPathFactory) -> "Extractor":
    path = tmp_path_factory.mktemp("config") / "small.yaml"
    path.write_text(CONFIG)
    return specfeat.Extractor(path)


@pytest.fixture
def write_wav(tmp_path: Path) -> Callable[..., str]:
    def write(name: str, seconds: float, rate: int = 8000, channels: int = 1) -> str:
        noise = (
            np.random.default_rng(zlib.crc32(name.encode())).normal(size=(round(seconds * rate), channels))
            / 10
        )
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / name, noise, rate, subtype="FLOAT")
        return str(tmp_path / name)

    return write


def test_rows_and_times_agree(extractor: "Extractor", write_wav: Callable[..., str]) -> None:
    """A row for each clip, its start and end in seconds: hop 17 frames of 10 ms, 30 of them a clip."""
    rows, times = extractor.extract(write_wav("a.wav", 1.0))

    assert rows.shape == (6, 7)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(times[:, 0], np.arange(6) * 17 * 80 / 8000)
    np.testing.assert_array_equal(times[:, 1], (np.arange(6) * 17 * 80 + 30 * 80) / 8000)


def test_a_file_and_its_samples_give_the_same_bits(
    extractor: "Extractor", write_wav: Callable[..., str]
) -> None:
    """A stereo file at another rate, and the array that soundfile reads from it."""
    path = write_wav("a.wav", 2.3, rate=22_050, channels=2)
    samples, rate = soundfile.read(path, dtype="float32")
    from_file, from_samples = extractor.extract(path), extractor.extract(samples, rate)

    assert len(from_file.rows) > 5
    np.testing.assert_array_equal(from_file.rows, from_samples.rows)
    np.testing.assert_array_equal(from_file.times, from_samples.times)


def test_neighbours_do_not_matter(extractor: "Extractor", write_wav: Callable[..., str]) -> None:
    """Files extracted together, in any order, give the bytes that each gives alone."""
    paths = [write_wav(f"{k}.wav", 0.05 + 0.7 * k, rate=(8000, 16_000, 11_025)[k % 3]) for k in range(9)]
    extracted_alone = {path: extractor.extract(path).rows for path in paths}
    for seed in range(3):
        order = random.Random(seed).sample(paths, len(paths))
        extracted_together = dict(extractor.stream(order))

        assert list(extracted_together) == order
        for path in paths:
            np.testing.assert_array_equal(extracted_alone[path], extracted_together[path].rows)


@pytest.mark.parametrize("values", [1_000, 4_097, 1_000_000])
def test_blocks_do_not_matter(
    extractor: "Extractor", write_wav: Callable[..., str], monkeypatch: pytest.MonkeyPatch, values: int
) -> None:
    """A file read in blocks of any size gives the bytes of the file read at once."""
    path = write_wav("a.wav", 9.0, rate=11_025, channels=2)
    expected = extractor.extract(path).rows
    monkeypatch.setattr(decode, "BLOCK_VALUES", values)

    np.testing.assert_array_equal(expected, extractor.extract(path).rows)


def test_a_bad_file_affects_no_other(
    extractor: "Extractor", write_wav: Callable[..., str], tmp_path: Path
) -> None:
    """Each broken file is reported with its path, and the rows of the other files do not change."""
    good = [write_wav(f"good{k}.wav", 1.0 + k) for k in range(4)]
    (tmp_path / "text.wav").write_text("no sound")
    (tmp_path / "nan.wav").write_bytes(b"")
    samples = np.zeros(40_000)
    samples[39_000] = np.nan  # after rows of this file have been through the network
    soundfile.write(tmp_path / "nan.wav", samples, 8000, subtype="FLOAT")
    paths = [good[0], str(tmp_path / "text.wav"), good[1], str(tmp_path / "nan.wav"), good[2], good[3]]
    errors: dict[str, str] = {}
    features_of_good = dict(extractor.stream(paths, on_error=lambda path, e: errors.update({path: str(e)})))

    assert list(features_of_good) == good
    assert list(errors) == [paths[1], paths[3]]
    assert errors[paths[3]] == "sample 39000 of channel 0 is nan"
    for path, features in extractor.stream(good):
        np.testing.assert_array_equal(features.rows, features_of_good[path].rows)
    with pytest.raises(AudioError, match=r"text\.wav: is not audio that libsndfile reads"):
        list(extractor.stream(paths))


def test_an_error_has_stage_cause_and_place(extractor: "Extractor", write_wav: Callable[..., str]) -> None:
    """Programs can read them from the error, for files and for arrays."""
    samples = np.zeros(4_000, np.float32)
    samples[1_000] = np.inf
    soundfile.write(path := write_wav("inf.wav", 1.0), samples, 8000, subtype="FLOAT")
    for source, rate in ((path, None), (samples, 8000)):
        with pytest.raises(AudioError) as caught:
            extractor.extract(source, rate)

        assert (caught.value.stage, caught.value.cause, caught.value.at_s) == ("decode", "not finite", 0.125)


def test_the_rows_of_a_file_that_breaks_are_void(extractor: "Extractor") -> None:
    """Its end says how many of its rows are void, whatever else is in the same batch."""
    sound = np.ones(8000, np.float32) / 3

    def break_after(blocks: int) -> Iterator[np.ndarray]:
        for _ in range(blocks):
            yield sound
        raise AudioError("breaks")

    def read_all() -> list[np.ndarray]:
        return [sound]

    for blocks in range(8):
        maker = ClipMaker(extractor.settings)
        streams = [
            LocalClipStream(Sound("a"), maker, read_all),
            LocalClipStream(Sound("b"), maker, partial(break_after, blocks)),
            LocalClipStream(Sound("c"), maker, read_all),
        ]
        rows_kept: list[np.ndarray] = []
        ends = []
        for event in extract_rows(streams, extractor.network):
            if isinstance(event, RowsEvent):
                rows_kept.extend(event.rows)
            else:
                del rows_kept[len(rows_kept) - event.invalid_rows :]
                ends.append(event)

        assert [end.sound.path for end in ends] == ["a", "b", "c"]
        assert [end.status for end in ends] == ["ok", "failed", "ok"]
        assert len(rows_kept) == ends[0].rows + ends[2].rows == 12
        np.testing.assert_array_equal(rows_kept[:6], rows_kept[6:])


class _OverflowingNetwork:
    """A network that gives nan for loud clips; its batch is 4."""

    batch = places = 4
    parallel_batches = 2

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.input_shape = shape

    def compute_rows(self, clips: np.ndarray) -> np.ndarray:
        means = clips.mean(axis=(1, 2, 3), dtype=np.float32)
        return np.where(means > 20, np.float32(np.nan), means)[:, np.newaxis]


@pytest.mark.parametrize("seconds", [0.5, 1.1, 5, 30])
@pytest.mark.parametrize("workers", [0, 2])
def test_features_that_are_not_finite_fail_their_file_alone(
    extractor: "Extractor", tmp_path: Path, seconds: float, workers: int
) -> None:
    """The file fails in the stage "network", whatever shares its batches; its length is still reported."""
    rng = np.random.default_rng(0)
    lengths = {"a.wav": 1.0, "loud.wav": seconds, "b.wav": 0.7, "c.wav": 2.0}
    for name, length in lengths.items():
        noise = rng.normal(size=round(8000 * length)) * 1e-4
        if name == "loud.wav":
            noise[-3000:] *= 1e6  # after quiet clips, if it is long
        soundfile.write(tmp_path / name, noise, 8000, subtype="FLOAT")
    sounds = [Sound(str(tmp_path / name)) for name in lengths]
    settings, network = extractor.settings, _OverflowingNetwork(extractor.settings.input_shape)
    maker = ClipMaker(settings)
    local = [
        LocalClipStream(sound, maker, partial(decode.read_samples, sound, settings.audio)) for sound in sounds
    ]
    with WorkerPool(settings, max(1, workers)) as pool:
        streams = pool.stream_clips(sounds) if workers else local
        events = list(extract_rows(streams, network))  # type: ignore[arg-type]  # it has what the pipeline needs
    ends = [event for event in events if isinstance(event, SoundEndEvent)]
    rows = sum(len(event.rows) for event in events if isinstance(event, RowsEvent))

    assert [end.status for end in ends] == ["ok", "failed", "ok", "ok"]
    assert ends[1].error is not None
    assert (ends[1].error.stage, str(ends[1].error)) == ("network", "gives features that are not finite")
    assert [end.samples for end in ends] == [round(8000 * length) for length in lengths.values()]
    assert rows - ends[1].invalid_rows == sum(end.rows for end in ends)
    assert [end.rows for end in ends] == [
        0 if end.error else settings.clip_grid.count_rows(end.samples) for end in ends
    ]


@pytest.mark.parametrize(
    ("samples", "rows", "status"), [(0, 0, "empty"), (1, 1, "ok"), (2400, 1, "ok"), (2401, 2, "ok")]
)
def test_short_and_empty(extractor: "Extractor", samples: int, rows: int, status: str) -> None:
    """No sample gives no row; anything else gives one, padded with silence."""
    stream = LocalClipStream(
        Sound("s"), ClipMaker(extractor.settings), partial(iter, [np.ones(samples, np.float32)])
    )
    events = list(extract_rows([stream], extractor.network))

    assert sum(len(e.rows) for e in events if isinstance(e, RowsEvent)) == rows
    assert events[-1].status == status  # type: ignore[union-attr]  # the last event is an End
    assert extractor.extract(np.ones(samples), 8000).times.shape == (rows, 2)


@pytest.mark.parametrize(
    ("samples", "rate", "sentence"),
    [
        (np.zeros(9, np.int16), 8000, "the samples are int16; wanted floats in -1..1"),
        (
            np.zeros((3, 3, 3)),
            8000,
            r"the samples have the shape \(3, 3, 3\); wanted \(n,\) or \(n, channels\)",
        ),
        (np.zeros(9), None, "samples need their sample_rate in Hz"),
        (np.zeros(9), 44_100.5, "sample_rate is 44100.5; wanted a whole number of Hz"),
        (np.zeros(9), 0, "sample_rate is 0; wanted a whole number of Hz"),
        (np.array([0.0, np.inf]), 8000, "sample 1 of channel 0 is inf"),
        ("nowhere.wav", None, "nowhere.wav: cannot be opened: No such file or directory"),
        ("nowhere.wav", 8000, "sample_rate applies only to samples"),
    ],
    ids=str,
)
def test_wrong_input_is_one_sentence(
    extractor: "Extractor", samples: np.ndarray, rate: int | None, sentence: str
) -> None:
    """The error says what was expected."""
    with pytest.raises(SpecfeatError, match=sentence):
        extractor.extract(samples, rate)


def test_an_extractor_accepts_every_form_of_config(extractor: "Extractor", tmp_path: Path) -> None:
    """A path, a loaded config and settings give the same network; overrides apply to a path."""
    (tmp_path / "small.yaml").write_text(CONFIG)
    sound = np.sin(np.arange(9000) / 9)
    expected = extractor.extract(sound, 8000).rows
    for config in (tmp_path / "small.yaml", load_config(tmp_path / "small.yaml"), extractor.settings):
        np.testing.assert_array_equal(specfeat.Extractor(config).extract(sound, 8000).rows, expected)

    assert (
        specfeat.Extractor(tmp_path / "small.yaml", overrides=["model.features=flatten_1"]).width
        == 28 * 10 * 5
    )
    with pytest.raises(UsageError, match="overrides apply only to a config's name or path"):
        specfeat.Extractor(extractor.settings, overrides=["model.batch=2"])


def test_missing_weights_are_an_error_before_the_network_is_built(tmp_path: Path) -> None:
    """The error is the same for a path with overrides and for settings."""
    missing = str(tmp_path / "none.h5")
    with pytest.raises(ConfigError, match=r"^override .*none\.h5: no such file; .* of published"):
        specfeat.Extractor("minimal", overrides=[f"model.weights={{file: {missing}}}"])
    settings = load_config("minimal").settings
    weights = settings.model.weights.model_copy(update={"file": missing, "random": None})
    model = settings.model.model_copy(update={"weights": weights})
    with pytest.raises(
        ConfigError, match=r"^settings: model\.weights\.file: .*none\.h5: no such file; .* of published"
    ):
        specfeat.Extractor(settings.model_copy(update={"model": model}))


def test_random_weights_are_a_warning(tmp_path: Path) -> None:
    """Features of an untrained network must not be taken for those of a trained one."""
    (tmp_path / "small.yaml").write_text(CONFIG)
    with pytest.warns(UserWarning, match=r"the network's weights are random \(seed 1\)"):
        specfeat.Extractor(tmp_path / "small.yaml")


def test_wrong_arguments_are_one_sentence(extractor: "Extractor") -> None:
    """A path instead of a list, a dict as config, a mapping as overrides, samples along the wrong axis."""
    calls: dict[str, Callable[[], object]] = {
        "stream wants a list of paths, not 'a.wav'": lambda: extractor.stream("a.wav"),
        "the config is a dict; wanted a name": lambda: specfeat.Extractor({"audio": 1}),  # type: ignore[arg-type]
        "overrides are a list": lambda: specfeat.Extractor("minimal", overrides={"model.batch": 8}),
        "on_error is 'skip'; wanted a function": lambda: extractor.stream([], "skip"),  # type: ignore[arg-type]
        r"transpose an array of shape \(channels, n\), as librosa has it: samples.T": lambda: (
            extractor.extract(np.zeros((2, 9000)), 8000)
        ),
        "sample_rate is nan": lambda: extractor.extract(np.zeros(9), float("nan")),  # type: ignore[arg-type]
    }
    for sentence, call in calls.items():
        with pytest.raises(UsageError, match=sentence):
            call()
