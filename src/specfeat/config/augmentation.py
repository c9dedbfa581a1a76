"""The settings `train.augment`: random changes of sounds and clips while a network is trained."""

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt

from specfeat.config.section import Section

Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(min_length=1)]


class Mask(Section):
    """Spans of a clip that are replaced by the clip's mean (SpecAugment, Park et al., Interspeech 2019).

    Attributes:
        time: the largest number of consecutive frames that are replaced; 0 for none.
        bins: the largest number of adjacent bins that are replaced; 0 for none.
    """

    time: NonNegativeInt = 0
    bins: NonNegativeInt = 0


class Noise(Section):
    """Sounds of a folder that are added to the sounds.

    Attributes:
        folder: the folder that is searched for audio files. In a config it is relative to the config's
            folder.
        probability: the probability that a noise is added, 0 to 1.
        snr: the lowest and the highest ratio of the sound to the noise, in dB.
    """

    folder: Text
    probability: Share = 0.5
    snr: tuple[float, float] = (0.0, 20.0)


class Augmentation(Section):
    """One way to change a sound or a clip at random: exactly one of these keys is given.

    The first five keys change the samples. They are applied when the clips are made, so each clip has
    `variants` random forms. The last three keys change a finished clip, again in each step of the training.

    Attributes:
        gain: the lowest and the highest gain in dB.
        speed: the largest change of the speed, which also changes the pitch: the factor is between
            1 / (1 + speed) and 1 + speed.
        mix: the probability that another sound of the training part is added, -3 to 20 dB weaker.
        noise: the sounds of a folder that are added.
        equalize: the largest gain or loss, in dB, of a random filter at each of 8 frequencies.
        shift: the largest number of frames by which a clip is rotated in time.
        mask: the spans of frames and bins that are replaced by the mean of the clip.
        mixup: the parameter alpha of mixup (Zhang et al., ICLR 2018): two clips and their targets are added
            with weights from the distribution Beta(alpha, alpha).
    """

    gain: tuple[float, float] | None = None
    speed: Annotated[float, Field(gt=0, le=1)] | None = None
    mix: Share | None = None
    noise: Noise | None = None
    equalize: Annotated[float, Field(gt=0, le=40)] | None = None
    shift: PositiveInt | None = None
    mask: Mask | None = None
    mixup: Annotated[float, Field(gt=0, le=10)] | None = None

    @property
    def changes_samples(self) -> bool:
        """Whether this augmentation changes the samples, and not the finished clip."""
        return (self.shift, self.mask, self.mixup) == (None, None, None)
