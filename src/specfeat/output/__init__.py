"""Writes rows to the disk: the work folder of a run, and the commit that replaces the old output.

A good order to read the modules:

paths                   the paths of an output
records                 the types of which journal and record consist; `record_json` reads and writes them
rows_file, journal      what a run writes while it extracts; `sound_writer` keeps the two consistent
lock, work_folder       the states of a run
index                   the index; `index_reader` reads it
assembly, formats       the array of the new output; `table_source` gives a format the rows and the index
replaced_files, commit  the last step; `replacement_check` protects the user's files before the run
previous_run            what a later run reads
summary                 the counts that the user is told
"""
