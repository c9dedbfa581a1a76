"""The list of layers in a config: what it may hold, and how a mistake in it is told.

What Keras alone can find, such as a kernel larger than its input, is test_build.py's.
"""

from pathlib import Path

import pytest

from specfeat.architecture.graph import Layer
from specfeat.config import load_config
from specfeat.errors import ConfigError, ModelError

# The layers begin on line 7, and on column 7: `    - Flatten`.
HEAD = """\
audio: {sample_rate: 16000}
spectrogram: {n_fft: 2048, hop_length: 160, mel: {n_mels: 64}}
clips: {frames: 96}
model:
  weights: {random: 0}
  layers:
"""


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(text: str) -> tuple[Layer, ...]:
    """Read a config from this text."""
    Path("bad.yaml").write_text(text)
    return load_config("bad.yaml").settings.model.layers


def layers(*items: str) -> tuple[Layer, ...]:
    """Read a config that has these layers, one a line."""
    return read(HEAD + "".join(f"    - {item}\n" for item in items))


def whole(*items: str) -> tuple[Layer, ...]:
    """The same for layers that give no row yet: a Flatten at the end, which is not returned, makes it one."""
    return layers(*items, "Flatten: {name: the_end}")[:-1]


def names(*items: str) -> list[str]:
    return [layer.name for layer in whole(*items)]


CONV = "Conv2D: {name: conv, filters: 8, kernel_size: 3}"
POOL = "GlobalAveragePooling2D: {name: pool}"
TWO = "wanted a whole number, 1 or more, or a list of two: [frames, bins]"
WHOLE = "wanted a whole number, 1 or more"
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
     f"{TWO}; a list stands in square brackets"),
    ("MaxPooling2D: {pool_size: 4, 2}",
     "8:36: model.layers[1].MaxPooling2D.2: a key must be a name; a list stands in square brackets"),
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
    (f"Conv2D: {{filters: {text}, kernel_size: 3}}", f"8:25: model.layers[1].Conv2D.filters: is {shown}; {WHOLE}")
    for text, shown in {
        "0": "0", "-1": "-1", "'8'": "the text '8'", "eight": "the text 'eight'", "true": "true", "8.0": "8.0",
        "8.5": "8.5", "1e3": "1000.0", "null": "empty", "[8]": "[8]",
    }.items()
]  # fmt: skip

OUR_OWN = [
    ("Picture: {colormap: viridis, range: [0, -80]}",
     "8:43: model.layers[1].Picture.range: is [0, -80]; "
     "wanted two numbers, the lower one first, e.g. [-80, 0]"),
    ("Picture: {colormap: viridis, range: 80}",
     "8:43: model.layers[1].Picture.range: is 80; wanted two numbers, the lower one first, e.g. [-80, 0]"),
    ("Picture: {colormap: 3, range: [-80, 0]}", "8:27: model.layers[1].Picture.colormap: is 3; wanted a name"),
    ("Picture: {range: [-80, 0]}",
     "8:16: model.layers[1].Picture: has no colormap; Picture needs it"),
    ("Resizing: {height: 224}", "8:17: model.layers[1].Resizing: has no width; Resizing needs it"),
    ("Resizing: {height: 224, width: 0}", f"8:38: model.layers[1].Resizing.width: is 0; {WHOLE}"),
    ("Application: {application: MobileNetV2, include_top: 1}",
     "8:60: model.layers[1].Application.include_top: is 1; wanted true or false"),
    ("Application: {application: MobileNetV2, weights: imagenet}",
     "8:47: model.layers[1].Application.weights: is not an argument of Application; "
     "leave it out, the network's weights stand in model.weights"),
    ("Application: {application: MobileNetV2, preprocess: caffee}",
     "8:59: model.layers[1].Application.preprocess: is the text 'caffee'; wanted one of caffe, tf, torch, none "
     "(did you mean 'caffe'?)"),
]  # fmt: skip

