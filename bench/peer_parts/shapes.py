"""What is measured: shapes by name, and the tensors of one."""

import dataclasses

import torch

from radial_attention import Plan


@dataclasses.dataclass(frozen=True)
class Shape:
    name: str
    grid: tuple  # latent frames, token rows, token columns
    heads: int
    head_dim: int
    rule: str = "radial"
    decay_factor: float = 1.0
    batch: int = 1


def _cpu_shapes():
    for grid, label in (((21, 30, 52), "480p"), ((32, 30, 32), "square")):
        for head_dim in (128, 64):
            for heads in (2, 8):
                yield Shape(f"{label}_h{heads}_d{head_dim}", grid, heads, head_dim)
    for tokens, grid in (("4k", (16, 16, 16)), ("16k", (16, 32, 32))):
        yield Shape(f"dense_{tokens}", grid, 2, 128, rule="dense")
    yield Shape("dense_4k_d64", (16, 16, 16), 2, 64, rule="dense")
    for frames, length in ((13, "1x"), (49, "4x")):
        yield Shape(f"demo_{length}", (frames, 16, 16), 4, 64)
    # For a look rather than a record: 3,840 tokens.
    yield Shape("small", (15, 16, 16), 2, 128)


def _cuda_shapes():
    released = {"rule": "released-v2", "decay_factor": 0.2}
    yield Shape("s1", (18, 48, 80), 12, 128, **released)  # Wan 768p, 69 frames
    yield Shape("s1_h40", (18, 48, 80), 40, 128, **released)
    yield Shape("s1_d64", (18, 48, 80), 24, 64, **released)
    yield Shape("s2", (81, 48, 80), 4, 128, **released)  # the same model, 321 frames
    yield Shape("s3", (30, 48, 80), 12, 128, rule="released-hunyuan", decay_factor=0.95)
    yield Shape("s4", (21, 30, 52), 40, 128, **released)  # 480p, 81 frames: a ragged last block
    yield Shape("radial", (18, 48, 80), 12, 128)
    yield Shape("small", (8, 16, 32), 4, 128, **released)
    yield Shape("tiny", (4, 16, 16), 2, 128, **released)  # 1,024 tokens: what a call costs the host


def shapes_of(device):
    shapes = _cpu_shapes() if device == "cpu" else _cuda_shapes()
    return {shape.name: shape for shape in shapes}


class Problem:
    """Random tensors of a shape. q, k, v, dout: [B, S, H, D]; *_hnd: the same as [B, H, S, D] in
    memory of that order, for peers that want it."""

    def __init__(self, shape, dtype, device):
        self.shape, self.dtype, self.device = shape, dtype, device
        self.plan = Plan.build(*shape.grid, rule=shape.rule, decay_factor=shape.decay_factor)
        self.dense_plan = Plan.build(*shape.grid, rule="dense")
        self.tokens = self.plan.query_tokens
        size = (shape.batch, self.tokens, shape.heads, shape.head_dim)
        self.q, self.k, self.v, self.dout = (
            torch.randn(size, dtype=torch.float32).to(device, dtype) for _ in range(4)
        )
        self.q_hnd, self.k_hnd, self.v_hnd, self.dout_hnd = (
            x.transpose(1, 2).contiguous() for x in (self.q, self.k, self.v, self.dout)
        )

    def flops(self, kind, mask):
        """Operations that a candidate has to do."""
        pairs = self.tokens**2 if mask == "dense" else self.plan.kept_pairs()
        per_pair = 4 if kind == "fwd" else 10
        shape = self.shape
        return per_pair * shape.head_dim * pairs * shape.heads * shape.batch

    def describe(self):
        stats = self.plan.stats()
        return dataclasses.asdict(self.shape) | {
            "tokens": self.tokens,
            "kept_blocks": int(stats["kept_blocks"]),
            "density": stats["density"],
            "plan": self.plan.description,
        }


@dataclasses.dataclass
class Candidate:
    """Something to time. `run(*leaves)` gives out, or (dq, dk, dv) for kind "bwd"; `as_nhd` brings
    one result to [B, S, H, D]. `with_dout(dout)` is a one-off run of the backward for the check;
    `repeat(calls)` runs that often with nothing in between that only a benchmark needs.
    `compiles`: the first call does not count, it is the compiler's."""

    run: callable
    mask: str  # "dense" or "plan"
    flops: float
    layout: str = "NHD"
    with_dout: callable = None
    state: dict = dataclasses.field(default_factory=dict)
    compiles: bool = False
    error_over_budget: float = None
    call_s: float = 0  # of the checked call; with kind "bwd" its forward is part of it
    repeat: callable = None

    def __post_init__(self):
        if self.repeat is None:
            self.repeat = self._repeat

    def _repeat(self, calls):
        for _ in range(calls):
            self.run()
