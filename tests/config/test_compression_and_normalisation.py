"""Steps of the compression, values of a file or clip, and constants of a band: what fits together, and what not."""

from pathlib import Path

import numpy as np
import pytest

from helpers.config_texts import BASE, get_refusal, load_text, replace_text
from specfeat.config import load_config
from specfeat.config.compression import Db, Ln, Log10, Pcen
from specfeat.config.normalize import Normalize

pytestmark = pytest.mark.usefixtures("_in_an_empty_folder")

COMPRESS, NORMALIZE = "spectrogram.compress", "spectrogram.normalize"
BY_CLIP = "{db: {top_db: 80, per: clip}}"
CHANNELS_WITH_DELTAS = ["spectrogram.deltas={order: 1}"]


def test_a_list_has_several_steps() -> None:
    """The steps are in the order of the list, each with its own defaults."""
    settings = load_text(BASE, [f"{COMPRESS}=[{{pcen: {{gain: 0.8}}}}, {{ln: {{offset: 1}}}}]"]).settings

    assert settings.spectrogram.compression_steps == (Pcen(gain=0.8), Ln(offset=1.0))


def test_a_list_of_one_step_is_that_step() -> None:
    """The settings are equal, and so is the digest."""
    alone = load_text(BASE, [f"{COMPRESS}={{log10: {{}}}}"]).settings

    for text in ("[{log10: {}}]", "[{log10: }]"):
        assert load_text(BASE, [f"{COMPRESS}={text}"]).settings.digest == alone.digest
    assert alone.spectrogram.compression_steps == (Log10(),)


def test_an_override_may_name_a_step_by_its_number() -> None:
    """A value or the kind of one step is replaced; the other steps stay."""
    text = replace_text(("    db: {}", "    - pcen: {gain: 0.8, bias: 3}\n    - ln: {offset: 1}"))
    gain, kind = [f"{COMPRESS}.0.pcen.gain=0.5"], [f"{COMPRESS}[1].log10.scale=9"]

    assert load_text(text, gain).settings.spectrogram.compression_steps == (
        Pcen(gain=0.5, bias=3),
        Ln(offset=1.0),
    )
    assert load_text(text, kind).settings.spectrogram.compression_steps[1] == Log10(scale=9)
    whole = load_text(text, [f"{COMPRESS}.db.ref=2"]).settings
    assert whole.spectrogram.compression_steps == (Db(ref=2),)


def test_settings_with_the_new_keys_have_digests_of_their_own() -> None:
    """Each change gives a digest that no other change gives."""
    bands = ", ".join(["0.5"] * 64)
    changes = [
        f"{COMPRESS}=[{{power: {{exponent: 0.5}}}}, {{db: {{}}}}]",
        f"{COMPRESS}=[{{log10: {{}}}}, {{db: {{}}}}]",
        f"{COMPRESS}={BY_CLIP}",
        f"{COMPRESS}={{db: {{top_db: 80, per: file}}}}",
        f"{COMPRESS}={{db: {{ref: max, per: file}}}}",
        f"{NORMALIZE}={{file: max}}",
        f"{NORMALIZE}={{file: max, per: band}}",
        f"{NORMALIZE}={{clip: max}}",
        f"{NORMALIZE}={{clip: max, per: band}}",
        f"{NORMALIZE}={{mean: [{bands}], per: band}}",
        f"{NORMALIZE}={{mean: 0.5}}",
    ]

    assert len({load_text(BASE, [change]).settings.digest for change in changes}) == len(changes)


