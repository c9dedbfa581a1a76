"""Which array of a file goes where, and in whose axes: never a wrong one that happens to have the shape."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from specfeat.config import load_config
from specfeat.config.settings import Settings
from specfeat.errors import ConfigError, WeightsError
from specfeat.weights.files.array_names import assign_roles
from specfeat.weights.files.arrays import FileArray, FileContents
from specfeat.weights.files.formats import open_weights_file
from specfeat.weights.files.source import locate_weights
from specfeat.weights.matching.axis_layouts import arrange_axes
from specfeat.weights.matching.match import match_arrays
from specfeat.weights.matching.slots import derive_slots

Numbers = Mapping[str, NDArray[Any]]

HEAD = """\
audio: {sample_rate: 8000}
spectrogram: {n_fft: 128, hop_length: 64, mel: {n_mels: 10}, compress: {db: {}}}
clips: {frames: 14}
model:
  weights: {random: 0}
  layers:
"""


@pytest.fixture
def network(tmp_path: Path) -> Any:
    """Reads the settings of a network from its layers, a line each."""

    def read(*layers: str, weights: Mapping[str, object] | None = None) -> Settings:
        lines = [*layers, "Flatten: {name: to_a_row}"]
        head = HEAD.replace("{random: 0}", json.dumps({"random": 0, **(weights or {})}))
        (tmp_path / "net.yaml").write_text(head + "".join(f"    - {line}\n" for line in lines))
        return load_config(tmp_path / "net.yaml").settings

    return read


def _contents(numbers: Numbers, sound_settings: str | None = None) -> FileContents:
    arrays = [
        FileArray(name=name, shape=a.shape, dtype=str(a.dtype), layer="", role="", read=lambda a=a: a)  # type: ignore[misc]
        for name, a in numbers.items()
    ]
    return FileContents(format="test", arrays=assign_roles(arrays), sound_settings=sound_settings)


def _loaded(
    settings: Settings,
    contents: Numbers | FileContents,
    match: Literal["name", "order"] = "name",
    given: Mapping[str, str] | None = None,
) -> dict[str, NDArray[Any]]:
    """What would be set, by our names."""
    found = contents if isinstance(contents, FileContents) else _contents(contents)
    plan = match_arrays(derive_slots(settings), found, match, given or {})
    plan.check()
    return {slot.name: arrange_axes(array.read(), array, slot) for slot, array in plan.pairs}


def _numbers(*shape: int) -> NDArray[np.float32]:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


# --- the rows behind a Flatten -------------------------------------------------------------------

CONV = "Conv2D: {name: conv, filters: 4, kernel_size: 3, use_bias: false}"  # 12 x 8 x 4
DENSE = "Dense: {name: row, units: 5}"
SQUARE = "Conv2D: {name: conv, filters: 8, kernel_size: [3, 3], padding: same, use_bias: false}"


def _torch(rows: int, filters: int = 4) -> dict[str, NDArray[Any]]:
    """A PyTorch file of one convolution and one dense layer."""
    return {
        "conv.weight": _numbers(filters, 1, 3, 3),
        "row.weight": _numbers(5, rows),
        "row.bias": _numbers(5),
    }


@pytest.mark.parametrize(
    "between",
    [
        ["Flatten"],
        ["Reshape: {target_shape: [-1]}"],
        ["ReLU", "Dropout: {rate: 0.5}", "Flatten", "Activation: {activation: relu}"],
        ["Permute: {dims: [2, 1, 3]}", "Permute: {dims: [2, 1, 3]}", "Flatten"],  # and back again
        ["Reshape: {target_shape: [96, 4]}", "Flatten"],
        ["Reshape: {target_shape: [12, 1, 8, 4]}", "Flatten"],
    ],
    ids=str,
)
def test_rows_go_from_channels_first_to_channels_last(network: Any, between: list[str]) -> None:
    """PyTorch flattens (channels, frames, bins): row c * 96 + t * 8 + f of the file is ours t * 32 + f * 4 + c."""
    got = _loaded(network(CONV, *between, DENSE), _torch(384))["row/kernel"]

    theirs = _torch(384)["row.weight"].T.reshape(4, 12, 8, 5)
    np.testing.assert_array_equal(got.reshape(12, 8, 4, 5), theirs.transpose(1, 2, 0, 3))


@pytest.mark.parametrize(
    "between",
    [
        ["Permute: {dims: [3, 1, 2]}", "Flatten"],
        ["Permute: {dims: [2, 3, 1]}", "Permute: {dims: [2, 3, 1]}", "Flatten"],  # the same in two steps
        ["Permute: {dims: [3, 1, 2]}", "ReLU", "Reshape: {target_shape: [384]}", "Dropout: {rate: 0.1}"],
    ],
    ids=str,
)
def test_rows_that_are_in_pytorchs_order_already_stay(network: Any, between: list[str]) -> None:
    """The Permute puts the channels first, as PyTorch has them."""
    got = _loaded(network(CONV, *between, DENSE), _torch(384))["row/kernel"]

    np.testing.assert_array_equal(got, _torch(384)["row.weight"].T)


@pytest.mark.parametrize(
    "between",
    [
        ["Permute: {dims: [2, 1, 3]}", "Flatten"],
        ["Permute: {dims: [3, 2, 1]}", "Flatten"],
        ["Permute: {dims: [1, 3, 2]}", "Flatten"],
        ["Permute: {dims: [2, 1, 3]}", "ReLU", "Dropout: {rate: 0.1}", "Reshape: {target_shape: [384]}"],
        ["Reshape: {target_shape: [6, 16, 4]}", "Flatten"],
        ["Dense: {name: late, units: 4, use_bias: false}", "Flatten"],
    ],
    ids=str,
)
def test_rows_in_any_other_order_are_refused(network: Any, between: list[str]) -> None:
    """A Permute that is not channels first, a Reshape that cuts an axis: the file's order cannot be told."""
    made = _torch(384) | ({"late.weight": _numbers(4, 4)} if "late" in str(between) else {})

    with pytest.raises(WeightsError, match=r"row/kernel reads axes .* the order of its rows cannot be known"):
        _loaded(network(CONV, *between, DENSE), made)


