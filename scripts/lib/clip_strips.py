"""Strips of frames of evaluated clips as small PNG, and the page docs/held-out-prompts.md that shows them.

Called by scripts/demo_pictures. Frames come from the latents that `radial train-base evaluate` keeps, by
`radial stage decode`.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import load_file, save_file

FRAMES = 5
COLORS = 64
GAP = 4


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--radial", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--clips", required=True, help="folder of an evaluation")
    parser.add_argument("--readme", required=True, help="numbers of the clips in the README's picture, from 1")
    parser.add_argument("--out", required=True, help="the documentation's folder")
    return parser.parse_args()


def decoded(radial, model, latents_path):
    """Frames [F, H, W, 3], bytes."""
    config = json.loads((Path(model) / "vae/config.json").read_text())
    shape = (1, -1, 1, 1, 1)
    mean, std = (np.array(config[key], np.float32).reshape(shape) for key in ("latents_mean", "latents_std"))
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "latents.safetensors", Path(folder) / "pixels.safetensors"
        save_file({"latents": load_file(latents_path)["latents"] * std + mean}, source)
        subprocess.run([radial, "stage", "decode", "--model", model, "--inputs", source, "--save", target], check=True)
        pixels = load_file(target)["pixels"][0]
    return np.rint(np.clip(pixels * 0.5 + 0.5, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 3, 0)


def smaller(frames, factor):
    """Means of squares of `factor` pixels."""
    return np.stack([Image.fromarray(frame).reduce(factor) for frame in frames])


def strip(frames, count=FRAMES):
    """`count` frames spread evenly over the clip, side by side."""
    chosen = frames[np.linspace(0, len(frames) - 1, count).round().astype(int)]
    gap = np.full((chosen.shape[1], GAP, 3), 255, np.uint8)
    parts = [part for frame in chosen for part in (frame, gap)]
    return np.concatenate(parts[:-1], axis=1)


def write_png(path, image, colors=COLORS):
    """A PNG with a palette of `colors` colors, at most 256."""
    Image.fromarray(image).quantize(colors, dither=Image.Dither.NONE).save(path, optimize=True)


def verdict(findings):
    wrong = [f"{name} (seen: {entry['seen'] or 'none'})" for name, entry in findings["judged"].items()
             if name != "all" and not entry["right"]]
    return "all right" if not wrong else "wrong: " + ", ".join(wrong)


def page(report, setting, pictures):
    right = sum(clip[setting["name"]]["judged"]["all"] for clip in report["clips"])
    lines = ["# Held-out prompts", "",
             f"The first {len(report['clips'])} [held-out prompts](world.md#what-is-kept-for-evaluation), made by the",
             "shipped model ([card](../models/demo/README.md)) with its own settings and the seeds 0, 1, 2 and so on,",
             "none left out: every part of a prompt was seen in training, their combination was not. Below each what",
             f"[the judge](world.md#the-judge) says; {right} of {len(report['clips'])} are right in all. Written by",
             "`scripts/demo_pictures`.", "",
             f"Mask: {setting['attention']}; dense layers {setting['dense_layers']}, dense steps "
             f"{setting['dense_steps']}.", ""]
    for clip, picture in zip(report["clips"], pictures):
        lines += [f"> {clip['prompt']}", "", f"![{clip['prompt']}]({picture})", "",
                  f"Seed {clip['seed']}: {verdict(clip[setting['name']])}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def main():
    arguments = parse_arguments()
    clips, out = Path(arguments.clips), Path(arguments.out)
    report = json.loads((clips / "evaluation.json").read_text())
    setting = report["settings"][0]
    (out / "pictures").mkdir(parents=True, exist_ok=True)
    for_readme = {int(text): None for text in arguments.readme.split(",")}
    pictures = []
    for number in range(1, len(report["clips"]) + 1):
        latents = clips / setting["name"] / f"clip_{number:04d}.safetensors"
        frames = decoded(arguments.radial, arguments.model, latents)
        factor = max(1, frames.shape[2] // 128)
        pictures.append(f"pictures/held_out_{number:02d}.png")
        write_png(out / pictures[-1], strip(smaller(frames, factor)))
        if number in for_readme:
            for_readme[number] = strip(smaller(frames, max(1, frames.shape[2] // 160)))
    gap = None
    rows = []
    for row in for_readme.values():
        if gap is not None:
            rows.append(gap)
        rows.append(row)
        gap = np.full((GAP, row.shape[1], 3), 255, np.uint8)
    write_png(out / "pictures/demo.png", np.concatenate(rows), 128)
    (out / "held-out-prompts.md").write_text(page(report, setting, pictures))
    for name in [*pictures, "pictures/demo.png"]:
        print(f"{out / name}: {(out / name).stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
