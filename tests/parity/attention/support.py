"""Problems, the meaning of attention in plain torch, and error budgets."""

import torch
import torch.nn.functional as F


def tokens_of(plan, pattern=0):
    """The plan as a boolean mask of tokens [Sq, Sk]."""
    size = plan.block_size
    mask = plan.to_dense(pattern).repeat_interleave(size, 0).repeat_interleave(size, 1)
    return mask[: plan.query_tokens, : plan.key_tokens]


def masks_of(plan, batch, heads, text_lengths=None):
    """What each sample and head may see: bool [B, H, Sq, Sk]."""
    patterns = plan.head_patterns or [0] * heads
    mask = torch.stack([tokens_of(plan, pattern) for pattern in patterns])
    mask = mask[None].repeat(batch, 1, 1, 1)
    if text_lengths is not None:
        text_begin = plan.key_tokens - plan.text_tokens
        for sample, length in enumerate(text_lengths.tolist()):
            mask[sample, :, :, text_begin + length :] = False
    return mask


def sdpa(q, k, v, mask, scale=None):
    """Torch's own attention, on [B, S, H, D]."""
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, scale=scale, enable_gqa=q.shape[1] != k.shape[1]
    ).transpose(1, 2)


def naive(q, k, v, mask, scale=None):
    """The formula, step by step in the type of the tensors, as the error budget's yardstick."""
    group = q.shape[2] // k.shape[2]
    k, v = (x.repeat_interleave(group, 2) for x in (k, v))
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) * scale
    weights = scores.masked_fill(~mask, float("-inf")).softmax(-1)
    return torch.einsum("bhqk,bkhd->bqhd", weights.to(v.dtype), v)


def random_qkv(plan, batch=2, heads=4, key_heads=None, head_dim=None, dtype=None, device="cpu"):
    """Leaves q, k, v; unless told otherwise of a type and head dim that the device's kernels take."""
    on_cpu = torch.device(device).type == "cpu"
    dtype = dtype or (torch.float32 if on_cpu else torch.bfloat16)
    head_dim = head_dim or (32 if on_cpu else 64)
    key_heads = key_heads or heads
    q = torch.randn(batch, plan.query_tokens, heads, head_dim, dtype=torch.float64)
    k = torch.randn(batch, plan.key_tokens, key_heads, head_dim, dtype=torch.float64)
    v = torch.randn(batch, plan.key_tokens, key_heads, head_dim, dtype=torch.float64)
    return [x.to(device, dtype).requires_grad_() for x in (q, k, v)]


def gradients(out, inputs, dout):
    return torch.autograd.grad(out, inputs, dout)


def sums_of_absolute_terms(q, k, v, mask, dout, scale=None):
    """What the rounding errors of float32 sums are relative to: the largest score's terms, and
    those of out, dq, dk and dv."""
    group = q.shape[2] // k.shape[2]
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    q, k, v, dout = (x.detach().double().transpose(1, 2) for x in (q, k, v, dout))
    k, v = (x.repeat_interleave(group, 1) for x in (k, v))
    weights = (q @ k.mT * scale).masked_fill(~mask, float("-inf")).softmax(-1).nan_to_num()
    q, k, v, dout = (x.abs() for x in (q, k, v, dout))
    delta = (dout * (weights @ v)).sum(-1, keepdim=True)
    dscores = weights * (dout @ v.mT + delta) * scale
    per_key_head = (x.unflatten(1, (-1, group)).sum(2) for x in (dscores.mT @ q, weights.mT @ dout))
    terms = (weights @ v, dscores @ k, *per_key_head)
    return (q @ k.mT * scale).amax().item(), [x.amax().item() for x in terms]


def assert_within_budget(ours, yardstick, exact, terms, largest_score, what):
    """max|ours - exact| <= 2 max|naive in the same type - exact| + noise: rounding the exact result
    to the type, and sums of `terms` in float32 with the relative error that an exponential makes of
    its score's rounding. The same as tests/support/error_budget.cpp has it."""
    exact = exact.double()
    error = (ours.double() - exact).abs().max().item()
    naive_error = (yardstick.double() - exact).abs().max().item()
    rounding = torch.finfo(ours.dtype).eps / 2 * exact.abs().max().item()
    sums = 4 * torch.finfo(torch.float32).eps / 2 * (1 + largest_score) * terms
    budget = 2 * naive_error + rounding + sums
    assert error <= budget, f"{what}: error {error:.3e}, budget {budget:.3e}"