def test_a_program_that_puts_its_channels_last_has_keras_order(network: Any) -> None:
    """torchvggish's: its file does not tell, the config does; then what is channels first here is refused."""
    last = {"flatten": "channels_last"}

    got = _loaded(network(CONV, "Flatten", DENSE, weights=last), _torch(384))["row/kernel"]
    np.testing.assert_array_equal(got, _torch(384)["row.weight"].T)
    joined = network(CONV, "Reshape: {target_shape: [12, 32]}", DENSE, weights=last)
    np.testing.assert_array_equal(_loaded(joined, _torch(32))["row/kernel"], _torch(32)["row.weight"].T)
    for dims in ("[3, 1, 2]", "[2, 1, 3]"):
        with pytest.raises(WeightsError, match="row/kernel reads axes"):
            _loaded(network(CONV, f"Permute: {{dims: {dims}}}", "Flatten", DENSE, weights=last), _torch(384))


def test_a_reshape_that_joins_channels_and_bins_is_refused(network: Any) -> None:
    """Frames x (bins * channels) or frames x (channels * bins)? One shape; PyTorch's program alone knows."""
    joined = network(CONV, "Reshape: {target_shape: [12, 32]}", DENSE)

    with pytest.raises(WeightsError, match="row/kernel reads axes"):
        _loaded(joined, _torch(32))
    pooled = network(CONV, "Reshape: {target_shape: [12, 32]}", "GlobalAveragePooling1D", DENSE)
    with pytest.raises(WeightsError, match="row/kernel reads axes"):
        _loaded(pooled, _torch(32))
    said = network(CONV, "Permute: {dims: [1, 3, 2]}", "Reshape: {target_shape: [12, 32]}", DENSE)
    np.testing.assert_array_equal(_loaded(said, _torch(32))["row/kernel"], _torch(32)["row.weight"].T)


