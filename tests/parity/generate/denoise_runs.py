#!/usr/bin/env python3
"""Writes tests/parity/data/denoise_runs.safetensors: runs of diffusers' samplers with the model of wan_denoise.safetensors.

    pip install torch==2.11.0 diffusers==0.42.1 && python denoise_runs.py ../data

Numbers of steps from 2 to 20, videos of 1, 5, 9 and 17 frames, patch grids of odd sides, texts of 1 to 9 tokens.
"""
import sys
from pathlib import Path

import torch
from wan_fixtures import SEED, denoise, denoise_model, save, schedulers

# Sampler, steps, latent frames, rows and columns, text tokens.
RUNS = [
    ("unipc", 2, 1, 6, 10, 1), ("unipc", 3, 2, 2, 6, 5), ("unipc", 10, 3, 10, 6, 9), ("unipc", 20, 5, 6, 2, 3),
    ("dpm++", 2, 2, 6, 10, 2), ("dpm++", 3, 3, 2, 2, 9), ("dpm++", 10, 1, 10, 6, 5), ("dpm++", 20, 3, 6, 6, 1),
    ("euler", 2, 5, 2, 6, 4), ("euler", 20, 2, 10, 2, 7),
]


@torch.no_grad()
def main(folder):
    model = denoise_model(folder)
    tensors = {}
    for number, (method, steps, frames, rows, columns, text) in enumerate(RUNS):
        generator = torch.Generator("cpu").manual_seed(SEED + 10 + number)
        noise = torch.randn(1, 4, frames, rows, columns, generator=generator)
        prompt, negative = (torch.randn(1, text, 10, generator=generator) for _ in range(2))
        run = f"{method}.{steps}"
        tensors |= {f"{run}.noise": noise, f"{run}.prompt": prompt, f"{run}.negative": negative,
                    f"{run}.latents": denoise(model, schedulers()[method], noise, prompt, negative, steps, 4.0)}
    save(folder / "denoise_runs.safetensors", tensors)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../data"))
