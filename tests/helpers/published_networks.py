"""Published sizes of the shipped networks."""

# For each shipped config: the number of trainable parameters that the authors give (the config names the source),
# the shape of the network's input, and the number of features in a row.
PARAMETERS = {
    "cnn6": (4_837_455, (1001, 64, 1), 512),
    "cnn10": (5_219_279, (1001, 64, 1), 512),
    "cnn14": (80_753_615, (1001, 64, 1), 2048),
    "cnn14_16k": (80_753_615, (1001, 64, 1), 2048),
    "openl3_linear": (4_687_042, (197, 257, 1), 6144),
    "openl3_mel128": (4_687_042, (199, 128, 1), 6144),
    "openl3_mel256": (4_687_042, (199, 256, 1), 6144),
    "musicnn_vgg": (605_748, (187, 96, 1), 256),
    "deepspectrum": (138_357_544, (61, 257, 1), 4096),
    "inaspeech": (785_603, (68, 21, 1), 3),
    "yamnet_relu6": (3_729_481, (96, 64, 1), 1024),
    "speech_embedding": (328_224, (76, 32, 1), 96),
    "kaldi80": (97_152, (100, 80, 1), 128),
    "ast128": (97_152, (1024, 128, 1), 128),
    "vggish": (72_141_184, (96, 64, 1), 128),
    "yamnet": (3_729_481, (96, 64, 1), 1024),
    "default": (528_544, (100, 64, 1), 640),
    "random_cnn": (97_152, (100, 64, 1), 128),
    "logmel_stats": (0, (100, 64, 1), 128),
    "minimal": (54_410, (28, 28, 1), 10),
}
