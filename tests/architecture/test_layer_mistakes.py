"""Mistakes in the config's list of layers, and the whole message for each.

Mistakes that only Keras can find are in test_build.py.
"""

import pytest

from helpers.layer_lists import CONV, POOL, parse_items
from specfeat.errors import ConfigError

pytestmark = pytest.mark.usefixtures("_in_an_empty_folder")

TWO_SIZES = "wanted a whole number, 1 or more, or a list of two: [frames, bins]"
WHOLE_NUMBER = "wanted a whole number, 1 or more"
MARGINS = "wanted a whole number, 0 or more, or [frames, bins], or [[before, after], [before, after]]"

# The second layer, after CONV and so on line 8, and the line that follows, less the file's name.
KINDS = [
    ("Flaten", "8:7: model.layers[1]: 'Flaten' is not a layer that specfeat knows (did you mean 'Flatten'?)"),
    ("flatten", "8:7: model.layers[1]: 'flatten' is not a layer that specfeat knows (did you mean 'Flatten'?)"),
    ("Dens: {units: 3}",
     "8:7: model.layers[1].Dens: 'Dens' is not a layer that specfeat knows (did you mean 'Dense'?)"),
    ("10", "8:7: model.layers[1]: is 10; wanted a layer, e.g. Flatten or Dense: {units: 10}"),
    ("[Flatten]", "8:7: model.layers[1]: is ['Flatten']; wanted a layer, e.g. Flatten or Dense: {units: 10}"),
    ("Dense: 10", "8:14: model.layers[1].Dense: is 10; wanted arguments by name, e.g. {units: 10}"),
    ("Dense: [10]", "8:14: model.layers[1].Dense: is [10]; wanted arguments by name, e.g. {units: 10}"),
    ("Conv2D: [24, 5]", "8:15: model.layers[1].Conv2D: is [24, 5]; wanted arguments by name, "
     "e.g. {filters: 32, kernel_size: 3}"),
    ("MaxPooling2D: {pool_size: (4, 2)}", "8:33: model.layers[1].MaxPooling2D.pool_size: is the text '(4'; "
     f"{TWO_SIZES}; a list is written in square brackets"),
    ("MaxPooling2D: {pool_size: 4, 2}",
     "8:36: model.layers[1].MaxPooling2D.2: a key must be a name; a list is written in square brackets"),
    ("Dense: {}", "8:14: model.layers[1].Dense: has no units; Dense needs it"),
    ("Dense", "8:7: model.layers[1]: has no units; Dense needs it"),
    ("Conv2D: {filters: 3}", "8:15: model.layers[1].Conv2D: has no kernel_size; Conv2D needs it"),
    ("{Dense: {units: 3}, name: x}",
     "8:7: model.layers[1]: has 2 keys; wanted one layer, its arguments indented below 'Dense'"),
]  # fmt: skip

