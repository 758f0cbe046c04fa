"""torch.ops.radial as torch wants operators: gradients, tracing, autocast, errors."""

import gc

import pytest
import torch
from support import random_qkv
from torch.library import opcheck

from radial_attention import Plan, merge, radial_attention

ops = torch.ops.radial
LENGTHS = torch.tensor([3, 6])


def test_gradcheck_in_double(plan):
    inputs = random_qkv(plan, key_heads=2, head_dim=16, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda q, k, v: radial_attention(q, k, v, plan, text_lengths=LENGTHS),
        inputs,
        fast_mode=True,
    )


def test_gradcheck_of_every_entry_on_a_tiny_problem():
    mask = torch.tensor([[True, True], [False, True]])
    plan = Plan.from_dense(mask, 66, block_size=64)
    inputs = random_qkv(plan, batch=1, heads=1, head_dim=2, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda q, k, v: radial_attention(q, k, v, plan), inputs)


def test_opcheck_of_every_operator(plan, dtype_of_device):
    device, dtype = dtype_of_device
    lengths = LENGTHS.to(device)
    q, k, v = random_qkv(plan, key_heads=2, dtype=dtype, device=device)
    opcheck(ops.attention.default, (q, k, v, plan.id))
    opcheck(ops.attention.default, (q, k, v, plan.id, 0.5, lengths))
    q, k, v = (x.detach() for x in (q, k, v))
    opcheck(ops.attention_forward.default, (q, k, v, plan.id, None, lengths))
    out, lse = ops.attention_forward(q, k, v, plan.id)
    dout = torch.randn_like(out)
    opcheck(ops.attention_backward.default, (dout, q, k, v, out, lse, plan.id))
    opcheck(ops.merge.default, (out, lse, out, lse))


def test_opcheck_with_heads_before_tokens(plan, device):
    hnd = [x.detach().transpose(1, 2).contiguous() for x in random_qkv(plan, device=device)]
    q, k, v = (x.transpose(1, 2).requires_grad_() for x in hnd)
    opcheck(ops.attention.default, (q, k, v, plan.id))


@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_compile_fullgraph_forward_and_backward(plan, backend, device):
    torch._dynamo.reset()
    lengths = LENGTHS.to(device)

    def block(q, k, v, used):
        out = radial_attention(q * 1.5, k, v, used, text_lengths=lengths)
        return (out * 2).sum()

    compiled = torch.compile(block, fullgraph=True, backend=backend)
    inputs = random_qkv(plan, device=device)
    for used in (plan, Plan.build(3, 5, 7, rule="dense", text_tokens=6, block_size=64)):
        ours = torch.autograd.grad(compiled(*inputs, used), inputs)
        eager = torch.autograd.grad(block(*inputs, used), inputs)
        for left, right in zip(ours, eager):
            torch.testing.assert_close(left, right)


def test_compile_serves_new_plans_and_lengths_without_recompiling(device):
    torch._dynamo.reset()
    counter = torch._dynamo.testing.CompileCounter()
    compiled = torch.compile(radial_attention, fullgraph=True, backend=counter)
    for frames in (3, 4, 5, 6, 7):
        plan = Plan.build(frames, 5, 7, block_size=64)
        q, k, v = (x.detach() for x in random_qkv(plan, device=device))
        torch.testing.assert_close(compiled(q, k, v, plan), radial_attention(q, k, v, plan))
    assert counter.frame_count <= 2  # the second call makes sizes and plan symbols


def test_fake_tensors_have_the_shapes_and_strides_of_real_ones(plan, device):
    from torch._subclasses.fake_tensor import FakeTensorMode

    mode = FakeTensorMode()
    q, k, v = (x.detach() for x in random_qkv(plan, dtype=torch.bfloat16, device=device))
    real = ops.attention(q, k, v, plan.id)
    with mode:
        fake = ops.attention(*(mode.from_tensor(x) for x in (q, k, v)), plan.id)
    for left, right in zip(real, fake):
        assert left.shape == right.shape and left.stride() == right.stride()
        assert left.dtype == right.dtype


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_casts_queries_keys_and_values_alike(plan, dtype, device):
    q, k, v = random_qkv(plan, head_dim=64, dtype=torch.float32, device=device)
    with torch.autocast(device, dtype=dtype):
        out = radial_attention(q, k.to(dtype), v, plan)
    assert out.dtype == dtype
    assert torch.equal(out, radial_attention(q.to(dtype), k.to(dtype), v.to(dtype), plan))
    out.sum().backward()
    assert q.grad.dtype == torch.float32 and torch.isfinite(q.grad).all()