KERNELS = [
    (f"Conv2D: {{filters: 3, kernel_size: {text}}}",
     f"8:41: model.layers[1].Conv2D.kernel_size: is {shown}; {TWO}")
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
     f"8:44: model.layers[1].layers[0].Dense.units: is 0; {WHOLE}"),
    ("{repeat: 2, layers: [Relu]}",
     "8:28: model.layers[1].layers[0]: 'Relu' is not a layer that specfeat knows (did you mean 'ReLU'?)"),
    ("{repeat: 2, layers: [{ReLU: {name: r$i}}, {Add: {inputs: [r$i, s$i]}}]}",
     "8:64: model.layers[1].layers[1].Add.inputs: 's1' is not the name of an earlier layer"),
]  # fmt: skip

# What PyTorch, TF-Slim, Keras 1 and Keras 2 call what Keras 3 has.
FOREIGN = [
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
     "e.g. {inputs: [one, other]}"),
    ("Add: {inputs: [conv, input]}", "8:21: model.layers[1].Add.inputs: 'input' is not the name of an earlier layer; "
     "the network's input is 'spectrogram'"),
    ("Activation: {activation: hswish}", "8:32: model.layers[1].Activation.activation: is the text 'hswish'; wanted the "
     "name of an activation (it is hard_silu here)"),
    ("DepthwiseConv2D: {filters: 8, kernel_size: 3}",
     "8:25: model.layers[1].DepthwiseConv2D.filters: is not an argument of DepthwiseConv2D; "
     "it makes depth_multiplier channels of each input channel"),
    ("GRU: {units: 3}", "8:7: model.layers[1].GRU: 'GRU' is not a layer that specfeat knows; "
     "recurrent layers are not supported"),
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
     "leave it out, it follows from what the layer reads"),
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

BAD = [*KINDS, *ARGUMENTS, *FILTERS, *OUR_OWN, *KERNELS, *NAMES, *REPEATS, *FOREIGN]


@pytest.mark.parametrize(("item", "line"), BAD, ids=[item for item, _ in BAD])
def test_a_bad_layer_is_told_with_its_place_its_key_and_the_cure(item: str, line: str) -> None:
    """The whole line: `FILE:LINE:COL: key.path: what is wrong; what is wanted (did you mean ...?)`."""
    with pytest.raises(ConfigError) as caught:
        layers(CONV, item, POOL)

    assert f"bad.yaml:{line}" == str(caught.value)


REFUSED = {
    "code from data": ("Lambda: {function: x}", "8:7: model.layers[1].Lambda: 'Lambda' is not a layer that"),
    "an unknown class": (
        "Masking",
        "8:7: model.layers[1]: 'Masking' is not a layer that specfeat knows; known layers: ",
    ),
    "an unknown activation": (
        "Dense: {units: 3, activation: xyzzy}",
        "8:37: model.layers[1].Dense.activation: is the text 'xyzzy'; wanted the name of an activation: linear, ",
    ),
    "a merge of nothing": ("Add", "8:7: model.layers[1]: Add reads "),
    "a layer that reads nothing": (
        "Dense: {units: 3, inputs: []}",
        "8:33: model.layers[1].Dense.inputs: Dense reads 0; wanted one input",
    ),
    "infinity": (
        "Rescaling: {scale: 1, offset: .inf}",
        "8:37: model.layers[1].Rescaling.offset: is inf; wanted a number",
    ),
    "infinity where 0 is least": (
        "BatchNormalization: {epsilon: .inf}",
        "8:37: model.layers[1].BatchNormalization.epsilon: is inf; wanted a number",
    ),
    "an application with layers of its own": (
        "Application: {application: ConvNeXtTiny}",
        "8:34: model.layers[1].Application.application: is the text 'ConvNeXtTiny'; wanted one of VGG16, ",
    ),
    "an unknown application": (
        "Application: {application: vgg_16}",
        "8:34: model.layers[1].Application.application: is the text 'vgg_16'; wanted one of VGG16, ",
    ),
    "text for numbers": (
        "Permute: {dims: ['2', '1', '3']}",
        "8:23: model.layers[1].Permute.dims: is ['2', '1', '3']; ",
    ),
    "an order of nothing": ("Permute: {dims: []}", "8:23: model.layers[1].Permute.dims: is []; "),
}


@pytest.mark.parametrize("what", REFUSED)
def test_these_are_refused_at_their_place(what: str) -> None:
    item, start = REFUSED[what]

    with pytest.raises(ConfigError) as caught:
        layers(CONV, item, POOL)

    assert str(caught.value).startswith(f"bad.yaml:{start}")


