#!/usr/bin/env python3
"""Writes tests/parity/data/official_runs.safetensors: whole runs on the noise levels of Wan's own code.

    pip install torch==2.11.0 diffusers==0.42.1 && python official_runs.py ../data

The model is that of wan_denoise.safetensors, the update from level to level diffusers', the levels those of Wan's
wan/utils/fm_solvers_unipc.py and fm_solvers.py (github.com/Wan-Video/Wan2.1), written down here from their formulas:
UniPC takes linspace(0.999, 0, N + 1) without its end, DPM++ linspace(1, 0, N + 1) without its end; both are shifted
afterwards, and the model's time is 1000 sigma cut to a whole number.
"""
import sys
from pathlib import Path

import numpy as np
import torch
from wan_fixtures import SEED, denoise_model, save, schedulers

GUIDANCE = 4.0
# Sampler, steps, shift, latent frames, rows and columns.
RUNS = [("unipc", 4, 5.0, 2, 6, 10), ("unipc", 12, 3.0, 3, 6, 6), ("unipc", 3, 12.0, 1, 10, 2),
        ("dpm++", 4, 5.0, 3, 2, 6), ("dpm++", 12, 3.0, 2, 6, 2)]


def official_sigmas(method, steps, shift):
    first = 1 - 1 / 1000 if method == "unipc" else 1.0
    sigmas = np.linspace(first, 0, steps + 1)[:-1]
    return shift * sigmas / (1 + (shift - 1) * sigmas)


@torch.no_grad()
def main(folder):
    model = denoise_model(folder)
    tensors = {}
    for number, (method, steps, shift, frames, rows, columns) in enumerate(RUNS):
        generator = torch.Generator("cpu").manual_seed(SEED + 40 + number)
        noise = torch.randn(1, 4, frames, rows, columns, generator=generator)
        prompt, negative = (torch.randn(1, 6, 10, generator=generator) for _ in range(2))
        scheduler = schedulers()[method]
        scheduler.set_timesteps(steps)
        sigmas = official_sigmas(method, steps, shift)
        scheduler.sigmas = torch.from_numpy(np.append(sigmas, 0).astype(np.float32))
        scheduler.timesteps = torch.from_numpy(sigmas * 1000).to(torch.int64)
        latents = noise
        for t in scheduler.timesteps:
            wanted, unwanted = (model(latents, t.expand(1), text, return_dict=False)[0] for text in (prompt, negative))
            latents = scheduler.step(unwanted + GUIDANCE * (wanted - unwanted), t, latents, return_dict=False)[0]
        run = f"{method}.{steps}"
        tensors |= {f"{run}.noise": noise, f"{run}.prompt": prompt, f"{run}.negative": negative,
                    f"{run}.timesteps": scheduler.timesteps.float(), f"{run}.latents": latents}
        print(run, scheduler.timesteps.tolist(), latents.std().item())
    save(folder / "official_runs.safetensors", tensors)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../data"))