REFUSED_COMPRESSIONS = [
    ("[]", ": is []; wanted ln, db, log10, power or pcen with its settings, e.g. {db: {}}, or a list of up to 8 such steps"),
    ("[{db: {}}, {ln: {offset: 1}}]",
     "[1]: follows db, whose results may be negative, and a step needs values of 0 or more; wanted ln: {offset: 1}, log10, power or "
     "pcen before it"),
    ("[{pcen: {}}, {ln: {}}]", "[1].ln: gives -inf for silence; wanted an offset or an amin above 0"),
    ("[{pcen: {}}, {db: {}, ln: {offset: 1}}]",
     "[1]: has 2 kinds of compression; wanted exactly one of ln, db, log10, power, pcen, e.g. {db: {}}, or "
     "a list of such steps"),
    ("[{pcen: {gian: 1}}]", "[0].pcen.gian: is not known here (did you mean 'gain'?)"),
    ("[{pcen: {}}, {db: {ref: 0}}]", "[1].db.ref: is 0; wanted a positive number, or max"),
    ("{db: {ref: max}}",
     ".db.ref: depends on the largest value of the clip or of the file; wanted per: clip or per: file beside it"),
    ("{db: {per: clip}}", ".db.per: applies only together with top_db or ref: max"),
    ("{db: {top_db: 0, per: clip}}", ".db.top_db: is 0; wanted more than 0"),
    ("[{db: {floor: 0, top_db: 9, per: clip}}, {log10: {}}]",
     "[0].db.per: is clip, but another step of the compression after it needs the whole file; wanted file, or "
     "clips.cut: samples"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "rest"), REFUSED_COMPRESSIONS, ids=[value for value, _ in REFUSED_COMPRESSIONS]
)
def test_a_compression_that_cannot_be_computed_is_refused(value: str, rest: str) -> None:
    """The message names the step and what is wanted."""
    assert get_refusal(BASE, [f"{COMPRESS}={value}"]) == f"override {COMPRESS}={value}: {COMPRESS}{rest}"


FOLLOWERS = [
    ("spectrogram.kind=mfcc", "the cepstrum"),
    ("spectrogram.deltas={}", "the step deltas"),
    ("spectrogram.normalize={file: max}", "normalize: {file: ...}"),
]


@pytest.mark.parametrize(("follower", "name"), FOLLOWERS)
def test_decibels_of_a_clip_come_after_what_is_computed_of_the_file(follower: str, name: str) -> None:
    """With `cut: samples` each clip has a spectrogram of its own, so the same settings fit together."""
    cut = ["clips={frames: 96, cut: samples}"] if "normalize" not in follower else []
    by_clip = f"{COMPRESS}={BY_CLIP}"

    assert get_refusal(BASE, [by_clip, follower]).endswith(
        f"{COMPRESS}.db.per: is clip, but {name} after it needs the whole file; wanted file, or clips.cut: samples"
    )
    if cut:
        load_text(BASE, [by_clip, follower, *cut])


@pytest.mark.parametrize(
    ("override", "rest"),
    [
        (f"{COMPRESS}={{db: {{top_db: 80, per: file}}}}",
         f"{COMPRESS}.db.per: is file, but with clips.cut: samples each clip has its own spectrogram; wanted clip"),
        (f"{NORMALIZE}={{file: max}}",
         f"{NORMALIZE}.file: applies only together with clips.cut: frames, because with cut: samples each clip has its own "
         "spectrogram; wanted clip"),
    ],
)  # fmt: skip
def test_clips_with_spectrograms_of_their_own_have_no_values_of_the_file(override: str, rest: str) -> None:
    """With `cut: samples` there is no spectrogram of the file."""
    line = get_refusal(BASE, ["clips={frames: 96, cut: samples}", override])

    assert line == f"override {override}: {rest}"


REFUSED_NORMALISATIONS = [
    ("{clip: max, file: max}", ": wanted either clip or file, not both"),
    ("{mean: 1, file: max}", ": wanted either constants (mean, std) or file, not both"),
    ("{per: band}", ": is empty; wanted {mean: M, std: S}, {clip: mean_std} or {file: mean_std}"),
    ("{file: loudest}", ".file: is the text 'loudest'; wanted mean_std, max or subtract_max"),
    ("{mean: [1, 2], per: band}", ".mean: has 2 values; wanted one number, or one for each of 64 bands"),
    ("{mean: [[1, 2]], per: band}", ".mean: has 2 values; wanted one number, or one for each of 64 bands"),
    ("{std: [[1, 2], [3, 4]], per: band}",
     ".std: has 2 lists; wanted a list for each of 1 channels, with one value for each band"),
    ("{mean: [[1, 2]]}", ".mean: is a list of lists; wanted one list, or per: band"),
    ("{mean: 1, std: 2, per: band}",
     ".per: is band, but mean and std are one number for all bands; wanted a list with one number for each of the 64 bands"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "rest"), REFUSED_NORMALISATIONS)
