#!/usr/bin/env python3
"""Writes full_size_shapes.json: names and shapes of the tensors of Wan 2.1's networks at full size.

    pip install torch==2.11.0 diffusers==0.42.1 transformers==5.23.0 einops easydict ftfy
    git clone https://github.com/Wan-Video/Wan2.1
    python full_size_shapes.py Wan2.1 ../data

Both lists come from the models themselves, built on the meta device: those of diffusers and
transformers, with the sizes of the config.json of Wan-AI/Wan2.1-T2V-1.3B-Diffusers and -14B-Diffusers,
and those of the official repository (commit 9737cba), with the sizes of wan/configs/*.py, t5.py
(umt5_xxl) and vae.py (_video_vae). Blocks that are alike stand once, with # for their number.
"""
import importlib
import json
import re
import sys
import types
from pathlib import Path

import diffusers
import torch
import transformers


def listing(model, drop=()):
    shapes = {k: list(v.shape) for k, v in model.state_dict().items() if k not in drop}
    patterns, numbers = {}, {}
    for name, shape in shapes.items():
        found = re.match(r"(blocks|encoder\.block)\.(\d+)\.", name)
        pattern = re.sub(r"^(blocks|encoder\.block)\.\d+", r"\1.#", name)
        assert patterns.setdefault(pattern, shape) == shape
        if found:
            numbers.setdefault(pattern, []).append(int(found[2]))
    blocks = max((len(n) for n in numbers.values()), default=0)
    assert all(sorted(n) == list(range(blocks)) for n in numbers.values())
    count = sum(torch.Size(s).numel() for s in shapes.values())
    return {"blocks": blocks, "tensors": len(shapes), "parameters": count, "shapes": dict(sorted(patterns.items()))}


def official_modules(checkout):
    # Neither package is imported as a whole: that would ask for a GPU.
    for package, folder in {"wan": "wan", "wan.modules": "wan/modules"}.items():
        sys.modules[package] = types.ModuleType(package)
        sys.modules[package].__path__ = [str(checkout / folder)]
    torch.cuda.current_device = lambda: 0
    return {name: importlib.import_module(f"wan.modules.{name}") for name in ("model", "t5", "vae")}


def transformer(official, heads, ffn, layers):
    sizes = dict(num_layers=layers, ffn_dim=ffn, freq_dim=256, text_dim=4096, cross_attn_norm=True, eps=1e-6)
    theirs = diffusers.WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=heads, attention_head_dim=128, in_channels=16, out_channels=16,
        qk_norm="rms_norm_across_heads", rope_max_seq_len=1024, **sizes)
    original = official["model"].WanModel(
        model_type="t2v", patch_size=(1, 2, 2), text_len=512, in_dim=16, dim=128 * heads, out_dim=16,
        num_heads=heads, qk_norm=True, **sizes)
    return {"diffusers": listing(theirs), "official": listing(original)}


def text_encoder(official):
    config = transformers.UMT5Config(
        vocab_size=256384, d_model=4096, d_kv=64, d_ff=10240, num_layers=24, num_heads=64,
        relative_attention_num_buckets=32, relative_attention_max_distance=128, feed_forward_proj="gated-gelu")
    # embed_tokens is the same tensor as shared.
    theirs = listing(transformers.UMT5EncoderModel(config), drop=("encoder.embed_tokens.weight",))
    original = official["t5"].umt5_xxl(encoder_only=True, return_tokenizer=False, device="meta")
    return {"diffusers": theirs, "official": listing(original)}


def vae(official):
    sizes = dict(z_dim=16, dim_mult=[1, 2, 4, 4], num_res_blocks=2, attn_scales=[], temperal_downsample=[False, True, True])
    original = official["vae"].WanVAE_(dim=96, dropout=0.0, **sizes)
    return {"diffusers": listing(diffusers.AutoencoderKLWan(base_dim=96, **sizes)), "official": listing(original)}


def main(checkout, folder):
    official = official_modules(checkout)
    with torch.device("meta"):
        models = {
            "wan_t2v_1.3b": transformer(official, heads=12, ffn=8960, layers=30),
            "wan_t2v_14b": transformer(official, heads=40, ffn=13824, layers=40),
            "umt5_xxl": text_encoder(official),
            "wan_vae": vae(official),
        }
    versions = f"diffusers {diffusers.__version__}, transformers {transformers.__version__}, torch {torch.__version__}"
    models["generator"] = f"full_size_shapes.py, {versions}, Wan-Video/Wan2.1 9737cba"
    text = json.dumps(models, indent=1)
    text = re.sub(r"\[[\d,\s]+\]", lambda m: re.sub(r"\s+", "", m[0]).replace(",", ", "), text)
    (folder / "full_size_shapes.json").write_text(text + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
