"""Plans: which blocks of keys each block of queries computes."""

import torch


class Plan:
    """A block plan. Immutable; build it once per token layout and share it between heads, layers,
    steps and samples. Operators know it by `id`, so keep it until the last backward has run."""

    def __init__(self, handle):
        self.handle = handle  # torch.classes.radial.Plan
        self.id = handle.id()

    @classmethod
    def build(cls, frames, grid_h, grid_w, **options):
        """The plan of a mask over `frames` x `grid_h` x `grid_w` tokens.

        Options: rule="radial", reference_tokens=0, text_tokens=0 (global tokens before and after
        the video), tile=() (rows and columns of a tile of the token order; none: raster),
        block_size=128, decay_factor=1.0, sink=None, sink_frames=1, distance_one="rule",
        thinning=None, thinning_threshold=None, span=None, width=None, window=None (frames, tile
        rows, tile columns), density=None (choose the rule's parameter for this share of blocks).
        """
        return cls(torch.ops.radial.build_plan(frames, grid_h, grid_w, **options))

    @classmethod
    def from_dense(cls, block_mask, query_tokens, key_tokens=None, **options):
        """From a boolean block mask [QB, KB], or [P, QB, KB] with head_patterns=[pattern of each
        head]. Options: block_size=128, text_tokens=0, head_patterns=()."""
        key_tokens = query_tokens if key_tokens is None else key_tokens
        return cls(
            torch.ops.radial.plan_from_dense(block_mask, query_tokens, key_tokens, **options)
        )

    @classmethod
    def from_csr(cls, indptr, indices, query_tokens, key_tokens=None, **options):
        """From compressed sparse rows, each a tensor or a list with one tensor per pattern."""
        key_tokens = query_tokens if key_tokens is None else key_tokens
        indptr = [indptr] if isinstance(indptr, torch.Tensor) else list(indptr)
        indices = [indices] if isinstance(indices, torch.Tensor) else list(indices)
        return cls(
            torch.ops.radial.plan_from_csr(indptr, indices, query_tokens, key_tokens, **options)
        )

    @classmethod
    def from_block_mask(cls, block_mask, keep_partial=False):
        """From FlexAttention's BlockMask (batch 1; several heads become several patterns).

        Attention here computes whole blocks: a mask with partial blocks is refused, unless
        `keep_partial` asks to compute every pair of those, too.
        """
        if block_mask.BLOCK_SIZE[0] != block_mask.BLOCK_SIZE[1]:
            raise ValueError(f"block_mask: expected square blocks, got {block_mask.BLOCK_SIZE}")
        if block_mask.kv_num_blocks.shape[0] != 1:
            batch = block_mask.kv_num_blocks.shape[0]
            raise ValueError(f"block_mask: expected batch 1, got {batch}")
        partial, full = _dense_of(block_mask)
        if partial.any() and not keep_partial:
            raise ValueError(
                f"block_mask: expected full blocks only, got {int(partial.sum())} partial ones "
                "(keep_partial=True computes them whole)"
            )
        dense = partial | full
        heads = dense.shape[0]
        return cls.from_dense(
            dense,
            *block_mask.seq_lengths,
            block_size=block_mask.BLOCK_SIZE[0],
            head_patterns=list(range(heads)) if heads > 1 else [],
        )

    @classmethod
    def combine(cls, plans, head_patterns):
        """One plan out of several over the same tokens: head h uses plans[head_patterns[h]]."""
        return cls(torch.ops.radial.combine_plans([plan.handle for plan in plans], head_patterns))

    @property
    def block_size(self):
        return self.handle.block_size()

    @property
    def query_tokens(self):
        return self.handle.query_tokens()

    @property
    def key_tokens(self):
        return self.handle.key_tokens()

    @property
    def text_tokens(self):
        return self.handle.text_tokens()

    @property
    def num_patterns(self):
        return self.handle.num_patterns()

    @property
    def head_patterns(self):
        """Pattern of each head; empty if all use the first."""
        return self.handle.head_patterns()

    @property
    def description(self):
        """Rule, version, parameters and layout in one line."""
        return self.handle.description()

    @property
    def warnings(self):
        return self.handle.warnings()

    def stats(self, pattern=0):
        """kept_blocks, all_blocks, density, shortest_, median_, longest_ row and column,
        runs_per_row, empty_rows."""
        return dict(self.handle.stats(pattern))

    def kept_pairs(self, head=0):
        """Pairs of a query and a key that one head computes."""
        return self.handle.kept_pairs(head)

    def to_dense(self, pattern=0):
        """Boolean block mask [QB, KB]."""
        return self.handle.to_dense(pattern)

    def to_csr(self, pattern=0):
        """(indptr [QB + 1], indices [kept blocks]), int32."""
        return self.handle.to_csr(pattern)

    def to_block_mask(self, device="cpu", pattern=0):
        """FlexAttention's BlockMask with all kept blocks full."""
        from torch.nn.attention.flex_attention import BlockMask

        counts, indices = (x[None, None].to(device) for x in self.handle.to_flex(pattern))
        return BlockMask.from_kv_blocks(
            torch.zeros_like(counts),
            torch.zeros_like(indices),
            counts,
            indices,
            BLOCK_SIZE=self.block_size,
            mask_mod=_every_pair,
            seq_lengths=(self.query_tokens, self.key_tokens),
        )

    def permutation(self, inverse=False):
        """For each place of the sequence in the plan's token order the place of its token in
        raster order [S]; `inverse` the other way round."""
        return self.handle.permutation(inverse)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return Plan, (self.handle,)

    def __repr__(self):
        return f"Plan({self.description}; density {self.stats()['density']:.4f})"


def implementations(device="cpu"):
    """Names of the implementations that this machine can run on `device`, in order of preference.
    The environment variable RADIAL_IMPLEMENTATION forces one."""
    return torch.ops.radial.implementations(device)


def _every_pair(batch, head, query, key):
    return query + key >= 0


def _dense_of(block_mask):
    """The partial and the full blocks of a BlockMask of batch 1, each bool [H, QB, KB]."""
    columns = block_mask.kv_indices.shape[-1]
    parts = []
    for counts, indices in (
        (block_mask.kv_num_blocks, block_mask.kv_indices),
        (block_mask.full_kv_num_blocks, block_mask.full_kv_indices),
    ):
        if counts is None:
            parts.append(torch.zeros_like(parts[0]))
            continue
        counts, indices = counts[0].cpu().long(), indices[0].cpu().long()
        used = torch.arange(columns) < counts[..., None]
        blocks = torch.zeros(*counts.shape, columns + 1, dtype=torch.bool)
        blocks.scatter_(-1, torch.where(used, indices, columns), True)
        parts.append(blocks[..., :columns])
    return parts
