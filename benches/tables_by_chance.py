"""How much of a difference between two mean scores of `tables.py` is the chance of the initial weights.

    python benches/tables_by_chance.py --binary target/train/highwater --tables DIR [--starts 10] TABLE...

Trains both programs, at their defaults, on the same rows again and again, each time from another seed, and tests on the
same rows: the mean over the splits for one seed is what `tables.py` shows; here are its mean over the seeds, the
standard error of that, and the standard deviation of one. Tables with classes only; needs
scikit-learn and pandas.
"""
import argparse
import os
import pathlib
import statistics
import tempfile
import warnings

import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tables import one

SPLITS = 10


def theirs(folder, seed):
    (x, y), (test_x, test_y) = (
        (part.drop(columns="target"), part["target"])
        for part in (pd.read_csv(folder / name) for name in ("train.csv", "test.csv"))
    )
    numbers, names = make_column_selector(dtype_include="number"), make_column_selector(dtype_exclude="number")
    preparation = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")), names),
    )
    return make_pipeline(preparation, MLPClassifier(random_state=seed)).fit(x, y).score(test_x, test_y)


def told(means):
    deviation = statistics.stdev(means)
    return f"{statistics.mean(means):.4f} ± {deviation / len(means) ** 0.5:.4f} | {deviation:.4f}"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--binary", required=True)
    options.add_argument("--tables", required=True, type=pathlib.Path)
    options.add_argument("--starts", type=int, default=10)
    options.add_argument("table", nargs="+")
    options = options.parse_args()
    warnings.filterwarnings("ignore")
    print("| table | our score | of one seed | scikit-learn's | of one seed |")
    print("|---|---:|---:|---:|---:|")
    for table in options.table:
        folders = [options.tables / table / str(split) for split in range(SPLITS)]
        # From 1: with 0 the program's own choice is 0, which is in the other table.
        seeds = range(1, options.starts + 1)
        with tempfile.TemporaryDirectory() as scratch:
            our = [
                statistics.mean(
                    one(options.binary, folder, os.path.join(scratch, "run"), 1, "--seed", str(seed))[0]
                    for folder in folders
                )
                for seed in seeds
            ]
        # As many seeds, none of which is a split's number.
        their = [
            statistics.mean(theirs(folder, 1000 * seed + split) for split, folder in enumerate(folders)) for seed in seeds
        ]
        print(f"| {table} | {told(our)} | {told(their)} |", flush=True)


if __name__ == "__main__":
    main()
