"""Tables on which no default was chosen: writes their rows as `tables.py` wants them, and tries scikit-learn's MLP on them.

    python benches/unseen_tables.py PROBEN1_DIR HORSE_COLIC_DATA OUT > peer.jsonl      # needs scikit-learn, pandas
    python benches/tables.py --binary target/train/highwater --tables OUT --peer peer.jsonl

Four problems of Proben1 with classes and one with values, all of whose rows are divided anew, and two questions about the
horses: how it ended, and whether there was a lesion to operate on. Both programs get the same numbers.
"""
import json
import pathlib
import sys
import time
import warnings

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SEEDS = 10


def proben1(file, classes):
    lines = [line for line in file.read_text().splitlines() if line.strip()]
    head = dict(line.split("=") for line in lines[:7])
    inputs = int(head["bool_in"]) + int(head["real_in"])
    cells = np.array([[float(cell) for cell in line.split()] for line in lines[7:]])
    table = pd.DataFrame(cells[:, :inputs]).add_prefix("x")
    table["target"] = [f"c{k}" for k in cells[:, inputs:].argmax(1)] if classes else cells[:, inputs]
    return table


def horses(file, target):
    table = pd.read_csv(file, header=None, sep=r"\s+", na_values="?").add_prefix("x")
    table["target"] = table[target].map(lambda value: f"c{value:.0f}", na_action="ignore")
    # The number of the patient, and what was known afterwards only.
    return table.drop(columns=["x2", "x22", "x23", "x24", "x25", "x26", "x27"]).dropna(subset="target")


def tables(folder, horse_colic):
    for name in ("cancer", "card", "diabetes", "heart"):
        yield f"{name} (Proben1)", proben1(folder / f"{name}1.dt", True), True
    yield "hearta (Proben1)", proben1(folder / "hearta1.dt", False), False
    yield "horses, outcome", horses(horse_colic, "x22"), True
    yield "horses, lesion", horses(horse_colic, "x23"), True


warnings.filterwarnings("ignore")
folder, horse_colic, out = map(pathlib.Path, sys.argv[1:])
for name, table, classes in tables(folder, horse_colic):
    scores, times = [], []
    for seed in range(SEEDS):
        parts = train_test_split(table, test_size=0.25, random_state=seed, stratify=table["target"] if classes else None)
        of_seed = out / name / str(seed)
        of_seed.mkdir(parents=True, exist_ok=True)
        for part, file in zip(parts, ("train.csv", "test.csv")):
            part.to_csv(of_seed / file, index=False)
        (x, y), (test_x, test_y) = ((part.drop(columns="target"), part["target"]) for part in parts)
        network = (MLPClassifier if classes else MLPRegressor)(random_state=seed)
        model = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), network)
        started = time.perf_counter()
        model.fit(x, y)
        times.append(time.perf_counter() - started)
        scores.append(model.score(test_x, test_y))
    print(json.dumps({"table": name, "score": np.mean(scores).round(4), "fit_s": np.median(times).round(3)}), flush=True)
