"""Times torch.ops.radial.attention against torch's dense attention, interleaved in one process.

Run by scripts/demo. On a GPU where the library was built with its kernels, else on the CPU.
"""

import argparse
import pathlib
import statistics
import time

import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", default=ROOT / "build/release/libradial_torch.so")
    parser.add_argument("--grid", default="21,24,32", help="latent frames, token rows, token columns")
    parser.add_argument("--heads", type=int, help="default: 1 on a CPU, 12 on a GPU")
    parser.add_argument("--head-dim", type=int, default=128)
    parser.add_argument("--decay-factor", type=float, default=0.2)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def seconds_of(call, device):
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def largest_error(out, q, k, v, plan):
    """Largest difference to the formula in double precision, over a few queries."""
    blocks, block, worst = plan.to_dense(), plan.block_size(), 0.0
    tokens = q.shape[1]
    for query in range(0, tokens, tokens // 7):
        row = blocks[query // block].to(torch.bool).repeat_interleave(block)[:tokens].to(q.device)
        keys, values = k[0][row].double(), v[0][row].double()
        scores = torch.einsum("hd,khd->hk", q[0, query].double(), keys) / q.shape[3] ** 0.5
        exact = torch.einsum("hk,khd->hd", scores.softmax(-1), values)
        worst = max(worst, (out[0, query].double() - exact).abs().max().item())
    return worst


def main():
    arguments = parse_arguments()
    torch.ops.load_library(arguments.library)
    on_gpu = torch.cuda.is_available() and torch.ops.radial.implementations("cuda")
    device, dtype = ("cuda", torch.bfloat16) if on_gpu else ("cpu", torch.float32)
    heads = arguments.heads or (12 if on_gpu else 1)
    frames, rows, columns = (int(number) for number in arguments.grid.split(","))

    plan = torch.ops.radial.build_plan(frames, rows, columns,
                                       decay_factor=arguments.decay_factor)
    torch.manual_seed(0)
    shape = (1, plan.query_tokens(), heads, arguments.head_dim)
    q, k, v = (torch.randn(shape, device=device, dtype=dtype) for _ in range(3))
    # Each side gets the memory order it likes.
    q_dense, k_dense, v_dense = (tensor.transpose(1, 2).contiguous() for tensor in (q, k, v))

    def dense():
        return torch.nn.functional.scaled_dot_product_attention(q_dense, k_dense, v_dense)

    def radial():
        return torch.ops.radial.attention(q, k, v, plan.id())[0]

    with torch.inference_mode():
        error = largest_error(radial(), q, k, v, plan)
        dense()
        times = [(seconds_of(dense, device), seconds_of(radial, device))
                 for _ in range(arguments.rounds)]
    dense_time, radial_time = (statistics.median(column) for column in zip(*times))
    kept = plan.kept_pairs() / plan.query_tokens() ** 2
    where = torch.cuda.get_device_name() if on_gpu else f"{torch.get_num_threads()} CPU threads"
    print(f"plan      {plan.description()}")
    print(f"problem   {plan.query_tokens()} tokens, {heads} heads of {arguments.head_dim}, "
          f"{str(dtype).removeprefix('torch.')}, {where}, torch {torch.__version__}")
    print(f"runs      {torch.ops.radial.chosen_implementation(q, k, v, plan.id())}")
    print(f"dense     {dense_time * 1e3:10.1f} ms   torch, all pairs")
    print(f"radial    {radial_time * 1e3:10.1f} ms   {kept:.1%} of the pairs, "
          f"{dense_time / radial_time:.2f} times as fast")
    print(f"per pair  {radial_time / kept / dense_time:10.2f}      of torch's time")
    print(f"error     {error:10.2g}      largest difference to the formula in double precision")


if __name__ == "__main__":
    main()
