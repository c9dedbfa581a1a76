"""The examples of docs/keras-models.md are true."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "keras-models.md"


@pytest.mark.tf
def test_what_the_page_says_about_keras_is_true() -> None:
    """The examples run one after the other, as a reader runs them; each has assertions."""
    import specfeat.tensorflow_runtime  # noqa: F401  # loads Keras without the user's settings

    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    assert len(blocks) == 7
    names: dict[str, object] = {}
    for block in blocks:
        assert "assert" in block
        exec(compile(block, PAGE.name, "exec"), names)
