"""Holds what Highwater writes against the programs that are to read it: PyTorch, safetensors, ONNX, onnxruntime.

    cargo build -p highwater-cli
    pip install torch safetensors onnx onnxruntime numpy xxhash
    python benches/interop.py target/debug/highwater

Checks, for networks with every activation, for classes and for values:
- checkpoints open in Python's safetensors with the values that the reader in docs/FORMAT.md finds;
- every section of them decodes as that page says, to the last byte, and agrees with what else is known: the program's
  output, history.csv, config.toml, the arrays, and an untidy table that is made here;
- `export --to safetensors` loads strictly into the torch.nn.Sequential that is in its metadata;
- `export --to onnx` passes ONNX's checker, and onnxruntime's answers are within 1e-5 of ours and of PyTorch's;
- a file that PyTorch made is imported, and predicts what PyTorch predicts;
- the golden files of the tests.
The largest differences are printed. Not part of `cargo xtask ci`, which needs no Python.
"""
import csv
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.numpy import load_file
from safetensors.torch import load_file as load_torch, save_file
from safetensors import safe_open
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLES = ROOT / "crates/data/tests/data"
ACTIVATIONS = "identity relu leaky_relu elu tanh sigmoid softsign softplus silu gelu gelu_tanh".split()
WITHIN = 1e-5
worst = {}


def note(what, difference):
    difference = float(difference)
    worst[what] = max(worst.get(what, 0.0), difference)
    assert difference <= WITHIN, f"{what}: {difference}"


def highwater(*arguments):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def reader():
    """The reader in docs/FORMAT.md, as it is printed there."""
    code = re.search(r"```python\n(.*?)```", (ROOT / "docs/FORMAT.md").read_text(), re.S).group(1)
    module = {"__name__": "format"}
    exec(code, module)
    return module["load"]


def same_arrays(path, load):
    """safetensors and the documented reader find the same numbers, bit for bit."""
    _, arrays, _ = load(path)
    theirs = load_file(path)
    for name, array in arrays.items():
        assert theirs[name].dtype == array.dtype and theirs[name].shape == array.shape, name
        assert theirs[name].tobytes() == array.tobytes(), name
    return len(arrays)


def number(kind):
    """A type of a section: a function from bytes and a place to a value and the next place."""
    size = struct.calcsize("<" + kind)
    return lambda data, at: (struct.unpack_from("<" + kind, data, at)[0], at + size)


u64, f64, f32, boolean = number("Q"), number("d"), number("f"), number("?")


def text(data, at):
    length, at = u64(data, at)
    return data[at : at + length].decode(), at + length


def several(item):
    def read(data, at):
        count, at = u64(data, at)
        values = []
        for _ in range(count):
            value, at = item(data, at)
            values.append(value)
        return values, at

    return read


def optional(item):
    return lambda data, at: item(data, at + 1) if data[at] else (None, at + 1)


def fields(**kinds):
    def read(data, at):
        values = {}
        for name, kind in kinds.items():
            values[name], at = kind(data, at)
        return values, at

    return read


def choice(*variants, **more):
    """An enumeration: names of variants without fields, and types of those with, in their order."""
    names = [*variants, *more]

    def read(data, at):
        (variant,) = struct.unpack_from("<I", data, at)
        name = names[variant]
        value, at = more[name](data, at + 4) if name in more else (None, at + 4)
        return (name, value) if more else name, at

    return read


nothing = fields()
scale = fields(mean=f64, deviation=f64)
categories = fields(names=several(text), shares=several(f32), others=f32, fill=u64)
moment_format = choice("year first", "day first", "month first", "time of day", "named month", "short day first",
                       "short month first", "short year first", "short named month", "month", "duration")
moment = fields(format=moment_format, fill=f64, days=optional(scale), of_year=boolean, of_week=boolean, of_day=boolean)
kind = choice("number", "category", "boolean", "date", "constant", "identifier", "text", "ignore")


def preparation(unit):
    encoding = choice(number=fields(scale=scale, fill=f64), boolean=fields(scale=scale, fill=boolean), moment=moment,
                      one_hot=categories, embedded=categories, quantity=fields(unit=unit, scale=scale, fill=f64))
    target = choice(classes=several(text), value=scale, quantity=fields(scale=scale, unit=unit))
    return fields(inputs=several(fields(name=text, encoding=encoding, missing=u64, indicator=boolean)),
                  left_out=several(fields(name=text, kind=kind)),
                  targets=several(fields(name=text, kind=target)),
                  header=boolean)


