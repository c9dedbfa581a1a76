"""Writes the config and the weights file of a network that ends in a classifier. It loads TensorFlow."""

import hashlib
import io
from pathlib import Path

from specfeat.analysis.head_config import add_head, get_weights_path
from specfeat.analysis.head_files import HeadRecord
from specfeat.analysis.linear_head import LinearHead
from specfeat.architecture.graph import to_keras_name
from specfeat.atomic_file import write_atomically
from specfeat.config import load_config
from specfeat.config.yaml_writer import format_yaml
from specfeat.native_stderr import capture_native_stderr
from specfeat.network.compose import compose_model
from specfeat.output.finished_output import FinishedOutput
from specfeat.weights import load_weights
from specfeat.weights.save import save_weights

_COMMENT = "Written by specfeat classify fit. Use it with: specfeat extract INPUTS OUTPUT -c"


def write_head_config(
    output: FinishedOutput, head: LinearHead, record: HeadRecord, config_path: Path, weights_file: str | None
) -> None:
    """Write a config whose network ends in a classifier, and its weights file.

    Args:
        output: the output on whose rows the classifier was fitted.
        head: the classifier.
        record: the record of the classifier.
        config_path: the config to write; an existing file is replaced.
        weights_file: see `add_head`.

    Raises:
        UsageError: a layer cannot compute the features of the output.
        WeightsError: the weights file does not fit the network.
        OutputError: a file cannot be written.
    """
    config, dense = add_head(output, record, weights_file)
    with capture_native_stderr():
        composed = compose_model(config)
        if config.settings.model.weights.file is not None:
            layers = tuple(layer for layer in composed.layers if layer.name != dense.name)
            load_weights(composed.whole_model, layers, config.settings)
        composed.whole_model.get_layer(to_keras_name(dense.name)).set_weights([*head.fold_standardisation()])
    file = io.BytesIO()
    save_weights(composed.whole_model, composed.layers, config.settings, file)
    weights_path = get_weights_path(config_path)
    write_atomically(weights_path, file.getvalue())
    data = config.settings.model_dump(mode="json", exclude={"train"})
    data["model"]["weights"] = {
        "file": weights_path.name,
        "sha256": hashlib.sha256(file.getvalue()).hexdigest(),
    }
    write_atomically(config_path, format_yaml(data, f"{_COMMENT} {config_path.name}").encode())
    load_config(config_path)  # a config that cannot be read would be a bug
