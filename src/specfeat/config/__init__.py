"""YAML to frozen settings, and every number that follows from them.

`load_config("yamnet")` or `load_config("my.yaml", ["model.batch=8"])` gives a `Config`: the
settings, and where in the file each of them stands. Nothing here imports NumPy, librosa, Keras or
TensorFlow, so a typo is answered at once.
"""

from specfeat.config.load import Config, load_config, shipped_names
from specfeat.config.settings import Settings

__all__ = ["Config", "Settings", "load_config", "shipped_names"]
