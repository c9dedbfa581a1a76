"""Trains the network of a config, with the clips that extraction gives it.

    labels         from a table, or from the names of folders
    splits         the parts for training, validation and test
    clip_sources   the clips of all sounds, kept on the disk (array_cache)
    clip_dataset   the clips and targets of each step
    model          the network with its heads, a loss and an optimizer
    loop           epochs, steps and checkpoints
    results        weights, config, metrics and model card

`trainer.run_training` and `execution.TrainingExecution` call these modules. Everything random follows
from the seed, the epoch and the step, so a training that is interrupted and continued gives the same weights
as one that is not.
"""
