"""The layer `Application`, which stands for one network of keras.applications."""

from specfeat.architecture.kinds.arguments import Choice, Flag, Text
from specfeat.architecture.kinds.base import Family, LayerKind, keep_shape
from specfeat.architecture.kinds.read_ranges import read_same_indices

# The networks of keras.applications that contain only layers of Keras without code of their own. The value is
# what the `preprocess_input` of the network's module does to a picture: a mode of
# keras.applications.imagenet_utils.preprocess_input, or "none".
APPLICATIONS = {
    **dict.fromkeys(("VGG16", "VGG19", "ResNet50", "ResNet101", "ResNet152"), "caffe"),
    **dict.fromkeys(("ResNet50V2", "ResNet101V2", "ResNet152V2", "MobileNet", "MobileNetV2"), "tf"),
    **dict.fromkeys(("InceptionV3", "Xception", "NASNetMobile", "NASNetLarge"), "tf"),
    **dict.fromkeys(("DenseNet121", "DenseNet169", "DenseNet201"), "torch"),
    **dict.fromkeys(
        (f"EfficientNet{size}" for size in ("B0", "B1", "B2", "B3", "B4", "B5", "B6", "B7")), "none"
    ),
    **dict.fromkeys((f"EfficientNetV2{size}" for size in ("B0", "B1", "B2", "B3", "S", "M", "L")), "none"),
}

KINDS = (
    LayerKind(
        name="Application",
        family=Family.PICTURE,
        required={"application": Choice(tuple(APPLICATIONS))},
        optional={
            "include_top": Flag(),
            "output": Text(),
            "preprocess": Choice(("caffe", "tf", "torch", "none")),
        },
        input_axes=2,
        is_composite=True,
    ),
)

# The layer that prepares the picture for an application. specfeat adds it when it builds the network; a
# config cannot name it.
PREPROCESSING = LayerKind(
    name="Preprocessing",
    family=Family.PICTURE,
    required={"mode": Choice(("caffe", "tf", "torch"))},
    compute_output_shape=keep_shape,
    find_read_ranges=read_same_indices,
    keras_class="specfeat.network.picture:Preprocessing",
)
