"""Reads weights files: `formats` lists the formats, and each format has one module with its reader.

    source.locate_weights        finds the files that a path stands for, their hash and identity; opens none
    formats.open_weights_file    recognises the format and calls its reader
    a reader                     yields `FileContents`: the arrays by name and shape; values are read later

A reader lists the arrays of one format. Weights files come from unknown people. Therefore a reader runs no
code from the file, opens no other file that the file names, and checks each size before it allocates memory.
`hdf5`, `zip_archive`, `flatbuffer` and `protobuf` read the containers of the formats. `array_names` finds
layers and roles in the names of arrays. The modules here do not use the network or its slots;
`specfeat.weights.matching` does.
"""
