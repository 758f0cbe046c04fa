#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets that read files: sound ones, and some that are nearly so.

    pip install torch sentencepiece && python seeds.py corpus

What a fuzzer found is added to the corpus by hand, under a name that says what it was.
"""
import io
import json
import struct
import sys
import tempfile
from pathlib import Path

import sentencepiece
import torch


def save(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def safetensors(folder):
    def header(name, value, data):
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        save(folder, name, bytes([1, data]) + text.encode())

    two = {"a": tensor("F32", [2, 3], 0, 24), "b": tensor("BF16", [4], 24, 32)}
    header("two_tensors", {"__metadata__": {"format": "pt"}} | two, 32)
    header("empty_tensor", {"a": tensor("I64", [0, 3], 0, 0)}, 0)
    header("scalar", {"a": tensor("F64", [], 0, 8)}, 8)
    header("overlap", {"a": tensor("U8", [8], 0, 8), "b": tensor("U8", [8], 4, 12)}, 12)
    header("gap", {"a": tensor("U8", [8], 0, 8), "b": tensor("U8", [8], 12, 20)}, 20)
    header("rest", {"a": tensor("U8", [8], 0, 8)}, 20)
    header("giant", {"a": tensor("F32", [2**62, 2**62], 0, 8)}, 8)
    header("empty_giant", {"a": tensor("F32", [0, 2**62, 2**62], 0, 0)}, 0)
    header("beyond", {"a": tensor("F32", [2], 2**63, 2**63 + 8)}, 8)
    header("twice", '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{}}', 1)
    header("nested", "[" * 40, 0)
    header("f8", {"a": tensor("F8_E4M3", [3], 0, 3), "c": tensor("BOOL", [1], 3, 4)}, 4)
    text = json.dumps(two).encode()
    save(folder, "whole_file", b"\0" + struct.pack("<Q", len(text)) + text + bytes(32))
    save(folder, "long_header", b"\0" + struct.pack("<Q", 2**63) + text)


def pickles(folder):
    base = torch.arange(8, dtype=torch.float32).reshape(2, 4)
    state = {"plain": base, "turned": base.t(), "half": base[:1].bfloat16(), "empty": base[:0]}
    for name, value in {"state": state, "inside": {"state_dict": {"w": base}}, "list": [base]}.items():
        file = io.BytesIO()
        torch.save(value, file)
        save(folder, name, b"\0" + file.getvalue())
    # The program alone: a dictionary of one tensor on storage "0" with sizes and strides.
    def program(sizes, strides):
        def numbers(values):
            return b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", value) for value in values) + b"t"
        return (b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n"
                b"X\x01\0\0\x000X\x03\0\0\0cpuK\x10tQK\0" + numbers(sizes) + numbers(strides) + b"\x89ccollections\nOrderedDict\n)RtRs.")
    save(folder, "program", b"\1" + program([2, 3], [3, 1]))
    save(folder, "turned_program", b"\1" + program([2, 3], [1, 2]))
    save(folder, "odd_stride", b"\1" + program([1, 2, 2], [2**63 - 1, 1, 2]))
    save(folder, "negative", b"\1" + program([2, -3], [3, 1]))
    save(folder, "self", b"\1" + b"\x80\x02}q\0X\x01\0\0\0ah\0s.")


def configs(folder):
    transformer = {"_class_name": "WanTransformer3DModel", "patch_size": [1, 2, 2], "num_attention_heads": 2,
                   "attention_head_dim": 16, "num_layers": 2, "qk_norm": "rms_norm_across_heads", "eps": 1e-6}
    official = {"_class_name": "WanModel", "dim": 1536, "num_heads": 12, "model_type": "i2v", "text_len": 512}
    vae = {"_class_name": "AutoencoderKLWan", "base_dim": 6, "z_dim": 2, "dim_mult": [1, 2],
           "temperal_downsample": [True], "latents_mean": [0, 1], "latents_std": [2, 3]}
    encoder = {"model_type": "umt5", "d_model": 48, "d_kv": 16, "num_heads": 4, "feed_forward_proj": "gated-gelu"}
    for name, value in dict(transformer=transformer, official=official, vae=vae, encoder=encoder).items():
        save(folder, name, json.dumps(value, separators=(",", ":")).encode())
    save(folder, "giant", json.dumps(transformer | {"num_layers": 2**63, "ffn_dim": 2**62}).encode())
    save(folder, "product", b'{"num_attention_heads":1048576,"attention_head_dim":1048576}')


def names(folder):
    lines = {
        "official": ["blocks.0.self_attn.q.weight", "blocks.12.cross_attn.k_img.bias", "blocks.0.modulation", "head.head.weight"],
        "diffusers": ["blocks.0.attn1.to_q.weight", "blocks.3.ffn.net.0.proj.bias", "condition_embedder.time_proj.weight"],
        "prefixed": ["model.diffusion_model.blocks.0.self_attn.q.weight", "time_embedding.0.bias"],
        "encoder": ["blocks.0.pos_embedding.embedding.weight", "blocks.1.pos_embedding.embedding.weight", "blocks.1.ffn.gate.0.weight"],
        "encoder_diffusers": ["encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight", "shared.weight"],
        "vae": ["decoder.head.0.gamma", "decoder.upsamples.0.residual.0.gamma", "decoder.upsamples.2.resample.1.weight",
                "decoder.upsamples.5.residual.6.bias", "encoder.downsamples.1.shortcut.weight", "conv2.bias"],
        "vae_diffusers": ["decoder.norm_out.gamma", "decoder.up_blocks.1.resnets.1.conv1.weight", "decoder.up_blocks.0.resnets.1.norm1.gamma",
                          "encoder.down_blocks.4.time_conv.weight", "quant_conv.weight"],
    }
    for name, value in lines.items():
        save(folder, name, "\n".join(value).encode())


def loras(folder):
    def header(name, tensors, data, metadata=None):
        value = {"__metadata__": metadata} if metadata else {}
        save(folder, name, bytes([data]) + json.dumps(value | tensors, separators=(",", ":")).encode())

    def pair(module, down="lora_A", up="lora_B"):
        return {f"{module}.{down}.weight": tensor("F32", [1, 3], 0, 12), f"{module}.{up}.weight": tensor("F32", [2, 1], 12, 20)}

    query = "transformer.blocks.0.attn1.to_q"
    header("pair", pair(query), 20)
    header("official", pair("diffusion_model.blocks.0.self_attn.q", "lora_down", "lora_up")
           | {"diffusion_model.blocks.0.self_attn.q.alpha": tensor("F32", [], 20, 24)}, 24)
    header("metadata", pair(query), 20, {"lora_adapter_metadata": '{"transformer.lora_alpha":4,"transformer.alpha_pattern":{"attn1.to_q":8}}'})
    header("difference", {"diffusion_model.blocks.0.ffn.0.diff": tensor("BF16", [2, 3], 0, 12),
                          "diffusion_model.blocks.0.ffn.0.diff_b": tensor("F16", [2], 12, 16)}, 16)
    header("half_pair", {f"{query}.lora_A.weight": tensor("F32", [1, 3], 0, 12)}, 12)
    header("rank_0", {f"{query}.lora_A.weight": tensor("F32", [0, 3], 0, 0), f"{query}.lora_B.weight": tensor("F32", [2, 0], 0, 0),
                      f"{query}.alpha": tensor("F32", [], 0, 4)}, 4)


def prompts(folder):
    texts = ["a red fox  runs", "&amp;amp;lt;b&gt; &#x41;&#65;&notit; &#xD800;", "“curly” ＷＩＤＥ ﬁne\x1b[31m\r\n\u2028", "色调艳丽 🦊 Ω"]
    for index, text in enumerate(texts):
        save(folder, f"prompt_{index}", text.encode())
    save(folder, "broken_utf8", b"\xff\xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x80")
    with tempfile.TemporaryDirectory() as temporary:
        corpus = Path(temporary) / "corpus.txt"
        corpus.write_text("a red fox runs\n" * 8)
        sentencepiece.SentencePieceTrainer.train(
            input=str(corpus), model_prefix=str(Path(temporary) / "spiece"), vocab_size=24, model_type="unigram", pad_id=0,
            eos_id=1, bos_id=2, unk_id=3, hard_vocab_limit=False, normalization_rule_name="identity", minloglevel=2)
        save(folder, "model", b"\1" + (Path(temporary) / "spiece.model").read_bytes())


if __name__ == "__main__":
    root = Path(sys.argv[1])
    safetensors(root / "safetensors_file")
    pickles(root / "pickle_file")
    configs(root / "model_config")
    names(root / "key_maps")
    loras(root / "lora_file")
    prompts(root / "tokenizer")
