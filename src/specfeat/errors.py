"""The errors that a user can mend, as a tree.

SpecfeatError            any failure that the user can correct             exit 1
├── UsageError           a path, an option or an input is wrong         exit 2
├── ConfigError          the YAML is wrong; names line and key          exit 2
│   └── ModelError       the network cannot be built as written         exit 2
├── WeightsError         a weights file does not fit the network        exit 2
├── InstallError         a package is missing or of a wrong version     exit 1
├── FetchError           published weights cannot be fetched            exit 1
├── DeviceError          the requested device does not exist            exit 2
├── AudioError           one sound; it is recorded and the run goes on
├── WorkerError          worker processes cannot be started             exit 1
├── SystemLimitError     there is no more memory, or no more threads    exit 1
├── TooManyFailuresError more sounds fail than the user allows          exit 1
├── NoUsableAudioError   no audio was found, or every sound failed      exit 4
├── OutputError          the output cannot be written                   exit 1
└── LockedError          another run has the output                     exit 75

A message is one sentence: what is wrong, where, what to do. Anything else that is raised is a bug and keeps
its traceback. The library does not know the options of the command line: an error names its `Remedy`, and the
command line (or the Python interface) adds the words that its user needs.
"""

from collections.abc import Mapping
from enum import Enum, auto

EXTRACT_USAGE_HINT = "wanted INPUTS... and then OUTPUT, e.g. specfeat extract recordings/ out.npy"
CHECK_PATH_HINT = "check its name, and the folder that you are in"  # the end of "no such file" messages


def escape_control_characters(text: str) -> str:
    """Write text so that it stays on one line of a terminal and cannot send commands to it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Remedy(Enum):
    """What the caller can do about an error, where that is an option of the command line.

    `specfeat.cli.remedies` has the words for each.
    """

    REPLACE_OUTPUT = auto()  # compute everything again and replace what is there
    UPDATE_OR_REPLACE_OUTPUT = auto()  # another name, or update, or replace
    RESUME_OR_REPLACE = auto()  # continue the unfinished run, or start again
    SAME_SETTINGS_OR_REPLACE = auto()  # continue with the settings of the unfinished run, or start again
    WAIT_FOR_LOCK = auto()
    START_FEWER_WORKERS = auto()
    USE_LESS_MEMORY = auto()
    ALLOW_MORE_TIME = auto()  # for reading one file
    CHOOSE_OTHER_DEVICE = auto()
    RESUME_OR_UPDATE = auto()  # what was asked for has an effect only together with resume or update
    CONTINUE_AFTER_FAILURES = auto()  # do not stop at the first file that fails
    ALLOW_MORE_FAILURES = auto()  # raise or remove the limit of files that may fail


class SpecfeatError(Exception):
    """Any failure that the user can correct.

    Args:
        message: one sentence: what is wrong, where, and what to do unless the remedy says it.
        remedy: what the caller can do, where that is an option.

    Attributes:
        run_state: what the run has written so far and how to continue it; "" for nothing. The command line
            sets it.
    """

    exit_code = 1

    def __init__(self, message: str = "", *, remedy: Remedy | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.run_state = ""


def append_suggestion(error: SpecfeatError, suggestions: Mapping[Remedy, str]) -> None:
    """Append to an error's message what the caller can do, in the words of the caller's interface.

    The error loses its remedy by this, so that a second call appends nothing.

    Args:
        error: the error, which is changed.
        suggestions: the words of one interface; a remedy without words appends nothing.
    """
    words = suggestions.get(error.remedy) if error.remedy else None
    if words:
        error.args = (f"{error}; {words}", *error.args[1:])
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
    """A package is missing, too old, or set up for another backend: TensorFlow, Keras, or one of an extra."""


class FetchError(SpecfeatError):
    """Published weights cannot be fetched, or the file is not the published one."""


class DeviceError(SpecfeatError):
    """The requested device does not exist."""

    exit_code = 2


class AudioError(SpecfeatError):
    """One sound cannot be used: the failure is noted in the record, and the run continues.

    Args:
        message: what is wrong with the file, without its path.
        stage: the stage at which it failed: "open", "decode", "spectrogram" or "network".
        cause: what is wrong, as a word for programs; the documentation of the record lists them.
        at_s: the position in the file, in seconds from its start; None if that is not known.
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


class WorkerError(SpecfeatError):
    """The worker processes cannot be started, or end by themselves."""


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
