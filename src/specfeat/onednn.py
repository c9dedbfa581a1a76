"""Whether TensorFlow computes with the kernels of oneDNN on this machine.

TensorFlow uses them by itself only on processors with AVX512_VNNI or newer. Its other kernels round the end
of a batch differently from the rest, so specfeat turns oneDNN on everywhere, unless the user has decided. On
a processor with AVX2 alone the networks are also 1.1 to 1.4 times as fast with it (AMD EPYC, two cores).
"""

import os
import sys
from functools import cache

ONEDNN_VARIABLE = "TF_ENABLE_ONEDNN_OPTS"  # TensorFlow reads it while it is imported


@cache
def get_onednn_setting() -> str | None:
    """Return the value of the variable that TensorFlow gets from us, or has read already.

    The first call decides, so it must come before specfeat imports TensorFlow.

    Returns:
        The user's value, else "1"; None if the host program has imported TensorFlow without the variable.
    """
    is_imported = "tensorflow" in sys.modules
    return os.environ.get(ONEDNN_VARIABLE) or (None if is_imported else "1")
