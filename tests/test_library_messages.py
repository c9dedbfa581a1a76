"""The texts of other libraries are still those that `library_messages` knows.

Each test makes the installed library raise the real error. A failure says that a new version has other words, so
`library_messages` has to learn them.
"""

import io
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import soundfile
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from specfeat.cli import run_command_line
from specfeat.library_messages import (
    explain_yaml_error,
    shorten_pydantic_message,
    simplify_typer_message,
    summarize_keras_error,
)

# --- Typer ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--workers", "0"], "invalid value for '--workers': wanted at least 1; see specfeat extract --help"),
        (
            ["--workers", "999"],
            "invalid value for '--workers': wanted at most 256; see specfeat extract --help",
        ),
        (
            ["--workers", "x"],
            "invalid value for '--workers': wanted a whole number; see specfeat extract --help",
        ),
        (
            ["--workers", "9" * 5000],
            "invalid value for '--workers': wanted a whole number; see specfeat extract --help",
        ),
        (
            ["--lock-wait", "x"],
            "invalid value for '--lock-wait': wanted a number; see specfeat extract --help",
        ),
        (["--no-such"], "no such option: --no-such; see specfeat extract --help"),
        (["--config"], "option '--config' requires an argument; see specfeat --help"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_typer(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong word on the command line is one line that says what is wanted, without Typer's own words."""
    code = run_command_line(["extract", "a", "b", *words])

    assert (code, capsys.readouterr().err) == (2, f"specfeat: {message}\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["extract", "a", "b", "--overwrite"],
            "no such option: --overwrite; use --force to replace an existing output",
        ),
        (
            ["a.wav", "out.npy"],
            "no such command 'a.wav'; write the command before the files, e.g. specfeat extract recordings/ out.npy",
        ),
    ],
    ids=["overwrite", "path"],
)
def test_a_word_of_other_programs_has_an_answer(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No option that destroys is suggested by its spelling; the answer says what to type.

    The answer about formats names each format that specfeat has, so a new format changes it too.
    """
    code = run_command_line(words)

    assert (code, capsys.readouterr().err) == (2, f"specfeat: {message}\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["extrct", "a", "b"], "no such command 'extrct' (did you mean 'extract'?); see specfeat --help"),
        (
            ["extract", "a", "b", "--confg", "x"],
            "no such option: --confg (did you mean --config?); see specfeat extract --help",
        ),
    ],
    ids=["command", "option"],
)
def test_a_misspelt_word_has_a_suggestion(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A misspelt command or option is answered with the one that was probably meant."""
    code = run_command_line(words)

    assert (code, capsys.readouterr().err) == (2, f"specfeat: {message}\n")


def test_typer_choices(capsys: pytest.CaptureFixture[str]) -> None:
    """A choice that does not exist is answered with the choices."""
    code = run_command_line(["extract", "a", "b", "--on-error", "x"])
    text = capsys.readouterr().err

    assert code == 2
    assert text.startswith("specfeat: invalid value for '--on-error': ")
    assert "'skip', 'stop'" in text
    assert "Value error" not in text


def test_an_unknown_typer_message_is_kept() -> None:
    """Other words than the known ones are still said, without a capital and a full stop."""
    assert simplify_typer_message("Quite another error.") == "quite another error"


# --- ruamel.yaml ---------------------------------------------------------------------------------


def _compose(text: str) -> MarkedYAMLError:
    with pytest.raises(MarkedYAMLError) as caught:
        YAML(typ="safe", pure=True).compose(io.StringIO(text))
    return caught.value


@pytest.mark.parametrize(
    ("text", "explanation"),
    [
        ("a: 1\n\tb: 2\n", "a tab where only spaces may stand"),
        ("a: 1\n---\nb: 2\n", "a second document begins here; wanted one"),
        ("a: 1\n  b: 2\n", "a ':' too many: the line is indented too far, the one before lacks its ':'"),
        ("a: 1\nb\nc: 3\n", "the ':' is missing in line 7"),
        ("a: @x\n", "no value begins with this character; put it in quotes"),
        ("a: [1, 2\nb: 3\n", "the bracket of line 7 is not closed"),
        ("a: 'x\n", "the quote of line 7 is not closed"),
        ("a:\n    b: 1\n  c: 2\n", "the indentation is not that of the lines from line 7 on"),
        ("a: 1\n- b\n", "the indentation is not that of the lines from line 7 on"),
        ("a: 1\n}\n", "what stands here belongs to nothing before it"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_yaml(text: str, explanation: str) -> None:
    """Each mistake that the parser finds has our explanation, with the line that it is given."""
    error = _compose(text)

    assert explain_yaml_error(error.problem, error.context, 7).startswith(explanation)
    assert (error.context_mark or error.problem_mark) is not None


def test_an_unknown_yaml_message_is_kept() -> None:
    """Other words than the known ones are put on one line."""
    assert explain_yaml_error("something\n  new", None, 7) == "something new"


# --- pydantic ------------------------------------------------------------------------------------


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    needed: int


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    whole: int = 0
    real: float = 0.0
    flag: bool = True
    text: Annotated[str, Field(min_length=1)] = "x"
    many: list[int] = []
    pair: tuple[int, int] = (1, 2)
    three: Literal["mel", "linear", "mfcc"] = "mel"
    two: Literal["a", "b"] = "a"
    one: Literal["z"] = "z"
    least: Annotated[int, Field(ge=1)] = 1
    above: Annotated[float, Field(gt=0)] = 1
    most: Annotated[int, Field(le=3)] = 1
    below: Annotated[float, Field(lt=1)] = 0
    finite: Annotated[float, Field(allow_inf_nan=False)] = 1
    inner: Inner = Inner(needed=1)
    names: dict[str, int] = {}


def _validate(text: str, model: type[BaseModel] = Outer) -> dict[str, Any]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate_json(text)
    error: Any = caught.value.errors(include_url=False)[0]
    found: dict[str, Any] = error
    return found


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"whole": "x"}', "int_type"),
        ('{"real": "x"}', "float_type"),
        ('{"flag": 1}', "bool_type"),
        ('{"text": 1}', "string_type"),
        ('{"text": ""}', "string_too_short"),
        ('{"many": 1}', "list_type"),
        ('{"pair": 1}', "tuple_type"),
        ('{"inner": 1}', "model_type"),
        ('{"least": 0}', "greater_than_equal"),
        ('{"above": 0}', "greater_than"),
        ('{"most": 9}', "less_than_equal"),
        ('{"below": 2}', "less_than"),
        ('{"three": "x"}', "literal_error"),
        ('{"inner": {}}', "missing"),
        ('{"unknown": 1}', "extra_forbidden"),
        ('{"finite": NaN}', "finite_number"),
    ],
)
def test_pydantic_kinds(text: str, kind: str) -> None:
    """The words for a wrong value in a config are chosen by pydantic's kind of error."""
    assert _validate(text)["type"] == kind


@pytest.mark.parametrize(
    ("number", "kind"),
    [("1.5", "int_from_float"), ('"x"', "int_parsing"), (f'"{"9" * 5000}"', "int_parsing_size")],
)
def test_pydantic_kinds_of_numbers(number: str, kind: str) -> None:
    """Where numbers are read leniently, pydantic has three more kinds."""
    assert _validate(f'{{"needed": {number}}}', Inner)["type"] == kind


@pytest.mark.parametrize(
    ("text", "key"),
    [('{"least": 0}', "ge"), ('{"above": 0}', "gt"), ('{"most": 9}', "le"), ('{"below": 2}', "lt")],
)
def test_pydantic_bounds(text: str, key: str) -> None:
    """The bound stands in the error's context."""
    assert isinstance(_validate(text)["ctx"][key], int | float)


def test_pydantic_message() -> None:
    """What is wanted comes without pydantic's first words."""
    assert shorten_pydantic_message(_validate('{"names": 1}')["msg"]) == "an object"


def test_pydantic_defaults() -> None:
    """A default that depends on a wrong value has an error of its own, which nobody is to see."""

    class Dependent(BaseModel):
        first: int
        second: list[int] = Field(default_factory=lambda data: [data["first"]])

    with pytest.raises(ValidationError) as caught:
        Dependent.model_validate({"first": "x"})

    assert "default_factory_not_called" in [error["type"] for error in caught.value.errors()]


# --- soundfile -----------------------------------------------------------------------------------


def test_soundfile_system_error() -> None:
    """A file that does not exist has the code of a system error, so the system's own text is shown."""
    with pytest.raises(soundfile.LibsndfileError) as caught:
        soundfile.SoundFile("/nowhere/x.wav")

    assert caught.value.code == 2


def test_soundfile_unknown_format(tmp_path: Path) -> None:
    """A file that is not audio has an error text without a path; one without a header raises TypeError."""
    for name in ("x.wav", "x.raw"):
        (tmp_path / name).write_bytes(bytes(5000))

    with pytest.raises(soundfile.LibsndfileError) as caught:
        soundfile.SoundFile(str(tmp_path / "x.wav"))
    with pytest.raises(TypeError, match="samplerate"):
        soundfile.SoundFile(str(tmp_path / "x.raw"))

    assert caught.value.error_string == "Format not recognised."


# --- Keras and TensorFlow ------------------------------------------------------------------------


@pytest.mark.tf
def test_keras_error_in_a_call() -> None:
    """Of an error in a layer's call remains TensorFlow's sentence: no colours, node names or arguments."""
    from specfeat.tensorflow_runtime import keras, tf

    call = {"call": lambda _, inputs: tf.reshape(inputs, (7,))}
    layer = type("Reshaping", (keras.layers.Layer,), call)()
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        layer(tf.zeros((2, 3)))
    text = str(caught.value)

    for part in (
        "Exception encountered when calling Reshaping.call().\n\n",
        "\n\nArguments received by Reshaping.call()",
        "\x1b[1m",
        "{{function_node ",
        "[Op:Reshape]",
    ):
        assert part in text
    assert summarize_keras_error(caught.value) == (
        "Input to reshape is a tensor with 6 values, but the requested shape has 7"
    )


@pytest.mark.tf
def test_keras_error_of_an_application() -> None:
    """What an application refuses is Keras' own sentence."""
    from specfeat.tensorflow_runtime import keras

    with pytest.raises(ValueError, match="Input size") as caught:
        keras.applications.MobileNet(weights=None, include_top=False, input_shape=(15, 15, 3))

    assert summarize_keras_error(caught.value) == (
        "Input size must be at least 32x32; Received: input_shape=(15, 15, 3)"
    )


@pytest.mark.tf
def test_keras_names_of_layers() -> None:
    """Keras names a layer by its class in snake case, and numbers further ones from 1."""
    from specfeat.tensorflow_runtime import keras

    keras.utils.clear_session()
    made = (
        *(keras.layers.Conv2D(1, 1), keras.layers.Conv2D(1, 1)),
        *(keras.layers.BatchNormalization(), keras.layers.ReLU(), keras.layers.Add()),
    )

    assert [layer.name for layer in made] == ["conv2d", "conv2d_1", "batch_normalization", "re_lu", "add"]
