"""Named recipes: the papers' training protocols, each with its section.

Where a text says nothing, a comment says what is ours. All of them train on the part of the
training set that validation leaves, while the papers trained on all of it.
"""

from dataclasses import replace

from trainers.recipe import Recipe

CROP = (0.08, 1.0)
"""The areas of ImageNet's usual random resized crop (RS-Net Section 4.1)."""

COCONV_SMALL_IMAGES = Recipe(
    epochs=90,
    batch_size=128,
    lr=0.01,
    schedule="step",
    step_epochs=30,
    # Of the authors' code; the text names the flip alone.
    crop_padding=4,
    flip=True,
)
"""CoConv Section 5.1, CIFAR-100 and Tiny-ImageNet."""

COCONV_IMAGENET = Recipe(
    epochs=100,
    batch_size=256,
    lr=0.1,
    schedule="step",
    step_epochs=30,
    # Of the authors' code: the text leaves decay and augmentation open.
    weight_decay=1e-4,
    crop_area=(0.1, 1.0),
    crop_aspect=(0.8, 1.25),
    flip=True,
)
"""CoConv Section 5.2."""

MULTICEPTION = Recipe(
    epochs=300,
    batch_size=128,
    lr=0.1,
    final_lr=5e-5,
    nesterov=True,
    weight_decay=2e-4,
    crop_padding=4,
    flip=True,
)
"""Multiception Section IV, CIFAR-10 and CIFAR-100."""

MULTICEPTION_IMAGENET32 = replace(MULTICEPTION, epochs=50, crop_padding=0, flip=False)
"""Multiception Section IV, ImageNet32x32: without augmentation."""

MSSAR_RESNET = Recipe(
    epochs=160,
    batch_size=128,
    lr=0.1,
    nesterov=True,
    weight_decay=1e-4,
    schedule="step",
    milestones=(80, 120),
    crop_padding=4,
    flip=True,
)
"""MS-SAR Section 4.1, ResNets on CIFAR."""

MSSAR_IMAGENET = Recipe(
    epochs=100,
    batch_size=1024,
    lr=0.6,
    nesterov=True,
    weight_decay=1e-4,
    schedule="step",
    milestones=(30, 60, 90),
    crop_area=CROP,
    flip=True,
    # Rotated slightly, with pixel jitter, as SENet was: the amounts are ours.
    rotation=10.0,
    jitter=(0.1, 0.1, 0.1, 0.0),
)
"""MS-SAR Section 4.3."""

RSNET_RESNET = Recipe(
    epochs=120,
    batch_size=256,
    lr=0.1,
    weight_decay=1e-4,
    crop_area=CROP,
    flip=True,
    # As in the authors' code.
    crop_to="network",
    decay_scores=True,
)
"""RS-Net Section 4.1, ResNets."""

HS = Recipe(
    epochs=200,
    batch_size=256,
    # The text gives no rate and no strengths: these, the usual ones, are ours.
    lr=0.1,
    label_smoothing=0.1,
    mixup=0.2,
    weight_decay=1e-4,
    # "Randomly cropped to 224 x 224": the areas are ours.
    crop_area=CROP,
    flip=True,
)
"""HS Section 4, Training strategy."""

FINE_TUNE = Recipe(
    epochs=20,
    batch_size=64,
    lr=1e-3,
    optimizer="AdamW",
    weight_decay=0.05,
    decay_norms=False,
    warmup_epochs=2,
    clip_norm=1.0,
    label_smoothing=0.1,
    crop_area=(0.35, 1.0),
    flip=True,
)
"""For networks that start from trained weights; the values are ours."""

TIMM_A2 = Recipe(
    epochs=300,
    batch_size=2048,
    lr=5e-3,
    optimizer="Lamb",
    weight_decay=0.02,
    decay_norms=False,
    warmup_epochs=5,
    loss="bce",
    crop_area=CROP,
    flip=True,
    rand_augment_operators=2,
    rand_augment_magnitude=7,
    mixup=0.1,
    cutmix=1.0,
)
"""Wightman, Touvron and Jegou, "ResNet strikes back: An improved training procedure in timm", 2021,
Table 2, without repeated augmentation and stochastic depth. https://arxiv.org/abs/2110.00476
"""

RECIPES: dict[str, Recipe] = {
    "coconv_small_images": COCONV_SMALL_IMAGES,
    "coconv_imagenet": COCONV_IMAGENET,
    "multiception": MULTICEPTION,
    # Section IV: batches of 64 on STL-10.
    "multiception_stl10": replace(MULTICEPTION, batch_size=64),
    "multiception_imagenet32": MULTICEPTION_IMAGENET32,
    "mssar_resnet": MSSAR_RESNET,
    # Section 4.1: 300 epochs in batches of 64, the rate divided after 150 and 225.
    "mssar_densenet": replace(MSSAR_RESNET, epochs=300, batch_size=64, milestones=(150, 225)),
    "mssar_imagenet": MSSAR_IMAGENET,
    "rsnet_resnet": RSNET_RESNET,
    # Section 4.1: 150 epochs from 0.05.
    "rsnet_mobilenet": replace(RSNET_RESNET, epochs=150, lr=0.05, weight_decay=4e-5),
    # Section 4.1: the settings of LQ-Nets, whose code has Nesterov's momentum and decays only the
    # weights of convolutions and linear layers.
    "rsnet_quantised": replace(
        RSNET_RESNET,
        schedule="step",
        milestones=(30, 60, 85, 95, 105),
        nesterov=True,
        decay_norms=False,
        decay_scores=False,
    ),
    "hs": HS,
    # Section 4: CutMix in mixup's place, RandAugment and random erasing; all strengths
    # are ours.
    "hs_300": replace(
        HS,
        epochs=300,
        weight_decay=4e-5,
        mixup=0.0,
        cutmix=1.0,
        rand_augment_operators=2,
        rand_augment_magnitude=9,
        erasing=0.25,
    ),
    "fine_tune": FINE_TUNE,
    # Table 2 of ResNet strikes back; A3 is for images of 160 px.
    "timm_a1": replace(TIMM_A2, epochs=600, weight_decay=0.01, label_smoothing=0.1, mixup=0.2),
    "timm_a2": TIMM_A2,
    "timm_a3": replace(TIMM_A2, epochs=100, lr=8e-3, rand_augment_magnitude=6),
    "quick": Recipe(epochs=30, batch_size=64, lr=0.1, nesterov=True, crop_padding=1),
}
"""Named instances; `quick` is for 8x8 digits."""
