"""Compares programs that print one JSON object a line: {"name", "us_per_step", "threads"?, "gflops"?}.

    python benches/compare.py --run ours='target/bench/steps' --run torch='venv/bin/python train_torch.py' --rounds 5
    python benches/compare.py --read ours=ours.jsonl --read torch=torch.jsonl

Commands run in turn, round after round, so that what else the machine does falls on all of them. The first program is
held against the others: the last columns say how many times as long the fastest of the others takes, once for the
medians over the rounds and once for the shortest times. Files may hold several objects of the same name.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys


def named(text):
    name, separator, value = text.partition("=")
    if not name or not separator or not value:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def records(lines):
    return [json.loads(line) for line in lines if line.startswith("{")]


def measure(commands, rounds):
    """What each program printed, in all rounds together."""
    printed = {program: [] for program, _ in commands}
    for number in range(1, rounds + 1):
        for program, command in commands:
            load = " ".join(f"{x:.1f}" for x in os.getloadavg())
            print(f"round {number}: {program} (load {load})", file=sys.stderr, flush=True)
            run = subprocess.run(command, shell=True, stdout=subprocess.PIPE, text=True)
            if run.returncode != 0:
                sys.exit(f"{program}: exit code {run.returncode} from: {command}")
            printed[program] += records(run.stdout.splitlines())
    return printed


def table(printed):
    """Rows of text; times are "median (shortest)" in microseconds."""
    first, *others = printed
    yield ["workload", *(f"{p}, µs" for p in printed), "threads", "GFLOP/s", "ratio", "of shortest"]
    for name in dict.fromkeys(r["name"] for r in printed[first]):
        times = {p: [r["us_per_step"] for r in rs if r["name"] == name] for p, rs in printed.items()}
        median = {p: statistics.median(t) for p, t in times.items() if t}
        least = {p: min(t) for p, t in times.items() if t}
        best = min((r for r in printed[first] if r["name"] == name), key=lambda r: r["us_per_step"])
        row = [name, *(f"{median[p]:.1f} ({least[p]:.1f})" if p in median else "–" for p in printed)]
        row += [str(best.get("threads", "–")), str(best.get("gflops", "–"))]
        for of in (median, least):
            rivals = [of[p] for p in others if p in of]
            row.append(f"{min(rivals) / of[first]:.2f}" if rivals else "–")
        yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=named, action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--read", type=named, action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--rounds", type=int, default=3, help="how often each command runs (3)")
    arguments = parser.parse_args()
    if not arguments.run and not arguments.read:
        parser.error("nothing to compare: give --run or --read")
    printed = measure(arguments.run, arguments.rounds)
    for program, path in arguments.read:
        with open(path, encoding="utf-8") as file:
            printed.setdefault(program, []).extend(records(file))
    rows = list(table(printed))
    widths = [max(map(len, column)) for column in zip(*rows)]
    rows.insert(1, ["-" * width for width in widths])
    for row in rows:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")


if __name__ == "__main__":
    main()
