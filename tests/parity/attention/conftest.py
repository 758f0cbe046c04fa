"""Loads the operators and makes problems for the tests of this folder."""

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


@pytest.fixture
def plan():
    """3 x 5 x 7 video tokens and 6 of text in blocks of 64, the last one ragged."""
    import radial_attention

    return radial_attention.Plan.build(3, 5, 7, text_tokens=6, block_size=64)
