"""Tables for people, JSON for the record."""

import json
import os
import re


def print_products(products):
    for name, measured in products.items():
        spread = f"[{measured['ms_min']:.2f}, {measured['ms_max']:.2f}]"
        print(f"  {name:24s} {'':5s} {measured['ms']:10.3f} {spread:>20s} {measured['tflops']:8.3f}")


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
        if "host_us" in row:
            line += f"  host {row['host_us']:.1f} us"
        print(line)
    print_products(result["ceiling"].get(kind, {}))
    for name, seconds in result["not_timed"].items():
        if name.endswith(kind):
            print(f"  not timed: {name}: its first call took {seconds:.1f} s")
    for name, reason in result["failed"].items():
        if name.endswith(kind):
            print(f"  not run: {name}: {reason}")


RATIOS = {
    "over_flex": "/flex",
    "over_sdpa": "/sdpa",
    "over_product": "/product",
    "bwd_over_fwd": "bwd/fwd",
    "d64_over_d128": "d64/d128",
    "time_over_dense": "t/dense",
    "block_ratio": "blocks",
    "off_block_ratio": "off",
}


def print_ratios(rows):
    """/x: our rate over x's; t/dense: our time over ours with every block, beside the share of kept
    blocks and how far the two are apart."""
    titles = "".join(f"{title:>9s}" for title in RATIOS.values())
    print(f"\n{'ratios of rates':22s}{'TFLOP/s':>9s}{titles}")
    for row in rows:
        cells = "".join(f"{row[key]:9.3f}" if key in row else f"{'':9s}" for key in RATIOS)
        print(f"{row['shape'] + ' ' + row['pass']:22s}{row['tflops']:9.3f}{cells}".rstrip())


def without_folders(text):
    """Absolute paths cut down to the file's name: where things lie is no part of a result."""
    return re.sub(r"(?<![\w./-])/(?:[^\s/\"']+/)+", "", text)


def write_json(path, results):
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(without_folders(json.dumps(results, indent=1)) + "\n")
    os.replace(temporary, path)
