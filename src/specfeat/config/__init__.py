"""Reads a YAML config into settings that cannot be changed, and computes every number that follows from them.

`load_config("yamnet")` or `load_config("my.yaml", ["model.batch=8"])` returns a `Config`: the settings, and
the place in the file where each of them is written. No module of this package imports NumPy, librosa, Keras
or TensorFlow, so that a mistake in a config is reported at once.
"""

from specfeat.config.config_files import shipped_names
from specfeat.config.load import Config, load_config
from specfeat.config.settings import Settings

__all__ = ["Config", "Settings", "load_config", "shipped_names"]
