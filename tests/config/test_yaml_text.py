"""The text of a config as YAML: what is read, and what is refused."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.config_texts import BASE, get_refusal, load_text, replace_text
from specfeat.config.yaml_tree import parse_override_value
from specfeat.errors import ConfigError

pytestmark = pytest.mark.usefixtures("_in_an_empty_folder")


SECTIONS = "wanted the sections audio, spectrogram, clips, model, rows, train"
TAG = "is not allowed; write plain values"
LARGE = "is larger than 100,000 bytes; a config is a page of text"
TEXTS = {
    "empty": ("", f":1:1: is empty; {SECTIONS}"),
    "a comment": ("# nothing\n", f":1:1: is empty; {SECTIONS}"),
    "a list": ("- audio\n", f":1:1: holds a list; {SECTIONS}"),
    "a scalar": ("hello\n", f":1:1: holds one value; {SECTIONS}"),
    "a number": ("3\n", f":1:1: holds one value; {SECTIONS}"),
    "an empty mapping": ("{}\n", ":1:1: has no 'audio'; it is required"),
    "tab": (replace_text(("  n_fft", "\tn_fft")), ":4:1: is not YAML: a tab where only spaces may stand"),
    "merge key": (
        replace_text(("audio:\n", "audio: &a\n"), ("clips:\n", "clips:\n  <<: *a\n")),
        ":12:3: clips.<<: merging is not YAML 1.2; repeat the whole value with *name, or write it out",
    ),
    "number as key": (replace_text(("clips:\n", "clips:\n  1: 2\n")), ":12:3: clips.1: a key must be a name"),
    "list as key": (replace_text(("clips:\n", "clips:\n  [a]: 2\n")), ":12:3: clips.?: a key must be a name"),
    "python tag": (
        replace_text(("16000", "!!python/name:os.system")),
        f":2:16: audio.sample_rate: the tag 'tag:yaml.org,2002:python/name:os.system' {TAG}",
    ),
    "python tag on a list": (
        replace_text(("16000", "!!python/object/apply:os.system ['true']")),
        f":2:16: audio.sample_rate: the tag 'tag:yaml.org,2002:python/object/apply:os.system' {TAG}",
    ),
    "python tag on a section": (
        replace_text(("clips:\n", "clips: !!python/object:os.x\n")),
        f":11:8: clips: the tag 'tag:yaml.org,2002:python/object:os.x' {TAG}",
    ),
    "own tag": (replace_text(("16000", "!rate 16000")), f":2:16: audio.sample_rate: the tag '!rate' {TAG}"),
    "open bracket": (
        replace_text(("16000", "[16000")),
        ":3:12: is not YAML: the bracket of line 2 is not closed, or a comma is missing or too many",
    ),
    "comma too many": (
        replace_text(("{filters: 8,", "{filters: 8,,")),
        ":15:27: is not YAML: the bracket of line 15 is not closed, or a comma is missing or too many",
    ),
    "bracket too many": (
        replace_text(("kernel_size: 3}", "kernel_size: 3}}")),
        ":15:43: is not YAML: what stands here belongs to nothing before it",
    ),
    "open quote": (
        replace_text(("16000", '"16000')),
        ":20:1: is not YAML: the quote of line 2 is not closed",
    ),
    "indented less": (
        replace_text(("  win_length", " win_length")),
        ":5:2: is not YAML: the indentation is not that of the lines from line 1 on, or the one before lacks its ':'",
    ),
    "indented too far": (
        replace_text(("  win_length", "    win_length")),
        ":5:15: is not YAML: a ':' too many: the line is indented too far, the one before lacks its ':', or "
        "a value wants quotes",
    ),
    "no colon": (replace_text(("clips:", "clips")), ":12:9: is not YAML: the ':' is missing in line 11"),
    "odd character": (
        replace_text(("16000", "%16000")),
        ":2:16: is not YAML: no value begins with this character; put it in quotes",
    ),
    "unknown alias": (replace_text(("16000", "*rate")), ":2:16: is not YAML: found undefined alias 'rate'"),
    "an anchor that holds itself": (
        replace_text(("clips:\n", "clips: &c\n  hop: *c\n")),
        ":11:8: clips.hop.hop.hop: is nested too deeply, or an anchor contains itself",
    ),
    "deep nesting": (replace_text(("16000", "[" * 600 + "]" * 600)), ": is nested too deeply"),
    "2 MB": (BASE + "#" * 2_000_000, f": {LARGE}"),
    "one byte too many": (BASE + "#" * (100_001 - len(BASE)), f": {LARGE}"),
}


@pytest.mark.parametrize("what", TEXTS)
def test_a_text_that_is_not_a_config_is_refused(what: str) -> None:
    """The whole line says what the text is, or where it is not YAML."""
    text, line = TEXTS[what]

    assert f"bad.yaml{line}" == get_refusal(text)


@pytest.mark.parametrize(
    ("raw", "byte"),
    [(BASE.encode("utf-16"), 0), (BASE.replace("audio", "# caf\u00e9\naudio").encode("latin-1"), 5)],
    ids=["UTF-16", "Latin-1"],
)
def test_a_text_that_is_not_utf8_is_refused(raw: bytes, byte: int) -> None:
    """The message has the number of the first byte that is wrong."""
    assert get_refusal(raw) == f"bad.yaml: is not UTF-8 text (byte {byte}); save it as UTF-8"


def test_two_documents_are_refused() -> None:
    """The message has the line on which the second document begins."""
    line = get_refusal(f"{BASE}---\n{BASE}")

    assert line.startswith("bad.yaml:20:1: ")
    assert "document" in line


def test_anchors_cannot_make_a_small_file_large() -> None:
    """Nine levels of nine aliases (the "billion laughs") are stopped at 100,000 values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]

    line = get_refusal("\n".join(lines))

    assert line.startswith("bad.yaml:1:")
    assert line.endswith(": its anchors expand to over 100,000 values; use fewer of them")


