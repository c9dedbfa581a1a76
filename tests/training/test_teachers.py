"""The clips of teachers: they begin where the clips of the trained network begin."""

import pytest

from specfeat.config import load_config
from specfeat.training.teachers import NetworkTeacher, load_teachers
from specfeat.training.training_data import TrainingData


@pytest.mark.parametrize("name", ["yamnet_relu6", "speech_embedding", "minimal"])
@pytest.mark.parametrize("overrides", [[], ["clips.hop=50"]])
def test_the_clips_of_a_teacher_begin_where_those_of_the_network_begin(
    name: str, overrides: list[str]
) -> None:
    """Clip k of a sound begins at the same time for both, for sounds of any length."""
    config = load_config(
        "default", [*overrides, "train.task=distill", f"train.teachers=[{{config: {name}}}]"]
    )
    (teacher,) = load_teachers(config, TrainingData((), (), ()))
    assert isinstance(teacher, NetworkTeacher)

    for seconds in (0.3, 1.0, 1.5, 2.0, 3.7, 20.0):
        starts, teacher_starts = (
            [
                span.start / settings.audio.sample_rate
                for span in settings.clip_grid.iterate_spans(round(seconds * settings.audio.sample_rate))
            ]
            for settings in (config.settings, teacher.config.settings)
        )
        assert len(teacher_starts) >= len(starts)
        assert teacher_starts[: len(starts)] == pytest.approx(starts)