def test_inference_mode_and_no_grad_give_the_same(plan, device):
    q, k, v = random_qkv(plan, device=device)
    expected = radial_attention(q, k, v, plan)
    with torch.inference_mode():
        assert torch.equal(radial_attention(q, k, v, plan), expected)
    with torch.no_grad():
        out = radial_attention(q, k, v, plan)
    assert torch.equal(out, expected) and not out.requires_grad


def test_gradients_of_expanded_outputs_are_taken(plan, device):
    inputs = random_qkv(plan, device=device)
    out = radial_attention(*inputs, plan)
    summed = torch.autograd.grad(out.sum(), inputs, retain_graph=True)
    spelled = torch.autograd.grad(out, inputs, torch.ones_like(out), retain_graph=True)
    assert all(torch.equal(left, right) for left, right in zip(summed, spelled))
    per_sample = torch.randn_like(out[0])  # comes back with a stride of 0 over the batch
    summed = torch.autograd.grad(out, inputs, per_sample.expand_as(out), retain_graph=True)
    spelled = torch.autograd.grad(out, inputs, per_sample.repeat(2, 1, 1, 1))
    assert all(torch.equal(left, right) for left, right in zip(summed, spelled))


def test_results_do_not_depend_on_the_number_of_threads(plan):
    inputs = random_qkv(plan)
    results, threads = [], torch.get_num_threads()
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        out = radial_attention(*inputs, plan)
        results.append((out, *torch.autograd.grad(out.sum(), inputs)))
    torch.set_num_threads(threads)
    for result in results[1:]:
        assert all(torch.equal(left, right) for left, right in zip(results[0], result))


def test_double_backward_is_refused_by_name(plan, device):
    q, k, v = random_qkv(plan, device=device)
    (dq,) = torch.autograd.grad(radial_attention(q, k, v, plan).sum(), q, create_graph=True)
    with pytest.raises(NotImplementedError, match="double backward is not implemented"):
        dq.sum().backward()


def test_gradient_through_the_bare_forward_or_merge_is_refused(plan, device):
    q, k, v = random_qkv(plan, device=device)
    out, lse = ops.attention_forward(q, k, v, plan.id)
    with pytest.raises(RuntimeError, match="radial::attention_forward is not implemented"):
        out.sum().backward()
    out, lse = radial_attention(q, k, v, plan, return_lse=True)
    with pytest.raises(RuntimeError, match="radial::merge is not implemented"):
        merge(out, lse, out, lse)[0].sum().backward()


def test_backward_keeps_the_plan_alive(device):
    plan = Plan.build(3, 5, 7, block_size=64)
    inputs = random_qkv(plan, device=device)
    plan_id = plan.id
    out = radial_attention(*inputs, plan)
    del plan
    gc.collect()
    out.sum().backward()
    assert torch.isfinite(inputs[0].grad).all()
    del out
    with pytest.raises(ValueError, match=f"plan: expected the id of a plan, got {plan_id}"):
        ops.attention(*inputs, plan_id)


BAD_CALLS = {
    "q: has 110 tokens but the plan was built for 111": lambda q, k, v, p: (q[:, 1:], k, v, p),
    "k: has 110 tokens": lambda q, k, v, p: (q, k[:, 1:], v[:, 1:], p),
    "k: expected sizes": lambda q, k, v, p: (q, k[:1], v, p),
    "v: expected sizes": lambda q, k, v, p: (q, k, v[..., :16], p),
    "k: expected heads that divide the 4 of q, got 3": lambda q, k, v, p: (
        q,
        k[:, :, :3],
        v[:, :, :3],
        p,
    ),
    "q: expected 4 dimensions": lambda q, k, v, p: (q[0], k, v, p),
    "k: expected 4 dimensions": lambda q, k, v, p: (q, k[0], v, p),
    "k: expected float32 as q is, got float64": lambda q, k, v, p: (q, k.double(), v, p),
    "v: expected float32, bfloat16, float16 or float64": lambda q, k, v, p: (q, k, v.int(), p),
    "v: expected a contiguous last dimension": lambda q, k, v, p: (
        q,
        k,
        v.transpose(2, 3).contiguous().transpose(2, 3),
        p,
    ),
    "plan: expected the id of a plan, got 12": lambda q, k, v, p: (q, k, v, 12),
    "scale: expected a finite number": lambda q, k, v, p: (q, k, v, p, float("nan")),
    "text_lengths: expected 0 to 6, got 7 for sample 1": lambda q, k, v, p: (
        q,
        k,
        v,
        p,
        None,
        torch.tensor([0, 7]),
    ),
    "text_lengths: expected one length for each of the 2 samples": lambda q, k, v, p: (
        q,
        k,
        v,
        p,
        None,
        torch.tensor([0]),
    ),
    "text_lengths: expected int32 or int64": lambda q, k, v, p: (
        q,
        k,
        v,
        p,
        None,
        torch.tensor([0.0, 1.0]),
    ),
}


