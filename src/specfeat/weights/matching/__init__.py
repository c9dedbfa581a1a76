"""Finds the array of a weights file for each slot of the network; `match` draws the steps.

slots           the arrays that the network needs
ignored_arrays  leaves out the arrays that the config's `ignore` names, then calls `match`
match           decides which array goes into which slot
user_map        applies the config's `map` to layers and single arrays
pair_by_name    pairs layers of the network and of the file by their names
pair_by_order   pairs layers of the network and of the file by their order
order_evidence  says what is known of the order of a file's layers
find_array      finds the array of one slot in a layer of the file
match_result    holds what matches and what does not, and makes the error message
suggestions     suggests what would most likely correct a mismatch
axis_layouts    rearranges the axes of an array into Keras' order
joined_axes     does the same for an axis into which PyTorch has joined several axes
kernel_slots    says which slots are kernels, and of which kind of layer
axis_order      finds where PyTorch has the values along an axis of the network in another order
"""
