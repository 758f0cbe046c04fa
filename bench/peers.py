#!/usr/bin/env python3
"""Our attention beside others' in one process: checked, then timed interleaved.

    .venv/bin/python bench/peers.py --device cpu --dtype bfloat16
    .venv/bin/python bench/peers.py --device cuda --shapes s1,s4 --out bench/results/h200/peers.json

Rates count the pairs that a candidate has to compute (kept blocks under a mask, all pairs when
dense): 4 D floating-point operations a pair forward, 10 D backward. Inputs are random. What cannot
run here is listed with the reason.
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
from peer_parts import check, cpu, cuda, report, shapes, timing  # noqa: E402


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), required=True)
    parser.add_argument("--dtype", choices=("float32", "bfloat16", "float16"))
    parser.add_argument("--shapes", help="comma-separated names (default: all of the device)")
    parser.add_argument("--list-shapes", action="store_true")
    parser.add_argument("--only", help="time only candidates whose name contains one of these")
    parser.add_argument("--pass", dest="passes", default="fwd,bwd", help="fwd, bwd or both")
    parser.add_argument("--rounds", type=int, help="default: 7 on the CPU, 11 on a GPU")
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


def run_shape(shape, arguments, clock):
    """All candidates of one shape: built, checked, timed. Returns what the report shows."""
    dtype = getattr(torch, arguments.dtype)
    problem = shapes.Problem(shape, dtype, arguments.device)
    side = cuda if arguments.device == "cuda" else cpu
    result = {"shape": problem.describe(), "failed": {}, "rows": []}
    for kind in arguments.passes.split(","):
        candidates = chosen(side.candidates(problem, kind, result["failed"]), arguments.only)
        right = check.check_all(problem, candidates, kind, result["failed"])
        timed = clock.time_all(right)
        for name, measured in timed.items():
            row = {"name": name, "pass": kind, "mask": right[name].mask, **measured}
            row["tflops"] = right[name].flops / measured["ms"] / 1e9
            row["error_over_budget"] = right[name].error_over_budget
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
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    arguments.dtype = arguments.dtype or "bfloat16"

    torch.manual_seed(0)
    side = cuda if arguments.device == "cuda" else cpu
    clock = timing.clock_for(arguments)
    results = {"setup": environment(arguments), "device": arguments.device,
               "dtype": arguments.dtype, "ceiling": {}, "shapes": {}}
    ceilings = side.ceilings(getattr(torch, arguments.dtype))
    results["ceiling"] = clock.time_all(ceilings)
    for label, measured in results["ceiling"].items():
        measured["tflops"] = ceilings[label].flops / measured["ms"] / 1e9
    report.print_ceiling(results["ceiling"])
    for name in names:
        results["shapes"][name] = run_shape(known[name], arguments, clock)
        if arguments.out:
            report.write_json(arguments.out, results)
    if arguments.out:
        print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
