"""Record what scikit-learn says about given predictions.

Usage: python sklearn_metrics.py SEED > sklearn_metrics.json
Made with scikit-learn 1.9.1 and SEED 7. NaN and infinities are written as null: "not defined".

A classification case: {name, columns, scores: "logits" | "probabilities", values (row-major), labels, expected}.
A regression case:     {name, columns, predictions (row-major), targets, range, expected}.

Where scikit-learn has no answer of its own or a different convention, the case is put so that it has one:
- One column is handed to it as the two columns (0, z) or (1 - p, p).
- It clips probabilities to [eps, 1 - eps]; the logits here are too close to each other for that to matter.
- Predicted classes are numpy's argmax, the first of equal scores. top_k_accuracy_score takes the last of equal scores
  first, so it is given the columns, and the labels, in reverse.
- Of more than two classes, roc_auc and average_precision are the mean over the classes for which they are defined;
  scikit-learn's own mean is compared with this wherever it is finite.
- Squared error percentage (Prechelt, Proben1, TR 21/94) is 100 * (omax - omin) * mean_squared_error.
"""
import json
import math
import sys
import warnings

import numpy as np
import sklearn.metrics as m

warnings.filterwarnings("ignore")
rng = np.random.default_rng(int(sys.argv[1]))


def one_against_rest(score, labels, probabilities, defined):
    classes = probabilities.shape[1]
    if classes == 2:
        positive = labels == 1
        return score(positive, probabilities[:, 1]) if defined(positive) else None
    values = []
    for c in range(classes):
        positive = labels == c
        if defined(positive):
            values.append(score(positive, probabilities[:, c]))
    return float(np.mean(values)) if values else None


def classification(name, kind, values, labels, ks=()):
    values, labels = np.asarray(values, dtype=np.float64), np.asarray(labels)
    scores = values
    if values.shape[1] == 1:
        scores = np.hstack([0 * values if kind == "logits" else 1 - values, values])
    classes = scores.shape[1]
    probabilities = scores
    if kind == "logits":
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities = e / e.sum(axis=1, keepdims=True)
    predicted = scores.argmax(axis=1)
    every = list(range(classes))

    per_class = m.precision_recall_fscore_support(labels, predicted, labels=every, zero_division=np.nan)
    expected = {
        "accuracy": m.accuracy_score(labels, predicted),
        "log_loss": m.log_loss(labels, probabilities, labels=every),
        "roc_auc": one_against_rest(m.roc_auc_score, labels, probabilities, lambda p: p.any() and not p.all()),
        "average_precision": one_against_rest(m.average_precision_score, labels, probabilities, lambda p: p.any()),
        "confusion": m.confusion_matrix(labels, predicted, labels=every).tolist(),
        "precision": per_class[0].tolist(),
        "recall": per_class[1].tolist(),
        "f1": per_class[2].tolist(),
        "support": per_class[3].tolist(),
    }
    for average in ["macro", "micro", "weighted"]:
        p, r, f, _ = m.precision_recall_fscore_support(labels, predicted, average=average)
        expected |= {f"precision_{average}": p, f"recall_{average}": r, f"f1_{average}": f}
    for k in ks:
        reverse = classes - 1 - labels
        expected[f"top_{k}_accuracy"] = m.top_k_accuracy_score(reverse, scores[:, ::-1], k=k, labels=every)

    if classes > 2 and len(set(labels)) == classes:
        assert math.isclose(expected["roc_auc"], m.roc_auc_score(labels, probabilities, multi_class="ovr"))
        assert math.isclose(expected["average_precision"], m.average_precision_score(labels, probabilities))
    return {
        "name": name, "columns": values.shape[1], "scores": kind,
        "values": values.ravel().tolist(), "labels": labels.tolist(), "expected": expected,
    }