def test_a_convolution_over_joined_axes_is_refused(network: Any) -> None:
    """Its kernel has the joined axis among its own, so that its order matters as that of a dense layer's rows."""
    joined = network(
        CONV, "Reshape: {target_shape: [12, 32]}", "Conv1D: {name: row, filters: 5, kernel_size: 1}"
    )

    with pytest.raises(WeightsError, match="row/kernel reads axes"):
        _loaded(joined, _torch(32) | {"row.weight": _numbers(5, 32, 1)})


def test_flattened_layers_that_are_joined_are_refused(network: Any) -> None:
    """Two flattened pictures side by side, or one on the other, are in the order of neither."""
    for join, rows in (("Concatenate", 768), ("Add", 384)):
        joined = network(
            CONV,
            "Flatten: {name: one}",
            "MaxPooling2D: {name: same, inputs: conv, pool_size: 1}",
            "Flatten: {name: two}",
            f"{join}: {{inputs: [one, two]}}",
            DENSE,
        )
        with pytest.raises(WeightsError, match="row/kernel reads axes"):
            _loaded(joined, _torch(rows))


def test_one_axis_of_numbers_has_one_order(network: Any) -> None:
    """After global pooling, or where all axes but one are 1, there is nothing to tell."""
    for between in (["GlobalMaxPooling2D"], ["MaxPooling2D: {pool_size: [12, 8]}", "Flatten"]):
        got = _loaded(network(CONV, *between, DENSE), _torch(4))["row/kernel"]
        np.testing.assert_array_equal(got, _torch(4)["row.weight"].T)


def test_a_spectrogram_taken_as_bins_by_frames(network: Any) -> None:
    """A Permute at the start is PyTorch's own input; what is flattened later is counted from the convolution."""
    got = _loaded(network("Permute: {dims: [2, 1, 3]}", CONV, "Flatten", DENSE), _torch(384))["row/kernel"]

    theirs = _torch(384)["row.weight"].T.reshape(4, 8, 12, 5)
    np.testing.assert_array_equal(got.reshape(8, 12, 4, 5), theirs.transpose(1, 2, 0, 3))


def test_the_bias_of_a_dense_layer_is_not_taken_for_channels(network: Any) -> None:
    """As many units as were flattened: the kernel's rows are put into order, the bias goes along what comes out."""
    settings = network(CONV, "Flatten", "Dense: {name: row, units: 384}")
    made = _torch(384) | {"row.weight": _numbers(384, 384), "row.bias": _numbers(384)}

    got = _loaded(settings, made)

    np.testing.assert_array_equal(got["row/bias"], made["row.bias"])
    assert (got["row/kernel"] != made["row.weight"].T).any()


def test_a_norm_behind_a_flatten_is_put_into_order(network: Any) -> None:
    """Its numbers go along the same axis as a dense layer's rows."""
    settings = network(CONV, "Flatten", "BatchNormalization: {name: norm}", DENSE)
    words = ("weight", "bias", "running_mean", "running_var")
    made = _torch(384) | {f"norm.{word}": _numbers(384) for word in words}

    got = _loaded(settings, made)

    wanted = _numbers(4, 12, 8).transpose(1, 2, 0).reshape(-1)
    for role in ("gamma", "beta", "moving_mean", "moving_variance"):
        np.testing.assert_array_equal(got[f"norm/{role}"], wanted)


# --- whose axes ----------------------------------------------------------------------------------


