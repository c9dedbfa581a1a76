"""How the learning rate changes from step to step."""

import math

from specfeat.config.train import Schedule


def compute_schedule(schedule: Schedule, step: int, total_steps: int) -> float:
    """Return the learning rate of a step as a share of the highest rate.

    Args:
        schedule: the settings `train.schedule`.
        step: the number of the step, from 0.
        total_steps: the steps of the whole training.
    """
    warmup_steps = round(schedule.warmup * total_steps)
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if schedule.kind == "constant":
        return 1.0
    position = (step - warmup_steps) / max(total_steps - warmup_steps, 1)
    return schedule.final + (1 - schedule.final) * 0.5 * (1 + math.cos(math.pi * min(position, 1.0)))
