"""Checks of the steps of the compression that depend on each other, on other settings or on the clips.

Each function raises the error of `make_rule_error` for the first thing that is wrong, with a path from the
top of the config. `Settings` calls them in a fixed order.
"""

from itertools import pairwise

from specfeat.config.clips import Clips
from specfeat.config.compression import Compress, CompressionStep, Db, Ln
from specfeat.config.section import list_given_keys, make_rule_error
from specfeat.config.spectrogram import Spectrogram
from specfeat.key_path import KeyPath

_COMPRESS: KeyPath = ("spectrogram", "compress")


def check_compression(spectrogram: Spectrogram) -> None:
    """Check that each step has exactly one kind, and that no value has a logarithm that is not finite."""
    steps = _list_steps(spectrogram)
    for path, compress in steps:
        kinds = list_given_keys(compress)
        if len(kinds) != 1:
            names = ", ".join(type(compress).model_fields)
            raise make_rule_error(
                path,
                f"has {len(kinds)} kinds of compression; wanted exactly one of {names}, e.g. {{db: {{}}}}, "
                "or a list of such steps",
            )
        if compress.ln and not (compress.ln.offset or compress.ln.amin):
            raise make_rule_error(
                (*path, "ln"), "gives -inf for silence; wanted an offset or an amin above 0"
            )
    for (_, previous), (path, _) in pairwise(steps):
        name = list_given_keys(previous)[0]
        if _can_be_negative(previous.step):
            raise make_rule_error(
                path,
                f"follows {name}, whose results may be negative, and a step needs values of 0 or more; "
                "wanted ln: {offset: 1}, log10, power or pcen before it",
            )


def check_largest_value(spectrogram: Spectrogram, clips: Clips) -> None:
    """Check `db.per`: decibels with a largest value must say whether it is that of the file or the clip."""
    for path, compress in _list_steps(spectrogram):
        db = compress.db
        if db is None:
            continue
        key = "ref" if db.ref == "max" else "top_db"
        if not db.has_largest_value:
            if db.per:
                raise make_rule_error(
                    (*path, "db", "per"), "applies only together with top_db or ref: max", at_key=True
                )
        elif db.per is None:
            raise make_rule_error(
                (*path, "db", key),
                "depends on the largest value of the clip or of the file; wanted per: clip or per: file "
                "beside it",
            )
        elif db.per == "file" and clips.cut == "samples":
            raise make_rule_error(
                (*path, "db", "per"),
                "is file, but with clips.cut: samples each clip has its own spectrogram; wanted clip",
            )
        elif db.per == "clip" and clips.cut == "frames":
            _check_last_step(spectrogram, db, (*path, "db", "per"))


def _check_last_step(spectrogram: Spectrogram, db: Db, path: KeyPath) -> None:
    """Check that only constants follow decibels that use the largest value of each clip.

    With `clips.cut: frames`, clips are cut from the finished frames. So these decibels are computed last, and
    steps that need the whole file cannot come after them.
    """
    normalize = spectrogram.normalize
    followers = {
        "another step of the compression": spectrogram.clip_decibels is not db,
        "the cepstrum": spectrogram.mfcc is not None,
        "the step deltas": spectrogram.deltas is not None,
        "normalize: {file: ...}": normalize is not None and normalize.file is not None,
    }
    for name, is_follower in followers.items():
        if is_follower:
            raise make_rule_error(
                path,
                f"is clip, but {name} after it needs the whole file; wanted file, or clips.cut: samples",
            )


def _list_steps(spectrogram: Spectrogram) -> list[tuple[KeyPath, Compress]]:
    """Return the steps of the compression, each with its path."""
    compress = spectrogram.compress
    if isinstance(compress, tuple):
        return [((*_COMPRESS, number), step) for number, step in enumerate(compress)]
    return [] if compress is None else [(_COMPRESS, compress)]


def _can_be_negative(step: CompressionStep) -> bool:
    if isinstance(step, Ln):
        return step.amin + step.offset < 1
    return isinstance(step, Db) and (step.floor is None or step.floor < 0)
