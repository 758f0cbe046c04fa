"""Every candidate is compared with the exact result before it is timed.

Exact: float64 from the rounded inputs, for a sample of queries. The backward is checked with a
gradient that is zero but for the sampled queries, so that dk and dv follow from those alone.
Budget: twice the error of the plain formula in the candidates' type, plus noise: the rounding of the
result to that type, and float32 sums of the formula's terms (as tests/support/error_budget.cpp).
The check of a peer only has to show that it computes the same: torch's SDPA leaves the budget by a
few percent in the bfloat16 backward of long videos, and its time is wanted all the same.
"""

import time

import torch

SAMPLED = 32
PEER_LIMIT = 4  # times the budget; ours has to keep it
HEAD = -1  # one head is compared whole


def sampled_rows(problem):
    generator = torch.Generator().manual_seed(3)
    last = torch.tensor([0, problem.tokens - 1])
    some = torch.randint(problem.tokens, (SAMPLED - 2,), generator=generator)
    return torch.cat((last, some)).unique().to(problem.device)


def token_rows(problem, rows, mask):
    """What the sampled queries may see: bool [rows, S]."""
    if mask == "dense":
        return torch.ones(len(rows), problem.tokens, dtype=torch.bool, device=problem.device)
    size = problem.plan.block_size
    blocks = problem.plan.to_dense().to(problem.device)[rows // size]
    return blocks.repeat_interleave(size, 1)[:, : problem.tokens]


def formula(problem, rows, mask, dtype, kind):
    """out of the sampled queries, or dq of them and dk, dv, of the first sample's compared head."""
    q, k, v, dout = (
        x[0, :, HEAD].to(dtype) for x in (problem.q, problem.k, problem.v, problem.dout)
    )
    q, dout = q[rows], dout[rows]
    inputs = [x.clone().requires_grad_(kind == "bwd") for x in (q, k, v)]
    scores = inputs[0] @ inputs[1].T * problem.shape.head_dim**-0.5
    weights = scores.masked_fill(~token_rows(problem, rows, mask), float("-inf")).softmax(-1)
    out = weights @ inputs[2]
    return [out] if kind == "fwd" else list(torch.autograd.grad(out, inputs, dout))


def sums_of_absolute_terms(problem, rows, mask, kind):
    """What rounding errors of float32 sums are relative to: for each result its largest sum, times
    one more than the largest score's, as an exponential makes its score's error relative."""
    q, k, v, dout = (
        x[0, :, HEAD].double() for x in (problem.q, problem.k, problem.v, problem.dout)
    )
    q, dout, scale = q[rows], dout[rows], problem.shape.head_dim**-0.5
    seen = token_rows(problem, rows, mask)
    weights = (q @ k.T * scale).masked_fill(~seen, float("-inf")).softmax(-1)
    q, k, v, dout = q.abs(), k.abs(), v.abs(), dout.abs()
    out = weights @ v
    dscores = weights * (dout @ v.T + (dout * out).sum(-1, keepdim=True)) * scale
    terms = [out] if kind == "fwd" else [dscores @ k, dscores.T @ q, weights.T @ dout]
    factor = 1 + (q @ k.T * scale).amax().item()
    return [factor * x.amax().item() for x in terms]


def ours_at(candidate, problem, rows, kind):
    if kind == "fwd":
        results = [candidate.run()]
    else:
        dout = torch.zeros_like(problem.dout)
        dout[:, rows] = problem.dout[:, rows]
        if candidate.layout == "HND":
            dout = dout.transpose(1, 2).contiguous()
        results = list(candidate.with_dout(dout))
    if candidate.layout == "HND":
        results = [x.transpose(1, 2) for x in results]
    results = [x[0, :, HEAD] for x in results]
    results[0] = results[0][rows]
    return results


def timed_result(candidate, problem, rows, kind):
    """What `ours_at` gives; the call's seconds go to the candidate."""
    for _ in range(2 if candidate.compiles else 1):
        begin = time.perf_counter()
        results = ours_at(candidate, problem, rows, kind)
        if problem.device == "cuda":
            torch.cuda.synchronize()
        candidate.call_s = time.perf_counter() - begin
    return results


def error_over_budget(results, yardstick, exact, terms):
    worst = 0.0
    for ours, plain, right, sums in zip(results, yardstick, exact, terms):
        error = (ours.double() - right).abs().max().item()
        budget = 2 * (plain.double() - right).abs().max().item()
        budget += torch.finfo(ours.dtype).eps / 2 * right.abs().max().item()
        budget += 2 * torch.finfo(torch.float32).eps * sums
        worst = max(worst, error / budget if error == error else float("inf"))
    return worst


def check_all(problem, candidates, kind, failed):
    """The candidates within the budget; the others go to `failed` with the reason."""
    rows = sampled_rows(problem)
    known, right = {}, {}
    for name, candidate in candidates.items():
        if candidate.mask not in known:
            known[candidate.mask] = [
                formula(problem, rows, candidate.mask, dtype, kind)
                for dtype in (problem.dtype, torch.float64)
            ] + [sums_of_absolute_terms(problem, rows, candidate.mask, kind)]
        try:
            results = timed_result(candidate, problem, rows, kind)
            candidate.error_over_budget = error_over_budget(results, *known[candidate.mask])
        except Exception as error:  # a peer that cannot run must not stop the others
            failed[f"{name} {kind}"] = f"{type(error).__name__}: {error}".split("\n")[0][:300]
            continue
        if candidate.error_over_budget <= (1 if name.startswith("ours") else PEER_LIMIT):
            right[name] = candidate
        else:
            failed[f"{name} {kind}"] = f"error {candidate.error_over_budget:.2f} of the budget"
    return right