ARGUMENTS = [
    ("Conv2D: {filter: 3, kernel_size: 3}",
     "8:16: model.layers[1].Conv2D.filter: is not an argument of Conv2D (did you mean 'filters'?)"),
    ("Conv2D: {filters: 3, kernal_size: 3}",
     "8:28: model.layers[1].Conv2D.kernal_size: is not an argument of Conv2D (did you mean 'kernel_size'?)"),
    ("Dense: {units: 3, implementation: 1}",
     "8:25: model.layers[1].Dense.implementation: is not an argument of Dense; it takes units, activation, "
     "kernel_initializer, use_bias, bias_initializer, name, inputs"),
    ("Flatten: {units: 3}",
     "8:17: model.layers[1].Flatten.units: is not an argument of Flatten; it takes name, inputs"),
    ("Dense: {units: 3, activation: rleu}",
     "8:37: model.layers[1].Dense.activation: is the text 'rleu'; "
     "wanted the name of an activation (did you mean 'relu'?)"),
    ("Dense: {units: 3, kernel_initializer: he_norml}",
     "8:45: model.layers[1].Dense.kernel_initializer: is the text 'he_norml'; "
     "wanted the name of an initializer (did you mean 'he_normal'?)"),
    ("MaxPooling2D: {padding: Same}",
     "8:31: model.layers[1].MaxPooling2D.padding: is the text 'Same'; "
     "wanted one of valid, same (did you mean 'same'?)"),
    ("Conv2D: {filters: 3, kernel_size: 3, padding: causal}",
     "8:53: model.layers[1].Conv2D.padding: is the text 'causal'; wanted one of valid, same"),
    ("Conv2DTranspose: {filters: 3, kernel_size: 3, output_padding: -1}",
     "8:69: model.layers[1].Conv2DTranspose.output_padding: is -1; "
     "wanted a whole number, 0 or more, or a list of two: [frames, bins]"),
    ("Conv2DTranspose: {filters: 3, kernel_size: 3, padding: 1}",
     "8:62: model.layers[1].Conv2DTranspose.padding: is 1; wanted one of valid, same; "
     "for PyTorch's padding of 1 use valid, and put Cropping2D: {cropping: 1} after it"),
    ("Dense: {units: 3, use_bias: no}",
     "8:35: model.layers[1].Dense.use_bias: is the text 'no'; wanted true or false"),
    ("Dense: {units: 3, use_bias: 0}", "8:35: model.layers[1].Dense.use_bias: is 0; wanted true or false"),
    ("Dropout: {rate: 1.5}", "8:23: model.layers[1].Dropout.rate: is 1.5; wanted a number from 0 to 1"),
    ("Dropout: {rate: true}", "8:23: model.layers[1].Dropout.rate: is true; wanted a number from 0 to 1"),
    ("Dropout: {rate: .nan}", "8:23: model.layers[1].Dropout.rate: is nan; wanted a number from 0 to 1"),
    ("BatchNormalization: {epsilon: '1e-3'}",
     "8:37: model.layers[1].BatchNormalization.epsilon: is the text '1e-3'; wanted a number from 0"),
    ("BatchNormalization: {axis: 0}",
     "8:34: model.layers[1].BatchNormalization.axis: is 0; "
     "wanted an axis: -1 (channels), 1 (frames), 2 (bins); 0 is the batch"),
    ("ZeroPadding2D: {padding: same}",
     f"8:32: model.layers[1].ZeroPadding2D.padding: is the text 'same'; {MARGINS}"),
    ("ZeroPadding2D: {padding: [1, 2, 3]}",
     f"8:32: model.layers[1].ZeroPadding2D.padding: is [1, 2, 3]; {MARGINS}"),
    ("Reshape: {target_shape: [0, 8]}",
     "8:31: model.layers[1].Reshape.target_shape: is [0, 8]; "
     "wanted a list of whole numbers, -1 for the size that follows from the others, e.g. [96, -1]"),
    ("Permute: {dims: [2, 2, 1]}",
     "8:23: model.layers[1].Permute.dims: is [2, 2, 1]; "
     "wanted the axes in their new order, counted from 1, e.g. [2, 1, 3]"),
]  # fmt: skip

FILTERS = [
    (f"Conv2D: {{filters: {text}, kernel_size: 3}}", f"8:25: model.layers[1].Conv2D.filters: is {shown}; {WHOLE_NUMBER}")
    for text, shown in {
        "0": "0", "-1": "-1", "'8'": "the text '8'", "eight": "the text 'eight'", "true": "true", "8.0": "8.0",
        "8.5": "8.5", "1e3": "1000.0", "null": "empty", "[8]": "[8]",
    }.items()
]  # fmt: skip

OWN_LAYERS = [
    ("Picture: {colormap: viridis, range: [0, -80]}",
     "8:43: model.layers[1].Picture.range: is [0, -80]; "
     "wanted two numbers, the lower one first, e.g. [-80, 0]"),
    ("Picture: {colormap: viridis, range: 80}",
     "8:43: model.layers[1].Picture.range: is 80; wanted two numbers, the lower one first, e.g. [-80, 0]"),
    ("Picture: {colormap: 3, range: [-80, 0]}", "8:27: model.layers[1].Picture.colormap: is 3; wanted a name"),
    ("Picture: {range: [-80, 0]}",
     "8:16: model.layers[1].Picture: has no colormap; Picture needs it"),
    ("Resizing: {height: 224}", "8:17: model.layers[1].Resizing: has no width; Resizing needs it"),
    ("Resizing: {height: 224, width: 0}", f"8:38: model.layers[1].Resizing.width: is 0; {WHOLE_NUMBER}"),
    ("Application: {application: MobileNetV2, include_top: 1}",
     "8:60: model.layers[1].Application.include_top: is 1; wanted true or false"),
    ("Application: {application: MobileNetV2, weights: imagenet}",
     "8:47: model.layers[1].Application.weights: is not an argument of Application; "
     "leave it out, the weights of the network are given in model.weights"),
    ("Application: {application: MobileNetV2, preprocess: caffee}",
     "8:59: model.layers[1].Application.preprocess: is the text 'caffee'; wanted one of caffe, tf, torch, none "
     "(did you mean 'caffe'?)"),
]  # fmt: skip

