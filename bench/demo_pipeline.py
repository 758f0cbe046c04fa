#!/usr/bin/env python3
"""The demo model's clips by radial, dense and under a mask, beside diffusers' WanPipeline on the same weights.

    python3 bench/demo_pipeline.py --diffusers-python VENV/bin/python --out bench/results/MACHINE/demo_float32.json

Each clip is a process of its own, in turn: radial dense, radial under the mask, diffusers; then the next round. The
transformer goes through `radial convert` to the official names and back before diffusers loads it. With the same
seed both start from the same noise; the final latents' relative difference (L2) of the dense ones is printed, so
that it is known that they did the same work. Times are medians of the rounds; a step is two passes with guidance.
Without --diffusers-python radial alone is timed. VENV needs diffusers 0.42.1, transformers, accelerate,
sentencepiece and a torch of the same version.
"""

import argparse
import json
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NATIVE_FRAMES = 49
PROMPT = "A red ball moves to the left, on grass by day."


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--radial", default=str(ROOT / "build/release/radial"))
    parser.add_argument("--model", default=str(ROOT / "models/demo"))
    parser.add_argument("--diffusers-python", help="a Python that has diffusers")
    parser.add_argument("--lengths", default="1,2,4", help="times the native length")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--mask", default="", help="options of radial's mask; default: those that the model brings")
    parser.add_argument("--prefix", default="", help="a command to put before each, such as 'taskset -c 0,1'")
    parser.add_argument("--out", help="where the JSON goes")
    return parser.parse_args()


