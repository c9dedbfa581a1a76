"""How fast specfeat is: each stage, the limit that they set, the whole, and the script people write instead.

    python -m benchmarks AUDIO...            every network over the given files and folders
    python -m benchmarks --quick             under a minute, on data/sample repeated
    python -m benchmarks.memory              what memory does over long files, many files, many batches

All is measured in one sitting, the programs that are compared in turn, so that a machine whose speed drifts
treats them alike. Read ratios.
"""
