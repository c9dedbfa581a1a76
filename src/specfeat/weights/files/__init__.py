"""Reads weights files: `formats` lists the formats, and each format has one module with its reader.

    source.locate_weights        which files a path stands for, their hash and identity; opens nothing
    formats.open_weights_file    recognises the format and calls its reader
    a reader                     yields `FileContents`: the arrays by name and shape; values are read later

A reader lists the arrays of one format. It runs, unpickles and follows nothing that is in the file, and
checks sizes before it takes memory for them, because weights files come from strangers. `hdf5`,
`zip_archive`, `flatbuffer` and `protobuf` read the containers that several formats share; `array_names` knows
what the names of arrays mean. Nothing here knows the network or its slots: that is
`specfeat.weights.matching`.
"""
