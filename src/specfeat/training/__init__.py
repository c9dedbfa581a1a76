"""Trains the network of a config, with the clips that extraction gives it.

    labels -> splits -> clip_cache -> dataset -> model -> loop -> results
    (from a table   (training,     (clips on     (a batch   (network,   (epochs,    (weights, config, metrics,
     or folders)     validation,    the disk)     of a step)  heads,      checkpoints) model card)
                     test)                                    loss)

`trainer.train` shows the whole way. Everything that is drawn at random follows from the seed, the epoch and
the step, so a run that is interrupted and continued gives the same weights as one that is not.
"""
