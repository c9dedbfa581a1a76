"""Converts a Keras model into an ONNX file with fixed shapes.

tf2onnx converts TensorFlow's graph. With the weights inside the graph, it takes minutes for a large network
(measured: 311 s for vggish), because it copies each array several times. So the weights are inputs of the
graph while it is converted, and are put into the file afterwards (3 s for vggish).
"""

import logging
from typing import Any

import numpy as np

from specfeat.errors import InstallError
from specfeat.library_messages import summarize_keras_error, summarize_onnx_error
from specfeat.tensorflow_runtime import tf

# The newest set of operators that tf2onnx 1.17 writes.
_OPERATOR_SET = 18
_INPUT, _WEIGHT = "clips", "weight_"
_MAX_BYTES = 2**31 - 1  # of a Protocol Buffers message


def convert_model(model: Any, clips_shape: tuple[int, ...]) -> bytes:
    """Return a model as an ONNX file.

    Args:
        model: a functional Keras model from clips to rows, its weights set.
        clips_shape: the shape of a batch: (batch, frames, bins, channels).

    Returns:
        The file, with one input `clips` and one output.

    Raises:
        InstallError: tf2onnx or onnx is missing.
        ValueError: the model has a layer that cannot be converted, or is too large.
    """
    try:
        import onnx  # both are an extra
        import tf2onnx
    except ImportError as e:
        raise InstallError(
            "the engine onnxruntime needs the packages onnx and tf2onnx to convert a network; "
            "install them with: pip install 'specfeat[onnxruntime]'"
        ) from e
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)  # it also notes what it has changed in the graph
    trainable, others = list(model.trainable_variables), list(model.non_trainable_variables)
    variables = [*trainable, *others]
    if sum(variable.nbytes for variable in map(np.asarray, variables)) > _MAX_BYTES:
        raise ValueError("its weights are larger than 2 GB, the limit of an ONNX file")

    def compute_rows(clips: Any, *values: Any) -> Any:
        rows, _ = model.stateless_call(
            values[: len(trainable)], values[len(trainable) :], clips, training=False
        )
        return rows

    signature = [
        tf.TensorSpec(clips_shape, tf.float32, name=_INPUT),
        *(
            tf.TensorSpec(variable.shape, variable.dtype, name=f"{_WEIGHT}{number}")
            for number, variable in enumerate(variables)
        ),
    ]
    try:
        file, _ = tf2onnx.convert.from_function(
            tf.function(compute_rows, autograph=False), input_signature=signature, opset=_OPERATOR_SET
        )
    except (tf.errors.OpError, TypeError) as e:
        raise ValueError(summarize_keras_error(e)) from e
    except Exception as e:  # tf2onnx raises errors of many classes for an operation that it does not know.
        raise ValueError(f"tf2onnx cannot convert the network: {summarize_onnx_error(e)}") from e
    graph = file.graph
    names = {graph_input.name for graph_input in graph.input}
    for number, variable in enumerate(variables):
        if (name := f"{_WEIGHT}{number}") in names:  # a weight that is not used is no input
            graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(variable), name))
    clips = [graph_input for graph_input in graph.input if graph_input.name == _INPUT]
    del graph.input[:]
    graph.input.extend(clips)
    content: bytes = file.SerializeToString(deterministic=True)
    return content
