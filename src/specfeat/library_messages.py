"""The texts of other libraries' errors, made short and plain for our users.

This is the only module that knows how another library words its errors. A new version of a library may change
its words without notice; then these functions return the library's own text, which is still true. The tests
trigger each real text and fail when its words have changed.
"""

import re
from difflib import SequenceMatcher

# What Typer has from pydantic about the value of an option, and our words for it.
_TYPER_REPLACEMENTS = {
    "Value error, ": "",
    "Input should be greater than or equal to": "wanted at least",
    "Input should be less than or equal to": "wanted at most",
    "Input should be a valid integer, unable to parse string as an integer": "wanted a whole number",
    "Unable to parse input string as an integer, exceeded maximum size": "wanted a whole number",
    "Input should be a valid number, unable to parse string as a number": "wanted a number",
}
MIN_SIMILARITY = 0.8  # of a word and a suggestion: --sett and --set have 0.91, --format and --force 0.67
# How Typer ends the message about a misspelt command, and about a misspelt option.
_TYPER_SUGGESTION_PATTERN = re.compile(r"\. Did you mean (.+)\?$| \(Possible options: (.+)\)$")


def simplify_typer_message(text: str) -> str:
    """Return what Typer says of a wrong word on the command line, without a capital and a full stop."""
    for typer_words, our_words in _TYPER_REPLACEMENTS.items():
        text = text.replace(typer_words, our_words)
    text = _TYPER_SUGGESTION_PATTERN.sub(_write_suggestion, text)
    return f"{text[:1].lower()}{text[1:].rstrip('.')}"


def _write_suggestion(match: re.Match[str]) -> str:
    """Return Typer's suggestion in our words; "" if it is hardly the word that was meant.

    Typer suggests `--force` for `--format` and `--verbose` for `--overwrite`.
    """
    suggestion = match[1] or match[2]
    word = match.string[: match.start()].split()[-1]
    similarity = SequenceMatcher(None, word.strip("'."), suggestion.strip("'")).ratio()
    return f" (did you mean {suggestion}?)" if similarity >= MIN_SIMILARITY else ""


_WRONG_INDENTATION = (
    "the indentation is not that of the lines from line {line} on, or the one before lacks its ':'"
)
# What ruamel.yaml says, and what is probably wrong. {line} is the line where the value begins that the parser
# was reading. The first match counts: the text about a tab also holds "cannot start any token", and the one
# about a block also holds "expected <block end>".
_YAML_EXPLANATIONS = {
    "'\\t'": "a tab where only spaces may stand",
    "but found another document": "a second document begins here; wanted one",
    "mapping values are not allowed": (
        "a ':' too many: the line is indented too far, the one before lacks its ':', or a value wants quotes"
    ),
    "could not find expected ':'": "the ':' is missing in line {line}",
    "cannot start any token": "no value begins with this character; put it in quotes",
    "parsing a flow": "the bracket of line {line} is not closed, or a comma is missing or too many",
    "scanning a quoted scalar": "the quote of line {line} is not closed",
    "found '<block": _WRONG_INDENTATION,
    "found '-'": _WRONG_INDENTATION,
    "expected <block end>": "what stands here belongs to nothing before it",
}


def explain_yaml_error(problem: str | None, context: str | None, line: int | None) -> str:
    """Return what is probably wrong with a YAML text, or ruamel.yaml's own words on one line.

    Args:
        problem: `MarkedYAMLError.problem`.
        context: `MarkedYAMLError.context`.
        line: the line where the value begins that the parser was reading, counted from 1; None if unknown.
    """
    text = " ".join(f"{problem or ''} {context or ''}".split())
    for yaml_words, explanation in _YAML_EXPLANATIONS.items():
        if yaml_words in text:
            return explanation if line is None else explanation.format(line=line)
    return text


def shorten_pydantic_message(text: str) -> str:
    """Return what pydantic wants instead of a wrong value: its text without "Input should be"."""
    return text.removeprefix("Input should be ")


def is_thread_limit(error: RuntimeError) -> bool:
    """Return whether Python says that the system lets it start no more threads."""
    return str(error) == "can't start new thread"


def summarize_keras_error(error: Exception) -> str:
    """Return what an error of Keras or TensorFlow says of its cause, on one line and without a full stop."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))  # colours of the terminal
    text = re.sub(r"^Exception encountered when calling [^\n]*\n+", "", text)
    text = text.split("\n\nArguments received by")[0]
    text = re.sub(r"\{\{function_node [^}]*\}\}|\[Op:[^\]]*\]( name: )?", "", text)  # TensorFlow's own graph
    text = " ".join(text.replace("`", "").split())
    return text.rstrip(".") or type(error).__name__