@pytest.mark.parametrize("message", BAD_CALLS)
def test_bad_argument_is_named(plan, message):
    q, k, v = (x.detach() for x in random_qkv(plan))
    with pytest.raises((ValueError, NotImplementedError)) as raised:
        ops.attention(*BAD_CALLS[message](q, k, v, plan.id))
    assert str(raised.value).startswith(message) and "\n" not in str(raised.value)


def test_bad_backward_argument_is_named(plan):
    q, k, v = (x.detach() for x in random_qkv(plan))
    out, lse = ops.attention_forward(q, k, v, plan.id)
    with pytest.raises(ValueError, match="lse: expected sizes"):
        ops.attention_backward(out, q, k, v, out, lse[:, :1], plan.id)
    with pytest.raises(ValueError, match="dout: expected sizes"):
        ops.attention_backward(out[:, :5], q, k, v, out, lse, plan.id)


def test_unknown_tensor_layout_is_named(plan):
    q, k, v = random_qkv(plan)
    with pytest.raises(ValueError, match="tensor_layout: expected NHD or HND, got 'BSHD'"):
        radial_attention(q, k, v, plan, tensor_layout="BSHD")


def test_chosen_implementation_runs_on_the_device(plan, device):
    q, k, v = (x.detach() for x in random_qkv(plan, device=device))
    assert ops.chosen_implementation(q, k, v, plan.id) in ops.implementations(device)


def test_repeats_give_the_same_bits(plan, device):
    inputs = random_qkv(plan, key_heads=2, device=device)
    dout = torch.randn_like(inputs[0])
    results = []
    for _ in range(3):
        out = radial_attention(*inputs, plan)
        results.append((out, *torch.autograd.grad(out, inputs, dout)))
    for result in results[1:]:
        assert all(torch.equal(left, right) for left, right in zip(results[0], result))


def test_replay_of_a_cuda_graph_gives_the_same_bits(plan, device):
    if device != "cuda":
        pytest.skip("graphs are CUDA's")
    q, k, v = (x.detach() for x in random_qkv(plan, key_heads=2, device=device))
    dout = torch.randn_like(q)

    def step():
        out, lse = ops.attention_forward(q, k, v, plan.id)
        return (out, lse, *ops.attention_backward(dout, q, k, v, out, lse, plan.id))

    expected = [x.clone() for x in step()]
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = step()
    for _ in range(2):
        for x in results:
            x.fill_(float("nan"))
        graph.replay()
        torch.cuda.synchronize()
        assert all(torch.equal(left, right) for left, right in zip(results, expected))


def test_text_lengths_on_another_device_are_refused(plan, device):
    if device != "cuda":
        pytest.skip("needs two devices")
    q, k, v = random_qkv(plan, device=device)
    with pytest.raises(ValueError, match="text_lengths: expected a tensor on cuda:0"):
        radial_attention(q, k, v, plan, text_lengths=LENGTHS)


def test_chosen_implementation_can_be_forced(plan, monkeypatch):
    q, k, v = (x.detach() for x in random_qkv(plan))
    assert ops.chosen_implementation(q, k, v, plan.id) in ops.implementations("cpu")
    monkeypatch.setenv("RADIAL_IMPLEMENTATION", "reference")
    assert ops.chosen_implementation(q, k, v, plan.id) == "reference"
    monkeypatch.setenv("RADIAL_IMPLEMENTATION", "fastest")
    with pytest.raises(ValueError, match="implementation: expected one of"):
        ops.attention(q, k, v, plan.id)
