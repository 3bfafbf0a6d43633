"""Vision transformers written out in plain torch operations in double precision, to compare networks with."""

import math

import numpy as np
import torch
from torch.nn.functional import conv2d, gelu, layer_norm, silu


def norm(x, weights, eps):
    weight, bias = weights
    return layer_norm(x, x.shape[-1:], weight, bias, eps)


def linear(x, weights):
    weight, bias = weights
    return x @ weight.T + bias


def attention(query, keys, values, heads):
    """Softmax attention of N x T x D, head by head."""
    outputs = []
    for q, k, v in zip(*(part.chunk(heads, dim=-1) for part in (query, keys, values)), strict=True):
        scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
        outputs.append(scores.softmax(-1) @ v)
    return torch.cat(outputs, dim=-1)


def swiglu(x, first, second):
    gate, value = linear(x, first).chunk(2, dim=-1)
    return linear(silu(gate) * value, second)


def mlp(x, first, second):
    return linear(gelu(linear(x, first)), second)


def embed(images, weight, bias):
    """N x 3 x S x S to N x patches x D, row by row."""
    return conv2d(images, weight, bias, stride=weight.shape[-1]).flatten(2).transpose(1, 2)


def bicubic(table, grid, scale):
    """A table of positions n² x D at grid² places: cubic convolution with A = -0.75, edges repeated, `scale` places
    to one of the table's."""
    side = math.isqrt(len(table))
    weights = np.zeros((grid, side))
    for i in range(grid):
        source = (i + 0.5) / scale - 0.5
        first = math.floor(source)
        for j in range(first - 1, first + 3):
            weights[i, min(max(j, 0), side - 1)] += _cubic(abs(source - j))
    return np.einsum("ia,jb,abd->ijd", weights, weights, table.reshape(side, side, -1)).reshape(grid * grid, -1)


def _cubic(t, a=-0.75):
    if t <= 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    return a * (t**3 - 5 * t**2 + 8 * t - 4) if t < 2 else 0.0


def dinov2(state, images, heads, table):
    """All tokens of a DINOv2 by the names the transformers library has; `table` is the position table to use."""
    w = {key: value.double() for key, value in state.items()}

    def pair(name):
        return w[f"{name}.weight"], w[f"{name}.bias"]

    x = embed(images.double(), *pair("embeddings.patch_embeddings.projection"))
    x = torch.cat([w["embeddings.cls_token"].expand(len(x), -1, -1), x], 1) + table.double()
    if "embeddings.register_tokens" in w:
        x = torch.cat([x[:, :1], w["embeddings.register_tokens"].expand(len(x), -1, -1), x[:, 1:]], 1)
    for i in range(1 + max(int(key.split(".")[2]) for key in w if key.startswith("encoder."))):
        at = f"encoder.layer.{i}"
        y = norm(x, pair(f"{at}.norm1"), 1e-6)
        parts = [linear(y, pair(f"{at}.attention.attention.{name}")) for name in ("query", "key", "value")]
        y = linear(attention(*parts, heads), pair(f"{at}.attention.output.dense"))
        x = x + w[f"{at}.layer_scale1.lambda1"] * y
        y = norm(x, pair(f"{at}.norm2"), 1e-6)
        if f"{at}.mlp.weights_in.weight" in w:
            y = swiglu(y, pair(f"{at}.mlp.weights_in"), pair(f"{at}.mlp.weights_out"))
        else:
            y = mlp(y, pair(f"{at}.mlp.fc1"), pair(f"{at}.mlp.fc2"))
        x = x + w[f"{at}.layer_scale2.lambda1"] * y
    return norm(x, pair("layernorm"), 1e-6)


def conch_v15(state, images, heads=16):
    """CONCHv1.5 by the names of its file: positions stretched with DINO's 0.1, one query over all tokens."""
    w = {key: value.double() for key, value in state.items()}

    def pair(name):
        return w[f"{name}.weight"], w[f"{name}.bias"]

    x = embed(images.double(), *pair("trunk.patch_embed.proj"))
    table, grid = w["trunk.pos_embed"][0], math.isqrt(x.shape[1])
    side = math.isqrt(len(table) - 1)
    places = bicubic(table[1:].numpy(), grid, (grid + 0.1) / side) if grid != side else table[1:].numpy()
    classes = (w["trunk.cls_token"] + table[:1]).expand(len(x), -1, -1)
    x = torch.cat([classes, x + torch.from_numpy(places)], 1)
    for i in range(1 + max(int(key.split(".")[2]) for key in w if key.startswith("trunk.blocks."))):
        at = f"trunk.blocks.{i}"
        parts = linear(norm(x, pair(f"{at}.norm1"), 1e-6), pair(f"{at}.attn.qkv")).chunk(3, dim=-1)
        x = x + w[f"{at}.ls1.gamma"] * linear(attention(*parts, heads), pair(f"{at}.attn.proj"))
        y = mlp(norm(x, pair(f"{at}.norm2"), 1e-6), pair(f"{at}.mlp.fc1"), pair(f"{at}.mlp.fc2"))
        x = x + w[f"{at}.ls2.gamma"] * y
    x = norm(norm(x, pair("trunk.norm"), 1e-6), pair("attn_pool_contrast.ln_k"), 1e-5)
    query = norm(w["attn_pool_contrast.query"], pair("attn_pool_contrast.ln_q"), 1e-5)
    query = (query @ w["attn_pool_contrast.to_q.weight"].T).expand(len(x), -1, -1)
    keys, values = (x @ w["attn_pool_contrast.to_kv.weight"].T).chunk(2, dim=-1)
    pooled = attention(query, keys, values, heads=8)[:, 0] @ w["attn_pool_contrast.to_out.weight"].T
    return norm(pooled, pair("ln_contrast"), 1e-5)
