"""Plans in Python: building, forms of other libraries, pickles."""

import copy
import io
import pickle

import pytest
import torch
from torch.nn.attention.flex_attention import create_block_mask

from radial_attention import Plan, implementations


def same_blocks(left, right):
    same_tokens = left.query_tokens == right.query_tokens
    return same_tokens and torch.equal(left.to_dense(), right.to_dense())


def test_built_plan_says_what_it_is(plan):
    assert plan.description.startswith("radial 1, decay 1")
    assert (plan.query_tokens, plan.key_tokens, plan.text_tokens) == (111, 111, 6)
    assert plan.block_size == 64 and plan.num_patterns == 1 and list(plan.head_patterns) == []
    stats = plan.stats()
    assert stats["kept_blocks"] == plan.to_dense().sum() and stats["all_blocks"] == 4
    assert plan.warnings == []


def test_released_plan_has_the_known_number_of_blocks():
    # What the published code keeps of 256 x 256 blocks for 21 x 30 x 52 tokens.
    assert Plan.build(21, 30, 52, rule="released-v2").stats()["kept_blocks"] == 29442
    narrow = Plan.build(21, 30, 52, rule="released-v2", decay_factor=0.2)
    assert narrow.stats()["kept_blocks"] == 22534


def test_density_chooses_the_parameter():
    plan = Plan.build(21, 30, 52, density=0.5)
    assert abs(plan.stats()["density"] - 0.5) < 0.01


def test_dense_csr_and_flex_forms_come_back_as_the_same_plan():
    plan = Plan.build(12, 6, 9, block_size=64)
    tokens = plan.query_tokens
    assert same_blocks(plan, Plan.from_dense(plan.to_dense(), tokens, block_size=64))
    assert same_blocks(plan, Plan.from_csr(*plan.to_csr(), tokens, block_size=64))
    assert same_blocks(plan, Plan.from_block_mask(plan.to_block_mask()))


def test_block_mask_of_flex_attention_becomes_a_plan():
    def near(batch, head, query, key):
        return (query // 128 - key // 128).abs() <= 1

    mask = create_block_mask(near, 1, 1, 512, 512, device="cpu")
    plan = Plan.from_block_mask(mask)
    expected = torch.ones(4, 4, dtype=torch.bool).triu(-1).tril(1)
    assert torch.equal(plan.to_dense(), expected)


def test_partial_blocks_are_kept_only_when_asked():
    mask = create_block_mask(lambda b, h, q, k: q >= k, 1, 1, 256, 256, device="cpu")
    with pytest.raises(ValueError, match="block_mask: expected full blocks only, got 2 partial"):
        Plan.from_block_mask(mask)
    plan = Plan.from_block_mask(mask, keep_partial=True)
    assert torch.equal(plan.to_dense(), torch.ones(2, 2, dtype=torch.bool).tril())


@pytest.mark.parametrize("options", [{}, {"tile": [2, 3], "decay_factor": 0.5, "sink": False}])
def test_pickled_plan_is_built_again(options):
    plan = Plan.build(12, 6, 9, block_size=64, text_tokens=5, **options)
    again = pickle.loads(pickle.dumps(plan))
    assert same_blocks(plan, again) and again.description == plan.description
    assert again.id != plan.id and again.text_tokens == 5
    assert torch.equal(again.permutation(), plan.permutation())


def test_pickled_plan_of_ones_own_keeps_patterns_and_heads():
    masks = torch.rand(2, 3, 4) < 0.5
    plan = Plan.from_dense(masks, 150, 200, block_size=64, head_patterns=[1, 0, 1])
    file = io.BytesIO()
    torch.save(plan, file)
    file.seek(0)
    again = torch.load(file, weights_only=False)
    assert list(again.head_patterns) == [1, 0, 1] and again.key_tokens == 200
    assert torch.equal(again.to_dense(1), masks[1])
    assert copy.deepcopy(plan) is plan


def test_permutation_undoes_its_inverse():
    plan = Plan.build(3, 6, 9, tile=[2, 4], block_size=64)
    there, back = plan.permutation(), plan.permutation(inverse=True)
    assert torch.equal(there[back], torch.arange(plan.query_tokens))
    assert not torch.equal(there, torch.arange(plan.query_tokens))
    own = Plan.from_dense(torch.ones(1, 1, dtype=torch.bool), 64, block_size=64)
    with pytest.raises(ValueError, match="permutation"):
        own.permutation()


BAD_PLANS = {
    "frames: expected": lambda: Plan.build(0, 5, 7),
    "rule": lambda: Plan.build(3, 5, 7, rule="round"),
    "block_size": lambda: Plan.build(3, 5, 7, block_size=100),
    "decay_factor": lambda: Plan.build(3, 5, 7, decay_factor=-1.0),
    "tile: expected no value": lambda: Plan.build(3, 5, 7, tile=[2]),
    "window: expected three values": lambda: Plan.build(3, 5, 7, window=[1, 1]),
    "distance_one: expected rule, whole, half or band": lambda: Plan.build(
        3, 5, 7, distance_one="wide"
    ),
    "block_mask: expected [QB, KB] or [P, QB, KB]": lambda: Plan.from_dense(
        torch.ones(4, dtype=torch.bool), 64
    ),
    "indptr: expected": lambda: Plan.from_csr(
        torch.tensor([0, 3]), torch.tensor([0]), 64, block_size=64
    ),
    "indices: expected": lambda: Plan.from_csr(
        torch.tensor([0, 1]), torch.tensor([5]), 64, block_size=64
    ),
    "plans: expected at least one": lambda: Plan.combine([], []),
    "pattern: expected 0 to 0, got 3": lambda: Plan.build(3, 5, 7).to_dense(3),
    "head: expected": lambda: Plan.build(3, 5, 7).kept_pairs(-1),
}


@pytest.mark.parametrize("message", BAD_PLANS)
def test_bad_plan_argument_is_named(message):
    with pytest.raises(ValueError) as raised:
        BAD_PLANS[message]()
    assert str(raised.value).startswith(message) and "\n" not in str(raised.value)


def test_plans_over_other_tokens_do_not_combine():
    plans = [Plan.build(3, 5, 7, block_size=64), Plan.build(4, 5, 7, block_size=64)]
    with pytest.raises(ValueError, match="plans: expected all over the same tokens"):
        Plan.combine(plans, [0, 1])


def test_masks_and_lists_may_lie_on_the_device(plan, device):
    tokens, dense = plan.query_tokens, plan.to_dense().to(device)
    assert same_blocks(plan, Plan.from_dense(dense, tokens, block_size=64))
    csr = [x.to(device) for x in plan.to_csr()]
    assert same_blocks(plan, Plan.from_csr(*csr, tokens, block_size=64))
    assert same_blocks(plan, Plan.from_block_mask(plan.to_block_mask(device)))


def test_implementations_end_with_the_reference():
    assert implementations("cpu")[-1] == "reference"
