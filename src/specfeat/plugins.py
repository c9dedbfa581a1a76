"""Finds what other packages add to specfeat through entry points.

The description of entry points: https://packaging.python.org/specifications/entry-points/
"""

import importlib.metadata
from dataclasses import dataclass
from functools import cache

from specfeat.errors import InstallError


@dataclass(frozen=True, slots=True)
class Plugin:
    """An object that another package offers under a name.

    Attributes:
        entry_point: the entry point that leads to the object.
    """

    entry_point: importlib.metadata.EntryPoint

    def load(self) -> object:
        """Import the other package, and return the object.

        Raises:
            InstallError: the package cannot be imported, or has no such object.
        """
        try:
            return self.entry_point.load()
        except Exception as e:  # The import runs code of another package, which may raise anything.
            reason = " ".join(str(e).split()) or type(e).__name__
            raise InstallError(
                f"{_describe_package(self.entry_point)} offers {self.entry_point.name!r} to specfeat, and it "
                f"cannot be loaded ({reason}); repair or remove this package"
            ) from e


@cache
def find_plugin(group: str, name: str) -> Plugin | None:
    """Return what another package offers under a name; None if no package does.

    The metadata of all installed packages is searched, which takes some hundredths of a second. Nothing is
    imported.

    Args:
        group: the group of the entry points, e.g. "specfeat.output_formats".
        name: the name in this group.

    Raises:
        InstallError: two packages offer something under this name.
    """
    entry_points = sorted(
        {*importlib.metadata.entry_points(group=group, name=name)}, key=lambda entry: entry.value
    )
    if len(entry_points) > 1:
        packages = " and ".join(map(_describe_package, entry_points))
        raise InstallError(f"{packages} both offer {name!r} to specfeat; remove one of these packages")
    return Plugin(entry_points[0]) if entry_points else None


@cache
def list_plugins(group: str) -> tuple[str, ...]:
    """Return the names that other packages offer in a group, in alphabetical order; see `find_plugin`."""
    return tuple(sorted(importlib.metadata.entry_points(group=group).names))


def _describe_package(entry_point: importlib.metadata.EntryPoint) -> str:
    return f"the package {entry_point.dist.name}" if entry_point.dist else f"the module {entry_point.module}"
