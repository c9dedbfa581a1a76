"""The activations that a config may name, and what other libraries call them."""

import re

ACTIVATIONS = (
    *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "swish", "mish"),
    *("hard_silu", "hard_swish", "sigmoid", "hard_sigmoid", "tanh", "hard_tanh", "softplus", "softsign"),
    *("softmax", "log_softmax", "exponential"),
)
# Keras' name of each activation that is a layer in other libraries, by its name there in small letters and
# without underscores.
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

# Layers that multiply one half of the channels by a function of the other half; no activation does this.
GATED_UNITS = ("glu", "geglu", "reglu", "swiglu")


def suggest_activation(value: object) -> str:
    """Return the end of a message about an unknown activation: Keras' name, if it is known; else ""."""
    plain = re.sub(r"[^a-z0-9]", "", str(value).rpartition(".")[2].lower())
    if plain in GATED_UNITS:
        return "; gated linear units are not supported"
    return f" (it is {OTHER_NAMES[plain]} here)" if plain in OTHER_NAMES else ""
