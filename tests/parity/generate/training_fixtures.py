#!/usr/bin/env python3
"""Writes training_gradients.safetensors: losses and gradients by diffusers and torch's autograd of the models in
wan_transformer.safetensors and wan_vae.safetensors. Of each gradient its sum, its norm and its product with the weight.

    pip install torch==2.11.0 diffusers==0.42.1 && python training_fixtures.py ../data
"""
import sys
from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from safetensors.torch import load_file, save_file

GENERATOR = f"training_fixtures.py, diffusers {diffusers.__version__}, torch {torch.__version__}"


def load(model, tensors):
    model.load_state_dict({k.removeprefix("weights."): v for k, v in tensors.items() if k.startswith("weights.")})
    return model.double()


def gradients(prefix, model, loss):
    loss.backward()
    found = {f"{prefix}.loss": loss.detach().reshape(1)}
    for name, weight in model.named_parameters():
        g = weight.grad
        found[f"{prefix}.{name}"] = torch.stack([g.sum(), g.norm(), (g * weight).sum()]).detach()
    return found


def transformer(folder):
    tensors = load_file(folder / "wan_transformer.safetensors")
    model = load(WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=16, in_channels=6, out_channels=4, text_dim=10,
        freq_dim=24, ffn_dim=40, num_layers=2, rope_max_seq_len=32), tensors).float()
    x = tensors["hidden_states"]
    flow = model(x, tensors["timestep"], tensors["encoder_hidden_states"], return_dict=False)[0]
    return gradients("transformer", model, (flow - x[:, :4]).square().mean())


def vae(folder):
    tensors = load_file(folder / "wan_vae.safetensors")
    model = load(AutoencoderKLWan(
        base_dim=4, z_dim=3, dim_mult=[1, 2, 2, 2], num_res_blocks=1, temperal_downsample=[False, True, True],
        latents_mean=[0.1, -0.2, 0.3], latents_std=[1.5, 0.7, 2.0]), tensors)
    pixels = tensors["pixels"].double()
    mean, log_variance = model.encode(pixels, return_dict=False)[0].parameters.chunk(2, 1)
    clamp, torch.clamp = torch.clamp, lambda value, *args, **kwargs: value  # decode clamps; a trainer must not
    decoded = model.decode(mean + 0.1 * (0.5 * log_variance).exp(), return_dict=False)[0]
    torch.clamp = clamp
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    return gradients("vae", model, (decoded - pixels).abs().mean() + 0.01 * divergence)


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "../data")
    tensors = {k: v.double().contiguous() for k, v in (transformer(folder) | vae(folder)).items()}
    save_file(tensors, str(folder / "training_gradients.safetensors"), metadata={"generator": GENERATOR})
