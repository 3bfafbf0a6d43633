"""The slide encoder as it is usually written in PyTorch, padded: what pretrain_step.py compares steps with."""

import torch
from torch import nn


class PlainGate(nn.Module):
    """Gated attention as it is usually written."""

    def __init__(self, width):
        super().__init__()
        self.a = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Dropout(0.25))
        self.b = nn.Sequential(nn.Linear(width, width), nn.Sigmoid(), nn.Dropout(0.25))
        self.c = nn.Linear(width, 1)

    def forward(self, x):
        return self.c(self.a(x) * self.b(x))


class Plain(nn.Module):
    """The same network, padded and direct: 11,290,626 parameters."""

    def __init__(self, input=768, width=1024, heads=2):
        super().__init__()
        layer = lambda a, b: (nn.Linear(a, b), nn.LayerNorm(b), nn.GELU(), nn.Dropout(0.1))  # noqa: E731
        self.before = nn.Sequential(*layer(input, width), *layer(width, width), *layer(width, width))
        self.split = nn.Sequential(nn.Linear(width, heads * width), nn.GELU(), nn.Dropout(0.1))
        self.gates = nn.ModuleList(PlainGate(width) for _ in range(heads))
        self.after = nn.Linear(heads * width, width)

    def forward(self, x, mask):
        parts = self.split(self.before(x)).chunk(len(self.gates), -1)
        pooled = []
        for part, gate in zip(parts, self.gates, strict=True):
            weights = torch.softmax(gate(part).float().masked_fill(~mask[..., None], -torch.inf), 1)
            pooled.append((weights.to(part.dtype) * part).sum(1))
        return self.after(torch.cat(pooled, -1))
