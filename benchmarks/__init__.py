"""How fast specfeat is: each stage, the limit that they set, the whole, and the script people write instead.

    python -m benchmarks AUDIO... hour.wav hour.flac tiny     each network over each corpus
    python -m benchmarks --quick                              under a minute, on data/sample repeated
    python -m benchmarks.memory                               long files, many files, batches and threads
    python -m benchmarks.threads CONFIG AUDIO...              decoding in threads instead of processes
    python -m benchmarks.copies CONFIG                        clips on their way from a worker into batches

`hour.wav`, `hour.flac` and `tiny` (20,000 files of 0.2 s) are generated. Every measurement is a process of
its own, all in one sitting and the programs that are compared in turn, so that a machine whose speed drifts
treats them alike. Read ratios.
"""
