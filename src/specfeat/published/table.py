"""Which weights are published where and under which licence, and which size and hash the files have.

No author publishes a SHA-256. The table has a hash where the file itself is at hand, or where several
independent projects name the same one; `hash_source` says which. Where the hash is None, the first fetch
prints the hash of what it has fetched, and later fetches compare with it.
"""

from dataclasses import dataclass

from specfeat.errors import UsageError
from specfeat.text import suggest_name


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedWeights:
    """A weights file that its authors publish.

    Attributes:
        name: the name for `specfeat weights fetch`.
        config: the shipped config whose network the weights are for.
        address: the web address at which the authors publish the file.
        licence: the licence under which they publish it.
        size: the size of the file in bytes; None if not known.
        sha256: the SHA-256 of the file; None if not known for certain.
        hash_source: the source of the size and the SHA-256.
        is_gzipped: whether the published file is compressed; it is unpacked in the cache.
    """

    name: str
    config: str
    address: str
    licence: str
    size: int | None = None
    sha256: str | None = None
    hash_source: str = "not known"
    is_gzipped: bool = False

    @property
    def file_name(self) -> str:
        """The name of the file in the cache."""
        name = self.address.partition("?")[0].rpartition("/")[2].replace("%3D", "=")
        return name.removesuffix(".gz") if self.is_gzipped else name


_AUDIOSET = "https://storage.googleapis.com/audioset"  # tensorflow/models, research/audioset, READMEs
_ZENODO = "https://zenodo.org/records/3987831/files"  # qiuqiangkong/audioset_tagging_cnn, README
_INA = "https://github.com/ina-foss/inaSpeechSegmenter/releases/download/models"  # its remote_utils.py
_OPENL3 = "https://github.com/marl/openl3/raw/models"  # marl/openl3, setup.py

_SEVERAL_PROJECTS = "several independent projects"

PUBLISHED_WEIGHTS: tuple[PublishedWeights, ...] = (
    PublishedWeights(
        name="yamnet",
        config="yamnet",
        address=f"{_AUDIOSET}/yamnet.h5",
        licence="Apache-2.0",
        size=15_296_092,
        sha256="13c3308955bbfaef262f175ac9c40e47b134573a93984f009220dd7cc12a1744",
        hash_source=_SEVERAL_PROJECTS,
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
        hash_source=_SEVERAL_PROJECTS,
    ),
    PublishedWeights(
        name="cnn14_16k",
        config="cnn14_16k",
        address=f"{_ZENODO}/Cnn14_16k_mAP%3D0.438.pth",
        licence="CC BY 4.0",
        size=358_668_570,
        sha256="e2ee543a27919542c2ea03eabaa70b24dcd4e6c8e05621de6b67a94e4c5058e6",
        hash_source=_SEVERAL_PROJECTS,
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
        hash_source="the file in the authors' package, and an independent project",
    ),
    *(
        PublishedWeights(
            name=f"openl3_{sound}_{content}",
            config=f"openl3_{sound}",
            address=f"{_OPENL3}/openl3_audio_{sound}_{content}-v0_4_0.h5.gz",
            licence="MIT (the repository's; it states none for the weights alone)",
            is_gzipped=True,
        )
        for sound in ("linear", "mel128", "mel256")
        for content in ("music", "env")
    ),
)


def find_published_weights(name: str) -> PublishedWeights:
    """Return the entry with a name.

    Raises:
        UsageError: there is no such entry.
    """
    names = [entry.name for entry in PUBLISHED_WEIGHTS]
    for entry in PUBLISHED_WEIGHTS:
        if entry.name == name:
            return entry
    hint = suggest_name(name, names)
    raise UsageError(f"{name}: no published weights have this name{hint}; known are {', '.join(names)}")
