"""Shows what a process has written to its captured stderr, if the process ends before it can do so itself.

`native_stderr` runs this file as a program of its own, with these descriptors:

    0    a pipe to which the watched process never writes; the system closes it when that process ends
    1    the file that stderr of the watched process is redirected to
    2    the real stderr

The watched process kills this program when it no longer captures its stderr.
"""

import os

MOST_BYTES = 100_000  # size of the beginning that is shown; a stack trace of TensorFlow has about 10,000
SENTENCE = (
    "specfeat: a library has ended the process while TensorFlow was loaded or the network was built; "
    "what it wrote stands above\n"
)


def main() -> None:
    """Wait for the end of the watched process, and show what it has written."""
    os.read(0, 1)
    text = os.pread(1, MOST_BYTES, 0)
    if text:
        os.write(2, text + (b"" if text.endswith(b"\n") else b"\n") + SENTENCE.encode())


if __name__ == "__main__":
    main()
