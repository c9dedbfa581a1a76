"""Spectrogram features from a convolutional network that a YAML file describes.

    from specfeat import Extractor

    rows, times = Extractor("yamnet").extract("speech.wav")

    from specfeat import extract_to

    extract_to("recordings/", "out.npy", "yamnet")

    from specfeat import train

    train("recordings/", "trained/", "my.yaml")

The public names are below; each is loaded when first used, so importing this package costs nothing.
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_EXPORTS = {
    "AudioError": "specfeat.errors",
    "Config": "specfeat.config",
    "ConfigError": "specfeat.errors",
    "DeviceError": "specfeat.errors",
    "Extractor": "specfeat.extractor",
    "Features": "specfeat.extractor",
    "InstallError": "specfeat.errors",
    "ModelError": "specfeat.errors",
    "RunListener": "specfeat.run.listener",
    "RunSummary": "specfeat.output.summary",
    "Settings": "specfeat.config",
    "SpecfeatError": "specfeat.errors",
    "UsageError": "specfeat.errors",
    "TrainingError": "specfeat.errors",
    "TrainingListener": "specfeat.training.listener",
    "TrainingSummary": "specfeat.training.summary",
    "WeightsError": "specfeat.errors",
    "convert_output": "specfeat.run.convert",
    "extract_to": "specfeat.run.extract_to",
    "load_config": "specfeat.config",
    "merge_outputs": "specfeat.run.merge",
    "shipped_names": "specfeat.config",
    "train": "specfeat.training.interface",
}

if TYPE_CHECKING:
    from specfeat.config import Config, Settings, load_config, shipped_names
    from specfeat.errors import (
        AudioError,
        ConfigError,
        DeviceError,
        InstallError,
        ModelError,
        SpecfeatError,
        TrainingError,
        UsageError,
        WeightsError,
    )
    from specfeat.extractor import Extractor, Features
    from specfeat.output.summary import RunSummary
    from specfeat.run.convert import convert_output
    from specfeat.run.extract_to import extract_to
    from specfeat.run.listener import RunListener
    from specfeat.run.merge import merge_outputs
    from specfeat.training.interface import train
    from specfeat.training.listener import TrainingListener
    from specfeat.training.summary import TrainingSummary

__all__ = [
    "AudioError",
    "Config",
    "ConfigError",
    "DeviceError",
    "Extractor",
    "Features",
    "InstallError",
    "ModelError",
    "RunListener",
    "RunSummary",
    "Settings",
    "SpecfeatError",
    "TrainingError",
    "TrainingListener",
    "TrainingSummary",
    "UsageError",
    "WeightsError",
    "convert_output",
    "extract_to",
    "load_config",
    "merge_outputs",
    "shipped_names",
    "train",
]


def __getattr__(name: str) -> object:
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
