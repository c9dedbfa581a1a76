"""What can go wrong, as a tree.

SpecfeatError            anything that the user can mend          exit 1
├── UsageError           a path, a flag or an input is wrong      exit 2
├── ConfigError          the YAML is wrong; names line and key    exit 2
│   └── ModelError       the network cannot be built as written   exit 2
├── WeightsError         a weights file does not fit the network  exit 2
├── InstallError         a package is missing or unfit            exit 1
├── FetchError           published weights cannot be fetched      exit 1
├── DeviceError          the device asked for is not there        exit 2
├── AudioError           one file; it is noted and the run goes on
├── WorkerError          decoding processes cannot be started     exit 1
├── FailuresError        more files fail than the user bears      exit 1
├── NothingError         nothing usable was found                 exit 4
├── OutputError          the result cannot be written             exit 1
└── LockedError          another run has the output               exit 75

A message is one sentence: what is wrong, where, what to do. A bug is none of these and keeps
its traceback.
"""

EXTRACT_USAGE_HINT = "wanted INPUTS... and then OUTPUT, e.g. specfeat extract recordings/ out.npy"
CHECK_PATH_HINT = "check its name, and the folder that you are in"  # what to do where a path leads nowhere


def escape_control_characters(text: str) -> str:
    """Write text so that it stays on its line of a terminal and cannot command it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class SpecfeatError(Exception):
    """Anything that the user can mend."""

    exit_code = 1


class UsageError(SpecfeatError):
    """A path, a flag or an input given on the command line or to the Python face is wrong."""

    exit_code = 2


class ConfigError(SpecfeatError):
    """The config is wrong; the message begins `FILE:LINE:COL: key.path:`."""

    exit_code = 2


class ModelError(ConfigError):
    """The network cannot be built as the config writes it; the message names the layer."""


class WeightsError(SpecfeatError):
    """A weights file cannot be read, or does not fit the network."""

    exit_code = 2


class InstallError(SpecfeatError):
    """TensorFlow or Keras is missing, too old, or of another backend, or a package of an extra is missing."""


class FetchError(SpecfeatError):
    """Published weights cannot be fetched, or are not what was published."""


class DeviceError(SpecfeatError):
    """The device that was asked for is not there."""

    exit_code = 2


class AudioError(SpecfeatError):
    """One file cannot be used: it is recorded and the run goes on.

    Args:
        message: what is wrong with the file, without its path.
        stage: where on its way it failed: "open", "decode", "spectrogram", "network".
        cause: what is wrong, as a word for machines; docs/running.md lists them.
        at_s: where in the file, in seconds from its start, if that is known.
    """

    def __init__(
        self, message: str, stage: str = "decode", cause: str = "broken", at_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.stage = stage
        self.cause = cause
        self.at_s = at_s


class WorkerError(SpecfeatError):
    """The processes that decode cannot be started, or do not stay."""


class TooManyFailuresError(SpecfeatError):
    """More files have failed than the user wants to bear."""


class NoUsableAudioError(SpecfeatError):
    """There is nothing to do: no audio was found, or every file failed."""

    exit_code = 4


class OutputError(SpecfeatError):
    """The result cannot be written."""


class LockedError(SpecfeatError):
    """Another run is at work on the output."""

    exit_code = 75
