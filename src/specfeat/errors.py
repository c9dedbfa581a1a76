"""All errors that a user can correct, and the remedies that an interface can suggest for them.

SpecfeatError            any failure that the user can correct             exit 1
├── UsageError           a path, an option or an input is wrong         exit 2
├── ConfigError          the YAML is wrong; names line and key          exit 2
│   └── ModelError       the network cannot be built as written         exit 2
├── WeightsError         a weights file does not fit the network        exit 2
├── InstallError         a package is missing or has a wrong version    exit 1
├── FetchError           published weights cannot be fetched            exit 1
├── DeviceError          the requested device does not exist            exit 2
├── AudioError           one sound fails; the record says why, and the run continues
├── TrainingError        the training cannot go on                      exit 1
├── WorkerError          worker processes cannot be started             exit 1
├── SystemLimitError     there is no more memory, or no more threads    exit 1
├── TooManyFailuresError more sounds fail than the user allows          exit 1
├── NoUsableAudioError   no audio was found, or every sound failed      exit 4
├── OutputError          the output cannot be written                   exit 1
└── LockedError          another run is writing the output              exit 75

A message is one sentence: what is wrong, where, what to do. Every other exception is a bug and keeps its
traceback. The library does not know the options of the command line: an error has a `Remedy`, and the command
line (or the Python interface) adds the text for it.
"""

from collections.abc import Mapping
from enum import Enum, auto

EXTRACT_USAGE_HINT = "give INPUTS first and OUTPUT last, e.g. specfeat extract recordings/ out.npy"
CHECK_PATH_HINT = "check its name, and the folder that you are in"  # the end of "no such file" messages


def escape_control_characters(text: str) -> str:
    """Return text in which control characters are escaped: it is one line, and no command to a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Remedy(Enum):
    """What the caller can do about an error by an option or argument.

    `cli.remedies` and `run.extract_to` have the texts, for the command line and for Python.
    """

    REPLACE_OUTPUT = auto()  # recompute everything, and replace the output
    UPDATE_OR_REPLACE_OUTPUT = auto()  # choose another name for the output, update it, or replace it
    RENAME_OR_REPLACE_OUTPUT = auto()  # choose another name for the output, or replace it
    RESUME_OR_REPLACE = auto()  # continue the unfinished run, or start again
    EXTEND_OR_REPLACE = auto()  # continue the finished training with more epochs, or start again
    SAME_SETTINGS_OR_REPLACE = auto()  # continue with the settings of the unfinished run, or start again
    WAIT_FOR_LOCK = auto()  # wait until the other run has ended
    START_FEWER_WORKERS = auto()
    USE_LESS_MEMORY = auto()
    ALLOW_MORE_TIME = auto()  # raise the limit of the time that it may take to read one file
    CHOOSE_OTHER_DEVICE = auto()
    CHOOSE_FITTING_CONFIG = auto()  # choose a config, which the message names, for the weights file
    RESUME_OR_UPDATE = auto()  # resume or update; without one of them, another option has no effect
    CONTINUE_AFTER_FAILURES = auto()  # do not stop at the first file that fails
    NAME_COLUMN = auto()  # say which column of a table has the file, the start or another field
    NAME_ID_COLUMN = auto()  # say which column of a table distinguishes its segments
    NAME_SEGMENT_FORMAT = auto()  # say which format a table of segments has
    EXTRACT_AGAIN = auto()  # extract the output again, or use the version that has written it
    EXTRACT_AGAIN_OR_USE_ROW = auto()  # extract the output again, or search with one of its rows
    NAME_WEIGHTS_FILE = auto()  # say where the weights file of a finished output is now
    DRAW_WITH_CHARACTERS = auto()  # draw a plot with the characters of a terminal, and not as a picture
    NAME_CLASSES = auto()  # say which classes the columns of an output have
    ALLOW_MORE_FAILURES = auto()  # raise or remove the limit of files that may fail


class SpecfeatError(Exception):
    """Any failure that the user can correct.

    Args:
        message: a sentence that says what is wrong, where, and what to do (if the remedy does not say it).
        remedy: the option or argument that can help; None if none can help.

    Attributes:
        remedy: see above.
        run_state: what the run has written so far, and how to continue it; "" if it has written nothing. The
            command line sets it.
    """

    exit_code = 1

    def __init__(self, message: str = "", *, remedy: Remedy | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.run_state = ""


def append_suggestion(error: SpecfeatError, suggestions: Mapping[Remedy, str]) -> None:
    """Append the suggestion for an error's remedy to its message.

    The remedy is removed, so that a second call appends nothing.

    Args:
        error: the error, which is changed.
        suggestions: the text for each remedy, in the terms of one interface. For a remedy that is missing in
            it, nothing is appended.
    """
    suggestion = suggestions.get(error.remedy) if error.remedy else None
    if suggestion:
        error.args = (f"{error}; {suggestion}", *error.args[1:])
        error.remedy = None


class UsageError(SpecfeatError):
    """A path, an option or an input is wrong, on the command line or in a call from Python."""

    exit_code = 2


class ConfigError(SpecfeatError):
    """The config is wrong; the message begins with `FILE:LINE:COLUMN: key.path:`."""

    exit_code = 2


class ModelError(ConfigError):
    """The network cannot be built as the config writes it; the message names the layer."""


class WeightsError(SpecfeatError):
    """A weights file cannot be read, or does not fit the network."""

    exit_code = 2


class InstallError(SpecfeatError):
    """TensorFlow, Keras or a package of an extra is missing or too old, or Keras uses another backend."""


class FetchError(SpecfeatError):
    """Published weights cannot be fetched, or the file is not the published one."""


class DeviceError(SpecfeatError):
    """The requested device does not exist."""

    exit_code = 2


class AudioError(SpecfeatError):
    """One sound cannot be used: the failure is noted in the record, and the run continues.

    Args:
        message: what is wrong with the file, without its path.
        stage: the stage at which it failed: "open", "decode", "spectrogram" or "network". Between a worker
            and the main process there is also "bug": the message is the traceback of a bug in specfeat, and
            the main process raises a `RuntimeError` with it.
        cause: what is wrong, as a word for programs; docs/output-files.md lists these words.
        at_s: the position in the file at which it failed, in seconds from the start of the file; None if
            that is not known.
        remedy: see `SpecfeatError`.
    """

    def __init__(
        self,
        message: str,
        stage: str = "decode",
        cause: str = "broken",
        at_s: float | None = None,
        *,
        remedy: Remedy | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.stage = stage
        self.cause = cause
        self.at_s = at_s


class TrainingError(SpecfeatError):
    """The training cannot go on: the loss is not finite, or there is too little to train with."""


class WorkerError(SpecfeatError):
    """Worker processes cannot be started, or die again and again while they decode nothing."""


class SystemLimitError(SpecfeatError):
    """The system gives no more memory, or starts no more threads."""


class TooManyFailuresError(SpecfeatError):
    """More sounds have failed than the user allows."""


class NoUsableAudioError(SpecfeatError):
    """No audio was found, or every sound failed."""

    exit_code = 4


class OutputError(SpecfeatError):
    """The output cannot be written."""


class LockedError(SpecfeatError):
    """Another run is writing the output."""

    exit_code = 75
