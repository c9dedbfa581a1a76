"""Which weights are published where, under which licence, and what is known of the files.

No author publishes a SHA-256. A hash stands here where the file itself or several independent projects vouch
for it, and `vouched` says which; where it is None, the first fetch prints what it found, and later ones
compare.
"""

from dataclasses import dataclass

from specfeat.errors import UsageError
from specfeat.text import suggest_name


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedWeights:
    """A file of weights at its authors' address.

    Attributes:
        name: for `specfeat weights fetch`.
        config: the shipped config that it is for.
        address: where its authors publish it.
        licence: under which they do.
        size: of the file, in bytes, if known.
        sha256: of the file, if known for certain.
        vouched: where size and hash are from.
        gzipped: the file is packed, and is unpacked in the cache.
    """

    name: str
    config: str
    address: str
    licence: str
    size: int | None = None
    sha256: str | None = None
    vouched: str = "not known"
    gzipped: bool = False

    @property
    def file(self) -> str:
        """The name in the cache."""
        name = self.address.partition("?")[0].rpartition("/")[2].replace("%3D", "=")
        return name.removesuffix(".gz") if self.gzipped else name


_AUDIOSET = "https://storage.googleapis.com/audioset"  # tensorflow/models, research/audioset, READMEs
_ZENODO = "https://zenodo.org/records/3987831/files"  # qiuqiangkong/audioset_tagging_cnn, README
_INA = "https://github.com/ina-foss/inaSpeechSegmenter/releases/download/models"  # its remote_utils.py
_OPENL3 = "https://github.com/marl/openl3/raw/models"  # marl/openl3, setup.py

_SEVERAL = "several independent projects"

PUBLISHED_WEIGHTS: tuple[PublishedWeights, ...] = (
    PublishedWeights(
        name="yamnet",
        config="yamnet",
        address=f"{_AUDIOSET}/yamnet.h5",
        licence="Apache-2.0",
        size=15_296_092,
        sha256="13c3308955bbfaef262f175ac9c40e47b134573a93984f009220dd7cc12a1744",
        vouched=_SEVERAL,
    ),
    PublishedWeights(
        name="vggish",
        config="vggish",
        address=f"{_AUDIOSET}/vggish_model.ckpt",
        licence="Apache-2.0",
    ),
    PublishedWeights(
        name="cnn14",
        config="cnn14",
        address=f"{_ZENODO}/Cnn14_mAP%3D0.431.pth",
        licence="CC BY 4.0",
        size=327_428_481,
        sha256="0dc499e40e9761ef5ea061ffc77697697f277f6a960894903df3ada000e34b31",
        vouched=_SEVERAL,
    ),
    PublishedWeights(
        name="cnn14_16k",
        config="cnn14_16k",
        address=f"{_ZENODO}/Cnn14_16k_mAP%3D0.438.pth",
        licence="CC BY 4.0",
        size=358_668_570,
        sha256="e2ee543a27919542c2ea03eabaa70b24dcd4e6c8e05621de6b67a94e4c5058e6",
        vouched=_SEVERAL,
    ),
    PublishedWeights(
        name="cnn10", config="cnn10", address=f"{_ZENODO}/Cnn10_mAP%3D0.380.pth", licence="CC BY 4.0"
    ),
    PublishedWeights(
        name="cnn6", config="cnn6", address=f"{_ZENODO}/Cnn6_mAP%3D0.343.pth", licence="CC BY 4.0"
    ),
    PublishedWeights(
        name="inaspeech",
        config="inaspeech",
        address=f"{_INA}/keras_speech_music_noise_cnn.hdf5",
        licence="MIT",
        size=3_244_808,
        sha256="f04b5e3c86fa2e81666d106b0867350fe7858c7bd006c2a74c27b5b45507e7d8",
        vouched="the file in the authors' package, and an independent project",
    ),
    *(
        PublishedWeights(
            name=f"openl3_{sound}_{content}",
            config=f"openl3_{sound}",
            address=f"{_OPENL3}/openl3_audio_{sound}_{content}-v0_4_0.h5.gz",
            licence="MIT (the repository's; it states none for the weights alone)",
            gzipped=True,
        )
        for sound in ("linear", "mel128", "mel256")
        for content in ("music", "env")
    ),
)


def find_published_weights(name: str) -> PublishedWeights:
    """Find an entry by its name.

    Raises:
        UsageError: there is none.
    """
    names = [entry.name for entry in PUBLISHED_WEIGHTS]
    for entry in PUBLISHED_WEIGHTS:
        if entry.name == name:
            return entry
    hint = suggest_name(name, names)
    raise UsageError(f"{name}: no such published weights{hint}; known are {', '.join(names)}")
