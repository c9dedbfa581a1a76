"""Replaces the texts of other libraries' errors by short and plain sentences.

Only this module knows the texts of other libraries. A new version of a library can change its texts. Then
these functions return the text of the library, which is still true. The tests cause each of these errors, and
fail if its text has changed.
"""

import re
from difflib import SequenceMatcher

# Texts about the value of an option, which Typer takes from pydantic, and our words for them.
_TYPER_REPLACEMENTS = {
    "Value error, ": "",
    "Input should be greater than or equal to": "wanted at least",
    "Input should be less than or equal to": "wanted at most",
    "Input should be a valid integer, unable to parse string as an integer": "wanted a whole number",
    "Unable to parse input string as an integer, exceeded maximum size": "wanted a whole number",
    "Input should be a valid number, unable to parse string as a number": "wanted a number",
}
_MEMORY_LIMIT_WORDS = (
    "failed to map segment from shared object",
    "cannot allocate memory",
    "Cannot allocate memory",
)
_MAX_ONNX_TEXT = 300  # characters; tf2onnx can list a whole graph
_MAX_CHAINED_ERRORS = 20  # a chain of errors can be a circle
# A suggestion of Typer is kept if its similarity to the wrong word is at least this: --sett and --set have
# 0.91, --format and --force have 0.67.
MIN_SIMILARITY = 0.8
# The end of Typer's message about a misspelt command, and of its message about a misspelt option.
_TYPER_SUGGESTION_PATTERN = re.compile(r"\. Did you mean (.+)\?$| \(Possible options: (.+)\)$")


def simplify_typer_message(text: str) -> str:
    """Return Typer's message about a wrong command line in our words, without a full stop."""
    for typer_words, our_words in _TYPER_REPLACEMENTS.items():
        text = text.replace(typer_words, our_words)
    text = _TYPER_SUGGESTION_PATTERN.sub(_write_suggestion, text)
    return f"{text[:1].lower()}{text[1:].rstrip('.')}"


def _write_suggestion(match: re.Match[str]) -> str:
    """Return the most similar word of Typer's suggestion; "" if it is too different from the wrong word.

    Typer would suggest `--force` for `--format`, and `--verbose` for `--overwrite`.
    """
    word = match.string[: match.start()].split()[-1].strip("'.")

    def measure_similarity(suggestion: str) -> float:
        return SequenceMatcher(None, word, suggestion.strip("'")).ratio()

    best = max((match[1] or match[2]).split(", "), key=measure_similarity)
    return f" (did you mean {best}?)" if measure_similarity(best) >= MIN_SIMILARITY else ""


_WRONG_INDENTATION = (
    "the indentation is not that of the lines from line {line} on, or the one before lacks its ':'"
)
# Parts of ruamel.yaml's texts, and what is probably wrong. {line} is the line in which the value begins that
# the parser was reading. The order matters, because the first match is used: the text about a tab also
# contains "cannot start any token", and the text about a block also contains "expected <block end>".
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
        problem: the attribute `problem` of ruamel.yaml's `MarkedYAMLError`.
        context: the attribute `context` of this error.
        line: the line, counted from 1, in which the value begins that the parser was reading; None if it is
            not known.
    """
    text = " ".join(f"{problem or ''} {context or ''}".split())
    for yaml_words, explanation in _YAML_EXPLANATIONS.items():
        if yaml_words in text:
            return explanation if line is None else explanation.format(line=line)
    return text


def shorten_pydantic_message(text: str) -> str:
    """Return pydantic's text about the wanted value, without the words "Input should be"."""
    return text.removeprefix("Input should be ")


def is_thread_limit(error: Exception) -> bool:
    """Return whether this is Python's error about too many threads on the system."""
    return str(error) == "can't start new thread"


def is_memory_limit(error: BaseException) -> bool:
    """Return whether an import has failed because the process may not have more memory.

    The text is that of the dynamic loader (glibc) about a shared object. Other packages may have replaced the
    error by one of their own, so the errors before it are examined, too.
    """
    cause: BaseException | None = error
    for _ in range(_MAX_CHAINED_ERRORS):
        if cause is None:
            return False
        if any(words in str(cause) for words in _MEMORY_LIMIT_WORDS):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def summarize_keras_error(error: Exception) -> str:
    """Return the cause from an error of Keras or TensorFlow, on one line and without a full stop."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))  # codes for colours on a terminal
    text = re.sub(r"^Exception encountered when calling [^\n]*\n+", "", text)
    text = text.split("\n\nArguments received by")[0]
    text = re.sub(r"\{\{function_node [^}]*\}\}|\[Op:[^\]]*\]( name: )?", "", text)  # TensorFlow's names
    text = " ".join(text.replace("`", "").split())
    return text.rstrip(".") or type(error).__name__


def summarize_onnx_error(error: Exception) -> str:
    """Return the cause from an error of ONNX Runtime or tf2onnx, on one line and without a full stop."""
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ", "", str(error))
    return " ".join(text.split()).rstrip(".")[:_MAX_ONNX_TEXT] or type(error).__name__
