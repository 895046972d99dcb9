"""Compares the command at its defaults with scikit-learn's MLP on ordinary tables.

    python benches/tables.py --binary target/train/highwater --tables DIR --peer sklearn.jsonl [--seeds 10] [--rounds 3]

DIR/TABLE/SEED/train.csv and test.csv hold the rows, with the target in the column `target`; `--peer` has one JSON
object a line, {"table", "score", "fit_s"}: the peer's mean test score on the same rows, and the seconds of its fit
alone. Ours is `train --data train.csv --target target` from start to exit (the shortest of the rounds: what else the
machine does only adds to it) and then `evaluate RUN --data test.csv --json`: accuracy, or R2 for numbers.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


def run(binary, *arguments):
    started = time.perf_counter()
    done = subprocess.run([binary, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}\n{done.stderr}")
    return time.perf_counter() - started, done.stdout


def one(binary, folder, out, rounds, *more):
    """Test score, and seconds from start to exit."""
    times = []
    for _ in range(rounds):
        shutil.rmtree(out, ignore_errors=True)
        data = ("--data", str(folder / "train.csv"), "--target", "target")
        seconds, _ = run(binary, "train", *data, "--out", out, "--quiet", *more)
        times.append(seconds)
    scores = json.loads(run(binary, "evaluate", out, "--data", str(folder / "test.csv"), "--json")[1])
    return scores.get("accuracy", scores.get("r2")), min(times)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--binary", required=True)
    options.add_argument("--tables", required=True, type=pathlib.Path)
    options.add_argument("--peer", required=True, type=pathlib.Path)
    options.add_argument("--seeds", type=int, default=10)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", help="where runs go while they are measured; default: a temporary folder")
    options = options.parse_args()
    peer = [json.loads(line) for line in options.peer.read_text().splitlines() if line.startswith("{")]
    print("| table | our score | scikit-learn's | difference | our command | its fit | ratio |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    ratios, behind = [], []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        out = os.path.join(folder, "run")
        for theirs in peer:
            folders = [options.tables / theirs["table"] / str(seed) for seed in range(options.seeds)]
            pairs = [one(options.binary, folder, out, options.rounds) for folder in folders]
            score = statistics.mean(score for score, _ in pairs)
            seconds = statistics.median(seconds for _, seconds in pairs)
            difference, ratio = score - theirs["score"], seconds / theirs["fit_s"]
            ratios.append(ratio)
            behind += [theirs["table"]] if difference < -5e-5 else []
            print(
                f"| {theirs['table']} | {score:.4f} | {theirs['score']:.4f} | {difference:+.4f} "
                f"| {seconds:.3f} s | {theirs['fit_s']:.3f} s | {ratio:.2f} |",
                flush=True,
            )
    print(f"\nmedian ratio of times: {statistics.median(ratios):.2f}; behind on: {', '.join(behind) or 'none'}")


if __name__ == "__main__":
    main()
