"""torch.ops.radial against plain torch: values, gradients, layouts, types."""

import pytest
import torch
from support import (
    assert_within_budget,
    gradients,
    masks_of,
    naive,
    random_qkv,
    sdpa,
    sums_of_absolute_terms,
)

from radial_attention import Plan, block_sparse_attention, merge, radial_attention

def check_against_formula(plan, inputs, text_lengths=None, scale=None):
    """Output and gradients within the error budget of the formula."""
    mask = masks_of(plan, inputs[0].shape[0], inputs[0].shape[2], text_lengths)
    mask = mask.to(inputs[0].device)
    exact_inputs = [x.detach().double().requires_grad_() for x in inputs]
    naive_inputs = [x.detach().requires_grad_() for x in inputs]
    ours = radial_attention(*inputs, plan, scale=scale, text_lengths=text_lengths)
    yardstick = naive(*naive_inputs, mask, scale)
    exact = naive(*exact_inputs, mask, scale)
    dout = torch.randn_like(ours)
    largest_score, terms = sums_of_absolute_terms(*inputs, mask, dout, scale)
    results = zip(
        ("out", "dq", "dk", "dv"),
        (ours, *gradients(ours, inputs, dout)),
        (yardstick, *gradients(yardstick, naive_inputs, dout)),
        (exact, *gradients(exact, exact_inputs, dout.double())),
        terms,
    )
    for name, *compared in results:
        assert_within_budget(*compared, largest_score, name)


def test_attention_stays_within_the_budget_of_the_formula(plan, dtype_of_device):
    device, dtype = dtype_of_device
    check_against_formula(plan, random_qkv(plan, dtype=dtype, device=device))


def test_grouped_heads_and_text_lengths(plan, dtype_of_device):
    device, dtype = dtype_of_device
    lengths = torch.tensor([0, 4], dtype=torch.int32, device=device)
    inputs = random_qkv(plan, key_heads=2, dtype=dtype, device=device)
    check_against_formula(plan, inputs, lengths)


RULES = {"radial": {}, "disc": {}, "spatial": {"span": 1}, "window": {"width": 40}}


@pytest.mark.parametrize("rule", RULES)
def test_sparse_rules_equal_sdpa_under_their_token_mask(rule, device):
    plan = Plan.build(12, 9, 12, rule=rule, block_size=64, **RULES[rule])
    assert 0 < plan.stats()["density"] < 1
    check_against_formula(plan, random_qkv(plan, batch=1, heads=2, device=device))
    if device == "cuda":
        return  # whose kernels take no float64
    q, k, v = random_qkv(plan, batch=1, heads=2, dtype=torch.float64)
    expected = sdpa(q, k, v, masks_of(plan, 1, 2))
    torch.testing.assert_close(radial_attention(q, k, v, plan), expected)


def test_dense_plan_is_scaled_dot_product_attention():
    plan = Plan.build(3, 6, 9, rule="dense", block_size=64)
    q, k, v = random_qkv(plan, dtype=torch.float64)
    torch.testing.assert_close(radial_attention(q, k, v, plan), sdpa(q, k, v, None))


def test_scale_is_the_argument(plan, device):
    check_against_formula(plan, random_qkv(plan, device=device), scale=0.3)


def test_patterns_per_head_give_each_head_its_own_mask(device):
    grid = (6, 5, 7)
    plans = [Plan.build(*grid, rule="spatial", span=1, block_size=64)]
    plans.append(Plan.build(*grid, rule="dense", block_size=64))
    plan = Plan.combine(plans, [0, 1, 1, 0])
    inputs = random_qkv(plan, device=device)
    check_against_formula(plan, inputs)
    out = radial_attention(*inputs, plan)
    first = radial_attention(*inputs, plans[0])
    assert torch.equal(out[:, :, 0], first[:, :, 0]) and torch.equal(out[:, :, 3], first[:, :, 3])
    assert not torch.equal(out[:, :, 1], first[:, :, 1])


