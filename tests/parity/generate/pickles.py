"""Makes the files of tests/unit/video_checkpoint/data: what torch.save writes, good and bad.

    python pickles.py ../../unit/video_checkpoint/data
"""
import collections
import os
import sys
from pathlib import Path

import torch


class Harm:
    def __reduce__(self):
        return (os.system, ("true",))


def main():
    folder = Path(sys.argv[1])
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    state = collections.OrderedDict(
        plain=base.clone(), transposed=base.t(), part=base[1:3, 2:5], scalar=torch.tensor(2.5),
        half=base[:2].to(torch.bfloat16), number=torch.tensor([1, -2], dtype=torch.int64),
        flags=torch.tensor([True, False]), empty=torch.zeros(0, 3), weight=torch.nn.Parameter(base[0].clone()))
    torch.save(state, folder / "state.pt")
    model = torch.nn.Linear(2, 1)
    model.weight.data = torch.tensor([[1.0, 2.0]])
    model.bias.data = torch.tensor([3.0])
    torch.save({"state_dict": model.state_dict()}, folder / "module.pt")
    torch.save({"weight": base, "harm": Harm()}, folder / "harm.pt")
    torch.save({"weight": base, "step": 3}, folder / "step.pt")
    torch.save([base], folder / "list.pt")
    torch.save({"weight": base.expand(5, 4, 6)}, folder / "expanded.pt")
    torch.save({"weight": base}, folder / "old.pt", _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    main()