KERNELS = [
    (f"Conv2D: {{filters: 3, kernel_size: {text}}}",
     f"8:41: model.layers[1].Conv2D.kernel_size: is {shown}; {TWO_SIZES}")
    for text, shown in {
        "[3]": "[3]", "[3, 3, 3]": "[3, 3, 3]", "[]": "[]", "[3, 0]": "[3, 0]", "[3, 3.0]": "[3, 3.0]", "0": "0",
        "'3'": "the text '3'", "true": "true", "3.5": "3.5",
    }.items()
]  # fmt: skip

NAMES = [
    ("Dense: {units: 3, name: conv}",
     "8:31: model.layers[1].Dense.name: 'conv' is already the name of another layer"),
    ("Dense: {units: 3, name: spectrogram}",
     "8:31: model.layers[1].Dense.name: 'spectrogram' is already the name of another layer"),
    ("Dense: {units: 3, name: 3}",
     "8:31: model.layers[1].Dense.name: is 3; wanted letters, digits, . _ / - and $i"),
    ('Dense: {units: 3, name: "a\\nb"}',
     "8:31: model.layers[1].Dense.name: is the text 'a\\nb'; wanted letters, digits, . _ / - and $i"),
    ("Dense: {units: 3, inputs: cnov}",
     "8:33: model.layers[1].Dense.inputs: 'cnov' is not the name of an earlier layer (did you mean 'conv'?)"),
    ("Dense: {units: 3, name: later, inputs: later}",
     "8:46: model.layers[1].Dense.inputs: 'later' is not the name of an earlier layer"),
    ("Dense: {units: 3, inputs: [conv, spectrogram]}",
     "8:33: model.layers[1].Dense.inputs: Dense reads 2; wanted one input; "
     "join them first, e.g. with Concatenate"),
    ("Add: {inputs: conv}", "8:21: model.layers[1].Add.inputs: Add reads 1; wanted two inputs or more"),
    ("Add: {inputs: [conv]}", "8:21: model.layers[1].Add.inputs: Add reads 1; wanted two inputs or more"),
    ("Add: {inputs: []}", "8:21: model.layers[1].Add.inputs: Add reads 0; wanted two inputs or more"),
    ("Add: {inputs: [conv, polo]}",
     "8:21: model.layers[1].Add.inputs: 'polo' is not the name of an earlier layer"),
]  # fmt: skip

