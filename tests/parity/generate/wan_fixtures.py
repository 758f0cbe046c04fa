#!/usr/bin/env python3
"""Writes the fixtures of tests/parity: what diffusers computes with small random Wan models.

    pip install torch==2.11.0 diffusers==0.42.1 && python wan_fixtures.py ../data

Sizes are chosen so that mistakes show: no two axes are alike, the head dim does not split evenly over
frame, row and column, batches hold different texts and times, norm weights are not 1.
"""
import sys
from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from diffusers import DPMSolverMultistepScheduler, FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler
from safetensors.torch import load_file, save_file

SEED = 20250619
GENERATOR = (f"{Path(sys.argv[0]).name}, diffusers {diffusers.__version__}, torch {torch.__version__}, "
             f"seed {SEED}")


def randomise(model, scale):
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale)
            if "norm" in name and not name.endswith("bias"):
                parameter.add_(1)
    return model.eval()


def weights(model):
    return {f"weights.{k}": v.contiguous() for k, v in model.state_dict().items()}


def save(path, tensors):
    save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()}, str(path), metadata={"generator": GENERATOR})
    print(path, path.stat().st_size)


def denoise_model(folder):
    """The transformer of wan_denoise.safetensors."""
    stored = load_file(str(folder / "wan_denoise.safetensors"))
    model = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=1, attention_head_dim=16, in_channels=4, out_channels=4, text_dim=10,
        freq_dim=24, ffn_dim=24, num_layers=1, rope_max_seq_len=32).eval()
    model.load_state_dict({k.removeprefix("weights."): v for k, v in stored.items() if k.startswith("weights.")})
    return model


def schedulers():
    flow = dict(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0)
    return {
        "unipc": UniPCMultistepScheduler(**flow),
        "dpm++": DPMSolverMultistepScheduler(**flow, solver_order=2, algorithm_type="dpmsolver++"),
        "euler": FlowMatchEulerDiscreteScheduler(shift=5.0),
    }


def denoise(model, scheduler, noise, prompt, negative, steps, guidance):
    scheduler.set_timesteps(steps)
    latents = noise
    for t in scheduler.timesteps:
        wanted = model(latents, t.expand(latents.shape[0]), prompt, return_dict=False)[0]
        unwanted = model(latents, t.expand(latents.shape[0]), negative, return_dict=False)[0]
        latents = scheduler.step(unwanted + guidance * (wanted - unwanted), t, latents, return_dict=False)[0]
    return latents


@torch.no_grad()
def transformer(out):
    model = randomise(WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=16, in_channels=6, out_channels=4, text_dim=10,
        freq_dim=24, ffn_dim=40, num_layers=2, rope_max_seq_len=32), 0.2)
    generator = torch.Generator().manual_seed(SEED + 1)
    x = torch.randn(2, 6, 3, 6, 10, generator=generator)
    t = torch.tensor([987.0, 41.5])
    text = torch.randn(2, 7, 10, generator=generator)
    text[0, 4:] = 0
    taps = {}
    grab = lambda name: lambda module, args, result: taps.__setitem__(f"tap.{name}", result)
    model.condition_embedder.time_embedder.register_forward_hook(grab("time"))
    for i, block in enumerate(model.blocks):
        block.register_forward_hook(grab(f"block.{i}"))
    model.proj_out.register_forward_hook(grab("head"))
    sample = model(x, t, text, return_dict=False)[0]
    save(out / "wan_transformer.safetensors",
         weights(model) | taps | {"hidden_states": x, "timestep": t, "encoder_hidden_states": text, "sample": sample})


@torch.no_grad()
def denoising(out):
    model = randomise(WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=1, attention_head_dim=16, in_channels=4, out_channels=4, text_dim=10,
        freq_dim=24, ffn_dim=24, num_layers=1, rope_max_seq_len=32), 0.1)
    # The same numbers as the pipeline's: torch.randn from a CPU generator.
    noise = torch.randn(1, 4, 3, 4, 6, generator=torch.Generator("cpu").manual_seed(7))
    generator = torch.Generator().manual_seed(SEED + 2)
    prompt, negative = (torch.randn(1, 5, 10, generator=generator) for _ in range(2))
    results = {f"latents.{name}": denoise(model, scheduler, noise, prompt, negative, 6, 4.0)
               for name, scheduler in schedulers().items()}
    save(out / "wan_denoise.safetensors", weights(model) | results | {"noise": noise, "prompt": prompt, "negative": negative})


@torch.no_grad()
def vae(out):
    model = randomise(AutoencoderKLWan(
        base_dim=4, z_dim=3, dim_mult=[1, 2, 2, 2], num_res_blocks=1, temperal_downsample=[False, True, True],
        latents_mean=[0.1, -0.2, 0.3], latents_std=[1.5, 0.7, 2.0]), 0.1)
    generator = torch.Generator().manual_seed(SEED + 3)
    z = torch.randn(1, 3, 4, 3, 5, generator=generator)
    pixels = torch.rand(1, 3, 9, 16, 24, generator=generator) * 2 - 1
    tensors = weights(model) | {"latents": z, "pixels": pixels}
    tensors["decoded"] = model.decode(z, return_dict=False)[0]
    tensors["encoded"] = model.encode(pixels, return_dict=False)[0].mean
    wide = torch.randn(1, 3, 2, 5, 9, generator=generator)
    model.enable_tiling(32, 32, 24, 24)
    tensors["wide_latents"] = wide
    tensors["wide_decoded_tiled"] = model.decode(wide, return_dict=False)[0]
    tensors["wide_pixels"] = torch.rand(1, 3, 5, 40, 72, generator=generator) * 2 - 1
    tensors["wide_encoded_tiled"] = model.encode(tensors["wide_pixels"], return_dict=False)[0].mean
    print("clamped share", (tensors["decoded"].abs() >= 1).float().mean().item(), "std", tensors["decoded"].std().item())
    save(out / "wan_vae.safetensors", tensors)


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "../data")
    transformer(folder)
    denoising(folder)
    vae(folder)
