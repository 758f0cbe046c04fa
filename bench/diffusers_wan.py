#!/usr/bin/env python3
"""One clip by diffusers' WanPipeline from a model's folder, its times and peak memory as one line of JSON.

    python bench/diffusers_wan.py --model models/demo --num-frames 49 --steps 4 --latents latents.safetensors

Run by bench/demo_pipeline.py, in a process of its own so that the peak is the pipeline's. Needs torch, diffusers,
transformers, accelerate, sentencepiece and safetensors.
"""

import argparse
import json
import resource
import time

import diffusers
import torch
import transformers
from safetensors.torch import save_file


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--num-frames", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--cfg-scale", type=float, required=True)
    parser.add_argument("--text-length", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--latents", required=True, help="where the final latents go")
    return parser.parse_args()


class Watch:
    """Seconds since the last call, with the device's work done."""

    def __init__(self, device):
        self.device = torch.device(device)
        self.last = time.perf_counter()

    def lap(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        now = time.perf_counter()
        seconds, self.last = now - self.last, now
        return seconds


def decode(pipeline, latents):
    """As the pipeline does it after its last step."""
    vae = pipeline.vae
    shape = (1, vae.config.z_dim, 1, 1, 1)
    mean = torch.tensor(vae.config.latents_mean).view(shape).to(latents)
    std = torch.tensor(vae.config.latents_std).view(shape).to(latents)
    video = vae.decode((latents * std + mean).to(vae.dtype), return_dict=False)[0]
    return pipeline.video_processor.postprocess_video(video, output_type="pt")


@torch.inference_mode()
def main():
    arguments = parse_arguments()
    transformers.logging.set_verbosity_error()
    diffusers.logging.set_verbosity_error()
    diffusers.logging.disable_progress_bar()
    watch = Watch(arguments.device)
    pipeline = diffusers.WanPipeline.from_pretrained(arguments.model, dtype=getattr(torch, arguments.dtype))
    pipeline = pipeline.to(arguments.device)
    pipeline.set_progress_bar_config(disable=True)
    seconds = {"loading": watch.lap()}
    steps = []
    latents = pipeline(
        prompt=arguments.prompt, negative_prompt="", width=arguments.width, height=arguments.height,
        num_frames=arguments.num_frames, num_inference_steps=arguments.steps, guidance_scale=arguments.cfg_scale,
        generator=torch.Generator("cpu").manual_seed(arguments.seed), max_sequence_length=arguments.text_length,
        output_type="latent", callback_on_step_end=lambda *_: steps.append(watch.lap()) or {}).frames
    watch.lap()
    seconds["first step, with the text"] = steps[0]
    seconds["denoising"] = sum(steps)
    decode(pipeline, latents)
    seconds["decoding"] = watch.lap()
    save_file({"latents": latents.float().cpu().contiguous()}, arguments.latents)
    peak = {"host": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
    if watch.device.type == "cuda":
        peak["device"] = torch.cuda.max_memory_allocated()
    print(json.dumps({"seconds": seconds, "peak_bytes": peak,
                      "versions": {"diffusers": diffusers.__version__, "torch": torch.__version__,
                                   "transformers": transformers.__version__}}))


if __name__ == "__main__":
    main()
