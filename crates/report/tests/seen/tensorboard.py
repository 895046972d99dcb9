"""Reads the event files of a run with TensorBoard itself: `python3 tensorboard.py RUN...`.

Ends with 1 if a scalar is not that of history.csv, or if histograms, texts or hyper-parameters are missing.
"""

import csv
import sys
from pathlib import Path

# Beside this file there is one of the same name.
sys.path = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).parent.resolve()]
import numpy as np  # noqa: E402
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402
from tensorboard.plugins.hparams import metadata  # noqa: E402
from tensorboard.util import tensor_util  # noqa: E402

COLUMNS = {
    "loss/training": "training_loss",
    "learning_rate": "learning_rate",
    "gradient_norm": "gradient_norm",
    "epoch": "epoch",
}
OWN = ("epoch", "step", "training_loss", "learning_rate", "gradient_norm", "evidence", "elapsed_s", "improved")


def check(run):
    with open(Path(run) / "history.csv") as file:
        records = list(csv.DictReader(file))
    events = EventAccumulator(str(run), size_guidance={"scalars": 0, "histograms": 0, "tensors": 0})
    events.Reload()
    part = "validation" if "validation_loss" in records[0] else "training_rows"
    metrics = [name for name in records[0] if name not in (*OWN, f"{part}_loss")]
    columns = COLUMNS | {f"loss/{part}": f"{part}_loss"} | {f"{part}/{name}": name for name in metrics}
    for tag, column in columns.items():
        found = [(scalar.step, np.float32(scalar.value)) for scalar in events.Scalars(tag)]
        expected = [(int(record["step"]), np.float32(record[column])) for record in records]
        assert len(found) == len(expected), f"{tag}: {len(found)} of {len(expected)} records"
        np.testing.assert_array_equal(found, expected, err_msg=tag)
    kept = events.Scalars("kept/loss")[-1]
    best = [record for record in records if record["improved"] == "true"][-1]
    assert kept.step == int(best["step"]), f"kept step {kept.step}, best step {best['step']}"
    parameters = [tag.removeprefix("weights/") for tag in events.Tags()["histograms"] if tag.startswith("weights/")]
    assert parameters, "no histograms"
    for name in parameters:
        for tag in (f"weights/{name}", f"gradients/{name}"):
            for event in events.Histograms(tag):
                histogram = event.histogram_value
                assert sum(histogram.bucket) == histogram.num > 0, tag
                assert histogram.bucket_limit[-1] >= histogram.max * (1 - 1e-9) or histogram.max < 0, tag
    text = lambda tag: tensor_util.make_ndarray(events.Tensors(tag)[-1].tensor_proto)[0].decode()
    assert text("run/command").startswith("`cargo xtask train"), text("run/command")
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    settings = metadata.parse_session_start_info_plugin_data(content).hparams
    assert settings["training.epochs"].number_value >= 1, settings
    content = events.SummaryMetadata("_hparams_/session_end_info").plugin_data.content
    metadata.parse_session_end_info_plugin_data(content)
    print(f"tensorboard: {run}: {len(records)} validations, {len(parameters)} parameters; {text('run/ended')}")


for run in sys.argv[1:]:
    check(run)