@pytest.mark.parametrize("depth", [50, 150, 250])
def test_the_message_about_nesting_is_about_the_file(depth: int) -> None:
    """However deep the values are, the message does not say in which form they travel inside specfeat."""
    line = get_refusal(replace_text(("16000", "[" * depth + "]" * depth)))

    assert line.startswith("bad.yaml:")
    assert "JSON" not in line


YAML_TOO: dict[str, str | bytes] = {
    "BOM": b"\xef\xbb\xbf" + BASE.encode(),
    "CRLF": BASE.replace("\n", "\r\n"),
    "one document": f"%YAML 1.2\n---\n{BASE}...\n",
    "comment": f"# a comment\n\n{BASE}",
    "core tag": replace_text(("16000", "!!int '16000'")),
    "flow": replace_text(("clips:\n  frames: 96\n", "clips: {frames: 96}\n")),
    "anchor": replace_text(("16000", "&rate 16000"), ("frames: 96", "frames: 96\n  hop: *rate")),
    "the largest": BASE + "#" * (100_000 - len(BASE)),
}


@pytest.mark.parametrize("what", YAML_TOO)
def test_other_forms_of_yaml_are_read(what: str) -> None:
    """A byte order mark, other line ends, directives, comments, core tags, flow style and anchors are allowed."""
    assert load_text(YAML_TOO[what]).settings.audio.sample_rate == 16000


def test_an_anchor_may_be_used_again() -> None:
    """As YAML 1.2 says, an alias means the last anchor of its name. Nobody is warned of the earlier one."""
    config = load_text(
        replace_text(("16000", "&a 16000"), ("512", "&a 512"), ("win_length: 400", "win_length: *a"))
    )

    assert config.settings.spectrogram.win_length == 512


