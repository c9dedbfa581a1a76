"""Answers to words that other programs know and specfeat does not, and what to type instead.

A suggestion by spelling would be wrong for them: `--format` looks like `--force`, which destroys.
"""

import re

_ANSWERS = {
    "--overwrite": "use --force to replace an existing output",
    "--output": "give OUTPUT as the last word, e.g. specfeat extract recordings/ out.npy",
    "--input": "give the inputs before OUTPUT, e.g. specfeat extract recordings/ out.npy",
    "--format": "the extension of OUTPUT gives the format, and .npy is the only one",
    "--model": "use --config CONFIG for the sound and the network",
    "--batch-size": "use --set model.batch=N",
    "--sample-rate": "use --set audio.sample_rate=N",
    "--jobs": "use --workers N for the processes that decode",
}
_WRONG_WORD = re.compile(r"^no such (?:option: (?P<option>\S+)|command '(?P<command>.*)')", re.DOTALL)


def find_answer(message: str) -> str:
    """Return what to type instead of a word of the command line that does not exist; "" if it is not known.

    Args:
        message: the error about the word, as `simplify_typer_message` returns it.
    """
    match = _WRONG_WORD.match(message)
    if match is None:
        return ""
    command = match["command"]
    if command is not None and ("/" in command or "." in command):  # a path: the command is missing
        return "write the command before the files, e.g. specfeat extract recordings/ out.npy"
    return _ANSWERS.get(match["option"] or "", "")
