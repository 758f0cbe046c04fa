"""What runs on a CPU: ours by implementation, torch's SDPA, FlexAttention, a matrix product."""

import os
import platform

import torch
import torch.nn.functional as F

from . import ours
from .ours import differentiated
from .shapes import Candidate


def describe_machine():
    name = platform.processor()
    try:
        with open("/proc/cpuinfo") as lines:
            found = dict(line.split(":", 1) for line in lines if ":" in line)
        values = {key.strip(): value.strip() for key, value in found.items()}
        wanted = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16")
        flags = [flag for flag in wanted if flag in values.get("flags", "").split()]
        name = values.get("model name", name)
    except OSError:
        flags = []
    return {"machine": name, "flags": flags, "threads": torch.get_num_threads(),
            "load": os.getloadavg()[0]}


def ceilings(dtype):
    size = 4096
    left, right = torch.randn(2, size, size).to(dtype)
    out = torch.empty(size, size, dtype=dtype)
    flops = 2.0 * size**3
    return {f"matmul {size}^3": Candidate(lambda: torch.mm(left, right, out=out), "dense", flops)}


def sdpa(problem, kind):
    inputs, state = (problem.q_hnd, problem.k_hnd, problem.v_hnd), {}
    flops = problem.flops(kind, "dense")
    if kind == "fwd":

        def run():
            with torch.no_grad():
                return F.scaled_dot_product_attention(*inputs)

        return Candidate(run, "dense", flops, "HND")
    run, with_dout = differentiated(
        F.scaled_dot_product_attention, inputs, problem.dout_hnd, state
    )
    return Candidate(run, "dense", flops, "HND", with_dout, state)


def flex(problem, kind):
    from torch.nn.attention.flex_attention import flex_attention

    block_mask = problem.plan.to_block_mask(problem.device)
    compiled = torch.compile(
        lambda q, k, v: flex_attention(q, k, v, block_mask=block_mask), dynamic=False
    )
    inputs, state = (problem.q_hnd, problem.k_hnd, problem.v_hnd), {}
    flops = problem.flops(kind, "plan")
    if kind == "fwd":

        def run():
            with torch.no_grad():
                return compiled(*inputs)

        return Candidate(run, "plan", flops, "HND")
    run, with_dout = differentiated(compiled, inputs, problem.dout_hnd, state)
    return Candidate(run, "plan", flops, "HND", with_dout, state)


def candidates(problem, kind, failed):
    found = ours.candidates(problem, kind)
    found["sdpa"] = sdpa(problem, kind)
    found["flex"] = flex(problem, kind)
    return found
