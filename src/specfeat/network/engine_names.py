"""The names of the engines, and what the record says about each. No engine is loaded."""

from specfeat.errors import UsageError, escape_control_characters

TENSORFLOW, ONNXRUNTIME = "tensorflow", "onnxruntime"
ENGINE_NAMES = (TENSORFLOW, ONNXRUNTIME)


def check_engine_name(name: str) -> None:
    """Refuse a name that no engine has.

    Raises:
        UsageError: there is no such engine.
    """
    if name not in ENGINE_NAMES:
        raise UsageError(
            f"the engine is {escape_control_characters(name)!r}; wanted {' or '.join(ENGINE_NAMES)}"
        )


def describe_engine(name: str) -> str:
    """Return the engine and its version for the record; "" for TensorFlow, whose version is there anyway.

    Args:
        name: the name of the engine.

    Raises:
        InstallError: the engine is not installed.
    """
    if name == TENSORFLOW:
        return ""
    from specfeat.network.engines.onnxruntime import get_version  # most runs do not need it

    return f"{name} {get_version()}"