two_texts = fields(before=text, behind=text)
unit = choice(fixed=two_texts, shortened=fields(before=text), limits=fields(behind=text), bytes=nothing)
layer = choice(linear=fields(outputs=u64), activation=choice(*ACTIVATIONS), dropout=fields(rate=f64), layer_norm=nothing,
               batch_norm=nothing, shortcut=fields(origin=u64), residual=fields(origin=u64),
               embedding=several(fields(column=u64, rows=u64, width=u64)))
record = fields(epoch=u64, step=u64, training_loss=f64, validation_loss=f64, metrics=several(fields(name=text, value=f64)),
                learning_rate=f64, gradient_norm=f64, seconds=f64, reductions=optional(u64), evidence=optional(f64),
                loss_error=optional(f64), accuracy_error=optional(f64))
part = fields(rows=u64, hash=u64)
# Name: schema, whether a reader must know it, type.
SECTIONS = {
    "counters": (2, 1, fields(step=u64, optimizer_steps=u64, loss_sum=f64, loss_rows=u64, gradient_norm=f64,
                              seconds=f64, evidence=f64, terms=u64)),
    "history": (2, 1, several(record)),
    "preparation": (3, 1, preparation(unit)),
    "network": (2, 1, fields(inputs=u64, layers=several(layer))),
    "configuration": (2, 0, text),
    "fingerprint": (1, 0, fields(version=text, platform=text, extensions=several(text), results=u64)),
    "rows": (1, 0, fields(training=part, validation=part, test=part)),
}
# Those of the first version.
FIRST_SECTIONS = SECTIONS | {"preparation": (2, 1, preparation(two_texts))}


def sections(path, load, known=SECTIONS):
    """The metadata, the arrays and the decoded sections of a checkpoint of a run."""
    facts, arrays, found = load(path)
    # The first versions did not save a hash of the rows.
    assert set(found) in (set(SECTIONS), set(SECTIONS) - {"rows"}), sorted(found)
    decoded = {}
    for name, (schema, flags, value) in found.items():
        expected, required, read = known[name]
        assert (schema, flags) == (expected, required), (name, schema, flags)
        decoded[name], end = read(value, 0)
        assert end == len(value), f"{name}: {len(value) - end} bytes left over"
    return facts, arrays, decoded


