"""Holds what Highwater writes against the programs that are to read it: PyTorch, safetensors, ONNX, onnxruntime.

    cargo build -p highwater-cli
    pip install torch safetensors onnx onnxruntime numpy xxhash
    python benches/interop.py target/debug/highwater

Checks, for networks with every activation, for classes and for values:
- checkpoints open in Python's safetensors with the values that the reader in docs/FORMAT.md finds, and their sections
  decode as it says;
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


class Section:
    """Reads the values of a section, as docs/FORMAT.md says they are encoded."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, kind):
        (value,) = struct.unpack_from("<" + kind, self.data, self.at)
        self.at += struct.calcsize(kind)
        return value

    def text(self):
        length = self.number("Q")
        self.at += length
        return self.data[self.at - length : self.at].decode()

    def list(self, item):
        return [item() for _ in range(self.number("Q"))]


def history(data):
    section = Section(data)
    f = lambda: section.number("d")
    u = lambda: section.number("Q")
    metric = lambda: (section.text(), f())
    record = lambda: (u(), u(), f(), f(), section.list(metric), f(), f())
    records = section.list(record)
    assert section.at == len(data)
    return records


def same_history(path, load):
    """The sections decode to what the program says."""
    facts, _, sections = load(path)
    schema, flags, value = sections["history"]
    assert (schema, flags) == (1, 1)
    ours = history(value)
    shown = json.loads(highwater("checkpoints", "show", path, "--json"))["history"]
    assert len(ours) == len(shown)
    for (epoch, step, training, validation, metrics, rate, _), record in zip(ours, shown):
        assert (epoch, step, rate) == (record["epoch"], record["step"], record["learning_rate"])
        assert (training, validation) == (record["training_loss"], record["validation_loss"])
        assert all(record[name] == value for name, value in metrics)
    counters = Section(sections["counters"][2])
    assert str(counters.number("Q")) == facts["step"]
    names = Section(sections["network"][2])
    assert names.number("Q") > 0
    return len(ours)


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
        module = eval(file.metadata()["torch"], {"nn": nn}).eval()
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
    files = sorted((ROOT / "crates/checkpoint/tests/golden").glob("*.safetensors"))
    for path in files:
        same_arrays(path, load)
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
                module, z, _ = check_run(run, table, out)
                networks += 1
                if target == "species":
                    check_import(run, table, out, module, z)
                for path in sorted((run / "checkpoints").glob("*.safetensors")):
                    arrays += same_arrays(path, load)
                    validations += same_history(path, load)
                    files += 1
    print(f"{networks} networks, {files} checkpoints, {arrays} arrays equal bit for bit, {validations} validations")
    for what, difference in worst.items():
        print(f"{what}: largest difference {difference:.2e}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    BINARY = sys.argv[1]
    main()
