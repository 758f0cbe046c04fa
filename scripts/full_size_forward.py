"""One forward pass of Wan 2.1 T2V 1.3B with random weights, timed: python full_size_forward.py RADIAL FOLDER

Writes FOLDER, a checkpoint in the official layout: config.json, three shards of bfloat16, an index. It
holds every tensor of the published model in its shape (tests/parity/data/full_size_shapes.json); one
tensor is in memory at a time. FOLDER is removed at the end, whatever happens.
"""
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import torch

SHAPES = Path(__file__).parent.parent / "tests/parity/data/full_size_shapes.json"
CONFIG = dict(_class_name="WanModel", model_type="t2v", dim=1536, ffn_dim=8960, freq_dim=256, in_dim=16, out_dim=16,
              num_heads=12, num_layers=30, text_len=512, eps=1e-6)
SHARDS = 3
BYTES_NEEDED = 4_000_000_000
FRAMES, HEIGHT, WIDTH = 5, 64, 64
TYPES = {torch.bfloat16: "BF16", torch.float32: "F32"}


def official_tensors():
    listed = json.loads(SHAPES.read_text())["wan_t2v_1.3b"]["official"]
    shapes = {}
    for pattern, shape in listed["shapes"].items():
        for block in range(listed["blocks"] if "#" in pattern else 1):
            shapes[pattern.replace("#", str(block))] = shape
    assert sum(torch.Size(s).numel() for s in shapes.values()) == listed["parameters"]
    return shapes


def random_tensor(name, shape, dtype, generator):
    values = torch.randn(shape, generator=generator)
    is_scale = "norm" in name and name.endswith("weight")
    return (values * 0.02 + (1 if is_scale else 0)).to(dtype)


def write_safetensors(path, shapes, dtype, make):
    """`make(name, shape)` gives a tensor at a time."""
    header, offset = {}, 0
    for name, shape in shapes.items():
        size = torch.Size(shape).numel() * dtype.itemsize
        header[name] = {"dtype": TYPES[dtype], "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, shape in shapes.items():
            file.write(make(name, shape).contiguous().view(-1).view(torch.uint8).numpy().data)


def write_model(folder, generator):
    (folder / "config.json").write_text(json.dumps(CONFIG))
    shapes = official_tensors()
    names = sorted(shapes)
    weight_map = {}
    for shard in range(SHARDS):
        file = f"diffusion_pytorch_model-{shard + 1:05}-of-{SHARDS:05}.safetensors"
        part = {name: shapes[name] for name in names[shard::SHARDS]}
        weight_map.update(dict.fromkeys(part, file))
        write_safetensors(folder / file, part, torch.bfloat16, lambda n, s: random_tensor(n, s, torch.bfloat16, generator))
    index = folder / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def write_inputs(path, generator):
    shapes = {"hidden_states": [1, 16, (FRAMES - 1) // 4 + 1, HEIGHT // 8, WIDTH // 8], "timestep": [1],
              "encoder_hidden_states": [1, 512, 4096]}
    make = lambda name, shape: torch.full(shape, 900.0) if name == "timestep" else torch.randn(shape, generator=generator)
    write_safetensors(path, shapes, torch.float32, make)


def read_sample(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    entry = json.loads(data[8:8 + length])["sample"]
    begin, end = entry["data_offsets"]
    dtype = {name: dtype for dtype, name in TYPES.items()}[entry["dtype"]]
    return torch.frombuffer(bytearray(data[8 + length + begin:8 + length + end]), dtype=dtype).view(entry["shape"]).float()


def run_forward(radial, folder, generator):
    write_inputs(folder / "inputs.safetensors", generator)
    command = [radial, "stage", "forward", "--model", str(folder), "--inputs", str(folder / "inputs.safetensors"),
               "--save", str(folder / "sample.safetensors"), "--dtype", "bf16", "--device", "cpu"]
    begin = time.monotonic()
    subprocess.run(command, check=True)
    seconds = time.monotonic() - begin
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked, peak = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e9
    sample = read_sample(folder / "sample.safetensors")
    expected = (1, 16, (FRAMES - 1) // 4 + 1, HEIGHT // 8, WIDTH // 8)
    if tuple(sample.shape) != expected or not sample.isfinite().all() or sample.std() == 0:
        sys.exit(f"sample: expected finite values of shape {expected}, got {tuple(sample.shape)}, std {sample.std()}")
    print(f"sample of shape {list(sample.shape)}, mean {sample.mean():.4f}, deviation {sample.std():.4f}")
    print(f"loading and one forward pass: {seconds:.1f} s ({worked:.1f} s of processor time), peak resident memory {peak:.2f} GB")


def main(radial, folder):
    folder.mkdir(parents=True)
    try:
        free = shutil.disk_usage(folder).free
        if free < BYTES_NEEDED:
            sys.exit(f"{folder}: expected {BYTES_NEEDED / 1e9:.0f} GB of free space, got {free / 1e9:.1f} GB")
        generator = torch.Generator().manual_seed(20250619)
        begin = time.monotonic()
        write_model(folder, generator)
        size = sum(file.stat().st_size for file in folder.iterdir())
        print(f"wrote 1,418,996,800 parameters, {size / 1e9:.2f} GB, in {time.monotonic() - begin:.1f} s", flush=True)
        run_forward(radial, folder, generator)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), Path(sys.argv[2]))
