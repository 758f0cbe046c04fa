"""Radial attention for PyTorch: block-sparse attention under masks for video, forward and backward.

    plan = radial_attention.Plan.build(frames=21, grid_h=45, grid_w=80)     # once per token layout
    out = radial_attention.radial_attention(q, k, v, plan)                  # q, k, v: [B, S, H, D]
"""

from ._library import load_library

load_library()

from .functional import block_sparse_attention, merge, radial_attention  # noqa: E402
from .plan import Plan, implementations  # noqa: E402

__all__ = ["Plan", "block_sparse_attention", "implementations", "merge", "radial_attention"]
