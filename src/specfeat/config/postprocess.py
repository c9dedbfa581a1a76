"""The settings `model.postprocess`: what is done with the features of each clip after the network."""

from typing import Annotated, Any, Literal

from pydantic import Field

from specfeat.config.section import Section, list_given_keys, make_rule_error

# Not strict: the validator of the short forms returns Python lists, which a strict tuple would refuse.
Range = Annotated[tuple[float, float], Field(strict=False)]


class Pca(Section):
    """A principal component analysis with given means and vectors.

    Attributes:
        file: the path of a NumPy archive (.npz) with the arrays `pca_means` and `pca_eigen_vectors`, as that
            of VGGish. In a config it is relative to the config's folder, in an override to the current
            folder.
        sha256: the SHA-256 that the file must have, 64 hexadecimal digits. If it is left out, it is computed
            when the config is loaded, so that digest and record have it.
    """

    file: Annotated[str, Field(min_length=1)]
    sha256: Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")] | None = None


class PostprocessStep(Section):
    """One step: exactly one of these keys is given.

    Attributes:
        pca: subtract the means, and multiply by the vectors: the features are replaced by the components.
        clip: the smallest and the largest value; smaller and larger values are replaced by them.
        quantize: the values that become 0 and 255. Values outside are clipped, and the results are whole
            numbers, rounded down as in VGGish's postprocessor.
        l2: true: divide by the Euclidean norm, so that the norm is 1; if all features are 0, they stay 0.
    """

    pca: Pca | None = None
    clip: Range | None = None
    quantize: Range | None = None
    l2: Literal[True] | None = None


def expand_short_step(value: object) -> Any:
    """Replace the short forms of a step: `l2` by `{l2: true}`, and `{pca: PATH}` by `{pca: {file: PATH}}`."""
    if value == "l2":
        return {"l2": True}
    if isinstance(value, dict) and isinstance(value.get("pca"), str):
        return {**value, "pca": {"file": value["pca"]}}
    return value


def expand_short_steps(value: object) -> Any:
    """Replace the short forms of all steps, see `expand_short_step`."""
    return tuple(map(expand_short_step, value)) if isinstance(value, list) else value


def remove_file_paths(model: dict[str, Any]) -> None:
    """Remove the paths of files from the post-processing; the SHA-256 of the files is left.

    Args:
        model: the section `model` as plain data, which is changed.
    """
    for step in model.get("postprocess", ()):
        if isinstance(step.get("pca"), dict):
            step["pca"].pop("file", None)


def check_postprocess(steps: tuple[PostprocessStep, ...]) -> None:
    """Check that each step has one key, and that the limits of a range are in order."""
    for number, step in enumerate(steps):
        path = ("model", "postprocess", number)
        keys = list_given_keys(step)
        if len(keys) != 1:
            raise make_rule_error(path, "wanted exactly one of pca, clip, quantize and l2")
        limits = step.clip or step.quantize
        if limits and limits[0] >= limits[1]:
            raise make_rule_error((*path, keys[0]), "wanted two numbers, the smaller one first")
