"""The Viterbi algorithm: the most probable sequence of states."""

import numpy as np
from numpy.typing import NDArray


def find_best_path(emission: NDArray[np.float64], transition: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the most probable state at each step, shape (steps,).

    All values are natural logarithms of probabilities; the initial states are equally probable. If two states
    are equally probable, the first one is taken. The algorithm is that of Viterbi 1967, as Rabiner 1989
    (section III.B) describes it.

    Args:
        emission: how probable the observation of each step is in each state, shape (steps, states).
        transition: how probable each state is after each state, shape (states, states); the first axis is
            the state before.
    """
    steps, states = emission.shape
    before = np.empty((steps, states), np.uint8)  # the best state before each state
    path = np.empty(steps, np.uint8)
    if not steps:
        return path
    best = emission[0]
    columns = np.arange(states)
    for step in range(1, steps):
        options = best[:, np.newaxis] + transition
        choice = options.argmax(axis=0)
        before[step] = choice
        best = options[choice, columns] + emission[step]
    path[-1] = best.argmax()
    for step in range(steps - 1, 0, -1):
        path[step - 1] = before[step, path[step]]
    return path
