"""Extractors that several objects of this process share, so that each network is built once."""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from specfeat.config import load_config
from specfeat.extractor import Extractor
from specfeat.files import identify_file

MAX_EXTRACTORS = 4  # a network can take gigabytes

_extractors: OrderedDict[tuple[object, ...], Extractor] = OrderedDict()
_lock = Lock()


def get_shared_extractor(config: str, overrides: Sequence[str], device: str) -> Extractor:
    """Return an extractor that this process has built before, or build it.

    The last `MAX_EXTRACTORS` extractors are kept. A config or a weights file that has changed on the disk
    gives a new extractor.

    Args:
        config: the name of a shipped config, or the path of a YAML file.
        overrides: values that replace those of the config, each as `KEY.PATH=VALUE`.
        device: "auto", "cpu", "gpu" or "gpu:N".

    Raises:
        ConfigError: the config is wrong.
        SpecfeatError: the network cannot be built.
    """
    loaded = load_config(config, overrides)
    file = loaded.settings.model.weights.file
    key = (loaded.settings.digest, device, file, file and identify_file(file))
    with _lock:
        if key not in _extractors:
            _extractors[key] = Extractor(loaded, device=device)
        _extractors.move_to_end(key)
        while len(_extractors) > MAX_EXTRACTORS:
            _extractors.popitem(last=False)
        return _extractors[key]
