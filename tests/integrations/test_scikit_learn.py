"""The transformer for scikit-learn."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from helpers.sample_data import make_noise
from helpers.specfeat_command import write_noise
from specfeat.errors import ConfigError

pytestmark = [
    pytest.mark.usefixtures("_with_scikit_learn"),
    pytest.mark.tf,
    pytest.mark.filterwarnings("ignore:the network's weights are random:UserWarning"),
]


@pytest.fixture(scope="module")
def _with_scikit_learn() -> None:
    """Skip the tests if scikit-learn is not installed."""
    pytest.importorskip("sklearn", reason="the transformer needs scikit-learn")


def test_scikit_learn_accepts_the_transformer() -> None:
    """All checks of scikit-learn for transformers pass."""
    from sklearn.utils.estimator_checks import check_estimator

    from specfeat.integrations.scikit_learn import SoundFeatures

    check_estimator(SoundFeatures("minimal"), on_skip=None)


def test_files_and_samples_give_the_features_of_the_extractor(tmp_path: Path) -> None:
    """A row is the mean over the clips of a sound; the columns have names."""
    from specfeat import Extractor
    from specfeat.integrations.scikit_learn import SoundFeatures

    paths = [str(tmp_path / name) for name in ("a.wav", "b.wav")]
    for path in paths:
        write_noise(Path(path), 1.5)
    extractor = Extractor("minimal")
    wanted = [extractor.extract(path).rows.mean(axis=0) for path in paths]

    features = SoundFeatures("minimal")
    np.testing.assert_allclose(features.fit_transform(paths), wanted, rtol=1e-5, atol=1e-6)
    assert len(features.get_feature_names_out()) == 10
    sound = make_noise(24_000)[None] / 4
    np.testing.assert_allclose(
        SoundFeatures("minimal", sample_rate=8000).transform(sound),
        [extractor.extract(sound[0], 8000).rows.mean(axis=0)],
        rtol=1e-5,
        atol=1e-6,
    )


def test_a_pickled_pipeline_has_no_network(tmp_path: Path) -> None:
    """A pipeline can be cloned and pickled; the pickle is small, and gives the same predictions."""
    from sklearn.base import clone
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from specfeat.integrations.scikit_learn import SoundFeatures

    paths = [str(tmp_path / f"{n}.wav") for n in range(4)]
    for path in paths:
        write_noise(Path(path), 0.5)
    pipeline = make_pipeline(SoundFeatures("minimal", pool="mean+std"), LogisticRegression())
    fitted = clone(pipeline).fit(paths, [0, 1, 0, 1])
    content = pickle.dumps(fitted)

    assert len(content) < 10_000
    assert np.array_equal(pickle.loads(content).predict_proba(paths), fitted.predict_proba(paths))


def test_a_wrong_argument_is_named() -> None:
    """An argument that does not fit the config is an error of the first use."""
    from specfeat.integrations.scikit_learn import SoundFeatures

    with pytest.raises(ConfigError, match=r"rows\.pool"):
        SoundFeatures("minimal", pool="median").transform(["a.wav"])