def _square(words: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    return {words.get(word, word): _numbers(10, 10) + i for i, word in enumerate(("a", "b"))}


TWO = (
    "Reshape: {target_shape: [14, 10]}",
    "Dense: {name: a, units: 10, use_bias: false}",
    "Dense: {name: b, units: 10, use_bias: false}",
)


@pytest.mark.parametrize("kind", ["h5", "npz", "safetensors"])
def test_pytorchs_words_mean_pytorchs_axes_in_every_file(network: Any, tmp_path: Path, kind: str) -> None:
    """A square matrix has one shape in either order: in a state dict kept as HDF5, too, it is transposed."""
    from helpers.weights_files import safetensors

    made = {"a.weight": _numbers(10, 10), "b.weight": _numbers(10, 10) + 1}
    path = tmp_path / f"w.{kind}"
    if kind == "h5":
        with h5py.File(path, "w") as file:
            for name, array in made.items():
                file[name] = array
    elif kind == "npz":
        np.savez(path, **made)  # type: ignore[arg-type]
    else:
        safetensors(path, made)

    with open_weights_file(locate_weights(str(path))) as contents:
        got = _loaded(network(*TWO), contents)

    np.testing.assert_array_equal(got["a/kernel"], made["a.weight"].T)
    np.testing.assert_array_equal(got["b/kernel"], made["b.weight"].T)


def test_in_a_file_of_keras_pytorchs_word_tells_nothing(network: Any, tmp_path: Path) -> None:
    """Layers of one's own may call their kernel `weight`: its axes must tell, and those of a square cannot."""
    from helpers.weights_files import keras_2

    keras_2(tmp_path / "w.h5", {"a/weight": _numbers(10, 10), "b/weight": _numbers(10, 10)})
    with (
        open_weights_file(locate_weights(str(tmp_path / "w.h5"))) as contents,
        pytest.raises(WeightsError) as error,
    ):
        _loaded(network(*TWO), contents)
    assert "a/a/weight:0 fits a/kernel in PyTorch's order of axes and in Keras'" in str(error.value)

    long = network("Reshape: {target_shape: [14, 10]}", "Dense: {name: a, units: 3, use_bias: false}")
    for shape in ((10, 3), (3, 10)):
        keras_2(tmp_path / "w.h5", {"a/weight": _numbers(*shape)})
        with open_weights_file(locate_weights(str(tmp_path / "w.h5"))) as contents:
            got = _loaded(long, contents)["a/kernel"]
        np.testing.assert_array_equal(got, _numbers(*shape) if shape == (10, 3) else _numbers(*shape).T)


def test_an_array_without_a_word_has_the_axes_of_its_file(network: Any) -> None:
    """A parameter of its own name beside PyTorch's is PyTorch's; where the file has both kinds, it must not be guessed."""
    given = {"b/kernel": "own"}
    state = {"a.weight": _numbers(10, 10), "own": _numbers(10, 10) + 1}

    np.testing.assert_array_equal(_loaded(network(*TWO), state, given=given)["b/kernel"], state["own"].T)
    both = ("Dense: {name: c, units: 10, use_bias: false}",)
    with pytest.raises(WeightsError, match="own fits b/kernel in PyTorch's order of axes and in Keras'"):
        _loaded(network(*TWO, *both), state | {"c/kernel": _numbers(10, 10)}, given=given)


# --- names ---------------------------------------------------------------------------------------


def _dense(*names: str) -> dict[str, NDArray[Any]]:
    return {f"{name}/kernel": _numbers(10, 10) + i for i, name in enumerate(names)}


def _layers(*names: str) -> tuple[str, ...]:
    lines = [f"Dense: {{name: {name}, units: 10, use_bias: false}}" for name in names]
    return ("Reshape: {target_shape: [14, 10]}", *lines)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (("fc", "fc_1"), ("fc_1", "fc_2")),  # all one further on: by name alone they would go crosswise
        (("fc", "fc_2"), ("fc_1", "fc_2")),
        (("fc",), ("fc_1", "fc_2")),
        (("fc", "fc_1"), ("fc_1",)),
    ],
)
def test_a_number_behind_a_name_is_no_name(
    network: Any, ours: tuple[str, ...], theirs: tuple[str, ...]
) -> None:
    """`fc` is `fc_1` only where no other layer, of the file or of the network, is called so but for its number."""
    with pytest.raises(WeightsError, match=r"1 missing \(fc/kernel 10 x 10\)"):
        _loaded(network(*_layers(*ours)), _dense(*theirs))


def test_a_number_behind_a_lone_name_is_passed_over(network: Any) -> None:
    """A layer that was made twice in a session of Keras 2."""
    got = _loaded(network(*_layers("fc", "out_2")), _dense("fc_1", "out_2_1"))

    np.testing.assert_array_equal(got["fc/kernel"], _numbers(10, 10))
    np.testing.assert_array_equal(got["out_2/kernel"], _numbers(10, 10) + 1)


# --- the map -------------------------------------------------------------------------------------


