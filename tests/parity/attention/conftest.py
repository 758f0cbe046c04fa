"""Loads the operators, and makes devices and problems for the tests of this folder.

Tests that take `device` run on the CPU and, where torch has CUDA and the operators have kernels for
the GPU, on it. RADIAL_EXPECT_CUDA=1 makes it an error that they have not.
"""

import os
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "python"))


def pytest_addoption(parser):
    parser.addoption("--library", help="libradial_torch.so to test; default: the package's search")


def pytest_configure(config):
    library = config.getoption("--library")
    if library:
        torch.ops.load_library(library)
    torch.manual_seed(7)


def cuda_has_kernels():
    """torch finds a GPU, and the library an implementation that runs on it."""
    return torch.cuda.is_available() and len(torch.ops.radial.implementations("cuda")) > 0


def pytest_sessionstart(session):
    import radial_attention  # noqa: F401  loads the operators where --library did not

    if os.environ.get("RADIAL_EXPECT_CUDA") == "1" and not cuda_has_kernels():
        found = "a GPU" if torch.cuda.is_available() else "no GPU"
        pytest.exit(f"RADIAL_EXPECT_CUDA=1: torch finds {found}, the operators no kernels", 1)


def pytest_generate_tests(metafunc):
    on_cuda = cuda_has_kernels()
    if "dtype_of_device" in metafunc.fixturenames:
        types = [("cpu", x) for x in (torch.float32, torch.bfloat16, torch.float16)]
        types += [("cuda", x) for x in (torch.bfloat16, torch.float16) if on_cuda]
        names = [f"{device}-{str(dtype).removeprefix('torch.')}" for device, dtype in types]
        metafunc.parametrize("dtype_of_device", types, ids=names)
    elif "device" in metafunc.fixturenames:
        metafunc.parametrize("device", ["cpu", "cuda"] if on_cuda else ["cpu"])


@pytest.fixture
def plan():
    """3 x 5 x 7 video tokens and 6 of text in blocks of 64, the last one ragged."""
    import radial_attention

    return radial_attention.Plan.build(3, 5, 7, text_tokens=6, block_size=64)