def same_sections(path, load):
    """The sections of a run's checkpoint agree with what else says so."""
    facts, arrays, found = sections(path, load)
    run = path.parent.parent
    shown = json.loads(highwater("checkpoints", "show", path, "--json"))["history"]
    with open(run / "history.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(found["history"]) == len(shown) <= len(lines)
    for ours, record, line in zip(found["history"], shown, lines):
        for name in ["epoch", "step", "training_loss", "validation_loss", "learning_rate"]:
            assert ours[name] == record[name], name
        assert all(record[metric["name"]] == metric["value"] for metric in ours["metrics"])
        assert (ours["step"], ours["validation_loss"]) == (int(line["step"]), float(line["validation_loss"]))
    counters = found["counters"]
    assert str(counters["step"]) == facts["step"] and counters["optimizer_steps"] == counters["step"]
    assert abs(counters["seconds"] - float(facts["elapsed"])) < 1e-6
    assert found["configuration"] == (run / "config.toml").read_text()
    assert facts["writer"].endswith(found["fingerprint"]["version"])
    assert found["fingerprint"]["extensions"] == sorted(found["fingerprint"]["extensions"])

    # The network has the arrays, and as many inputs as the preparation gives.
    preparation, width = found["preparation"], found["network"]["inputs"]
    widths = [columns_of(column) for column in preparation["inputs"]]
    assert sum(widths) == width, (widths, width)
    for number, (name, value) in enumerate(found["network"]["layers"]):
        if name == "embedding":
            for place, table in enumerate(value):
                assert arrays[f"model.{number}.tables.{place}.weight"].shape == (table["rows"], table["width"])
            width += sum(table["width"] - 1 for table in value)
        if name == "linear":
            assert arrays[f"model.{number}.weight"].shape == (value["outputs"], width)
            width = value["outputs"]
    (target,) = preparation["targets"]
    assert width == (len(target["kind"][1]) if target["kind"][0] == "classes" else 1)
    return len(found["history"])


def columns_of(column):
    name, value = column["encoding"]
    width = {"number": 1, "boolean": 1, "embedded": 1, "quantity": 1}.get(name)
    if name == "moment":
        width = (value["days"] is not None) + 2 * (value["of_year"] + value["of_week"] + value["of_day"])
    if name == "one_hot":
        width = len(value["names"]) + (value["others"] > 0)
    return width + column["indicator"]


def check_untidy(folder, load):
    """A column of each kind, with holes: the preparation says what was put in."""
    table, run = folder / "untidy.csv", folder / "untidy"
    random = np.random.default_rng(5)
    hues = ["amber", "grün", "violet"]
    with open(table, "w") as file:
        print("number,flag,day,hue,many,mass,same,id,y", file=file)
        for row in range(3000):
            x, flag, hue = random.normal(50, 7), random.random() < 0.3, random.integers(3)
            day = np.datetime64("2021-03-01") + int(random.integers(900))
            y = x / 7 + 3 * flag + hue + random.normal(0, 0.1)
            cell = "" if row % 9 == 0 else f"{x:.3f}"
            name, mass = f"m{random.integers(400)}", random.uniform(1, 3)
            print(f"{cell},{'yes' if flag else 'no'},{day},{hues[hue]},{name},{mass:.2f} kg,1,r{row},${y:.4f}", file=file)
    highwater("train", "--data", table, "--target", "y", "--hidden", "8", "--epochs", "2", "--out", run, "--quiet")
    checkpoints = sorted((run / "checkpoints").glob("*.safetensors"))
    for path in checkpoints:
        same_arrays(path, load)
        same_sections(path, load)
    preparation = sections(checkpoints[-1], load)[2]["preparation"]
    inputs = {column["name"]: column for column in preparation["inputs"]}
    encodings = {name: column["encoding"] for name, column in inputs.items()}
    name, value = encodings["number"]
    assert name == "number" and abs(value["scale"]["mean"] - 50) < 2 and abs(value["scale"]["deviation"] - 7) < 1
    assert abs(value["fill"] - 50) < 2 and inputs["number"]["missing"] > 0
    assert encodings["flag"][0] == "boolean" and encodings["flag"][1]["fill"] is False
    name, value = encodings["day"]
    assert (name, value["format"], value["of_day"]) == ("moment", "year first", False)
    assert 1.6e9 < value["fill"] < 1.7e9 and abs(value["days"]["mean"] - value["fill"] / 86400) < 60
    name, value = encodings["hue"]
    assert (name, value["names"]) == ("one_hot", hues) and abs(sum(value["shares"]) - 1) < 1e-5
    name, value = encodings["many"]
    assert name in ("one_hot", "embedded") and set(value["names"]) <= {f"m{i}" for i in range(400)}
    name, value = encodings["mass"]
    assert (name, value["unit"]) == ("quantity", ("fixed", {"before": "", "behind": "kg"})), value
    assert abs(value["scale"]["mean"] - 2) < 0.1
    left_out = {column["name"]: column["kind"] for column in preparation["left_out"]}
    assert left_out == {"same": "constant", "id": "identifier"}, left_out
    assert preparation["targets"][0]["name"] == "y" and preparation["header"] is True
    name, value = preparation["targets"][0]["kind"]
    assert (name, value["unit"]) == ("quantity", ("fixed", {"before": "$", "behind": ""})), value
    return len(checkpoints)


def features(table, columns):
    with open(table, newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row[c]) for c in columns] for row in rows])


def predictions(run, table):
    rows = list(csv.reader(highwater("predict", run, "--data", table).splitlines()))[1:]
    values = np.array([[float(cell) for cell in (row[1:] or row)] for row in rows])
    return values, [row[0] for row in rows]


