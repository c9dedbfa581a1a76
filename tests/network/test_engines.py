"""Engines: what turns a built model into a function from clips to rows."""

from types import SimpleNamespace

import pytest

from specfeat.config import load_config


@pytest.mark.tf
@pytest.mark.parametrize(
    ("name", "threads", "batches"),
    [("minimal", 3, 3), ("cnn6", 3, 3), ("cnn6", 400, 16), ("minimal", None, 5)],
)
def test_how_many_batches_run_at_once(
    name: str, threads: int | None, batches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch has one thread, so that bits do not depend on their number; memory limits large batches."""
    from specfeat.network.engines import tensorflow

    settings_made: list[int] = []
    threading = SimpleNamespace(
        get_intra_op_parallelism_threads=lambda: 1,
        set_inter_op_parallelism_threads=settings_made.append,
    )
    monkeypatch.setattr(tensorflow, "count_available_cores", lambda: 5)
    monkeypatch.setattr(tensorflow, "tf", SimpleNamespace(config=SimpleNamespace(threading=threading)))

    engine = tensorflow.TensorFlowEngine(load_config(name).settings, "cpu", threads)

    assert engine.parallel_batches == batches
    assert settings_made == [threads or 5]


@pytest.mark.tf
def test_a_composed_model_is_built_and_compiled_but_not_traced() -> None:
    """Training starts from the same model as extraction: every layer built, the compile options of the config set."""
    from specfeat.network.compose import compose_model

    config = load_config("minimal", ["model.compile={optimizer: sgd, loss: mae}"])
    composed = compose_model(config)

    assert composed.keras_model.built
    assert composed.keras_model.loss == "mae"
    assert type(composed.keras_model.optimizer).__name__ == "SGD"
    assert composed.feature_sources == config.settings.model.feature_sources
    assert [layer.kind for layer in composed.layers] == [layer.kind for layer in config.settings.model.layers]


@pytest.mark.tf
def test_another_engine_is_one_more_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """`build_network` asks the engine alone for device and rows: one that sums each clip needs no other change."""
    import contextlib
    from typing import Any

    import numpy as np

    from specfeat.network import build
    from specfeat.network.engines import Device, RowFunction

    class SumEngine:
        name, parallel_batches = "sum", 3
        device = Device("here", "sum on paper")

        def __init__(self, *_: object) -> None:
            pass

        def count_uncertain_places(self, model: Any) -> int:
            return 0

        def place_variables(self) -> contextlib.AbstractContextManager[object]:
            return contextlib.nullcontext()

        def make_row_function(
            self, model: Any, clips_shape: tuple[int, ...], *, jit_compile: bool
        ) -> RowFunction:
            width = model.output_shape[-1]
            return lambda clips: np.repeat(clips.sum(axis=(1, 2, 3))[:, np.newaxis], width, axis=1)

    monkeypatch.setitem(build.ENGINES, "sum", SumEngine)
    network = build.build_network(load_config("minimal", ["model.batch=2"]), engine="sum")
    clips = np.arange(2 * np.prod(network.input_shape), dtype=np.float32).reshape(2, *network.input_shape)

    rows = network.compute_rows(clips)

    assert network.places == 2
    assert (network.device.description, network.parallel_batches) == ("sum on paper", 3)
    assert rows.shape == (2, network.width)
    np.testing.assert_array_equal(rows[:, 0], clips.reshape(2, -1).sum(axis=1))