@pytest.mark.parametrize(
    ("item", "line"),
    [
        ("{repeat: 50, layers: [ReLU]}", "8:29: model.layers[1].layers[0]"),
        ("{repeat: 9, layers: [{repeat: 9, layers: [ReLU]}]}", "8:49: model.layers[1].layers[0].layers[0]"),
    ],
)
def test_repeats_cannot_make_a_small_file_a_large_network(
    item: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specfeat.architecture.layer_list.MAX_LAYERS", 50)

    with pytest.raises(ConfigError) as caught:
        layers(CONV, item)

    assert f"bad.yaml:{line}: is layer number 51; the most is 50" == str(caught.value)


def test_names_that_keras_cannot_tell_apart_are_one_name() -> None:
    """Keras writes a slash as a dot."""
    with pytest.raises(ConfigError, match=r"^bad\.yaml:8:23: .*'a\.b' is already the name of another layer$"):
        layers("ReLU: {name: a/b}", "Flatten: {name: a.b}")


# What HEAD's `layers:` is replaced by, and the line that follows, less the file's name. The spectrogram
# gives 224 x 224 x 1 here: a square, as pictures are.
NOTHING = "has no layer, so the network has no output; wanted a list, e.g. [Flatten]"
GIVES = (
    "but the spectrogram settings give 224 x 224 x 1 (frames x bins x channels); leave it out, or change "
    "clips and spectrogram"
)
MODELS = [
    ("layers: []", f"6:11: model.layers: {NOTHING}"),
    ("layers: null", f"6:11: model.layers: {NOTHING}"),
    ("input_shape: [100, 100, 3]", f"6:16: model.input_shape: is 100 x 100 x 3, {GIVES}"),
    ("input_shape: [28, 28]", f"6:16: model.input_shape: is 28 x 28, {GIVES}"),
    ("input_shape: [224, 224, 3]", f"6:16: model.input_shape: is 224 x 224 x 3, {GIVES}"),
    ("input_shape: [224, 224]",
     "6:16: model.input_shape: is 224 x 224, without the channel axis; wanted [224, 224, 1], or leave it out"),
    ("input_shape: [224, 224, '1']", "6:27: model.input_shape[2]: is the text '1'; wanted a whole number"),
    ("input_shape: [224, 224.0, 1]", "6:22: model.input_shape[1]: is 224.0; wanted a whole number"),
    ("features: roww", "6:13: model.features: the text 'roww' is not the name of a layer (did you mean 'row'?)"),
    ("features: xyz", "6:13: model.features: the text 'xyz' is not the name of a layer; the last is 'row'"),
    ("features: spectrogram",
     "6:13: model.features: the text 'spectrogram' is not the name of a layer; the last is 'row'"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "line"), MODELS, ids=[entry for entry, _ in MODELS])
def test_a_bad_model_is_told_with_its_place_its_key_and_the_cure(entry: str, line: str) -> None:
    rest = "" if entry.startswith("layers") else "  layers: [{Flatten: {name: row}}]\n"
    square = HEAD.replace("96", "224").replace("64", "224")

    with pytest.raises(ConfigError) as caught:
        read(square.replace("  layers:\n", f"  {entry}\n{rest}"))

    assert f"bad.yaml:{line}" == str(caught.value)


WIDE = "Conv2D: {filters: 4096, kernel_size: 1}"


@pytest.mark.parametrize(
    "item",
    [
        "SeparableConv2D: {filters: 4096, kernel_size: 25}",  # 625 x 4096, then 4096 x 4096
        "Conv2D: {filters: 4096, kernel_size: 25, groups: 4096}",  # 625 x 4096
    ],
)
def test_kernels_over_a_group_or_a_channel_are_as_small_as_they_are(item: str) -> None:
    """625 x 4096 x 4096 weights would be refused; these have a five hundredth of them, and less."""
    assert len(whole(WIDE, item)) == 2


@pytest.mark.parametrize(
    ("item", "weights"),
    [
        ("Conv2D: {filters: 4096, kernel_size: 25, use_bias: false}", 625 * 4096 * 4096),
        ("SeparableConv2D: {filters: 200, kernel_size: 1, depth_multiplier: 4096}", 4096**2 * 201 + 200),
    ],
)
def test_weights_that_no_machine_holds_are_counted(item: str, weights: int) -> None:
    """All of the layer's arrays, before memory is asked for."""
    with pytest.raises(ModelError, match=f"would have {weights:,} weights; wanted 2,147,483,648 or fewer"):
        whole(WIDE, item)


def test_an_input_shape_that_is_right_changes_nothing() -> None:
    assert read(HEAD.replace("layers:\n", "input_shape: [96, 64, 1]\n  layers: [Flatten]\n")) == layers(
        "Flatten"
    )


# --- what a sound list means ---------------------------------------------------------------------


def test_a_layer_reads_the_one_before_unless_it_says_otherwise() -> None:
    read = whole(
        CONV,
        "ReLU: {name: relu}",
        "Add: {inputs: [conv, relu]}",
        "Flatten",
        "Dense: {units: 3, inputs: [conv]}",
    )

    assert [layer.inputs for layer in read] == [
        ("spectrogram",),
        ("conv",),
        ("conv", "relu"),
        ("add_1",),
        ("conv",),
    ]


def test_layers_without_a_name_are_counted_by_kind() -> None:
    assert names("ReLU", "Flatten", "ReLU", "Dense: {units: 3}") == [
        "relu_1",
        "flatten_1",
        "relu_2",
        "dense_1",
    ]


@pytest.mark.parametrize("item", ["Flatten", "Flatten:", "Flatten: {}", "Flatten: null", '"Flatten"'])
def test_a_layer_without_arguments_is_written_in_any_of_these_ways(item: str) -> None:
    assert layers(item) == layers("Flatten")


REPEATED = [
    ("{repeat: 3, layers: [{ReLU: {name: r$i}}]}", ["r1", "r2", "r3"]),
    ("{repeat: 2, first: 8, layers: [{ReLU: {name: r$i}}]}", ["r8", "r9"]),
    ("{repeat: 2, first: 0, layers: [{ReLU: {name: $i/r$i}}]}", ["0/r0", "1/r1"]),
    ("{repeat: 2, layers: [ReLU, Flatten]}", ["relu_1", "flatten_1", "relu_2", "flatten_2"]),
    ("{repeat: 2, layers: [{repeat: 2, layers: [ReLU]}, Flatten]}",
     ["relu_1", "relu_2", "flatten_1", "relu_3", "relu_4", "flatten_2"]),
    ("ReLU: {name: r$i}", ["r$i"]),
]  # fmt: skip


@pytest.mark.parametrize(("item", "wanted"), REPEATED)
def test_a_block_is_repeated_with_its_number_in_the_names(item: str, wanted: list[str]) -> None:
    assert wanted == names(item)


def test_a_repeated_block_reads_the_layers_of_its_own_turn() -> None:
    block = "{repeat: 2, layers: [{ReLU: {name: a$i}}, {ReLU: {name: b$i}}, {Add: {inputs: [a$i, b$i]}}]}"

    assert [layer.inputs for layer in whole(block)[2::3]] == [("a1", "b1"), ("a2", "b2")]


def test_a_repeat_is_what_it_would_be_written_out() -> None:
    written = [f"Dense: {{name: d{i}, units: 3, activation: relu}}" for i in (4, 5, 6)]

    assert whole(*written) == whole(
        "{repeat: 3, first: 4, layers: [{Dense: {name: d$i, units: 3, activation: relu}}]}"
    )


def test_arguments_come_as_they_were_written_with_tuples_for_lists() -> None:
    (layer,) = whole("ZeroPadding2D: {padding: [[1, 2], [3, 4]]}")

    assert layer.options == {"padding": ((1, 2), (3, 4))}


# Layers that follow each other as their sizes do not allow, and the line that follows, less the file's name.
WAY = (
    *(
        "Conv2D: {name: one, filters: 2, kernel_size: 5}",
        "MaxPooling2D: {name: two, pool_size: [4, 2]}",
        "ReLU",
    ),
    *("Conv2D: {name: three, filters: 2, kernel_size: 5}", "MaxPooling2D: {name: four, pool_size: [4, 2]}"),
    "Conv2D: {name: five, filters: 2, kernel_size: 5, padding: same}",
)
FITS = {
    "sizes that run out": (
        (*WAY, "MaxPooling2D: {pool_size: [8, 2]}", POOL),
        "13:7: model.layers[6]: MaxPooling2D 'maxpooling2d_1' gets 4 x 13 x 2, too small for a pool_size of 8 x 2; "
        "sizes are [frames, bins], and [2, 8] would fit; otherwise make it smaller, pool less before it, make the "
        "clips longer, or use padding: same; the shapes before it: spectrogram 96 x 64 x 1, one 92 x 60 x 2, "
        "two 23 x 30 x 2, three 19 x 26 x 2, four 4 x 13 x 2",
    ),
    "many layers on the way": (
        (*(f"Conv2D: {{name: c{i}, filters: 2, kernel_size: 9}}" for i in range(9)), "Flatten"),
        "14:7: model.layers[7]: Conv2D 'c7' gets 40 x 8 x 2, too small for a kernel_size of 9 x 9; make it "
        "smaller, pool less before it, make the clips longer, or use padding: same; the shapes before it: "
        "spectrogram 96 x 64 x 1, ..., c2 72 x 40 x 2, c3 64 x 32 x 2, c4 56 x 24 x 2, c5 48 x 16 x 2, c6 40 x 8 x 2",
    ),
    "a weight for each channel that lost its axes": (
        (CONV, POOL, "Multiply: {inputs: [conv, pool]}", "Flatten"),
        "9:7: model.layers[2]: Multiply 'multiply_1' joins conv (94 x 62 x 8), pool (8); wanted equal shapes, or sizes "
        "of 1, as a global pooling with keepdims: true gives them",
    ),
    "bins and channels apart": (
        (CONV, "Conv1D: {filters: 2, kernel_size: 3}", "Flatten"),
        "8:7: model.layers[1]: Conv1D 'conv1d_1' gets 94 x 62 x 8, 3 axes; wanted 2 axes, frames x channels; "
        "put Reshape: {target_shape: [94, 496]} before it",
    ),
    "groups": (
        (CONV, "Conv2D: {filters: 4, kernel_size: 1, groups: 3}", POOL),
        "8:7: model.layers[1]: Conv2D 'conv2d_1' has 3 groups, which do not divide its 8 channels",
    ),
    "more groups than channels": (
        (CONV, "GroupNormalization", POOL),
        "8:7: model.layers[1]: GroupNormalization 'groupnormalization_1' has 32 groups, which do not divide its 8 channels",
    ),
    "slopes along an axis that is not there": (
        (CONV, "PReLU: {shared_axes: [1, 4]}", POOL),
        "8:7: model.layers[1]: PReLU 'prelu_1' gets 94 x 62 x 8, 3 axes; wanted an axis from 1 to 3 or -1, not 4",
    ),
    "a cropping of everything": (
        ("Cropping2D: {cropping: [[40, 56], [0, 0]]}", POOL),
        "7:7: model.layers[0]: Cropping2D 'cropping2d_1' gets 96 x 64 x 1, and its cropping removes all of it",
    ),
    "a vector that is none": (
        ("RepeatVector: {n: 3}", "Flatten"),
        "7:7: model.layers[0]: RepeatVector 'repeatvector_1' gets 96 x 64 x 1, 3 axes; wanted one axis, as Flatten or "
        "a global pooling gives it",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("items", "line"), FITS.values(), ids=FITS)
def test_layers_that_do_not_fit_are_told_without_keras(items: tuple[str, ...], line: str) -> None:
    """The layer's line, what it gets, what would do, and where the sizes went."""
    with pytest.raises(ModelError) as caught:
        layers(*items)

    assert f"bad.yaml:{line}" == str(caught.value)


def test_features_of_several_axes_are_told_with_what_names_them() -> None:
    """A layer in the middle needs a pooling of its own, which `features` then names."""
    with pytest.raises(ModelError) as caught:
        read(HEAD + f"    - {CONV}\n    - {POOL}\n  features: conv\n")

    assert str(caught.value) == (
        "bad.yaml:7:7: model.layers[0]: Conv2D 'conv' gives 94 x 62 x 8 for a clip, not one row; "
        "put Flatten or GlobalAveragePooling2D after it and name that layer in features"
    )