def regression(name, predictions, targets, low=0.0, high=1.0):
    predictions, targets = np.asarray(predictions, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    expected = {
        "mae": m.mean_absolute_error(targets, predictions),
        "mse": m.mean_squared_error(targets, predictions),
        "rmse": m.root_mean_squared_error(targets, predictions),
        "r2": m.r2_score(targets, predictions),
        "mape": m.mean_absolute_percentage_error(targets, predictions),
        "squared_error_percentage": 100 * (high - low) * m.mean_squared_error(targets, predictions),
    }
    return {
        "name": name, "columns": targets.shape[1], "range": [low, high],
        "predictions": predictions.ravel().tolist(), "targets": targets.ravel().tolist(), "expected": expected,
    }


def coarse(values, steps):
    return np.round(np.asarray(values) * steps) / steps


def softmax(logits):
    e = np.exp(logits)
    return e / e.sum(axis=1, keepdims=True)


classifications = [
    classification("ten classes", "logits", coarse(rng.normal(size=(60, 10)) * 2, 1024), rng.integers(0, 10, 60), [1, 2, 5, 10]),
    classification("three classes as probabilities", "probabilities", softmax(rng.normal(size=(40, 3))), rng.integers(0, 3, 40), [1, 2]),
    classification("a rare class", "logits", coarse(rng.normal(size=(50, 3)), 256), [2] + [0] * 30 + [1] * 19, [1, 2]),
    classification("two columns", "logits", coarse(rng.normal(size=(50, 2)), 256), rng.integers(0, 2, 50)),
    classification("one column of logits", "logits", coarse(rng.normal(size=(50, 1)), 256), rng.integers(0, 2, 50)),
    classification("one column of probabilities", "probabilities", rng.uniform(size=(50, 1)), rng.integers(0, 2, 50)),
    classification("a good model", "logits", [[4.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 5.0], [2.0, 2.5, 0.0]] * 5, [0, 1, 2, 0] * 5, [1, 2]),
    classification("a perfect model", "logits", [[9.0, 0.0, 1.0], [0.0, 9.0, 1.0], [0.0, 1.0, 9.0]] * 3, [0, 1, 2] * 3, [1]),
    classification("a model that is always wrong", "logits", [[0.0, 4.0], [4.0, 0.0]] * 4, [0, 1] * 4),
    classification("many ties, one column", "probabilities", rng.integers(0, 5, (60, 1)) / 4, rng.integers(0, 2, 60)),
    classification("many ties, three columns", "probabilities", rng.multinomial(4, [1 / 3] * 3, 60) / 4, rng.integers(0, 3, 60), [1, 2]),
    classification("all scores equal", "logits", np.zeros((12, 4)), [0, 1, 2, 3] * 3, [1, 2, 3]),
    classification("one class only, of two", "logits", coarse(rng.normal(size=(9, 2)), 256), [1] * 9),
    classification("no positive", "probabilities", coarse(rng.uniform(size=(9, 1)), 256), [0] * 9),
    classification("one class only, of three", "logits", coarse(rng.normal(size=(9, 3)), 256), [1] * 9, [1, 2]),
    classification("a class that never occurs", "logits", coarse(rng.normal(size=(30, 4)), 256), rng.integers(0, 3, 30), [1, 3]),
    classification("a class that is never predicted", "logits", coarse(rng.normal(size=(30, 3)) - [0, 0, 9], 256), rng.integers(0, 3, 30), [1, 2]),
    classification("a class that is neither", "logits", coarse(rng.normal(size=(30, 4)) - [0, 0, 0, 9], 256), rng.integers(0, 3, 30), [1, 2]),
    classification("a single row", "logits", [[0.5, 1.5, 1.0]], [2], [1, 2]),
    classification("certain and wrong", "probabilities", [[1.0, 0.0], [0.0, 1.0], [0.25, 0.75]], [1, 1, 0]),
    classification("exactly on the threshold", "probabilities", [[0.5], [0.5], [0.75]], [0, 1, 1]),
]

x = rng.normal(size=(40, 1))
y = rng.normal(size=(40, 3)) * [1.0, 10.0, 0.1] + [0.0, 5.0, -2.0]
regressions = [
    regression("one column", x + rng.normal(size=(40, 1)) * 0.3, x),
    regression("three columns of different size", y + rng.normal(size=(40, 3)) * [0.2, 2.0, 0.3], y, -1.0, 1.0),
    regression("worse than the mean", -3 * x, x),
    regression("perfect", x, x),
    regression("equal targets, wrong", [[1.0], [2.0], [3.0]], [[2.0]] * 3),
    regression("equal targets, exact", [[2.0]] * 3, [[2.0]] * 3),
    regression("one column of two has equal targets", [[1.0, 2.0], [2.0, 2.5], [3.5, 2.0]], [[1.0, 2.0], [2.0, 2.0], [3.0, 2.0]]),
    regression("targets at zero", [[0.5], [1.0], [-0.25]], [[0.0], [1.0], [0.0]]),
    regression("a single row", [[1.0]], [[1.5]]),
    regression("far from zero", [[1e6 + 1.5], [1e6 + 2.0], [1e6 + 3.5]], [[1e6 + 1.0], [1e6 + 2.0], [1e6 + 3.0]]),
    regression("Proben1's range", coarse(rng.uniform(size=(20, 2)), 256), rng.integers(0, 2, (20, 2)), 0.0, 1.0),
]


def plain(value):
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value


def write(name, cases, last):
    print(f'  "{name}": [')
    print(",\n".join("    " + json.dumps(plain(case)) for case in cases))
    print("  ]" if last else "  ],")


print("{")
write("classification", classifications, False)
write("regression", regressions, True)
print("}")
