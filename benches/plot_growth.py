"""Draws how the time of a training step grows with the batch and with the width, from what the programs of compare.py
printed for growth.json:

    python benches/plot_growth.py growth.svg Highwater=ours.jsonl PyTorch=torch.jsonl JAX=jax.jsonl
"""
import json
import statistics
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

# The same drawing gives the same file.
plt.rcParams.update({"svg.hashsalt": "growth", "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif"})


def times(path):
    """{(kind, size): median time in microseconds}"""
    found = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("{"):
                record = json.loads(line)
                kind, size = record["name"].split("_")
                found.setdefault((kind, int(size)), []).append(record["us_per_step"])
    return {key: statistics.median(values) for key, values in found.items()}


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    target, *programs = sys.argv[1:]
    series = [(name, times(path)) for name, _, path in (program.partition("=") for program in programs)]
    figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.6), sharey=True, layout="constrained")
    titles = {"batch": "64–128–64–10, rows of a batch", "width": "64–n–n–10, batch of 128, width n"}
    for axis, (kind, title) in zip(axes, titles.items()):
        for (name, found), marker in zip(series, "osd^"):
            sizes = sorted(size for of, size in found if of == kind)
            axis.plot(sizes, [found[kind, size] for size in sizes], marker=marker, markersize=4, label=name)
        axis.set(xscale="log", yscale="log", xlabel=title)
        sizes = sorted({size for _, found in series for of, size in found if of == kind})
        axis.set_xticks(sizes, [f"{size}" for size in sizes], rotation=45)
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("µs a step")
    axes[0].legend(frameon=False)
    figure.savefig(target, metadata={"Date": None})


main()
