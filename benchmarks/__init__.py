"""Measures the speed of specfeat: each stage alone, the limit that they set, a run, and a typical script.

    python -m benchmarks AUDIO... hour.wav hour.flac tiny    measure each network over each corpus
    python -m benchmarks --quick                             check that it runs, on data/sample
    python -m benchmarks.memory                              measure memory: long files, many files, threads
    python -m benchmarks.threads CONFIG AUDIO...             compare decoding in threads and in processes
    python -m benchmarks.copies CONFIG                       measure the way of clips into batches

Limit: CPU time of each stage run alone, divided by the cores, plus the network's time. The numbers of a
corpus and a network are those of the median of 3 to 7 rounds.

`hour.wav`, `hour.flac` and `tiny` (20,000 files of 0.2 s) are generated. Every measurement is a process of
its own. The programs that are compared run in turn, shortly one after another, because the speed of a machine
changes with time. So compare ratios, not seconds of different days.
"""
