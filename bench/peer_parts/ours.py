"""Ours, by implementation and with every block, and what all differentiated candidates share."""

import os

import torch

from radial_attention import implementations, radial_attention

from .shapes import Candidate


class forced:
    """Runs with one implementation."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.before = os.environ.get("RADIAL_IMPLEMENTATION")
        os.environ["RADIAL_IMPLEMENTATION"] = self.name

    def __exit__(self, *_):
        if self.before is None:
            del os.environ["RADIAL_IMPLEMENTATION"]
        else:
            os.environ["RADIAL_IMPLEMENTATION"] = self.before


def differentiated(forward, inputs, dout, state):
    """The backward of `forward(*inputs)`, whose graph is made once and kept in `state`; and a
    function of another dout."""

    def run_with(gradient):
        if "out" not in state:
            state["inputs"] = [x.detach().requires_grad_() for x in inputs]
            state["out"] = forward(*state["inputs"])
        return torch.autograd.grad(state["out"], state["inputs"], gradient, retain_graph=True)

    return (lambda: run_with(dout)), run_with


def candidate(problem, kind, name, mask="plan"):
    inputs, state = (problem.q, problem.k, problem.v), {}
    flops = problem.flops(kind, mask)
    plan = problem.plan if mask == "plan" else problem.dense_plan

    def forward(*leaves):
        return radial_attention(*leaves, plan)

    if kind == "fwd":

        def run():
            with forced(name), torch.no_grad():
                return forward(*inputs)

        def repeat(calls):
            with forced(name), torch.no_grad():
                for _ in range(calls):
                    forward(*inputs)

        return Candidate(run, mask, flops, repeat=repeat)
    backward, with_dout = differentiated(forward, inputs, problem.dout, state)

    def run():
        with forced(name):
            return backward()

    def run_with(dout):
        with forced(name):
            return with_dout(dout)

    def repeat(calls):
        with forced(name):
            for _ in range(calls):
                backward()

    return Candidate(run, mask, flops, with_dout=run_with, state=state, repeat=repeat)


def candidates(problem, kind, best_only):
    """One for each implementation, or only for the one that runs by default; that one also under
    the dense rule, as "ours dense"."""
    default = torch.ops.radial.chosen_implementation(
        problem.q, problem.k, problem.v, problem.plan.id
    )
    names = [name for name in implementations(problem.device) if name != "reference"]
    if best_only:
        names = [default]
    found = {f"ours {name}": candidate(problem, kind, name) for name in names}
    if problem.shape.rule != "dense":
        found["ours dense"] = candidate(problem, kind, default, "dense")
    return found
