"""Suggestions for options and commands that other programs have and specfeat does not have.

A suggestion by spelling would be dangerous: a word can be spelt almost like `--force`, which replaces files.
"""

import re

_REPLACEMENTS = {
    "--overwrite": "use --force to replace an existing output",
    "--output": "give OUTPUT as the last word, e.g. specfeat extract recordings/ out.npy",
    "--input": "give the inputs before OUTPUT, e.g. specfeat extract recordings/ out.npy",
    "--model": "use --config CONFIG for the sound and the network",
    "--batch-size": "use --set model.batch=N",
    "--sample-rate": "use --set audio.sample_rate=N",
    "--jobs": "use --workers N for the processes that decode",
}
# The messages of Typer about an unknown option or command, as `simplify_typer_message` returns them.
_UNKNOWN_WORD_PATTERN = re.compile(
    r"^no such (?:option: (?P<option>\S+)|command '(?P<command>.*)')", re.DOTALL
)


def find_replacement(message: str) -> str:
    """Return what to type instead of an option or command that does not exist; "" if that is not known.

    Args:
        message: the error about the option or command, as `simplify_typer_message` returns it.
    """
    match = _UNKNOWN_WORD_PATTERN.match(message)
    if match is None:
        return ""
    command = match["command"]
    if command is not None and ("/" in command or "." in command):  # a path, so the command is missing
        return "write the command before the files, e.g. specfeat extract recordings/ out.npy"
    return _REPLACEMENTS.get(match["option"] or "", "")
