"""Predicts with an exported model in PyTorch or ONNX Runtime, and compares with what `highwater predict` answers.

    python predict.py model.safetensors table.csv answers.csv               # needs torch, safetensors
    python predict.py model.safetensors --inputs inputs.csv answers.csv     # the same
    python predict.py model.onnx table.csv answers.csv                      # needs onnxruntime

The files say themselves how columns become inputs, as JSON in their metadata (`preparation`); `inputs` below is all that
it takes. The table must be CSV with a row of names, and dates be written as 2026-11-26. Of any other table that
`highwater` reads, `highwater predict RUN --data TABLE --write inputs` writes the inputs, ready for `--inputs`.
"""

import csv
import datetime
import json
import math
import sys

import numpy

MISSING = {"", "?", "na", "n/a", "#n/a", "<na>", "nan", "null", ".", "-", "--", "–", "—", ":", "..", "\\n",
           "#div/0!", "#value!", "#ref!", "#num!", "#name?", "#null!"}
YES = {"yes", "y", "true", "t"}


def inputs(preparation, row, scaled):
    """The inputs of one row, a dictionary of texts; numbers are standardised if `scaled`."""
    values = []
    for column in preparation["inputs"]:
        text = row[column["name"]].strip()
        (kind, how), = column["encoding"].items()
        # A name of the training rows is a value, whatever it looks like.
        missing = text.lower() in MISSING and text not in how.get("names", ())
        if kind in ("Number", "Boolean"):
            value = float(how["fill"]) if missing else float(text if kind == "Number" else text.lower() in YES)
            values.append((value - how["scale"]["mean"]) / how["scale"]["sd"] if scaled else value)
        elif kind == "OneHot":
            name = how["names"][how["fill"]] if missing else text
            places = [float(name == other) for other in how["names"]]
            if how["rare"] > 0:
                places.append(float(name not in how["names"]))
            elif name not in how["names"]:
                places = how["shares"]
            values += places
        elif kind == "Embedded":
            name = how["names"][how["fill"]] if missing else text
            values.append(float(how["names"].index(name) if name in how["names"] else len(how["names"])))
        elif kind == "Moment" and how["format"] == "YearFirst":
            moment = None if missing else datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)
            days = (how["fill"] if missing else moment.timestamp()) / 86400
            if how["days"]:
                values.append((days - how["days"]["mean"]) / how["days"]["sd"])
            cycles = [("of_year", days / 365.2425), ("of_week", math.floor(days) / 7), ("of_day", days)]
            for turns in [turns for part, turns in cycles if how[part]]:
                values += [math.sin(2 * math.pi * (turns % 1)), math.cos(2 * math.pi * (turns % 1))]
        else:
            sys.exit(f"{column['name']} is a {kind}, which this example does not read in a table; see --inputs")
        if column["indicator"]:
            values.append(float(missing))
    return values


def prepared(preparation, rows, scaled):
    """The inputs of all rows."""
    lacking = [column["name"] for column in preparation["inputs"] if column["name"] not in rows[0]]
    if lacking:
        sys.exit(f"the table has no column {lacking[0]}: this example reads CSV with a row of names; see --inputs")
    return [inputs(preparation, row, scaled) for row in rows]


def with_torch(file, rows, as_they_are):
    import safetensors
    import safetensors.torch
    import torch
    from torch import nn

    with safetensors.safe_open(file, "pt") as opened:
        metadata = opened.metadata()
    preparation = json.loads(metadata["preparation"])
    if "torch" not in metadata:
        sys.exit(f"{file} is no torch.nn.Sequential: write the module yourself, or export ONNX")
    names = {"nn": nn, "torch": torch}
    exec(metadata.get("torch_classes", ""), names)  # of what torch.nn lacks: embeddings of some columns
    model = eval(metadata["torch"], names)  # nn.Sequential(nn.Linear(24, 256), nn.ReLU(), nn.Linear(256, 1))
    model.load_state_dict(safetensors.torch.load_file(file))
    model.eval()
    with torch.no_grad():
        ready = [[float(cell) for cell in row.values()] for row in rows] if as_they_are else prepared(preparation, rows, True)
        outputs = model(torch.tensor(ready))
    kind = preparation["targets"][0]["kind"]
    if "Classes" in kind:
        return outputs.softmax(dim=1).numpy()
    # Of numbers within a unit, the scale comes first.
    kinds = [target["kind"] for target in preparation["targets"]]
    scales = [kind["Value"] if "Value" in kind else kind["Quantity"][0] for kind in kinds]
    return outputs.numpy() * [scale["sd"] for scale in scales] + [scale["mean"] for scale in scales]


def with_onnx(file, rows, as_they_are):
    import onnxruntime

    if as_they_are:
        sys.exit("--inputs is for .safetensors: an .onnx takes numbers as they are in the table")
    session = onnxruntime.InferenceSession(file)
    preparation = json.loads(session.get_modelmeta().custom_metadata_map["preparation"])
    # The file standardises numbers itself.
    table = numpy.array(prepared(preparation, rows, False), dtype=numpy.float64)
    wanted = "probabilities" if "Classes" in preparation["targets"][0]["kind"] else "value"
    return session.run([wanted], {"inputs": table})[0]


as_they_are = "--inputs" in sys.argv
words = [word for word in sys.argv[1:] if word != "--inputs"]
if len(words) != 3:
    sys.exit(__doc__)
file, table, answers = words
rows = list(csv.DictReader(open(table)))
predicted = (with_onnx if file.endswith(".onnx") else with_torch)(file, rows, as_they_are)
expected = list(csv.reader(open(answers)))[1:]
# Of classes, the first column is the likeliest one, and the others are probabilities.
expected = numpy.array([line[-predicted.shape[1]:] for line in expected], dtype=numpy.float64)
difference = numpy.abs(predicted - expected) / numpy.maximum(1, numpy.abs(expected))
print(f"{file}: {len(rows)} rows, largest relative difference {difference.max():.1e}")
assert predicted.shape == expected.shape and difference.max() < 1e-5