@pytest.mark.parametrize("match", ["name", "order"])
def test_a_map_of_layers_is_obeyed(network: Any, match: Literal["name", "order"]) -> None:
    """Whole layers, under either rule; the rest is matched among the rest."""
    got = _loaded(network(*_layers("a", "b")), _dense("b", "a"), match, {"a": "b", "b": "a"})
    np.testing.assert_array_equal(got["a/kernel"], _numbers(10, 10))

    got = _loaded(network(*_layers("x", "y", "z")), _dense("p", "q", "r"), "order", {"x": "r"})
    np.testing.assert_array_equal(got["x/kernel"], _numbers(10, 10) + 2)
    np.testing.assert_array_equal(got["y/kernel"], _numbers(10, 10))


@pytest.mark.parametrize("match", ["name", "order"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"a": "aa"}, "has no layer 'aa', which the map gives to a (did you mean 'a'?)"),
        ({"a": "quite"}, "has no layer 'quite', which the map gives to a; it has a, b"),
        ({"a/kernel": "W"}, "has no array 'W', which the map gives to a/kernel; it has a/kernel, b/kernel"),
        (
            {"a/bias": "b"},
            "the map's entry 'a/bias' is not an array or a layer with arrays; its layer has a/kernel",
        ),
        ({"re": "b"}, "the map's entry 're' is not an array or a layer with arrays; its layer has no arrays"),
        ({"a": "b", "b": "b"}, "has one b; the map gives it to a and to b"),
        (
            {"a/kernel": "b/kernel", "b/kernel": "b/kernel"},
            "has one b/kernel; the map gives it to a/kernel and to b/kernel",
        ),
    ],
    ids=str,
)
def test_a_map_that_cannot_be_obeyed_is_refused(
    network: Any, match: Literal["name", "order"], given: dict[str, str], said: str
) -> None:
    """It does not give way to the layers' own names: who writes an entry is told that it has no effect."""
    settings = network("ReLU: {name: re}", *_layers("a", "b"))

    with pytest.raises(WeightsError) as error:
        _loaded(settings, _dense("a", "b"), match, given)

    assert said in str(error.value)


def test_a_separable_convolution_is_mapped_whole(network: Any) -> None:
    """One layer here and two in the file: the map's name stands before both."""
    settings = network("SeparableConv2D: {name: sep, filters: 3, kernel_size: 3, use_bias: false}")
    made = {"net.s.depthwise.weight": _numbers(1, 1, 3, 3), "net.s.pointwise.weight": _numbers(3, 1, 1, 1)}

    assert list(_loaded(settings, made, given={"sep": "net/s"})) == [
        "sep/depthwise_kernel",
        "sep/pointwise_kernel",
    ]
    with pytest.raises(WeightsError, match=r"has no layer 'net/t', which the map gives to sep"):
        _loaded(settings, made, given={"sep": "net/t"})


def test_a_map_with_a_wrong_word_for_an_array_is_refused(tmp_path: Path) -> None:
    """On reading the config, with the word that was meant."""
    text = (
        HEAD.replace("{random: 0}", "{random: 0, map: {a/kernal: W}}") + "    - Dense: {name: a, units: 1}\n"
    )
    (tmp_path / "net.yaml").write_text(text)

    with pytest.raises(
        ConfigError, match=r"a/kernal.*ends in no name of an array \(did you mean 'kernel'\?\)"
    ):
        load_config(tmp_path / "net.yaml")


def test_a_converted_file_with_other_names_wants_its_map(network: Any) -> None:
    """Only where the file has all of our names is the map not asked."""
    made = {"a/kernel": _numbers(10, 10), "b/kernel": _numbers(10, 10) + 1}
    swap = {"a": "b", "b": "a"}

    plain = _loaded(network(*_layers("a", "b")), _contents(made), given=swap)
    converted = _loaded(network(*_layers("a", "b")), _contents(made, "{}"), given=swap)
    other = _loaded(network(*_layers("x", "y")), _contents(made, "{}"), given={"x": "b", "y": "a"})

    np.testing.assert_array_equal(plain["a/kernel"], made["b/kernel"])
    np.testing.assert_array_equal(converted["a/kernel"], made["a/kernel"])
    np.testing.assert_array_equal(other["x/kernel"], made["b/kernel"])


