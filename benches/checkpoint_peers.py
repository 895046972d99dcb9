"""Saving and loading beside PyTorch and safetensors, in turns, so that what else the machine does falls on all.

    cargo build --profile bench -p highwater-benches --bin checkpoint
    pip install torch safetensors numpy
    python benches/checkpoint_peers.py target/release/checkpoint [--dir DIR] [--sizes small,medium,large] [--rounds N]

Each round runs every job of ours and of the peers once. Prints one JSON object a line, {"size", "mb", "what", "ms",
"gb_per_s"} with medians, and then the goals with what was measured. `save` is with fsync where it says so.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

import torch
from safetensors.torch import load_file, save_file

SHAPES = {
    "small": [(64, 128), (128,), (128, 64), (64,), (64, 10), (10,)],
    "medium": [(2048, 2048)] * 2 + [(1024, 1024)] * 2,
    "large": [(4096, 4096)] * 6,
}
OURS = ["raw write+fsync", "save durable", "raw read", "load verified", "load mapped", "memcpy", "stall"]
FLOORS = ["raw write+fsync+rename+fsync", "memcpy, read elsewhere"]


def sync(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def peers(folder, shapes):
    """What each job writes, if it does, and the job."""
    state = {f"layers.{i}.weight": torch.randn(*s) for i, s in enumerate(shapes)}
    pt, st = os.path.join(folder, "peer.pt"), os.path.join(folder, "peer.st")
    return {
        "torch.save": (pt, lambda: torch.save(state, pt)),
        "torch.save+fsync": (pt, lambda: (torch.save(state, pt), sync(pt))),
        "safetensors save": (st, lambda: save_file(state, st)),
        "safetensors save+fsync": (st, lambda: (save_file(state, st), sync(st))),
        "torch.load": (None, lambda: torch.load(pt)),
        "safetensors load": (None, lambda: load_file(st)),
    }, sum(t.numel() * 4 for t in state.values())


def measure(program, size, folder, rounds):
    jobs, size_bytes = peers(folder, SHAPES[size])
    ours = subprocess.Popen([program, "--size", size, "--dir", folder, "--commands"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)

    def of_ours(what):
        ours.stdin.write(what + "\n")
        ours.stdin.flush()
        return float(ours.stdout.readline())

    def of_peer(written, job):
        # As ours, peers write new files; removing the old one is not counted.
        if written and os.path.exists(written):
            os.remove(written)
        start = time.perf_counter()
        job()
        return (time.perf_counter() - start) * 1e3

    times = {what: [] for what in [*OURS, *FLOORS, *jobs]}
    for number in range(rounds + 1):
        for what in times:
            ms = of_ours(what) if what in OURS + FLOORS else of_peer(*jobs[what])
            if number > 0:
                times[what].append(ms)
    ours.stdin.close()
    assert ours.wait() == 0
    medians = {what: statistics.median(t) for what, t in times.items()}
    for what, ms in medians.items():
        print(json.dumps({"size": size, "mb": round(size_bytes / 1e6, 3), "what": what, "ms": round(ms, 3),
                          "gb_per_s": round(size_bytes / ms / 1e6, 2)}), flush=True)
    return medians


def goals(size, ms):
    raw, save = ms["raw write+fsync"], ms["save durable"]
    if size == "small":
        yield "durable save, times raw write+fsync", save / raw, "at most", 1.5
        yield "durable save, times torch.save without sync", save / ms["torch.save"], "at most", 1.0
    else:
        yield "durable save, share of the raw rate", raw / save, "at least", 0.95
        yield "durable save, times the rate of torch.save+fsync", ms["torch.save+fsync"] / save, "at least", 1.2
        yield "verified load, share of the raw rate", ms["raw read"] / ms["load verified"], "at least", 0.9
    yield "mapped load, ms", ms["load mapped"], "at most", 1.0
    yield "stall, times memcpy", ms["stall"] / ms["memcpy"], "at most", 1.2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--dir", help="a folder on the disk under test")
    parser.add_argument("--sizes", default="small,medium,large")
    parser.add_argument("--rounds", type=int, help="of each size (small 41, medium 11, large 5)")
    arguments = parser.parse_args()
    table = []
    for size in arguments.sizes.split(","):
        folder = tempfile.mkdtemp(dir=arguments.dir)
        try:
            rounds = arguments.rounds or {"small": 41, "medium": 11, "large": 5}[size]
            ms = measure(arguments.program, size, folder, rounds)
            table += [(size, *row) for row in goals(size, ms)]
        finally:
            shutil.rmtree(folder)
    for size, what, value, relation, goal in table:
        met = value <= goal if relation == "at most" else value >= goal
        print(f"{size:7} {what:50} {value:7.2f}  {relation} {goal}  {'met' if met else 'MISSED'}")


if __name__ == "__main__":
    main()