BLOCK = "a block has repeat, first and layers"
REPEATS = [
    ("{repeat: 0, layers: [ReLU]}", "8:16: model.layers[1].repeat: is 0; wanted a number from 1 to 10,000"),
    ("{repeat: -2, layers: [ReLU]}", "8:16: model.layers[1].repeat: is -2; wanted a number from 1 to 10,000"),
    ("{repeat: 2.0, layers: [ReLU]}",
     "8:16: model.layers[1].repeat: is 2.0; wanted a number from 1 to 10,000"),
    ("{repeat: 10001, layers: [ReLU]}",
     "8:16: model.layers[1].repeat: is 10001; wanted a number from 1 to 10,000"),
    ("{repeat: 2, layer: [ReLU]}", f"8:19: model.layers[1].layer: is not known here; {BLOCK}"),
    ("{repeat: 2, frist: 8, layers: [ReLU]}", f"8:19: model.layers[1].frist: is not known here; {BLOCK}"),
    ("{repeat: 2, first: -1, layers: [ReLU]}",
     "8:26: model.layers[1].first: is -1; wanted the first value of $i, 0 or more"),
    ("{repeat: 2, layers: []}",
     "8:7: model.layers[1]: repeats nothing; wanted a list of layers under `layers:`"),
    ("repeat: 2", "8:7: model.layers[1]: repeats nothing; wanted a list of layers under `layers:`"),
    ("{repeat: 2, layers: [{ReLU: {name: r}}]}",
     "8:42: model.layers[1].layers[0].ReLU.name: 'r' is already the name of another layer; "
     "write $i into the names of a repeated block"),
    ("{repeat: 2, layers: [{repeat: 2, layers: [{ReLU: {name: r$i}}]}]}",
     "8:63: model.layers[1].layers[0].layers[0].ReLU.name: 'r1' is already the name of another layer; "
     "write $i into the names of a repeated block"),
    ("{repeat: 2, layers: [{Dense: {units: 0}}]}",
     f"8:44: model.layers[1].layers[0].Dense.units: is 0; {WHOLE_NUMBER}"),
    ("{repeat: 2, layers: [Relu]}",
     "8:28: model.layers[1].layers[0]: 'Relu' is not a layer that specfeat knows (did you mean 'ReLU'?)"),
    ("{repeat: 2, layers: [{ReLU: {name: r$i}}, {Add: {inputs: [r$i, s$i]}}]}",
     "8:64: model.layers[1].layers[1].Add.inputs: 's1' is not the name of an earlier layer"),
]  # fmt: skip

