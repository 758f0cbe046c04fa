"""What runs on a CPU: ours by implementation, torch's SDPA, FlexAttention, a matrix product."""

import os

import torch
import torch.nn.functional as F

from . import ours
from .ours import differentiated
from .shapes import Candidate


def first_processor():
    """The first entry of /proc/cpuinfo; empty where there is none."""
    try:
        with open("/proc/cpuinfo") as lines:
            entry = lines.read().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in entry.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def describe_machine():
    """Makers give one name to several generations: family, model and stepping tell them apart."""
    known = first_processor()
    parts = {"family": "cpu family", "model": "model", "stepping": "stepping"}
    numbers = [f"{word} {known[key]}" for word, key in parts.items() if key in known]
    wanted = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16")
    return {
        "machine": ", ".join([known.get("model name", "unknown processor"), *numbers]),
        "flags": [flag for flag in wanted if flag in known.get("flags", "").split()],
        "processors": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0],
    }


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

        return Candidate(run, "plan", flops, "HND", compiles=True)
    run, with_dout = differentiated(compiled, inputs, problem.dout_hnd, state)
    return Candidate(run, "plan", flops, "HND", with_dout, state, compiles=True)


def candidates(problem, kind, failed, best_only):
    found = ours.candidates(problem, kind, best_only)
    found["sdpa"] = sdpa(problem, kind)
    found["flex"] = flex(problem, kind)
    return found
