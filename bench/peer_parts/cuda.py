"""What runs on an NVIDIA GPU: ours, SDPA (cuDNN, flash), FlexAttention (Triton, flash),
FlashAttention 4 with and without block sparsity, cuDNN's flex_attention."""

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from . import ours
from .ours import differentiated
from .shapes import Candidate


def describe_machine():
    properties = torch.cuda.get_device_properties(0)
    return {"machine": properties.name, "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(), "driver_visible": torch.cuda.device_count()}


def ceilings(dtype):
    size = 8192
    left, right = torch.randn(2, size, size, device="cuda").to(dtype)
    out = torch.empty(size, size, device="cuda", dtype=dtype)
    flops = 2.0 * size**3
    return {f"matmul {size}^3": Candidate(lambda: torch.mm(left, right, out=out), "dense", flops)}


def candidate_of(forward, inputs, dout, kind, mask, flops, layout):
    """A candidate from a differentiable function of (q, k, v)."""
    if kind == "fwd":

        def run():
            with torch.no_grad():
                return forward(*inputs)

        def repeat(calls):
            with torch.no_grad():
                for _ in range(calls):
                    forward(*inputs)

        return Candidate(run, mask, flops, layout, repeat=repeat)
    state = {}
    run, with_dout = differentiated(forward, inputs, dout, state)
    return Candidate(run, mask, flops, layout, with_dout, state)


def on_nhd(problem, kind, mask, forward):
    inputs = (problem.q, problem.k, problem.v)
    flops = problem.flops(kind, mask)
    return candidate_of(forward, inputs, problem.dout, kind, mask, flops, "NHD")


def on_hnd(problem, kind, mask, forward):
    inputs = (problem.q_hnd, problem.k_hnd, problem.v_hnd)
    flops = problem.flops(kind, mask)
    return candidate_of(forward, inputs, problem.dout_hnd, kind, mask, flops, "HND")


def sdpa(backend):
    def build(problem, kind):
        def forward(q, k, v):
            with sdpa_kernel(backend):
                return F.scaled_dot_product_attention(q, k, v)

        candidate = on_hnd(problem, kind, "dense", forward)
        if kind == "fwd":

            def repeat(calls):
                with sdpa_kernel(backend), torch.no_grad():
                    for _ in range(calls):
                        F.scaled_dot_product_attention(*inputs)

            inputs = (problem.q_hnd, problem.k_hnd, problem.v_hnd)
            candidate.repeat = repeat
        return candidate

    return build


def flex(options):
    def build(problem, kind):
        from torch.nn.attention.flex_attention import flex_attention

        block_mask = problem.plan.to_block_mask("cuda")
        compiled = torch.compile(
            lambda q, k, v: flex_attention(
                q, k, v, block_mask=block_mask, kernel_options=options or None
            ),
            dynamic=False,
        )
        return on_hnd(problem, kind, "plan", compiled)

    return build


def block_lists(dense):
    """Counts [QB] and ascending indices [QB, most] of a boolean block mask, as FA4 wants them."""
    counts = dense.sum(1, dtype=torch.int32)
    order = torch.argsort((~dense).to(torch.int8), dim=1, stable=True).to(torch.int32)
    indices = order[:, : int(counts.max())]
    unused = torch.arange(indices.shape[1], device=dense.device) >= counts[:, None]
    return counts, indices.masked_fill(unused, 0).contiguous()


def full_blocks(dense):
    """FA4's block-sparse tensors: no partial blocks, every kept block full."""
    from flash_attn.cute.block_sparsity import BlockSparseTensorsTorch

    counts, indices = block_lists(dense)
    none = torch.zeros_like(counts)[None, None]
    return BlockSparseTensorsTorch(
        none, none[..., None].contiguous(), counts[None, None].contiguous(),
        indices[None, None].contiguous(), block_size=(128, 128)
    )


def fa4(sparse):
    def build(problem, kind):
        from flash_attn.cute import interface

        if sparse and problem.tokens % 128:
            raise ValueError(f"needs a multiple of 128 tokens, got {problem.tokens}")
        dense = problem.plan.to_dense().cuda()
        forward_options = {"block_sparse_tensors": full_blocks(dense)} if sparse else {}
        backward_options = {}
        if sparse and kind == "bwd":
            backward_options["block_sparse_tensors"] = full_blocks(dense.T.contiguous())
        mask = "plan" if sparse else "dense"
        inputs = (problem.q, problem.k, problem.v)
        flops = problem.flops(kind, mask)
        if kind == "fwd":
            return Candidate(
                lambda: interface._flash_attn_fwd(*inputs, **forward_options)[0], mask, flops
            )
        state = {}

        def run_with(dout):
            if not state:
                state["out"], state["lse"] = interface._flash_attn_fwd(
                    *inputs, return_lse=True, **forward_options
                )[:2]
            return interface._flash_attn_bwd(
                *inputs, state["out"], dout, state["lse"], **backward_options
            )

        return Candidate(lambda: run_with(problem.dout), mask, flops, "NHD", run_with, state)

    return build


def key_intervals(problem):
    """cuDNN's form of a mask: per query the keys [0, f0), [f1, f2), ..., int32 [1, 2 r + 1, S]."""
    rows = []
    for row in problem.plan.to_dense().to(torch.int8):
        ends = torch.nn.functional.pad(row, (1, 1)).diff().nonzero().flatten().tolist()
        rows.append(ends[1:] if ends and ends[0] == 0 else [0, *ends])
    most = max(len(row) for row in rows)
    table = torch.tensor([row + [row[-1]] * (most - len(row)) for row in rows]) * 128
    table = table.clamp(max=problem.tokens).to(torch.int32).repeat_interleave(128, 0)
    return table[: problem.tokens].T[None].contiguous()


def cudnn_flex(problem, kind):
    from cudnn import flex_attention

    inputs = [x.detach().requires_grad_() for x in (problem.q, problem.k, problem.v)]
    plan = flex_attention.create_mask_plan(
        key_intervals(problem).cuda(), *inputs, build_backward=kind == "bwd"
    )

    def forward(q, k, v):
        return flex_attention.flex_attn_func(q, k, v, mask_plan=plan)

    return on_nhd(problem, kind, "plan", forward)


BUILDERS = {
    "sdpa cudnn": sdpa(SDPBackend.CUDNN_ATTENTION),
    "sdpa flash": sdpa(SDPBackend.FLASH_ATTENTION),
    "flex triton": flex({}),
    "flex flash": flex({"BACKEND": "FLASH"}),
    "fa4": fa4(sparse=False),
    "fa4 sparse": fa4(sparse=True),
    "cudnn flex": cudnn_flex,
}


def candidates(problem, kind, failed, best_only):
    found = ours.candidates(problem, kind, best_only)
    for name, build in BUILDERS.items():
        try:
            found[name] = build(problem, kind)
        except Exception as error:  # not installed, or not for this shape
            failed[f"{name} {kind}"] = f"{type(error).__name__}: {error}".split("\n")[0][:300]
    return found
