"""Adds a stage of scripts/gpu_check to OUT/gpu_check.json.

    python3 scripts/lib/gpu_results.py OUT STAGE STATUS BEGIN BUILD_FOLDER

BEGIN: seconds since 1970. Reads OUT/STAGE.samples and removes it. Standard library only.
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

COLUMNS = ("sm_mhz", "memory_mhz", "watts", "celsius", "utilization_percent", "memory_used_mib")
MACHINE = ("name", "driver_version", "vbios_version", "clocks.max.sm", "clocks.max.mem",
           "power.limit", "ecc.mode.current", "memory.total")


def numbers(text):
    """The samples' columns; what nvidia-smi does not know (such as [N/A]) is left out."""
    columns = {name: [] for name in COLUMNS}
    for line in text.splitlines():
        for name, field in zip(COLUMNS, line.split(",")):
            try:
                columns[name].append(float(field))
            except ValueError:
                pass
    return columns


def summary(path):
    if not path.exists():
        return {"samples": 0}
    columns = numbers(path.read_text())
    path.unlink()
    found = {"samples": max(len(column) for column in columns.values())}
    for name, column in columns.items():
        if column:
            found[name] = {"median": statistics.median(column), "min": min(column),
                           "max": max(column)}
    return found


def machine():
    gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    query = ["nvidia-smi", "-i", gpu, "--format=csv,noheader", "--query-gpu=" + ",".join(MACHINE)]
    fields = subprocess.run(query, capture_output=True, text=True).stdout.strip().split(", ")
    return dict(zip(MACHINE, fields)) | {"system": platform.platform(), "processors": os.cpu_count()}


def source(build_folder):
    """The commit of the binaries where scripts/pack_gpu wrote it, else of this checkout."""
    packed = Path(build_folder) / "packed.json"
    if packed.exists():
        return {"prebuilt": json.loads(packed.read_text())}
    if not shutil.which("git"):
        return {}
    git = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True)
    return {"commit": git.stdout.strip()}


def main():
    out, stage, status, begin, build_folder = sys.argv[1:]
    path = Path(out) / "gpu_check.json"
    results = json.loads(path.read_text()) if path.exists() else {"stages": {}}
    results["machine"] = machine()
    results["stages"][stage] = {
        "passed": int(status) == 0,
        "status": int(status),
        "begun": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(begin))),
        "seconds": round(time.time() - int(begin)),
        "log": f"{stage}.log",
        "environment": summary(Path(out) / f"{stage}.samples"),
    } | source(build_folder)
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(results, indent=1) + "\n")
    os.replace(temporary, path)


if __name__ == "__main__":
    main()
