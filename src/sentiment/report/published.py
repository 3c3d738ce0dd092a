"""Figures that others published, typed from their papers: no file of ours backs them.

"The paper" is Vadicamo et al., ICCVW 2017; "rerun" the paper's two models as released, run again
by others (codiceSpaghetti/T4SA-2.0); "the successor" Serra et al., ECAI 2023; "the report" the
replication in Keras of 2018. TTD's figures are by agreement: at least 5, 4 or 3 annotators.
"""

from sentiment.runs.accuracy import Accuracy

Key = tuple[str, str]
"""Folder of the network, and layers: fc or all."""

CLASSES = {"negative", "neutral", "positive"}
"""Classes of B-T4SA."""

T4SA_IMAGES = {"train": 368_586, "validation": 51_000, "test": 51_000}
"""Images of B-T4SA, by split."""

TTD_BY_CLASS = {
    5: {"negative": 301, "positive": 581},
    4: {"negative": 427, "positive": 689},
    3: {"negative": 500, "positive": 769},
}
"""Images of TTD by class, by the least agreement: each level holds the one before."""

TTD_CLASSES = {"negative", "positive"}
"""Classes of TTD."""

TTD_IMAGES = {level: sum(counts.values()) for level, counts in TTD_BY_CLASS.items()}
"""Images of TTD, by the least agreement."""

T4SA_READER = "a newer reader of its texts"
"""TimeLM (Loureiro et al., 2022), by which B-T4SA's successor was labelled."""

T4SA_CEILING = Accuracy(470_586, 365_542)
"""On how many of B-T4SA's images that reader says what the label says (codiceSpaghetti/T4SA-2.0,
the last cell of its notebook on TimeLM)."""

TEST_PAPER = {("vgg19", "fc"): 0.506, ("vgg19", "all"): 0.513}
TEST_RERUN = {("vgg19", "fc"): 0.508, ("vgg19", "all"): 0.519}
TTD_PAPER = {
    5: {("vgg19", "fc"): 0.768, ("vgg19", "all"): 0.785},
    4: {("vgg19", "fc"): 0.737, ("vgg19", "all"): 0.755},
    3: {("vgg19", "fc"): 0.715, ("vgg19", "all"): 0.725},
}
TTD_RERUN = {
    5: {("vgg19", "fc"): 0.764, ("vgg19", "all"): 0.788},
    4: {("vgg19", "fc"): 0.738, ("vgg19", "all"): 0.766},
    3: {("vgg19", "fc"): 0.712, ("vgg19", "all"): 0.737},
}
TTD_SUCCESSOR = {
    5: {("vit-b32", "all"): 0.8118, ("vit", "all"): 0.870, ("vit-l16", "all"): 0.878},
    4: {("vit", "all"): 0.831, ("vit-l16", "all"): 0.848},
    3: {("vit", "all"): 0.794, ("vit-l16", "all"): 0.819},
}
"""The successor's models (README of fabiocarrara/cross-modal-visual-sentiment-analysis), but for
ViT-B/32, which learned B-T4SA's own labels (codiceSpaghetti/T4SA-2.0, `Performance evaluation`)."""
TTD_BEST_SINCE = {level: figures["vit-l16", "all"] for level, figures in TTD_SUCCESSOR.items()}
"""ViT-L/16 by cross-modal distillation, not fine-tuned on TTD, trained on other labels
(fabiocarrara/cross-modal-visual-sentiment-analysis)."""


def _report(*values: float) -> dict[Key, float]:
    """A column of the report's tables, in the order of its rows."""
    networks = ("vgg19", "mobilenet", "inceptionresnetv2")
    return dict(zip([(n, way) for n in networks for way in ("fc", "all")], values, strict=True))


TEST_REPORT = _report(0.5042, 0.5102, 0.4816, 0.5108, 0.4727, 0.5078)  # Table 2
TTD_REPORT = {5: _report(0.740363, 0.755102, 0.722222, 0.757370, 0.714286, 0.768707)}  # Table 3
TRAINING_RATIO = _report(2.316, 1.098, 2.692, 2.0, 2.004, 1.0)  # Table 4
TRAINING_SECONDS = _report(178_005, 84_405, 206_839, 153_675, 153_977, 76_846)  # Table 4
FIFTEEN_IMAGES_SECONDS = _report(10.4, 10.4, 1.78, 1.78, 5.25, 5.26)  # Table 5
FIFTEEN_IMAGES_SD_MS = _report(14.2, 45.8, 22.5, 12.7, 10.5, 30.0)  # Table 5
CPU_RATIO = _report(1.0, 1.705, 1.124, 1.281, 1.194, 2.775)  # Table 6
VSIZE_RATIO = _report(1.354, 1.364, 1.0, 1.301, 1.04, 1.369)  # Table 7
CHECKPOINT_BYTES = _report(  # Table 8
    1_036_656_072, 1_116_766_456, 15_544_744, 28_407_960, 219_423_224, 436_709_216
)

NETWORK_NOTES = {
    "mobilenet": "The report's row “MobilenetV2” is MobileNet v1 with a head of 256-128-3: the "
    "bytes of its Table 8 prove it. Ours is MobileNetV2.",
}
"""A note on the report's row of a network, for every table that shows it."""

TEST_NOTE = (
    "The report's accuracies come from about 7.2 shuffled passes over the 51,000 test images "
    "(368,584 predictions); ours from each image once. The paper's models are VGG19 alone. "
    "The classes of B-T4SA have as many images each, so always naming one of them reaches 0.3333."
)
TTD_NOTE = (
    "The report's Table 3 is the five-agree subset (n = 882), though its text says 1,269; it "
    "calls TTD “TDD” and “Twitter training data”. “Four agree” means at least four, so the levels "
    "are nested. The successor's models learned B-T4SA relabelled and 1.2 million more photos, "
    "but ViT-B/32, which learned B-T4SA's own labels."
)
TRAINING_NOTE = (
    "The report's Table 4 calls its figures hours: they are seconds, of a slow disk, with the "
    "passes over the test images in them. VGG19 FT-A's is mistyped: its log says 85,590."
)
INFERENCE_NOTE = (
    "The report timed one predict call on 15 random images, on another machine, without warm-up."
)
CPU_NOTE = (
    "The report's ratio is of the mean of `ps`' %CPU, an average over the process's life, to the "
    "smallest; beside it stands the load measured second by second."
)
VSIZE_NOTE = (
    "The report's ratio is of the mean virtual memory (VSZ) to the smallest; what was really "
    "taken is resident memory, beside it."
)
BYTES_NOTE = (
    "The report's bytes are those of its checkpoint with the momentum that SGD keeps of each "
    "weight that learns, which is why its FT-A is larger than its FT-F. Compare our checkpoint."
)
