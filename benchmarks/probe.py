"""Measures how well a linear classifier does with the features of a config: how much the features are worth.

    python -m benchmarks.probe CONFIG [--digits FOLDER] [--esc10 FOLDER] [--set KEY=VALUE ...]

The features of a file are the mean of its rows. They are standardised, and a logistic regression (C = 0.1) is
fitted to them. No file of the test part is used for fitting.

- digits: the Free Spoken Digit Dataset, files named DIGIT_SPEAKER_TAKE.wav. "digits": takes 0 to 4 are the
  test part (the official one). "new speaker": each speaker is the test part once; the mean of these counts.
- esc10: ESC-10, files named FOLD-CLIP-TAKE-CLASS.wav. Each of the five folds is the test part once.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.conditions import describe_machine
from specfeat.run.extract_to import extract_to

REGULARISATION = 0.1  # scikit-learn's C: a small one, because there are few files for many features

Rows = NDArray[np.float32]
Words = Sequence[str]


def measure_accuracy(rows: Rows, classes: Words, is_test: NDArray[np.bool_]) -> float:
    """Return the share of the test part that a classifier fitted to the other files gets right."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    names = np.asarray(classes)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=REGULARISATION, max_iter=3000))
    classifier.fit(rows[~is_test], names[~is_test])
    return float(classifier.score(rows[is_test], names[is_test]))


def measure_each_group(rows: Rows, classes: Words, groups: Words) -> float:
    """Return the mean accuracy over the groups, each of which is the test part once."""
    names = np.asarray(groups)
    return float(np.mean([measure_accuracy(rows, classes, names == group) for group in sorted(set(groups))]))


def compute_file_features(folder: str, config: str, overrides: Sequence[str]) -> tuple[Rows, list[str]]:
    """Return the mean row of each file in a folder, shape (files, features), and the names of the files."""
    with tempfile.TemporaryDirectory() as scratch:
        array = Path(scratch) / "probe.npy"
        extract_to(folder, array, config, overrides=overrides)
        rows = np.load(array)
        files = json.loads((Path(scratch) / "probe.run.json").read_bytes())["files"]
    means, names, start = [], [], 0
    for entry in files:
        count = entry.get("rows", 0)
        if count:
            means.append(rows[start : start + count].mean(axis=0))
            names.append(Path(entry["path"]).stem)
            start += count
    return np.stack(means), names


def measure_digits(rows: Rows, names: Words) -> dict[str, float]:
    """Return the accuracies with the spoken digits."""
    digits, speakers, takes = zip(*(name.split("_") for name in names), strict=True)
    is_test = np.asarray([int(take) < 5 for take in takes])
    return {
        "digits": measure_accuracy(rows, digits, is_test),
        "new speaker": measure_each_group(rows, digits, speakers),
    }


def measure_esc10(rows: Rows, names: Words) -> dict[str, float]:
    """Return the accuracy with ESC-10."""
    folds, _, _, classes = zip(*(name.split("-") for name in names), strict=True)
    return {"ESC-10": measure_each_group(rows, classes, folds)}


def main() -> None:
    """Read the command line, measure, and print one line for each accuracy."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.probe", description=__doc__.split("\n\n")[0])
    parser.add_argument("config")
    parser.add_argument("--digits", help="the folder with the spoken digits")
    parser.add_argument("--esc10", help="the folder with the files of ESC-10")
    parser.add_argument("--set", action="append", default=[], help="a value of the config, KEY=VALUE")
    options = parser.parse_args()
    print(f"{options.config} on {describe_machine()}")
    for folder, measure in ((options.digits, measure_digits), (options.esc10, measure_esc10)):
        if folder:
            rows, names = compute_file_features(folder, options.config, options.set)
            for name, accuracy in measure(rows, names).items():
                print(f"{name:12} {100 * accuracy:5.1f} %  ({len(rows):,} files, {rows.shape[1]:,} features)")


if __name__ == "__main__":
    main()
