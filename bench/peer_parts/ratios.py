"""What the rates of a run say about each other."""

import dataclasses

from .shapes import Shape


def best(result, kind, prefix):
    """The fastest timed candidate of that name, None if there is none."""
    rows = [row for row in result["rows"]
            if row["pass"] == kind and row["name"].startswith(prefix)]
    return max(rows, key=lambda row: row["tflops"], default=None)


def ours(result, kind):
    rows = [row for row in result["rows"] if row["name"] != "ours dense"]
    return best({"rows": rows}, kind, "ours")


def twin(results, result, head_dim):
    """The result of the shape that differs in its head dim alone, None if it was not run."""

    def key(shape):
        fields = (field.name for field in dataclasses.fields(Shape))
        return [shape[name] for name in fields if name not in ("name", "head_dim")]

    for other in results["shapes"].values():
        if other["shape"]["head_dim"] == head_dim and key(other["shape"]) == key(result["shape"]):
            return other
    return None


def row_of(results, result, kind):
    mine = ours(result, kind)
    if not mine:
        return None
    rate = mine["tflops"]
    row = {"shape": result["shape"]["name"], "pass": kind, "ours": mine["name"], "tflops": rate}

    def divide(key, other):
        if other:
            row[key] = rate / other["tflops"]

    divide("over_flex", best(result, kind, "flex"))
    divide("over_sdpa", best(result, kind, "sdpa"))
    divide("over_product", next(iter(result["ceiling"].get(kind, {}).values()), None))
    if kind == "bwd":
        divide("bwd_over_fwd", ours(result, "fwd"))
    if result["shape"]["head_dim"] == 64:
        larger = twin(results, result, 128)
        divide("d64_over_d128", ours(larger, kind) if larger else None)
    dense = best(result, kind, "ours dense")
    if dense:
        row["time_over_dense"] = mine["ms"] / dense["ms"]
        row["block_ratio"] = result["shape"]["density"]
        row["off_block_ratio"] = row["time_over_dense"] / row["block_ratio"] - 1
    return row


def table(results):
    """One row for each shape and pass in which ours was timed."""
    rows = (row_of(results, result, kind)
            for result in results["shapes"].values() for kind in ("fwd", "bwd"))
    return [row for row in rows if row]