def test_heads_before_tokens_and_packed_inputs_need_no_copy(plan, device):
    q, k, v = random_qkv(plan, device=device)
    expected = radial_attention(q, k, v, plan)
    hnd = [x.transpose(1, 2).contiguous() for x in (q, k, v)]
    out = radial_attention(*hnd, plan, tensor_layout="HND")
    assert torch.equal(out.transpose(1, 2), expected) and out.is_contiguous()
    packed = torch.stack((q, k, v), 2)  # [B, S, 3, H, D]
    assert torch.equal(radial_attention(*packed.unbind(2), plan), expected)
    wide = torch.cat((q, q), -1)[..., : q.shape[-1]]
    assert torch.equal(radial_attention(wide, k, v, plan), expected)


def test_gradients_lie_in_memory_as_their_inputs_do(plan, device):
    inputs = random_qkv(plan, device=device)
    hnd = [x.detach().transpose(1, 2).contiguous().requires_grad_() for x in inputs]
    nhd = [x.detach().transpose(1, 2).contiguous().requires_grad_() for x in hnd]
    radial_attention(*hnd, plan, tensor_layout="HND").sum().backward()
    radial_attention(*nhd, plan).sum().backward()
    for left, right in zip(hnd, nhd):
        assert torch.equal(left.grad.transpose(1, 2), right.grad)


def test_lse_is_the_logarithm_of_the_sum_of_exponentials(plan):
    q, k, v = random_qkv(plan, dtype=torch.float64)
    lse = radial_attention(q, k, v, plan, return_lse=True)[1]
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) * q.shape[-1] ** -0.5
    scores = scores.masked_fill(~masks_of(plan, 2, 4), float("-inf"))
    torch.testing.assert_close(lse, scores.logsumexp(-1))


def test_merging_two_disjoint_plans_gives_their_union():
    tokens, size = 200, 64
    left = torch.rand(4, 4) < 0.5
    left[2] = True  # the other side sees nothing in this row
    plans = [Plan.from_dense(x, tokens, block_size=size) for x in (left, ~left)]
    union = Plan.from_dense(torch.ones(4, 4, dtype=torch.bool), tokens, block_size=size)
    q, k, v = (x.detach() for x in random_qkv(union, dtype=torch.float64))
    parts = [radial_attention(q, k, v, plan, return_lse=True) for plan in plans]
    out, lse = merge(*parts[0], *parts[1])
    expected_out, expected_lse = radial_attention(q, k, v, union, return_lse=True)
    torch.testing.assert_close(out, expected_out)
    torch.testing.assert_close(lse, expected_lse)


def test_merge_is_the_weighted_mean_of_two_results(device):
    size = {"dtype": torch.float32, "device": device}
    outs, lses = torch.randn(2, 2, 70, 3, 64, **size), torch.randn(2, 2, 3, 70, **size)
    lses[0, :, 1] = float("-inf")  # a head that saw nothing on one side
    out, lse = merge(outs[0], lses[0], outs[1], lses[1])
    weights = lses.double().softmax(0).transpose(2, 3)[..., None]
    expected = (weights * outs.double()).sum(0)
    torch.testing.assert_close(out, expected.float())
    torch.testing.assert_close(lse, lses.double().logsumexp(0).float())


def test_queries_that_see_nothing_are_zero_and_have_no_gradient(device):
    mask = torch.tensor([[True, False], [False, False]])
    plan = Plan.from_dense(mask, 128, block_size=64)
    q, k, v = random_qkv(plan, device=device)
    out, lse = radial_attention(q, k, v, plan, return_lse=True)
    assert torch.all(out[:, 64:] == 0) and torch.all(lse[:, :, 64:] == float("-inf"))
    dq, dk, dv = gradients(out, (q, k, v), torch.randn_like(out))
    assert torch.all(dq[:, 64:] == 0) and torch.all(dk[:, 64:] == 0) and torch.all(dv[:, 64:] == 0)
    assert all(torch.isfinite(x).all() for x in (dq, dk, dv))


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (1, 2, 3, 4)])
def test_block_sparse_attention_takes_masks_of_one_head_or_many(shape):
    mask = torch.rand(*shape) < 0.6
    mask[..., 0] = True
    q = torch.randn(2, 150, 2, 16, dtype=torch.float64)
    k, v = torch.randn(2, 2, 200, 2, 16, dtype=torch.float64)
    tokens = mask.reshape(-1, 3, 4).repeat_interleave(64, 1).repeat_interleave(64, 2)
    expected = sdpa(q, k, v, tokens[:, :150, :200])
    torch.testing.assert_close(block_sparse_attention(q, k, v, mask, block_size=64), expected)
