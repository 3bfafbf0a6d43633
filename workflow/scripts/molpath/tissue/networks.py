"""The networks that segment tissue or artefacts: how each is built, and the image it needs."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from ..common.settings.tissue import Tissue

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
GRANDQC_ENCODER = "timm-efficientnet-b0"


@dataclass(frozen=True)
class Wants:
    """Input and output of a network: µm per pixel, edge of a window in pixels, normalisation of values in 0..1.

    `classes`: channels of the output, one alone for a sigmoid; `tissue_class`: the one that is tissue (not used of
    networks that find artefacts); `jpeg_quality`: compression that images must have gone through, 0 for none.
    """

    mpp: float
    classes: int
    tissue_class: int = 1
    edge: int = 512
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    jpeg_quality: int = 0


def build_deeplab(settings: Tissue) -> tuple[nn.Module, Wants]:
    """TRIDENT's default, `hest`: torchvision's DeepLabV3-ResNet50 with two classes, at 10x.

    Source: mahmoodlab/TRIDENT trident/segmentation_models/load.py (HESTSegmenter).
    """
    from torchvision.models.segmentation import deeplabv3_resnet50

    # Both named: torchvision would otherwise download ImageNet weights for the backbone.
    network = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=2, aux_loss=False)
    return network, Wants(mpp=1.0, classes=2)


def build_grandqc(settings: Tissue) -> tuple[nn.Module, Wants]:
    """GrandQC's tissue detector: UNet++ at 10 µm per pixel, over images once JPEG of quality 80; class 0 is tissue.

    Source: Weng et al. 2024 (doi 10.1038/s41467-024-54769-y), cpath-ukk/grandqc wsi_tis_detect.py.
    """
    import segmentation_models_pytorch as smp

    network = smp.UnetPlusPlus(GRANDQC_ENCODER, encoder_weights=None, classes=2)
    return network, Wants(mpp=10.0, classes=2, tissue_class=0, jpeg_quality=80)


def build_fpn(settings: Tissue) -> tuple[nn.Module, Wants]:
    """A feature-pyramid network of segmentation_models_pytorch, all settings from section tissue/fpn of the config.

    The paper fine-tuned one and published neither weights nor settings.
    """
    import segmentation_models_pytorch as smp

    fpn = settings["fpn"]
    network = smp.FPN(fpn["encoder"], encoder_weights=None, classes=fpn["classes"])
    wants = Wants(
        mpp=fpn["mpp"],
        classes=fpn["classes"],
        tissue_class=fpn["tissue_class"],
        edge=fpn["patch_size"],
        mean=tuple(fpn["mean"]),
        std=tuple(fpn["std"]),
    )
    return network, wants


def build_artefacts(settings: Tissue) -> tuple[nn.Module, Wants]:
    """GrandQC's artefact model: UNet with eight classes, trained at 1, 1.5 or 2 µm per pixel (one file each).

    Classes: 1 normal tissue, 2 fold, 3 dark spot or foreign object, 4 pen, 5 edge or air bubble, 6 out of focus,
    7 background; 0 was not trained. Source: cpath-ukk/grandqc main.py and wsi_process.py.
    """
    import segmentation_models_pytorch as smp

    network = smp.Unet(GRANDQC_ENCODER, encoder_weights=None, classes=8)
    return network, Wants(mpp=settings["artefacts"]["mpp"], classes=8)


BUILDERS = {"fpn": build_fpn, "deeplab": build_deeplab, "grandqc": build_grandqc, "artefacts": build_artefacts}
