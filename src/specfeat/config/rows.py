"""The settings `rows`: from what each row of the array is made."""

from typing import ClassVar, Literal

from specfeat.architecture.feature_sources import parse_pool
from specfeat.config.pool import Pool
from specfeat.config.section import Section, make_rule_error


class Rows(Section):
    """The section `rows`: from what each row of the array is made.

    Attributes:
        per: "clip" makes one row for each clip. "file" makes one row for each file, from the features of all
            its clips. If only parts of a file are used, each part has its own row.
        pool: with "file", the statistics of the clips' features, e.g. "mean+std". The columns of a row are
            the statistics one after another; each has all features of the network.
        dtype: the type of the numbers in the array of an output.
    """

    later_keys: ClassVar[frozenset[str]] = frozenset({"dtype"})

    per: Literal["clip", "file"] = "clip"
    pool: Pool = "mean"
    dtype: Literal["float32", "float16"] = "float32"

    @property
    def statistics(self) -> tuple[str, ...]:
        """The statistics of the clips' features that make a row; empty if each clip has a row."""
        return () if self.per == "clip" else parse_pool(self.pool)

    def count_features(self, width: int) -> int:
        """Return the number of features in a row.

        Args:
            width: the number of features that the network computes from a clip.
        """
        return width * max(1, len(self.statistics))


def check_rows(rows: Rows) -> None:
    """Check that statistics are given only if they are used."""
    if rows.per == "clip" and rows.pool != "mean":
        raise make_rule_error(
            ("rows", "pool"), "applies only together with per: file; add it, or leave this out", at_key=True
        )
