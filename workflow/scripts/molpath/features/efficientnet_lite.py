"""EfficientNet-Lite0, the encoder that needs nothing gated: inverted residuals with ReLU6, no squeeze-excitation.

Architecture: Tan and Le, "EfficientNet" (2019), width and depth 1.0, in the Lite variant of the TensorFlow
authors (2020). State-dict names are those of the published PyTorch conversion
(`efficientnet-lite0-57934424.pth`), so that its file loads strictly.

timm's `tf_efficientnet_lite0` gives the same float32 features to the bit (tests/unit/features) and is as fast. It is
not used because timm needs torchvision, whose wheel doesn't load beside the PyTorch for CPUs of envs/torch-cpu.lock,
and this is the encoder that has to run anywhere; timm's import would add 2 s to each job, too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

WIDTH = 1280
INPUT_SIZE = 224
STEM_WIDTH = 32
BATCHNORM_EPSILON = 1e-3  # TensorFlow's; PyTorch's own default is 1e-5

#: (blocks, kernel, stride of the first block, expansion, output channels) of the seven stages
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class SameConv2d(nn.Conv2d):
    """Convolution without bias, padded as TensorFlow's SAME for even inputs.

    With stride 2 the odd pixel of padding goes right and below, not left and above as PyTorch's would.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1):
        symmetric = (kernel - 1) // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride, symmetric, groups=groups, bias=False)
        total = kernel - stride
        self.uneven = () if stride == 1 else (total // 2, total - total // 2) * 2

    def forward(self, x: Tensor) -> Tensor:
        """Convolve `x` (N x C x H x W, H and W even where the stride is 2)."""
        return super().forward(functional.pad(x, self.uneven) if self.uneven else x)


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=BATCHNORM_EPSILON, momentum=0.01)


class InvertedResidual(nn.Module):
    """Expand (1x1), depthwise (k x k), project (1x1); added to its input where shapes allow."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        hidden = inputs * expansion
        self.expands = expansion > 1
        self.is_residual = stride == 1 and inputs == outputs
        if self.expands:
            self._expand_conv = SameConv2d(inputs, hidden, 1)
            self._bn0 = _norm(hidden)
        self._depthwise_conv = SameConv2d(hidden, hidden, kernel, stride, groups=hidden)
        self._bn1 = _norm(hidden)
        self._project_conv = SameConv2d(hidden, outputs, 1)
        self._bn2 = _norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """N x inputs x H x W to N x outputs x H/stride x W/stride."""
        y = functional.relu6(self._bn0(self._expand_conv(x)), inplace=True) if self.expands else x
        y = functional.relu6(self._bn1(self._depthwise_conv(y)), inplace=True)
        y = self._bn2(self._project_conv(y))
        return y + x if self.is_residual else y


class EfficientNetLite0(nn.Module):
    """The network up to its 1280 channels; the classifier `_fc` is kept only so that the file loads whole."""

    def __init__(self, classes: int = 1000):
        super().__init__()
        self._conv_stem = SameConv2d(3, STEM_WIDTH, 3, 2)
        self._bn0 = _norm(STEM_WIDTH)
        blocks, width = [], STEM_WIDTH
        for count, kernel, stride, expansion, outputs in STAGES:
            for index in range(count):
                blocks.append(InvertedResidual(width, outputs, kernel, stride if index == 0 else 1, expansion))
                width = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = SameConv2d(width, WIDTH, 1)
        self._bn1 = _norm(WIDTH)
        self._fc = nn.Linear(WIDTH, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Features of normalised images, N x 3 x 224 x 224 to N x 1280: the mean over the 7 x 7 map."""
        x = functional.relu6(self._bn0(self._conv_stem(x)), inplace=True)
        for block in self._blocks:
            x = block(x)
        x = functional.relu6(self._bn1(self._conv_head(x)), inplace=True)
        return x.mean((2, 3))


def folded(network: EfficientNetLite0) -> EfficientNetLite0:
    """The same function for inference, each batch norm folded into the convolution before it (in place).

    The 48 normalisations cost a quarter of the time on a CPU; outputs differ by rounding only (about 1e-6).
    """
    network.eval()
    for module in [network, *network._blocks]:
        for convolution, norm in _pairs(module):
            fused = fuse_conv_bn_eval(getattr(module, convolution), getattr(module, norm))
            setattr(module, convolution, fused)
            setattr(module, norm, nn.Identity())
    return network


def _pairs(module: nn.Module) -> list[tuple[str, str]]:
    candidates = [
        ("_conv_stem", "_bn0"),
        ("_conv_head", "_bn1"),
        ("_expand_conv", "_bn0"),
        ("_depthwise_conv", "_bn1"),
        ("_project_conv", "_bn2"),
    ]
    return [(first, second) for first, second in candidates if hasattr(module, first)]


def load(weights: dict[str, Tensor]) -> EfficientNetLite0:
    """The network with published weights, ready for inference. Raises RuntimeError if a tensor doesn't fit."""
    with torch.device("meta"):
        network = EfficientNetLite0()
    network.load_state_dict(weights, assign=True)
    return network.eval()
