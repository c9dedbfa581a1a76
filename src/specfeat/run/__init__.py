"""One run of extraction: from the paths that a user names to the output on the disk.

extraction       shows all steps of a run; start reading here
request          what the caller asks for; `options` and `selection_options` have its settings
sound_selection  finds the sounds: whole files, or parts of files
channel_sounds   makes a sound of each channel of a file
shard_selection  leaves only the sounds of one shard; `shard` reads the name of a shard
plan             decides which sounds are finished and which remain, with the next four modules:
  decisions              tables of what a run does in each state of the earlier work
  earlier_work           examines which state the earlier work has
  provenance             everything that affects the numbers
  provenance_comparer    compares the provenance of earlier runs, before the network is built
execution        starts the workers, and builds the network
runner           writes the rows of the events, and then the output
failure_counter  stops a run with too many failures
listener         the interface of objects that are told how a run proceeds
extract_to       the Python interface

Two commands make an output from finished outputs and read no audio. `source_outputs` is what both need:

convert          writes an output in another format
merge            puts the outputs of all shards of a run together
"""
