"""Rows to disk: the work folder of a run, and the commit that makes array, index and record visible.

In reading order: `paths` (where things are), `records` (what journal and record say), `rows_file` and
`journal` (what a run writes), `work_folder` (the states of a run), `assembly` and `formats` (the array),
`commit` (the last step), `previous_run` (what a later run finds).
"""