def check_run(run, table, out):
    """Exports a run both ways and lets others compute."""
    highwater("checkpoints", "export", run, "--to", "safetensors", "--out", out / "model.safetensors")
    with safe_open(out / "model.safetensors", "np") as file:
        scope = {"nn": nn, "torch": torch}
        exec(file.metadata().get("torch_classes", ""), scope)
        module = eval(file.metadata()["torch"], scope).eval()
    module.load_state_dict(load_torch(out / "model.safetensors"), strict=True)

    highwater("checkpoints", "export", run, "--to", "onnx", "--out", out / "model.onnx")
    model = onnx.load(out / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    meta = {p.key: p.value for p in model.metadata_props}
    x = features(table, json.loads(meta["columns"]))
    session = onnxruntime.InferenceSession(out / "model.onnx")
    names = [output.name for output in session.get_outputs()]
    answers = dict(zip(names, session.run(None, {"inputs": x})))

    scale = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    z = ((x - scale["standardise.mean"]) / scale["standardise.deviation"]).astype(np.float32)
    with torch.no_grad():
        logits = module(torch.from_numpy(z)).numpy()
    note("onnxruntime against PyTorch", np.abs(answers["outputs"] - logits).max())

    ours, first = predictions(run, table)
    if "probabilities" in answers:
        note("onnxruntime against predict", np.abs(answers["probabilities"] - ours).max())
        note("PyTorch against predict", np.abs(torch.softmax(torch.from_numpy(logits).double(), 1).numpy() - ours).max())
        classes = json.loads(meta["classes"])
        assert [classes[i] for i in answers["class"]] == first
    else:
        size = np.abs(ours).max()
        note("onnxruntime against predict", np.abs(answers["value"] - ours).max() / size)
    return module, z, ours


def check_import(run, table, out, module, z):
    """New weights from PyTorch, in a module of another name and precision."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    save_file({f"net.{k}": v.double() for k, v in module.state_dict().items()}, out / "torch.safetensors")
    highwater("checkpoints", "import", out / "torch.safetensors", "--like", run, "--out", out / "imported")
    ours, _ = predictions(out / "imported", table)
    with torch.no_grad():
        theirs = torch.softmax(module(torch.from_numpy(z)).double(), 1).numpy()
    note("PyTorch against predict, imported", np.abs(ours - theirs).max())
    highwater("resume", out / "imported", "--epochs", "1", "--quiet")
    highwater("checkpoints", "verify", out / "imported")


def check_golden(load):
    runs = sorted((ROOT / "crates/trainer/tests/golden").glob("*.safetensors"))
    files = [*sorted((ROOT / "crates/checkpoint/tests/golden").glob("*.safetensors")), *runs]
    for path in files:
        same_arrays(path, load)
    for path in runs:
        found = sections(path, load, FIRST_SECTIONS)[2]
        assert [record["step"] for record in found["history"]] == [2, 4, 6, 8, 9]
        assert [name for name, _ in found["network"]["layers"]][:2] == ["embedding", "linear"]
    path = ROOT / "crates/nn/tests/golden/network.onnx"
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    x = np.array([[3.0, -2.5, 0.5], [-1.0, -3.0, 2.0]])
    outputs, probabilities, classes = onnxruntime.InferenceSession(path).run(None, {"inputs": x})
    # The same network in PyTorch; the parameters are 1/64, 2/64, … in the order of the file.
    values = iter(range(1, 1000))
    def numbers(*shape):
        count = int(np.prod(shape))
        return torch.tensor([next(values) / 64 for _ in range(count)]).reshape(shape)
    parts = {n: tuple(t.dims) for n, t in ((t.name, t) for t in model.graph.initializer) if re.match(r"\d+\.", n)}
    state = {name: numbers(*shape) for name, shape in parts.items()}
    F = nn.functional
    z = (torch.from_numpy(x) - torch.tensor([1.0, -3.0, 0.0])) / torch.tensor([2.0, 0.5, 1.0])
    z = z.float()
    y = F.linear(z, state["0.weight"], state["0.bias"])
    y = F.batch_norm(y, state["1.running_mean"], state["1.running_var"], state["1.weight"], state["1.bias"])
    y = torch.cat([F.gelu(y, approximate="tanh"), z], 1)
    y = F.layer_norm(y, (7,), state["5.weight"], state["5.bias"])
    y = F.linear(y, state["6.weight"], state["6.bias"])
    note("golden ONNX file, onnxruntime against PyTorch", np.abs(outputs - y.numpy()).max())
    assert np.allclose(probabilities.sum(1), 1.0) and list(classes) == list(outputs.argmax(1))
    return len(files) + 1


def main():
    load = reader()
    print(f"{check_golden(load)} golden files")
    arrays = files = networks = validations = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        iris, energy = TABLES / "iris.csv", folder / "values.csv"
        with open(energy, "w") as file:
            random = np.random.default_rng(1)
            print("year,mass,price", file=file)
            for _ in range(200):
                year, mass = random.uniform(1900, 2000), random.uniform(1e6, 2e6)
                print(f"{year},{mass},{3e4 + 50 * (year - 1950) + mass / 1e3}", file=file)
        for number, name in enumerate(ACTIVATIONS):
            out = folder / name
            out.mkdir()
            for table, target in [(iris, "species"), (energy, "price")]:
                run = out / target
                hidden = "16" if number % 2 else "16,8"
                highwater("train", "--data", table, "--target", target, "--activation", name, "--hidden", hidden,
                          "--dropout", "0.1" if number % 3 else "0", "--epochs", "5", "--out", run, "--quiet")
                # That of all rows is not the one that is exported.
                (run / "final.safetensors").unlink(missing_ok=True)
                module, z, _ = check_run(run, table, out)
                networks += 1
                if target == "species":
                    check_import(run, table, out, module, z)
                for path in sorted((run / "checkpoints").glob("*.safetensors")):
                    arrays += same_arrays(path, load)
                    validations += same_sections(path, load)
                    files += 1
        untidy = check_untidy(folder, load)
    print(f"{untidy} checkpoints of a run on an untidy table")
    print(f"{networks} networks, {files} checkpoints, {arrays} arrays equal bit for bit, {validations} validations")
    for what, difference in worst.items():
        print(f"{what}: largest difference {difference:.2e}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    BINARY = sys.argv[1]
    main()
