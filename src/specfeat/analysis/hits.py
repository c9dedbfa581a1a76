"""Chooses the hits of a search: the nearest rows, without rows that overlap a nearer one, within limits."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from specfeat.analysis.row_places import RowPlaces


def choose_hits(
    order: Iterable[int], places: RowPlaces, count: int, per_file: int | None = None
) -> list[int]:
    """Return the nearest rows that do not overlap each other in one file.

    Of rows that overlap, the nearest is the hit, because they have the same sound in different places of
    their clips.

    Args:
        order: the numbers of the rows, the nearest first.
        places: where the rows are.
        count: the largest number of hits.
        per_file: the largest number of hits in one file; None for no limit.

    Returns:
        The numbers of the rows, the nearest first.
    """
    hits: list[int] = []
    hits_of_track: dict[int, list[int]] = defaultdict(list)
    hits_of_file: Counter[int] = Counter()
    for row in order:
        track, file = int(places.tracks[row]), int(places.files[row])
        if per_file is not None and hits_of_file[file] >= per_file:
            continue
        start_s, end_s = places.start_s[row], places.end_s[row]
        if any(places.start_s[hit] < end_s and places.end_s[hit] > start_s for hit in hits_of_track[track]):
            continue
        hits.append(int(row))
        hits_of_track[track].append(int(row))
        hits_of_file[file] += 1
        if len(hits) == count:
            break
    return hits
