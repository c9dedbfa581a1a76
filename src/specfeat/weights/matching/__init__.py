"""Brings the arrays of a weights file to the slots of the network; `match` draws the steps.

slots           the arrays that the network needs
match           which array goes into which slot
pair_by_name    which layer of the file is which layer of the network, by name
pair_by_order   the same by order
user_map        the same as far as the config's `map` says it
match_result    what matches and what does not, as an error message
suggestions     what would most likely correct a mismatch
axis_layouts    rearranges the axes of an array into Keras' order
axis_order      which axes of the network were joined, and so are in another order in PyTorch
"""
