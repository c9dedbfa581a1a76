"""Measures the speed of specfeat: each stage alone, the limit of the machine, a run, and a typical script.

    python -m benchmarks AUDIO... hour.wav hour.flac tiny    measure each network over each corpus
    python -m benchmarks --quick                             check that it runs, on data/sample
    python -m benchmarks.memory                              measure memory: long files, many files, threads
    python -m benchmarks.threads CONFIG AUDIO...             compare decoding in threads and in processes
    python -m benchmarks.copies CONFIG                       measure the copies of a clip
    python -m benchmarks.digits DIGITS                       compare trainings with Keras' own `fit`

Limit: the CPU time of each stage run alone, divided by the cores, plus the network's time. For each corpus
and network, the numbers are those of the median round of 3 to 7 rounds.

`hour.wav`, `hour.flac` and `tiny` (20,000 files of 0.2 s) are generated. Every measurement runs in a process
of its own. The programs that are compared run one shortly after the other, because the speed of a machine
changes with time. So compare ratios, and not the seconds of different days.
"""
