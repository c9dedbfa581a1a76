"""What a list of layers may not contain, and how large a network may be."""

import pytest

from helpers.layer_lists import CONV, HEAD, POOL, load_layers, parse_beginning, parse_items
from specfeat.errors import ConfigError, ModelError

pytestmark = pytest.mark.usefixtures("_in_an_empty_folder")

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
        parse_items(CONV, item, POOL)

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
        parse_items(CONV, item)

    assert f"bad.yaml:{line}: is layer number 51; wanted at most 50" == str(caught.value)


def test_names_that_keras_cannot_tell_apart_are_one_name() -> None:
    """Keras writes a slash as a dot."""
    with pytest.raises(ConfigError, match=r"^bad\.yaml:8:23: .*'a\.b' is already the name of another layer$"):
        parse_items("ReLU: {name: a/b}", "Flatten: {name: a.b}")


# What HEAD's `layers:` is replaced by, and the line that follows, less the file's name. The spectrogram
# gives 224 x 224 x 1 here: a square, as pictures are.
NO_LAYER = "has no layer, so the network has no output; wanted a list, e.g. [Flatten]"
DERIVED_SHAPE = (
    "but the spectrogram settings give 224 x 224 x 1 (frames x bins x channels); leave it out, or change "
    "clips and spectrogram"
)
MODELS = [
    ("layers: []", f"6:11: model.layers: {NO_LAYER}"),
    ("layers: null", f"6:11: model.layers: {NO_LAYER}"),
    ("input_shape: [100, 100, 3]", f"6:16: model.input_shape: is 100 x 100 x 3, {DERIVED_SHAPE}"),
    ("input_shape: [28, 28]", f"6:16: model.input_shape: is 28 x 28, {DERIVED_SHAPE}"),
    ("input_shape: [224, 224, 3]", f"6:16: model.input_shape: is 224 x 224 x 3, {DERIVED_SHAPE}"),
    ("input_shape: [224, 224]",
     "6:16: model.input_shape: is 224 x 224, without the channel axis; wanted [224, 224, 1], or leave it out"),
    ("input_shape: [224, 224, '1']", "6:27: model.input_shape[2]: is the text '1'; wanted a whole number"),
    ("input_shape: [224, 224.0, 1]", "6:22: model.input_shape[1]: is 224.0; wanted a whole number"),
    ("features: roww", "6:13: model.features: is the text 'roww', not the name of a layer (did you mean 'row'?)"),
    ("features: xyz", "6:13: model.features: is the text 'xyz', not the name of a layer; the last one is 'row'"),
    ("features: spectrogram",
     "6:13: model.features: is the text 'spectrogram', not the name of a layer; the last one is 'row'"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "line"), MODELS, ids=[entry for entry, _ in MODELS])
def test_a_mistake_in_the_model_is_reported_with_its_place_and_a_suggestion(entry: str, line: str) -> None:
    rest = "" if entry.startswith("layers") else "  layers: [{Flatten: {name: row}}]\n"
    square = HEAD.replace("96", "224").replace("64", "224")

    with pytest.raises(ConfigError) as caught:
        load_layers(square.replace("  layers:\n", f"  {entry}\n{rest}"))

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
    assert len(parse_beginning(WIDE, item)) == 2


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
        parse_beginning(WIDE, item)


def test_an_input_shape_that_is_right_changes_nothing() -> None:
    assert load_layers(
        HEAD.replace("layers:\n", "input_shape: [96, 64, 1]\n  layers: [Flatten]\n")
    ) == parse_items("Flatten")