def frames_of(length):
    """Pixel frames of `length` times as many latent frames, 4k + 1."""
    return ((NATIVE_FRAMES - 1) // 4 + 1) * length * 4 - 3


class Runs:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, Path(folder)
        self.model = Path(arguments.model)
        self.text_length = json.loads((self.model / "transformer/config.json").read_text()).get("text_len", 512)

    def call(self, command):
        done = subprocess.run(shlex.split(self.arguments.prefix) + command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout[done.stdout.index("{"):])

    def common(self, model, length):
        return ["--model", str(model), "--prompt", PROMPT, "--width", "256", "--height", "256", "--num-frames",
                str(frames_of(length)), "--steps", str(self.arguments.steps), "--cfg-scale", "5", "--seed", "0",
                "--dtype", self.arguments.dtype, "--device", self.arguments.device]

    def latents(self, name):
        return self.folder / (name.replace(" ", "_") + ".safetensors")

    def radial(self, name, length, mask):
        return self.call([self.arguments.radial, "generate", *self.common(self.model, length), *mask, "--flow-shift",
                          "3", "--sampling-method", "unipc", "--save-latents", str(self.latents(name)), "--output",
                          str(self.folder / "clip.mp4"), "--json"])

    def diffusers(self, name, length):
        return self.call([self.arguments.diffusers_python, str(ROOT / "bench/diffusers_wan.py"),
                          *self.common(self.folder / "model", length), "--text-length", str(self.text_length),
                          "--latents", str(self.latents(name))])

    def convert(self):
        """The model's folder for diffusers, its transformer renamed there and back."""
        copy = self.folder / "model"
        shutil.copytree(self.model, copy, ignore=shutil.ignore_patterns("transformer", "*.md", "training"))
        weights = "diffusion_pytorch_model.safetensors"
        (copy / "transformer").mkdir()
        shutil.copy(self.model / "transformer/config.json", copy / "transformer")
        official = self.folder / "official.safetensors"
        for source, target, layout in ((self.model / "transformer", official, "official"),
                                       (official, copy / "transformer" / weights, "diffusers")):
            subprocess.run([self.arguments.radial, "convert", str(source), str(target), "--layout", layout],
                           check=True, stdout=subprocess.DEVNULL)

    def difference(self, one, other):
        """||a - b|| / ||b|| of two files of latents."""
        code = ("import sys; from safetensors.torch import load_file as f; a, b = (f(p)['latents'] for p in sys.argv[1:]);"
                "print(((a - b).norm() / b.norm()).item())")
        done = subprocess.run([self.arguments.diffusers_python, "-c", code, str(self.latents(one)),
                               str(self.latents(other))], check=True, capture_output=True, text=True)
        return float(done.stdout)


def processor():
    info = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        info.setdefault(name.strip(), value.strip())
    return {"name": info.get("model name", platform.processor()), "family": info.get("cpu family"),
            "model": info.get("model"), "cores": len(os.sched_getaffinity(0))}


def summary(name, length, results, steps):
    def median(stage):
        return statistics.median(each["seconds"][stage] for each in results)
    entry = {"length": length, "frames": frames_of(length), "by": name, "rounds": len(results),
             "seconds_a_step": median("denoising") / steps, "seconds_decoding": median("decoding"),
             "peak_bytes": max(each["peak_bytes"]["host"] for each in results)}
    if "device" in results[0]["peak_bytes"]:
        entry["peak_device_bytes"] = max(each["peak_bytes"]["device"] for each in results)
    if "plan" in results[0]:
        plan = results[0]["plan"]
        entry.update({key: plan[key] for key in ("mask", "tokens", "density", "dense_layers", "dense_steps",
                                                 "saving_in_run")})
    entry["all_seconds"] = [each["seconds"] for each in results]
    return entry


def measure(runs, length):
    arguments = runs.arguments
    ways = {"radial dense": lambda name: runs.radial(name, length, ["--attention", "dense"]),
            "radial masked": lambda name: runs.radial(name, length, shlex.split(arguments.mask))}
    if arguments.diffusers_python:
        ways["diffusers"] = lambda name: runs.diffusers(name, length)
    results = {name: [] for name in ways}
    for round_number in range(arguments.rounds):
        for name, run in ways.items():
            results[name].append(run(name))
            seconds = results[name][-1]["seconds"]
            print(f"{length}x, round {round_number + 1}, {name}: {seconds['denoising'] / arguments.steps:.2f} s a step, "
                  f"decoding {seconds['decoding']:.1f} s", file=sys.stderr, flush=True)
    entries = [summary(name, length, results[name], arguments.steps) for name in ways]
    if arguments.diffusers_python:
        entries[0]["difference_to_diffusers"] = runs.difference("radial dense", "diffusers")
        entries[-1]["versions"] = results["diffusers"][0]["versions"]
    return entries


def print_table(entries):
    print("| length | frames | by | s a step | decoding, s | peak, MB | saving printed | of diffusers' step |")
    print("|---|---|---|---|---|---|---|---|")
    for entry in entries:
        saving = f"{100 * entry['saving_in_run']:.0f} %" if entry.get("saving_in_run") else ""
        peers = [each for each in entries if each["by"] == "diffusers" and each["length"] == entry["length"]]
        ratio = f"{entry['seconds_a_step'] / peers[0]['seconds_a_step']:.2f}" if peers else ""
        print(f"| {entry['length']}x | {entry['frames']} | {entry['by']} | {entry['seconds_a_step']:.2f} | "
              f"{entry['seconds_decoding']:.2f} | {entry['peak_bytes'] / 1e6:.0f} | {saving} | {ratio} |")
    for entry in entries:
        if "difference_to_diffusers" in entry:
            print(f"{entry['length']}x: final latents of radial dense and diffusers differ by "
                  f"{entry['difference_to_diffusers']:.1e} (relative L2)")


def write(arguments, entries):
    settings = {key: getattr(arguments, key) for key in ("steps", "rounds", "dtype", "device", "mask")}
    report = {"processor": processor(), "system": platform.platform(), "settings": settings, "runs": entries}
    Path(arguments.out).write_text(json.dumps(report, indent=1) + "\n")


def main():
    arguments = parse_arguments()
    entries = []
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(arguments, folder)
        if arguments.diffusers_python:
            runs.convert()
        for length in (int(text) for text in arguments.lengths.split(",")):
            entries += measure(runs, length)
            if arguments.out:
                write(arguments, entries)
    print_table(entries)


if __name__ == "__main__":
    main()
