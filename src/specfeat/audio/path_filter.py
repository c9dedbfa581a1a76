"""Patterns that choose files in folders, as a shell writes them: `*.wav`, `2024/**/night_*`, `noise/`."""

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from specfeat.errors import UsageError


@dataclass(frozen=True)
class PathFilter:
    """Chooses files in a folder by patterns.

    A pattern without a slash is compared with the name of a file, and with the names of the folders above it,
    up to the searched folder. A pattern with a slash is compared with the path below the searched folder, and
    with its beginnings. So a pattern that matches a folder stands for everything in it. `*` and `?` stand for
    characters other than the slash, `[abc]` for one of these characters, and `**` between slashes for any
    number of folders. A pattern that ends in a slash matches folders only. Capital and small letters differ.

    Attributes:
        include: a file must match one of these patterns; if there is none, every file is taken.
        exclude: a file must match none of these patterns.

    Raises:
        UsageError: a pattern is empty.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if any(not pattern.strip("/") for pattern in (*self.include, *self.exclude)):
            raise UsageError("a pattern for paths is empty; expected one such as *.wav")

    def takes_file(self, path: str) -> bool:
        """Return whether a file is taken.

        Args:
            path: the path of the file, relative to the searched folder.
        """
        names = path.split("/")
        is_included = not self.include or _matches_any(names, self._includes, is_folder=False)
        return is_included and not _matches_any(names, self._excludes, is_folder=False)

    def enters_folder(self, path: str) -> bool:
        """Return whether a folder can have files that are taken.

        Args:
            path: the path of the folder, relative to the searched folder.
        """
        return not _matches_any(path.split("/"), self._excludes, is_folder=True)

    @cached_property
    def _includes(self) -> tuple["_Pattern", ...]:
        return tuple(map(_Pattern, self.include))

    @cached_property
    def _excludes(self) -> tuple["_Pattern", ...]:
        return tuple(map(_Pattern, self.exclude))


EVERY_PATH = PathFilter()


class _Pattern:
    """One pattern, as one regular expression for each name between slashes; None for `**`."""

    def __init__(self, text: str) -> None:
        self.is_for_folders = text.endswith("/")
        self.is_for_names = "/" not in text.rstrip("/")
        names = [name for name in text.split("/") if name not in ("", ".")]
        self._names = [None if name == "**" else re.compile(fnmatch.translate(name)) for name in names]

    def matches(self, names: Sequence[str]) -> bool:
        """Return whether the pattern matches a whole path, or its last name if the pattern has no slash."""
        names = names[-1:] if self.is_for_names else names
        places = {0}  # how many names of the pattern may stand for the names of the path so far
        for name in names:
            places = self._skip_stars(places)
            next_places: set[int] = set()
            for k in places - {len(self._names)}:
                expression = self._names[k]
                if expression is None:  # `**` stands for this folder, and perhaps for the next one
                    next_places.add(k)
                elif expression.match(name):
                    next_places.add(k + 1)
            places = next_places
        return len(self._names) in self._skip_stars(places)

    def _skip_stars(self, places: set[int]) -> set[int]:
        """Add the places that are reached if `**` stands for no folder."""
        places = set(places)
        for k, expression in enumerate(self._names):
            if k in places and expression is None:
                places.add(k + 1)
        return places


def _matches_any(names: Sequence[str], patterns: Sequence[_Pattern], *, is_folder: bool) -> bool:
    """Return whether a pattern matches a path or a folder above it."""
    for pattern in patterns:
        for end in range(1, len(names) + 1):
            is_file = end == len(names) and not is_folder
            if not (is_file and pattern.is_for_folders) and pattern.matches(names[:end]):
                return True
    return False
