#!/usr/bin/env python3
"""Writes tests/parity/data/low_precision.safetensors: what diffusers computes in bfloat16, and in float32 with the same
weights rounded to bfloat16, with the models of wan_transformer, wan_vae and wan_denoise.safetensors.

    pip install torch==2.11.0 diffusers==0.42.1 && python low_precision.py ../data
"""
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from safetensors.torch import load_file
from wan_fixtures import denoise, save, schedulers


def build(make, stored, low):
    """The model with weights rounded to bfloat16, to compute in bfloat16 as diffusers loads it, or in float32."""
    model = make().eval()
    model.load_state_dict({k.removeprefix("weights."): v for k, v in stored.items() if k.startswith("weights.")})
    for parameter in model.parameters():  # parameters alone: the rotary tables stay as they are
        parameter.data = parameter.data.to(torch.bfloat16).float()
    if not low:
        return model
    kept = getattr(model, "_keep_in_fp32_modules", None) or []
    for name, parameter in model.named_parameters():
        if not any(part in kept for part in name.split(".")):
            parameter.data = parameter.data.to(torch.bfloat16)
    return model


def transformer(heads, channels_in, ffn, layers):
    return lambda: WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=heads, attention_head_dim=16, in_channels=channels_in, out_channels=4,
        text_dim=10, freq_dim=24, ffn_dim=ffn, num_layers=layers, rope_max_seq_len=32)


def vae():
    return AutoencoderKLWan(
        base_dim=4, z_dim=3, dim_mult=[1, 2, 2, 2], num_res_blocks=1, temperal_downsample=[False, True, True],
        latents_mean=[0.1, -0.2, 0.3], latents_std=[1.5, 0.7, 2.0])


@torch.no_grad()
def main(folder):
    one, runs, auto = (load_file(str(folder / f"wan_{name}.safetensors")) for name in ("transformer", "denoise", "vae"))
    tensors = {}
    for name, dtype in (("bfloat16", torch.bfloat16), ("float32", torch.float32)):
        low = dtype == torch.bfloat16
        model = build(transformer(2, 6, 40, 2), one, low)
        tensors[f"sample.{name}"] = model(one["hidden_states"].to(dtype), one["timestep"],
                                          one["encoder_hidden_states"].to(dtype), return_dict=False)[0].float()
        model = build(vae, auto, low)
        tensors[f"decoded.{name}"] = model.decode(auto["latents"].to(dtype), return_dict=False)[0].float()
        tensors[f"encoded.{name}"] = model.encode(auto["pixels"].to(dtype), return_dict=False)[0].mean.float()
        model = build(transformer(1, 4, 24, 1), runs, low)
        # As WanPipeline: latents are float32 and rounded for the model, guidance is in its type.
        rounded = lambda latents, t, text, **kw: model(latents.to(dtype), t, text.to(dtype), **kw)
        for method, scheduler in schedulers().items():
            tensors[f"latents.{method}.{name}"] = denoise(rounded, scheduler, runs["noise"], runs["prompt"],
                                                          runs["negative"], 6, 4.0).float()
    for name in sorted({key.rsplit(".", 1)[0] for key in tensors}):
        exact = tensors[f"{name}.float32"]
        print(name, ((tensors[f"{name}.bfloat16"] - exact).norm() / exact.norm()).item())
    save(folder / "low_precision.safetensors", tensors)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../data"))
