"""Networks with random weights: loaded from the documented checkpoints and equal to the same network called by hand."""

import hashlib

import cv2
import numpy as np
import pytest
import torch
from molpath.common.contained import MethodUnusable
from molpath.slides.readers import open_slide
from molpath.tissue import learned
from molpath.tissue.networks import BUILDERS
from molpath.tissue.overview import read_overview
from PIL import Image

pytestmark = pytest.mark.usefixtures("vision_libraries")

PINK, GLASS = (215, 140, 180), (243, 243, 244)
PIXELS = 296  # of a slide at the network's resolution: within one window, and 37 pixels of the overview
WHITE = 96  # what is before the slide in its first window
FPN = {
    "encoder": "resnet18",
    "classes": 3,
    "tissue_class": 2,
    "mpp": 2.0,
    "patch_size": 512,
    "mean": [0.7, 0.6, 0.7],
    "std": [0.2, 0.25, 0.2],
}


def settings_of(method, path, **more):
    """Section tissue of the config with the defaults that networks read."""
    entry = {"weights": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    return {"method": method, "threshold": 0.5, "overlap": 128, "fpn": FPN} | entry | more


def build_by_hand(method):
    """The architectures as their libraries' manuals build them, with random weights."""
    import segmentation_models_pytorch as smp
    from torchvision.models.segmentation import deeplabv3_resnet50

    torch.manual_seed(7)
    network = {
        "deeplab": lambda: deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=2, aux_loss=True),
        "grandqc": lambda: smp.UnetPlusPlus(encoder_name="timm-efficientnet-b0", encoder_weights=None, classes=2),
        "fpn": lambda: smp.FPN(encoder_name="resnet18", encoder_weights=None, classes=3),
        "artefacts": lambda: smp.Unet(encoder_name="timm-efficientnet-b0", encoder_weights=None, classes=8),
    }[method]()
    return network.eval()


def save(network, method, folder):
    """Each as it is published: TRIDENT's as a Lightning checkpoint, GrandQC's as a state dict."""
    state = network.state_dict()
    if method == "deeplab":
        state = {"state_dict": {f"model.{name}": tensor for name, tensor in state.items()}, "epoch": 1}
    path = folder / f"{method}.pth"
    torch.save(state, path)
    return path


def picture(size):
    """Tissue with a texture of nuclei over the whole of an image, so that no part is glass."""
    rng = np.random.default_rng(3)
    image = np.full((size, size, 3), PINK, np.int16) + rng.integers(-20, 20, (size, size, 3), dtype=np.int16)
    image = np.clip(image, 0, 255).astype(np.uint8)
    for x, y in rng.integers(0, size, (200, 2)):
        cv2.circle(image, (int(x), int(y)), 4, (90, 50, 130), -1)
    return image


@pytest.fixture
def slide(tmp_path):
    """An image as a slide."""
    Image.fromarray(picture(PIXELS)).save(tmp_path / "slide.png")
    return open_slide(tmp_path / "slide.png")


def by_hand(network, image, mean, std, jpeg=False):
    """Softmax of one window with white around the slide, averaged over 8 x 8 pixels: classes x 37 x 37."""
    window = np.full((512, 512, 3), 255, np.uint8)
    window[WHITE : WHITE + PIXELS, WHITE : WHITE + PIXELS] = image
    if jpeg:  # as cpath-ukk/grandqc does: OpenCV gets red, green, blue, and nothing says so
        window = cv2.imdecode(cv2.imencode(".jpg", window, [int(cv2.IMWRITE_JPEG_QUALITY), 80])[1], cv2.IMREAD_COLOR)
    values = (window / 255.0 - np.array(mean)) / np.array(std)
    with torch.no_grad():
        answer = network(torch.tensor(values.transpose(2, 0, 1)[None], dtype=torch.float32))
    logits = (answer["out"] if isinstance(answer, dict) else answer)[0].double()
    shares = (logits.exp() / logits.exp().sum(0)).numpy()[:, WHITE : WHITE + PIXELS, WHITE : WHITE + PIXELS]
    return shares.reshape(len(shares), 37, 8, 37, 8).mean((2, 4))


IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


@pytest.mark.parametrize(
    ("method", "mpp", "tissue_class", "normalisation"),
    [("deeplab", 1.0, 1, IMAGENET), ("grandqc", 10.0, 0, IMAGENET), ("fpn", 2.0, 2, (FPN["mean"], FPN["std"]))],
)
def test_masks_equal_the_network_called_by_hand(method, mpp, tissue_class, normalisation, slide, tmp_path):
    network = build_by_hand(method)
    settings = settings_of(method, save(network, method, tmp_path))
    overview = read_overview(slide, mpp, 8 * mpp)
    assert overview.image.shape == (37, 37, 3)
    expected = by_hand(network, picture(PIXELS), *normalisation, jpeg=method == "grandqc")[tissue_class]
    loaded = learned.load(method, settings["weights"], settings["sha256"], settings)
    probabilities = np.concatenate(
        [b for _, b in learned.run(loaded, slide, mpp, overview, expected > -1, 128)], axis=1
    )
    np.testing.assert_allclose(probabilities[tissue_class], expected, atol=1e-4)
    values = np.sort(expected, axis=None)
    middle = values[300:1000]
    gap = int(np.diff(middle).argmax())
    threshold = float(middle[gap : gap + 2].mean())  # far from any value, so that rounding decides nothing
    mask = learned.segment(slide, mpp, overview, settings | {"threshold": threshold})
    assert 0.1 < mask.mean() < 0.9
    assert (mask != (expected > threshold)).sum() <= 2
    assert np.array_equal(mask, probabilities[tissue_class] > threshold)


