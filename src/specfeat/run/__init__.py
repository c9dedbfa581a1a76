"""One run of extraction: from the paths that a user names to the output on the disk.

request        what the caller asks for; its settings are in `options`
extraction     the whole way, step by step; start reading here
plan           what is finished and what remains; the rules are the tables of `decisions`, and `earlier_work`
examines what the tables ask about
provenance     everything that affects the numbers; `provenance_probe` compares it before the network exists
execution      workers and network
runner         events to rows, and rows to the output
failure_counter, listener
what accompanies the events
extract_to     the Python interface
"""
