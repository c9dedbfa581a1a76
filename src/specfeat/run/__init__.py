"""One run of extraction, from the inputs to the output on the disk."""