def test_published_tissue_detector_has_the_shape_of_ours():
    """Facts of Tissue_Detection_MPP10.pth as others loaded it: 492 tensors, 6,614,533 numbers."""
    state = BUILDERS["grandqc"]({})[0].state_dict()
    assert (len(state), sum(tensor.numel() for tensor in state.values())) == (492, 6_614_533)


def test_artefacts_are_codes_of_the_class_map(slide, tmp_path):
    network = build_by_hand("artefacts")
    path = save(network, "artefacts", tmp_path)
    entry = {"weights": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "mpp": 1.5}
    overview = read_overview(slide, 1.5, 12.0)
    tissue = np.zeros((37, 37), bool)
    tissue[5:30, 5:30] = True
    codes = learned.find_artefacts(slide, 1.5, overview, tissue, {"artefacts": entry, "overlap": 128})
    likeliest = by_hand(network, picture(PIXELS), *IMAGENET).argmax(0)
    expected = np.where(tissue & (likeliest >= 2) & (likeliest <= 6), likeliest, 0)
    assert (codes == expected).mean() > 0.995
    assert codes.any(), "random weights should call something an artefact"


def biased(method, towards, folder):
    """A network whose answer is one class everywhere, whatever it sees."""
    network = build_by_hand(method)
    head = network.classifier[4] if method == "deeplab" else network.segmentation_head[0]
    with torch.no_grad():
        head.weight.zero_()
        head.bias.zero_()
        head.bias[towards] = 10
    return save(network, method, folder)


@pytest.mark.parametrize(("towards", "share"), [(0, 1.0), (1, 0.0)])
def test_class_0_of_grandqc_is_tissue_and_glass_is_not_looked_at(towards, share, tmp_path):
    """10 µm/px: the slide of 1,480 x 1,480 pixels is 4 windows per side, those over glass are left out."""
    image = np.full((1480, 1480, 3), GLASS, np.uint8)
    image[:296, :296] = picture(PIXELS)
    Image.fromarray(image).save(tmp_path / "slide.png")
    slide = open_slide(tmp_path / "slide.png")
    settings = settings_of("grandqc", biased("grandqc", towards, tmp_path))
    mask = learned.segment(slide, 10.0, read_overview(slide, 10.0, 40.0), settings)
    assert mask[:70, :70].mean() == share
    assert not mask[200:].any()


def test_results_do_not_depend_on_threads_or_on_the_batch(slide, tmp_path):
    network = build_by_hand("fpn")
    settings = settings_of("fpn", save(network, "fpn", tmp_path))
    loaded = learned.load("fpn", settings["weights"], settings["sha256"], settings)
    windows = np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), dtype=np.uint8)
    alone = np.concatenate([loaded(window[None]) for window in windows])
    assert np.array_equal(loaded(windows), alone)
    two = learned.Network(loaded.network, loaded.wants, torch.device("cpu"), threads=2)
    assert np.array_equal(two(windows), alone)


def test_one_channel_goes_through_a_sigmoid(tmp_path):
    import segmentation_models_pytorch as smp

    torch.manual_seed(1)
    network = smp.FPN("resnet18", encoder_weights=None, classes=1).eval()
    path = save(network, "fpn", tmp_path)
    settings = settings_of("fpn", path, fpn=FPN | {"classes": 1, "mean": [0, 0, 0], "std": [1, 1, 1]})
    loaded = learned.load("fpn", settings["weights"], settings["sha256"], settings)
    window = picture(128)
    with torch.no_grad():
        logits = network(torch.tensor(window.transpose(2, 0, 1)[None] / 255, dtype=torch.float32))
    np.testing.assert_allclose(loaded(window[None]), 1 / (1 + np.exp(-logits.numpy())), atol=1e-5)


def test_an_encoder_that_is_unknown_or_another_is_reported(tmp_path):
    path = save(build_by_hand("fpn"), "fpn", tmp_path)
    for encoder, words in (("resnet999", "can't be built"), ("resnet34", "don't fit FPN")):
        settings = settings_of("fpn", path, fpn=FPN | {"encoder": encoder})
        with pytest.raises(MethodUnusable, match=words):
            learned.load("fpn", settings["weights"], settings["sha256"], settings)


def test_jpeg_blocks_are_placed_as_in_the_whole_image():
    image = picture(PIXELS)
    whole, part = learned.compressed(image, 80), learned.compressed(image[32:192, 64:256], 80)
    assert not np.array_equal(whole, image)
    assert np.array_equal(whole[32:192, 64:256][16:-16, 16:-16], part[16:-16, 16:-16])
    assert np.abs(whole.astype(int) - image).mean() < 12  # channels come back in their places
