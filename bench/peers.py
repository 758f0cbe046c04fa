#!/usr/bin/env python3
"""Our attention beside others' in one process: checked, then timed interleaved.

    .venv/bin/python bench/peers.py --device cpu --dtype bfloat16
    .venv/bin/python bench/peers.py --device cuda --shapes s1,s4 --out bench/results/h200/peers.json

Rates count the pairs that a candidate has to compute (kept blocks under a mask, all pairs when
dense): 4 D floating-point operations a pair forward, 10 D backward. Inputs are random. What cannot
run here is listed with the reason. "ours dense" is ours on the same grid with every block. A matrix
product is timed beside each shape's candidates; the table of ratios at the end compares with it.

A record of a CPU, without our slower implementations and peers that take too long a call:

    .venv/bin/python bench/peers.py --device cpu --best-only --max-call-s 10 --out peers.json
"""

import argparse
import datetime
import json
import os
import platform
import shlex
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "python"))

import torch  # noqa: E402


def load_operators():
    """Loads --library before anything imports the package, which would look for its own."""
    early = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    early.add_argument("--library")
    library = early.parse_known_args()[0].library
    if library:
        torch.ops.load_library(library)


load_operators()
from peer_parts import check, cpu, cuda, ratios, report, shapes, timing  # noqa: E402


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), required=True)
    parser.add_argument("--dtype", choices=("float32", "bfloat16", "float16"))
    parser.add_argument("--shapes", help="comma-separated names (default: all of the device)")
    parser.add_argument("--list-shapes", action="store_true")
    parser.add_argument("--only", help="time only candidates whose name contains one of these")
    parser.add_argument("--best-only", action="store_true",
                        help="of ours only the implementation that runs by default")
    parser.add_argument("--max-call-s", type=float, metavar="X", default=float("inf"),
                        help="a candidate whose first call takes longer is named, not timed (a "
                             "backward's first call includes its forward)")
    parser.add_argument("--pass", dest="passes", default="fwd,bwd", help="fwd, bwd or both")
    parser.add_argument("--rounds", type=int,
                        help="default: 7 on the CPU, 11 on a GPU, 5 where a call takes over 2 s")
    parser.add_argument("--window-ms", type=float, help="default: 200 on the CPU, 150 on a GPU")
    parser.add_argument("--limit-s", type=float, default=3600, help="stop adding rounds after this")
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's)")
    parser.add_argument("--library", help="libradial_torch.so (default: the package's search)")
    parser.add_argument("--out", type=Path, help="JSON file for the results")
    return parser.parse_args()


def chosen(names, only):
    wanted = only.split(",") if only else [""]
    return {name: c for name, c in names.items() if any(part in name for part in wanted)}


def environment(arguments):
    import importlib.metadata as metadata

    versions = {"torch": torch.__version__, "python": platform.python_version()}
    for package in ("triton", "flash-attn-4", "nvidia-cudnn-frontend", "nvidia-cutlass-dsl"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            pass
    found = {
        "command": shlex.join(["bench/peers.py", *sys.argv[1:]]),
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "versions": versions,
        "environment": {k: v for k, v in os.environ.items() if k.startswith("RADIAL_")},
    }
    side = cuda if arguments.device == "cuda" else cpu
    return found | side.describe_machine()


def quick_enough(candidates, max_call_s, kind, not_timed):
    """The candidates whose checked call was quick enough; the others go to `not_timed`."""
    for name, candidate in candidates.items():
        if candidate.call_s > max_call_s:
            not_timed[f"{name} {kind}"] = candidate.call_s
    return {name: c for name, c in candidates.items() if c.call_s <= max_call_s}


def timed_rows(candidates, kind, clock):
    for name, measured in clock.time_all(candidates).items():
        candidate = candidates[name]
        yield {"name": name, "pass": kind, "mask": candidate.mask, **measured,
               "tflops": candidate.flops / measured["ms"] / 1e9,
               "error_over_budget": candidate.error_over_budget}


def run_shape(shape, arguments, clock):
    """All candidates of one shape: built, checked, timed. Returns what the report shows."""
    dtype = getattr(torch, arguments.dtype)
    problem = shapes.Problem(shape, dtype, arguments.device)
    side = cuda if arguments.device == "cuda" else cpu
    result = {"shape": problem.describe(), "ceiling": {}, "rows": [], "not_timed": {}, "failed": {}}
    for kind in arguments.passes.split(","):
        torch.compiler.reset()  # else the ninth shape on is run eagerly
        candidates = chosen(
            side.candidates(problem, kind, result["failed"], arguments.best_only), arguments.only
        )
        right = check.check_all(problem, candidates, kind, result["failed"])
        right = quick_enough(right, arguments.max_call_s, kind, result["not_timed"])
        products = side.ceilings(dtype)
        for row in timed_rows(right | products, kind, clock):
            if row["name"] in products:
                result["ceiling"].setdefault(kind, {})[row["name"]] = row
            else:
                result["rows"].append(row)
        report.print_shape(result, kind)
        for candidate in candidates.values():
            candidate.state.clear()
    return result


def main():
    arguments = parse_arguments()
    known = shapes.shapes_of(arguments.device)
    if arguments.list_shapes:
        print("\n".join(f"{name}: {shape}" for name, shape in known.items()))
        return
    names = arguments.shapes.split(",") if arguments.shapes else list(known)
    for name in names:
        if name not in known:
            sys.exit(f"--shapes: expected names among {', '.join(known)}; got {name!r}")
    if arguments.device == "cuda" and not torch.cuda.is_available():
        sys.exit("--device: no NVIDIA GPU that torch can use on this machine")
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    arguments.dtype = arguments.dtype or "bfloat16"

    torch.manual_seed(0)
    clock = timing.clock_for(arguments)
    results = {"setup": environment(arguments), "device": arguments.device,
               "dtype": arguments.dtype, "shapes": {}}
    for name in names:
        results["shapes"][name] = run_shape(known[name], arguments, clock)
        results["ratios"] = ratios.table(results)
        if arguments.out:
            report.write_json(arguments.out, results)
    report.print_ratios(results["ratios"])
    if arguments.out:
        print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
