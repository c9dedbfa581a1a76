"""The activations that a config may name, and what other libraries call them."""

import re

ACTIVATIONS = (
    *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "swish", "mish"),
    *("hard_silu", "hard_swish", "sigmoid", "hard_sigmoid", "tanh", "hard_tanh", "softplus", "softsign"),
    *("softmax", "log_softmax", "exponential"),
)
# Activations that are layers elsewhere, in small letters and without underscores: Keras' name of each.
OTHER_NAMES = {
    **{
        name: name
        for name in ("sigmoid", "tanh", "gelu", "silu", "selu", "celu", "mish", "softplus", "softsign")
    },
    **{"relu6": "relu6", "swish": "silu", "hardswish": "hard_silu", "hardsigmoid": "hard_sigmoid"},
    **{"logsoftmax": "log_softmax", "hardtanh": "hard_tanh", "hswish": "hard_silu"},
    **{"hsigmoid": "hard_sigmoid", "lrelu": "leaky_relu", "leakyrelu": "leaky_relu"},
    **{"none": "linear", "identity": "linear"},
}

# Functions of two halves of the channels, which are layers of their own kind and no activations.
GATED_UNITS = ("glu", "geglu", "reglu", "swiglu")


def suggest_activation(value: object) -> str:
    """Return what to say after the name of an unknown activation: its name here, if that is known."""
    plain = re.sub(r"[^a-z0-9]", "", str(value).rpartition(".")[2].lower())
    if plain in GATED_UNITS:
        return "; gated linear units are not supported"
    return f" (it is {OTHER_NAMES[plain]} here)" if plain in OTHER_NAMES else ""
