"""Reads tables of segments: which parts of which files a run extracts, and what else is known about them.

base         what a format is, and what it reads from a table
formats      the formats
text_lines   reads the lines of formats without a header
file_search  finds the files that a table names
sounds       makes the sounds of a run from tables
"""

from specfeat.segments.base import SegmentFormat, SegmentLine, SegmentTable
from specfeat.segments.sounds import SegmentOptions, SegmentSounds, read_segments

__all__ = ["SegmentFormat", "SegmentLine", "SegmentOptions", "SegmentSounds", "SegmentTable", "read_segments"]
