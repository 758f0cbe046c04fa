"""Tables for people, JSON for the record."""

import json
import os


def print_ceiling(ceiling):
    for name, measured in ceiling.items():
        print(f"ceiling: {name} {measured['ms']:.2f} ms, {measured['tflops']:.3f} TFLOP/s")


def print_shape(result, kind):
    shape = result["shape"]
    print(f"\n{shape['name']} {kind}: {shape['plan']}; density {shape['density']:.4f}, "
          f"{shape['heads']} heads, d {shape['head_dim']}")
    rows = [row for row in result["rows"] if row["pass"] == kind]
    rows.sort(key=lambda row: -row["tflops"])
    peers = [row["tflops"] for row in rows if not row["name"].startswith("ours")]
    best_peer = max(peers, default=0)
    print(f"  {'':24s} {'mask':5s} {'ms':>10s} {'[min, max]':>20s} {'TFLOP/s':>8s} {'of peer':>7s} "
          f"{'error':>5s}")
    for row in rows:
        ratio = f"{row['tflops'] / best_peer:7.2f}" if best_peer else f"{'':7s}"
        spread = f"[{row['ms_min']:.2f}, {row['ms_max']:.2f}]"
        line = (f"  {row['name']:24s} {row['mask']:5s} {row['ms']:10.3f} {spread:>20s} "
                f"{row['tflops']:8.3f} {ratio} {row['error_over_budget']:5.2f}")
        if "burst_ms" in row:
            burst = row["tflops"] * row["ms"] / row["burst_ms"]
            line += f"  burst {burst:.1f}"
            if row["hot"]:
                line += f"  hot at {row['hot']['mhz']:.0f} MHz, {row['hot']['watts']:.0f} W"
        print(line)
    for name, reason in result["failed"].items():
        if name.endswith(kind):
            print(f"  not run: {name}: {reason}")


def write_json(path, results):
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(json.dumps(results, indent=1) + "\n")
    os.replace(temporary, path)
