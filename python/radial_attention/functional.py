"""Attention as functions of tensors."""

import torch

from .plan import Plan

_LAYOUTS = ("NHD", "HND")


def radial_attention(
    q, k, v, plan, scale=None, tensor_layout="NHD", return_lse=False, text_lengths=None
):
    """softmax(scale * q k^T) v over the blocks that `plan` keeps.

    q: [B, Sq, H, D], k and v: [B, Sk, Hkv, D] with Hkv a divisor of H (tensor_layout="NHD"), or
    [B, H, S, D] ("HND"); any strides with a contiguous last dimension, no copies are made. float32,
    bfloat16, float16, and for tests float64. Differentiable once. `text_lengths` [B] integers:
    valid text tokens of each sample. Returns out as q is laid out and, with `return_lse`, also the
    natural log-sum-exp [B, H, Sq], through which no gradient flows.
    """
    if tensor_layout not in _LAYOUTS:
        raise ValueError(f"tensor_layout: expected NHD or HND, got {tensor_layout!r}")
    if tensor_layout == "HND":
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
    out, lse = torch.ops.radial.attention(q, k, v, plan.id, scale, text_lengths)
    if tensor_layout == "HND":
        out = out.transpose(1, 2)
    return (out, lse) if return_lse else out


def block_sparse_attention(
    q, k, v, block_mask, block_size=128, scale=None, tensor_layout="NHD", return_lse=False
):
    """Attention under a block mask of one's own: boolean [QB, KB], or [H, QB, KB] (also with a
    leading 1) for one mask per head.

    Builds a plan for the call; where a mask serves more than once, build `Plan.from_dense` once and
    call `radial_attention`.
    """
    if tensor_layout not in _LAYOUTS:
        raise ValueError(f"tensor_layout: expected NHD or HND, got {tensor_layout!r}")
    if block_mask.dim() == 4:
        if block_mask.shape[0] != 1:
            raise ValueError(
                f"block_mask: expected one mask for all samples, got {block_mask.shape[0]}"
            )
        block_mask = block_mask[0]
    if block_mask.dim() == 3 and block_mask.shape[0] == 1:
        block_mask = block_mask[0]
    tokens = 1 if tensor_layout == "NHD" else 2
    plan = Plan.from_dense(
        block_mask,
        q.shape[tokens],
        k.shape[tokens],
        block_size=block_size,
        head_patterns=list(range(block_mask.shape[0])) if block_mask.dim() == 3 else [],
    )
    return radial_attention(q, k, v, plan, scale, tensor_layout, return_lse)


def merge(out_a, lse_a, out_b, lse_b):
    """Joins the results (out [B, S, H, D], lse [B, H, S]) over two disjoint sets of keys into the
    result over their union."""
    return torch.ops.radial.merge(out_a, lse_a, out_b, lse_b)