# --- order ---------------------------------------------------------------------------------------

BRANCHES = (
    "Reshape: {name: in, target_shape: [14, 10]}",
    "Dense: {name: a1, units: 10, use_bias: false}",
    "Dense: {name: a2, units: 10, use_bias: false}",
    "Dense: {name: b1, units: 10, use_bias: false, inputs: in}",
    "Dense: {name: b2, units: 10, use_bias: false}",
    "Add: {inputs: [a2, b2]}",
)


def test_order_is_that_of_the_yaml_and_branches_are_not_guessed(network: Any) -> None:
    """Keras lists a1 b1 a2 b2, the YAML a1 a2 b1 b2: where both would fit, the file's order is not known."""
    with pytest.raises(
        WeightsError, match="could have q/kernel or r/kernel for a2/kernel: the network has branches"
    ):
        _loaded(network(*BRANCHES), _dense("p", "q", "r", "s"), "order")

    given = {"a2": "q", "b1": "r"}
    got = _loaded(network(*BRANCHES), _dense("p", "q", "r", "s"), "order", given)
    np.testing.assert_array_equal(got["b2/kernel"], _numbers(10, 10) + 3)

    told = [
        line.replace("a2, units: 10", "a2, units: 7").replace("b2, units: 10", "b2, units: 7")
        for line in BRANCHES
    ]
    made = _dense("p", "q", "r", "s") | {f"{n}/kernel": _numbers(10, 7) for n in ("q", "s")}
    got = _loaded(network(*told), made, "order")
    np.testing.assert_array_equal(got["b1/kernel"], made["r/kernel"])


@pytest.mark.tf
def test_places_and_order_are_keras_own(network: Any, tmp_path: Path) -> None:
    """A graph with branches of several lengths and ends: the place of each layer is that in Keras' model."""
    from specfeat.architecture.graph import list_in_keras_order
    from specfeat.network.build import build_network

    settings = network(
        "Conv2D: {name: a, filters: 2, kernel_size: 1}",
        "Conv2D: {name: b, filters: 2, kernel_size: 1}",
        "Conv2D: {name: c, filters: 2, kernel_size: 1, inputs: a}",
        "Conv2D: {name: d, filters: 2, kernel_size: 1, inputs: spectrogram}",
        "Add: {name: e, inputs: [d, b]}",
        "Add: {name: f, inputs: [c, e]}",
        "Conv2D: {name: end, filters: 2, kernel_size: 1, inputs: d}",
        "Conv2D: {name: g, filters: 2, kernel_size: 1, inputs: f}",
        "GlobalMaxPooling2D: {name: h, inputs: g}",
        "GlobalMaxPooling2D: {name: i, inputs: end}",
        "Concatenate: {name: j, inputs: [i, h]}",
    )
    model = build_network(load_config(tmp_path / "net.yaml"), "cpu").model

    names = [layer.name for layer in model.layers if layer.name != "spectrogram"]
    assert (
        list_in_keras_order(settings.model.layers) == names != [layer.name for layer in settings.model.layers]
    )


# --- by number -----------------------------------------------------------------------------------


def _keras_3(path: Path, arrays: Numbers, names: Mapping[str, str] | None = None) -> Path:
    """Write Keras 3's layout: arrays by place and number, e.g. `batch_normalization/0`."""
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            place, _, number = name.rpartition("/")
            group = file.require_group(f"layers/{place}/vars")
            group[number] = array
            if names and place in names:
                group.attrs["name"] = names[place]
    return path


NORM = "BatchNormalization: {name: norm, axis: 2"


def _norm_file(path: Path, number: int = 3) -> Path:
    arrays = {f"batch_normalization/{i}": _numbers(10) + i for i in range(number)}
    return _keras_3(path, arrays, {"batch_normalization": "norm"})