def test_a_normalisation_that_cannot_be_computed_is_refused(value: str, rest: str) -> None:
    """The message names the key and what is wanted."""
    assert get_refusal(BASE, [f"{NORMALIZE}={value}"]) == f"override {NORMALIZE}={value}: {NORMALIZE}{rest}"


def test_a_list_of_bands_is_one_channels(tmp_path: Path) -> None:
    """With deltas, one list for all channels is refused, because it is not known which channel is meant."""
    bands = f"{NORMALIZE}={{mean: {[1.0] * 64}, per: band}}"

    assert get_refusal(BASE, [*CHANNELS_WITH_DELTAS, bands]).endswith(
        "mean: has one list; wanted a list for each of 2 channels, with one value for each band"
    )


# --- constants in a file -------------------------------------------------------------------------


def test_constants_of_a_file_are_settings(tmp_path: Path) -> None:
    """The settings, and so the digest and the record, are those of the same numbers in the config."""
    values = np.linspace(-90, 10, 64)
    np.savetxt(tmp_path / "mean.txt", values, header="a comment")
    np.savetxt(tmp_path / "line.csv", values[np.newaxis], delimiter=",")
    (tmp_path / "config.yaml").write_text(
        replace_text(("  n_fft", "  normalize: {mean: mean.txt, per: band}\n  n_fft"))
    )

    from_file = load_config(tmp_path / "config.yaml").settings
    from_line = load_text(BASE, [f"{NORMALIZE}={{mean: {tmp_path}/line.csv, per: band}}"]).settings

    assert from_file.spectrogram.normalize == Normalize(mean=tuple(values.tolist()), per="band")
    assert from_file.digest == from_line.digest


def test_each_line_of_a_file_is_a_channel(tmp_path: Path) -> None:
    """With deltas, an array of shape (channels, bands) is written as one line for each channel."""
    values = np.arange(128.0).reshape(2, 64)
    np.savetxt("mean.txt", values)

    settings = load_text(BASE, [*CHANNELS_WITH_DELTAS, f"{NORMALIZE}={{mean: mean.txt, per: band}}"]).settings

    normalize = settings.spectrogram.normalize
    assert normalize
    assert normalize.mean == tuple(map(tuple, values.tolist()))


@pytest.mark.parametrize(
    ("content", "rest"),
    [
        (None, "no such file; wanted a number, a list of numbers, or the path of a text file of numbers"),
        (b"\x93NUMPY\xff", "is not a text file; write the numbers as text, e.g. with numpy.savetxt"),
        (b"1 2 x", "could not convert string to float: 'x' in line 1 of the file; wanted numbers"),
        (b"# nothing\n\n", "the file contains no numbers"),
        (b"1 2 3", "has 3 values; wanted one number, or one for each of 64 bands"),
        (b"1 nan", "wanted a number, a list with one for each channel or band, or a file"),
        (b"1 " * 500_001, "is larger than 1,000,000 bytes"),
    ],
    ids=["missing", "npy", "text", "empty", "three", "nan", "large"],
)
def test_a_file_without_the_constants_is_refused(content: bytes | None, rest: str) -> None:
    """The message names the setting, the file or its content, and what is wanted."""
    if content is not None:
        Path("m.txt").write_bytes(content)

    line = get_refusal(BASE, [f"{NORMALIZE}={{mean: m.txt, per: band}}"])

    assert line.startswith(f"override {NORMALIZE}={{mean: m.txt, per: band}}: {NORMALIZE}.mean")
    assert line.endswith(rest)