# YAML 1.2's core schema, where YAML 1.1 (as most Python tools read it) often differs.
SCALARS = [
    ("1e-3", 0.001), ("1E3", 1000.0), ("010", 10), ("0o10", 8), ("0x1F", 31), ("+3", 3), ("-0.5", -0.5),
    (".5", 0.5), ("5.", 5.0), (".inf", math.inf), ("-.INF", -math.inf), ("nan", "nan"), ("inf", "inf"),
    ("12:30:45", "12:30:45"), ("1:30", "1:30"), ("2024-01-31", "2024-01-31"), ("1.2.3", "1.2.3"), ("0x",
    "0x"), ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"), ("No", "No"), ("=", "="),
    ("true", True), ("False", False), ("null", None), ("Null", None), ("~", None), ("", None), ("'1'", "1"),
    ('"true"', "true"), ("!!str 1", "1"), ("[1, a]", [1, "a"]), ("{a: 1}", {"a": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    """A scalar has the value and the type that the core schema of YAML 1.2 gives it."""
    got = parse_override_value(text, "here")

    assert (type(value), value) == (type(got), got)


# What of BASE is replaced, by what, and how the answer begins: none may be a traceback, or speak of
# anything but the file.
TRAPS = {
    "a huge whole number": ("16000", "9" * 5000, "2:16: "),
    "a huge hexadecimal": ("16000", "0x" + "f" * 5000, "2:16: "),
    "a tagged text": ("16000", "!!int fast", "2:16: "),
    "a tagged nothing": ("16000", "!!int", "2:16: "),
    "a tagged number": ("db: {}", "db: {amin: !!float small}", "10:16: "),
    "a tagged flag": ("  n_fft", "  center: !!bool maybe\n  n_fft", "4:11: "),
    "a tag like int": ("16000", "!x:int 16000", "2:16: "),
    "underscores alone": ("16000", "-_", "2:16: audio.sample_rate: "),
    "hexadecimal of nothing": ("16000", "0x_", "2:16: audio.sample_rate: "),
    "a lone surrogate": ("random: 0", 'random: 0\n  features: "\\ud800"', "20:13: model.features: "),
    "a line break in a key": ("clips:\n", 'clips:\n  "a\\nb": 2\n', "12:3: clips."),
    "an escape in a key": ("clips:\n", 'clips:\n  "a\\e[31mb": 2\n', "12:3: clips."),
    "an escape in a value": ("16000", '"\\e[31m"', "2:16: audio.sample_rate: is the text '\\x1b[31m'; "),
    "an unknown home": ("weights:\n    random: 0", "weights: ~nobody-of-that-name/w.h5", "18:12: "),
    "a file of no name": ("random: 0", "file: ''", "19:11: model.weights.file: "),
}


@pytest.mark.parametrize("what", TRAPS)
def test_a_hostile_value_is_refused_like_any_mistake(what: str) -> None:
    """The message begins with the place of the value."""
    old, new, start = TRAPS[what]

    assert get_refusal(replace_text((old, new))).startswith(f"bad.yaml:{start}")


def test_a_number_to_base_60_of_yaml_1_1_is_refused() -> None:
    """The directive `%YAML 1.1` changes nothing: 4:26:40 is a text."""
    assert get_refusal("%YAML 1.1\n---\n" + replace_text(("16000", "4:26:40"))).startswith("bad.yaml:")


_LINES = ("\n", "---\n", "...\n", "kind: mfcc\n", "deltas: {}\n")
_WORDS = (
    "[ ] { } : , # &a *a ! | > ' \" % @ 0 -1 1.5 _ . e 0x 0o null true no .nan .inf 1e400 $i \\ é \x00 \x7f"
)
_KEYS = (
    "- |? |: |<<: |repeat: |layers: |inputs: |name: |seconds: |frames: |file: |!!int |!!bool |!!set |  |\t"
)
SCRAPS = st.sampled_from([*_LINES, *_WORDS.split(), *_KEYS.split("|")])
EDITS = st.tuples(st.integers(0, len(BASE)), st.integers(0, 9), st.lists(SCRAPS, max_size=3).map("".join))


@given(st.lists(EDITS, min_size=1, max_size=2))
@settings(max_examples=120, deadline=None, derandomize=True)
def test_any_text_gives_settings_or_one_line(edits: list[tuple[int, int, str]]) -> None:
    """A config that is damaged by scraps of YAML gives settings or a ConfigError, and no other error."""
    text = BASE
    for at, gone, scrap in edits:
        text = text[:at] + scrap + text[at + gone :]
    line = None
    try:
        load_text(text)
    except ConfigError as e:
        line = str(e)

    assert line is None or (line.isprintable() and line.startswith("bad.yaml:"))