@pytest.mark.parametrize("options", ["scale: false", "center: false"])
def test_gamma_is_not_taken_for_beta(network: Any, tmp_path: Path, options: str) -> None:
    """Three arrays by number are beta and statistics, or gamma and statistics: the file does not say which."""
    settings = network(f"{NORM}, {options}}}", "Flatten")

    with open_weights_file(locate_weights(str(_norm_file(tmp_path / "w.weights.h5")))) as contents:
        with pytest.raises(
            WeightsError, match=r"layers/batch_normalization/vars/0, which may be norm/(beta|gamma)"
        ):
            _loaded(settings, contents)
        role = "beta" if "scale" in options else "gamma"
        given = {
            f"norm/{r}": f"layers/batch_normalization/vars/{i}"
            for i, r in enumerate((role, "moving_mean", "moving_variance"))
        }
        np.testing.assert_array_equal(_loaded(settings, contents, given=given)[f"norm/{role}"], _numbers(10))


def test_all_or_none_of_gamma_and_beta_need_no_telling(network: Any, tmp_path: Path) -> None:
    """Four arrays or two have one meaning; three do not fit a norm with both."""
    with open_weights_file(locate_weights(str(_norm_file(tmp_path / "4.weights.h5", 4)))) as contents:
        assert next(iter(_loaded(network(f"{NORM}}}", "Flatten"), contents))) == "norm/gamma"
    with open_weights_file(locate_weights(str(_norm_file(tmp_path / "2.weights.h5", 2)))) as contents:
        assert len(_loaded(network(f"{NORM}, scale: false, center: false}}", "Flatten"), contents)) == 2
    three = open_weights_file(locate_weights(str(_norm_file(tmp_path / "3.weights.h5", 3))))
    with three as contents, pytest.raises(WeightsError, match="1 missing"):
        _loaded(network(f"{NORM}}}", "Flatten"), contents)


def test_a_keras_archive_says_which_of_gamma_and_beta(network: Any, tmp_path: Path) -> None:
    """Its config is read as data: beta goes to beta, and never to a gamma."""
    import zipfile

    norm = {"class_name": "BatchNormalization", "config": {"name": "norm", "scale": False, "center": True}}
    with zipfile.ZipFile(tmp_path / "w.keras", "w") as file:
        file.write(_norm_file(tmp_path / "w.weights.h5"), "model.weights.h5")
        file.writestr("config.json", json.dumps({"config": {"layers": [norm]}}))

    with open_weights_file(locate_weights(str(tmp_path / "w.keras"))) as contents:
        got = _loaded(network(f"{NORM}, scale: false}}", "Flatten"), contents)
        np.testing.assert_array_equal(got["norm/beta"], _numbers(10))
        with pytest.raises(WeightsError, match=r"1 missing \(norm/gamma 10\); 1 unused"):
            _loaded(network(f"{NORM}, center: false}}", "Flatten"), contents)


def test_a_number_counts_in_a_layer_of_the_same_class_alone(network: Any, tmp_path: Path) -> None:
    """Two arrays of a LayerNormalization (gamma, beta) are not the statistics of a norm of the same name."""
    arrays = {f"layer_normalization/{i}": _numbers(10) for i in range(2)}
    path = _keras_3(tmp_path / "w.weights.h5", arrays, {"layer_normalization": "norm"})

    with (
        open_weights_file(locate_weights(str(path))) as contents,
        pytest.raises(WeightsError, match=r"2 missing .* 2 unused"),
    ):
        _loaded(network(f"{NORM}, scale: false, center: false}}", "Flatten"), contents)


@pytest.mark.tf
def test_a_norm_without_gamma_goes_through_convert(network: Any, tmp_path: Path) -> None:
    """A file of specfeat's says what each array is, so that YAMNet's norms (beta alone) load again."""
    from specfeat.network.build import build_network
    from specfeat.weights.save import save_weights

    network(f"{NORM}, scale: false}}", "Flatten")
    made = build_network(load_config(tmp_path / "net.yaml"), "cpu")
    settings = load_config(tmp_path / "net.yaml").settings
    with (tmp_path / "w.weights.h5").open("w+b") as file:
        save_weights(made.model, made.layers, settings, file)

    with open_weights_file(locate_weights(str(tmp_path / "w.weights.h5"))) as contents:
        assert [array.role for array in contents.arrays] == ["beta", "moving_mean", "moving_variance"]
        assert len(_loaded(settings, contents)) == 3
