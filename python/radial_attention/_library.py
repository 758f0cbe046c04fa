"""Finds libradial_torch.so and loads it."""

from pathlib import Path

import torch

_NAME = "libradial_torch.so"


def _candidates():
    package = Path(__file__).resolve().parent
    yield package / _NAME
    project = package.parent.parent  # running from a source tree
    if (project / "torch_ops").is_dir():
        yield project / "build" / "cuda" / _NAME
        yield project / "build" / "release" / _NAME


def load_library(path=None):
    """Loads the operators: from `path`, else from the package's folder, else from the build folder
    of the source tree it lies in. Does nothing if they are there already."""
    if hasattr(torch.ops.radial, "attention"):
        return
    candidates = [Path(path)] if path is not None else list(_candidates())
    for candidate in candidates:
        if candidate.is_file():
            torch.ops.load_library(str(candidate))
            return
    tried = ", ".join(str(candidate) for candidate in candidates)
    raise ImportError(f"{_NAME} not found (tried {tried}); build it with scripts/setup")