# What PyTorch, TF-Slim, Keras 1 and Keras 2 call what Keras 3 has.
OTHER_LIBRARIES = [
    ("MaxPool2d: {kernel_size: 2}",
     "8:7: model.layers[1].MaxPool2d: 'MaxPool2d' is not a layer that specfeat knows (it is MaxPooling2D here)"),
    ("nn.Linear: {out_features: 3}",
     "8:7: model.layers[1].nn.Linear: 'nn.Linear' is not a layer that specfeat knows (it is Dense here)"),
    ("BatchNorm2d", "8:7: model.layers[1]: 'BatchNorm2d' is not a layer that specfeat knows "
     "(it is BatchNormalization here)"),
    ("Convolution1D", "8:7: model.layers[1]: 'Convolution1D' is not a layer that specfeat knows "
     "(it is Conv1D here)"),
    ("separable_conv2d",
     "8:7: model.layers[1]: 'separable_conv2d' is not a layer that specfeat knows (it is SeparableConv2D here)"),
    ("AdaptiveAvgPool2d", "8:7: model.layers[1]: 'AdaptiveAvgPool2d' is not a layer that specfeat knows "
     "(it is GlobalAveragePooling2D, for a size of 1 here)"),
    ("{type: Conv2D, filters: 3}",
     "8:7: model.layers[1]: has 2 keys; wanted one layer, its arguments indented below 'Conv2D'"),
    ("Conv2D(32, 3)", "8:7: model.layers[1]: 'Conv2D(32, 3)' is not a layer that specfeat knows; "
     "write Conv2D: {filters: 32, kernel_size: 3}"),
    ("Add: [conv, spectrogram]", "8:12: model.layers[1].Add: is ['conv', 'spectrogram']; wanted arguments by name, "
     "e.g. {inputs: [first, second]}"),
    ("Add: {inputs: [conv, input]}", "8:21: model.layers[1].Add.inputs: 'input' is not the name of an earlier layer; "
     "the network's input is 'spectrogram'"),
    ("Activation: {activation: hswish}", "8:32: model.layers[1].Activation.activation: is the text 'hswish'; wanted the "
     "name of an activation (it is hard_silu here)"),
    ("DepthwiseConv2D: {filters: 8, kernel_size: 3}",
     "8:25: model.layers[1].DepthwiseConv2D.filters: is not an argument of DepthwiseConv2D; "
     "it makes as many channels of each input channel as depth_multiplier says"),
    ("GRU: {units: 3, recurrent_dropout: 0.1}",
     "8:23: model.layers[1].GRU.recurrent_dropout: is not an argument of GRU; leave it out, it matters only in training"),
    ("LSTM: {units: 3, dropout: 0.1}",
     "8:24: model.layers[1].LSTM.dropout: is not an argument of LSTM; leave it out, it matters only in training"),
    ("LSTM: {units: 3, stateful: true}",
     "8:24: model.layers[1].LSTM.stateful: is not an argument of LSTM; "
     "leave it out, each clip begins with a state of zeros"),
    ("nn.LSTM: {units: 3}",
     "8:7: model.layers[1].nn.LSTM: 'nn.LSTM' is not a layer that specfeat knows (it is LSTM here)"),
    ("Bidirectional: {layer: {LSTM: {units: 3, go_backwards: true}}}",
     "8:30: model.layers[1].Bidirectional.layer: is {'LSTM': {'units': 3, 'go_backwards': True}}; wanted LSTM without "
     "go_backwards; it takes units, activation, use_bias, return_sequences, kernel_initializer, "
     "recurrent_initializer, bias_initializer, recurrent_activation, unit_forget_bias here"),
    ("Bidirectional: {layer: {GRU: {units: 0}}}",
     "8:30: model.layers[1].Bidirectional.layer: is {'GRU': {'units': 0}}; wanted GRU with units: a whole number, 1 or "
     "more"),
    ("Bidirectional: {layer: {Dense: {units: 3}}}",
     "8:30: model.layers[1].Bidirectional.layer: is {'Dense': {'units': 3}}; wanted one of LSTM, GRU, SimpleRNN with "
     "its arguments, e.g. {LSTM: {units: 64}}"),
    ("Attention", "8:7: model.layers[1]: Attention reads nothing; wanted `inputs: [name, name]`, names of earlier layers"),
    ("AdditiveAttention: {inputs: [conv]}",
     "8:35: model.layers[1].AdditiveAttention.inputs: AdditiveAttention reads 1; "
     "wanted [query, value] or [query, value, key]"),
    ("MultiHeadAttention: {num_heads: 2, key_dim: 3, inputs: [conv, conv, conv, conv]}",
     "8:62: model.layers[1].MultiHeadAttention.inputs: MultiHeadAttention reads 4; "
     "wanted one input, [query, value] or [query, value, key]"),
    ("MultiHeadAttention: {num_heads: 2, head_dim: 3}",
     "8:42: model.layers[1].MultiHeadAttention.head_dim: is not an argument of MultiHeadAttention (Keras' name is key_dim)"),
    ("MultiHeadAttention: {num_heads: 2, key_dim: 3, use_causal_mask: true}",
     "8:54: model.layers[1].MultiHeadAttention.use_causal_mask: is not an argument of MultiHeadAttention; "
     "attention with a mask is not supported, each frame attends to all frames of the clip"),
    ("nn.MultiheadAttention: {num_heads: 2}",
     "8:7: model.layers[1].nn.MultiheadAttention: 'nn.MultiheadAttention' is not a layer that specfeat knows "
     "(it is MultiHeadAttention here)"),
    ("MultiHeadAttention: {num_heads: 2, key_dim: 3, dropout: 0.1}",
     "8:54: model.layers[1].MultiHeadAttention.dropout: is not an argument of MultiHeadAttention; leave it out, it matters "
     "only in training"),
    ("RMSNorm", "8:7: model.layers[1]: 'RMSNorm' is not a layer that specfeat knows (it is RMSNormalization here)"),
    ("nn.GLU: {dim: 1}", "8:7: model.layers[1].nn.GLU: 'nn.GLU' is not a layer that specfeat knows; "
     "gated linear units are not supported"),
    ("Dense: {units: 4, activation: glu}", "8:37: model.layers[1].Dense.activation: is the text 'glu'; wanted the name "
     "of an activation; gated linear units are not supported"),
    ("Normalization: {mean: 0, variance: -1}",
     "8:42: model.layers[1].Normalization.variance: is -1; "
     "wanted a number from 0, or a list of numbers from 0, one for each index of the axis"),
    ("Normalization: {axis: 0}",
     "8:29: model.layers[1].Normalization.axis: is 0; "
     "wanted an axis: -1 (channels), 1 (frames), 2 (bins); 0 is the batch; or null for one value for all"),
    ("GroupNorm: {num_groups: 4}", "8:7: model.layers[1].GroupNorm: 'GroupNorm' is not a layer that specfeat knows "
     "(it is GroupNormalization here)"),
    ("GroupNormalization: {num_groups: 4}", "8:28: model.layers[1].GroupNormalization.num_groups: is not an argument of "
     "GroupNormalization (Keras' name is groups)"),
    ("PReLU: {shared_axes: [0, 1]}", "8:28: model.layers[1].PReLU.shared_axes: is [0, 1]; wanted axes that share a "
     "slope, counted from 1: [1, 2] for one slope for each channel"),
    ("Hardswish", "8:7: model.layers[1]: 'Hardswish' is not a layer that specfeat knows "
     "(it is Activation: {activation: hard_silu} here)"),
    ("InputLayer", "8:7: model.layers[1]: 'InputLayer' is not a layer that specfeat knows; "
     "the input's shape follows from spectrogram and clips"),
    ("Conv2D: {out_channels: 3, kernel_size: 3}",
     "8:16: model.layers[1].Conv2D.out_channels: is not an argument of Conv2D (Keras' name is filters)"),
    ("Conv2D: {filters: 3, kernel: 3}",
     "8:28: model.layers[1].Conv2D.kernel: is not an argument of Conv2D (Keras' name is kernel_size)"),
    ("Conv2D: {filters: 3, kernel_size: 3, stride: 2}",
     "8:44: model.layers[1].Conv2D.stride: is not an argument of Conv2D (Keras' name is strides)"),
    ("Conv2D: {in_channels: 1, filters: 3, kernel_size: 3}",
     "8:16: model.layers[1].Conv2D.in_channels: is not an argument of Conv2D; "
     "leave it out, it follows from the input of the layer"),
    ("Conv2D: {filters: 3, kernel_size: 3, kernel_regularizer: l2}",
     "8:44: model.layers[1].Conv2D.kernel_regularizer: is not an argument of Conv2D; "
     "leave it out, it matters only in training"),
    ("MaxPooling2D: {kernel_size: 2}",
     "8:22: model.layers[1].MaxPooling2D.kernel_size: is not an argument of MaxPooling2D (Keras' name is pool_size)"),
    ("Dropout: {keep_prob: 0.5}",
     "8:17: model.layers[1].Dropout.keep_prob: is not an argument of Dropout "
     "(Keras' name is rate, the share that is dropped)"),
    ("LeakyReLU: {alpha: 0.1}",
     "8:19: model.layers[1].LeakyReLU.alpha: is not an argument of LeakyReLU (Keras' name is negative_slope)"),
    ("Flatten: {alpha: 0.1}",
     "8:17: model.layers[1].Flatten.alpha: is not an argument of Flatten; it takes name, inputs"),
    ("Conv2D: {filters: 3, kernel_size: 3, padding: 1}",
     "8:53: model.layers[1].Conv2D.padding: is 1; wanted one of valid, same; for PyTorch's padding of 1 put "
     "ZeroPadding2D: {padding: 1} before it, or same, if strides are 1 and the size is to stay"),
    ("Conv2D: {filters: 3, kernel_size: 3, padding: 0}",
     "8:53: model.layers[1].Conv2D.padding: is 0; wanted one of valid, same; PyTorch's padding of 0 is valid"),
    ("MaxPooling2D: {padding: 1}",
     "8:31: model.layers[1].MaxPooling2D.padding: is 1; wanted one of valid, same; for PyTorch's padding of 1 put "
     "ZeroPadding2D: {padding: 1} before it (zeros, while PyTorch's pooling ignores what it pads)"),
]  # fmt: skip

MISTAKES = [*KINDS, *ARGUMENTS, *FILTERS, *OWN_LAYERS, *KERNELS, *NAMES, *REPEATS, *OTHER_LIBRARIES]


@pytest.mark.parametrize(("item", "line"), MISTAKES, ids=[item for item, _ in MISTAKES])
def test_a_mistake_is_reported_with_its_place_its_key_and_a_suggestion(item: str, line: str) -> None:
    """The whole line: `FILE:LINE:COL: key.path: what is wrong; what is wanted (did you mean ...?)`."""
    with pytest.raises(ConfigError) as caught:
        parse_items(CONV, item, POOL)

    assert f"bad.yaml:{line}" == str(caught.value)
