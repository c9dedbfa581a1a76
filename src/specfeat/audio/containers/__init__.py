"""What the containers of audio files say about their sound: one module for each family of containers.

libsndfile decodes. These modules only look at the headers of a file and of its parts, and find out whether
the decoder gives all of the sound and nothing else. None of them keeps more than a few blocks of the file in
memory, and each takes time that grows linearly with the file.
"""
