"""Looks at report pages of real runs in a headless Chromium: `python3 pages.py PROGRAM FOLDER [IMAGES]`.

PROGRAM is the `highwater` program; runs and screenshots go into FOLDER, the pictures of the guide into IMAGES. Ends
with 1 if a page complains, loads anything, is hard to read, or shows other numbers than history.csv.
"""

import csv
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import chromium

HERE = Path(__file__).resolve().parent
FLATS = HERE.parents[3] / "examples/tables/flats.csv"
LONG = "the_concentration_of_a_substance_whose_name_nobody_in_the_laboratory_could_ever_remember_at_baseline"


COMPARISONS = {
    "comparison.html": ["digits", "digits-again", "one-epoch"],
    "comparison-of-values.html": ["friedman", "flats"],
    "comparison-of-losses.html": ["clinic", "clinic-balanced"],
}


def table(path, header, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def tables(folder):
    """Made-up tables, always the same."""
    draw = random.Random(7)
    gauss = draw.gauss

    rows = []
    for number in range(600):
        x, y = gauss(0, 1), gauss(0, 1)
        ill = 1.5 * x - y + gauss(0, 1) > 0.5
        place = draw.choice(["north", "south", "east", "west & <north>"])
        age = "" if number % 9 == 0 else f"{40 + 10 * y:.0f}"
        rows.append([f"P{number:05}", f"{x:.3f}", age, place, "always", "ill" if ill else "well"])
    table(folder / "clinic.csv", ["patient", LONG, "age", "place", "form", "diagnosis"], rows)

    rows = []
    for _ in range(900):
        x = [draw.random() for _ in range(7)]
        y = 10 * math.sin(math.pi * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + 5 * x[4] + gauss(0, 1)
        rows.append([f"{v:.4f}" for v in x] + [f"{y:.4f}"])
    table(folder / "friedman.csv", [f"x{i}" for i in range(7)] + ["y"], rows)

    rows = []
    centres = [[gauss(0, 2.2) for _ in range(6)] for _ in range(50)]
    for number in range(2500):
        place = number % 50
        name = f"species {place:02}" if place else "a species with a name that is far longer than those of all others"
        rows.append([f"{c + gauss(0, 1):.3f}" for c in centres[place]] + [name])
    table(folder / "species.csv", [f"trait_{i}" for i in range(6)] + ["species"], rows)


def train(program, folder, name, *args, codes=(0,)):
    command = [program, "train", "--out", name, "--quiet", *args]
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode not in codes:
        raise SystemExit(f"pages: {' '.join(command)} ended with {done.returncode}: {done.stderr}")


def runs(program, folder):
    train(program, folder, "digits")
    train(program, folder, "clinic", "--data", "clinic.csv", "--target", "diagnosis")
    train(program, folder, "friedman", "--data", "friedman.csv", "--target", "y")
    train(program, folder, "flats", "--data", str(FLATS), "--target", "price")
    train(program, folder, "species", "--data", "species.csv", "--target", "species", "--epochs", "40")
    train(program, folder, "one-epoch", "--epochs", "1")
    train(program, folder, "no-validation", "--validation", "0", "--stop", "held(2, evidence)", "--epochs", "30")
    many = ["--data", "clinic.csv", "--target", "diagnosis", "--stop", "never", "--epochs", "500"]
    train(program, folder, "many-epochs", *many, "--hidden", "8")
    diverging = ["--data", "friedman.csv", "--target", "y", "--optimizer", "sgd", "--learning-rate", "1e9"]
    train(program, folder, "diverged", *diverging, codes=(0, 1))
    train(program, folder, "digits-again", "--seed", "1", "--learning-rate", "0.003", "--hidden", "64,64")
    balanced = ["--data", "clinic.csv", "--target", "diagnosis", "--class-weights", "balanced"]
    balanced += ["--column", f"{LONG}=number"]
    train(program, folder, "clinic-balanced", *balanced)
    for name, compared in COMPARISONS.items():
        subprocess.run([program, "report", *compared, "--out", name], cwd=folder, check=True, capture_output=True)


def check_numbers(name, page, history):
    """The table on the page is history.csv, rounded."""
    wrong = []
    with open(history) as file:
        records = list(csv.DictReader(file))
    if len(page["rows"]) != len(records):
        wrong.append(f"{len(page['rows'])} records on the page, {len(records)} in history.csv")
    other = {"training loss": "training_loss", "validation loss": "validation_loss"}
    other |= {"learning rate": "learning_rate", "gradient": "gradient_norm", "seconds": "elapsed_s"}
    other |= {"loss on the training rows": "training_rows_loss"}
    best = max((i for i, record in enumerate(records) if record["improved"] == "true"), default=-1)
    if page["kept"] != best:
        wrong.append(f"record {page['kept']} is marked, {best} is the last best one of history.csv")
    for row, record in zip(page["rows"], records):
        for column, cell in zip(page["columns"], row):
            exact, shown = float(record[other.get(column, column)]), float(cell.replace(",", ""))
            digits = cell.split("e")[0]
            decimals = len(digits.split(".")[1]) if "." in digits else 0
            unit = 10.0 ** (int(cell.split("e")[1]) if "e" in cell else 0)
            same = math.isnan(exact) and math.isnan(shown) or exact == shown
            if not same and abs(exact - shown) > 0.500001 * unit * 10.0**-decimals:
                wrong.append(f"{column} of epoch {record['epoch']}: {cell} on the page, {exact!r} in history.csv")
    return [f"{name}: {text}" for text in wrong]


def check_page(browser, name, path, shots):
    complaints = []
    browser.problems, browser.requests = [], []
    views = {
        "light": (1100, 900),
        "dark": (1100, 900, "dark"),
        "phone": (360, 740, "light", "screen", True),
        "print": (794, 1123, "light", "print"),
    }
    for view, look in views.items():
        browser.look(*look)
        browser.open(path)
        browser.evaluate("document.querySelectorAll('details').forEach((part) => part.open = true)")
        page = browser.evaluate((HERE / "check.js").read_text())
        complaints += [f"{name}, {view}: {text}" for text in page["complaints"]]
        browser.evaluate("document.querySelectorAll('.history details').forEach((part) => part.open = false)")
        browser.picture(shots / f"{name}-{view}.png")
    history = path.parent / "history.csv"
    if path.name == "report.html":
        complaints += check_numbers(name, page, history)
    browser.look(1100, 900)
    browser.open(path)
    browser.evaluate("document.querySelectorAll('details').forEach((part) => part.open = true)")
    stops = browser.evaluate("document.querySelectorAll('[tabindex=\"0\"], summary, button:not([hidden])').length")
    reached = set()
    for _ in range(stops):
        browser.press_tab()
        reached.add(browser.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
    if len(reached) < stops:
        complaints.append(f"{name}: {len(reached)} of {stops} places are reached by keyboard")
    complaints += [f"{name}: the browser says {text}" for text in browser.problems]
    complaints += [f"{name}: loads {url}" for url in browser.requests if not url.startswith(("file:", "data:"))]
    return complaints


def check_live(browser, program, folder, shots):
    """A page renews itself while its run goes on, and stands still afterwards."""
    browser.problems = []
    size = ["--hidden", "256,256", "--stop", "never", "--epochs", "1000000", "--out", "live", "--quiet"]
    run = subprocess.Popen([program, "train", *size], cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    path = folder / "live/report.html"
    try:
        end = time.monotonic() + 60
        while not path.exists():
            if run.poll() is not None or time.monotonic() > end:
                return ["live: there is no page while the run goes on"]
            time.sleep(0.2)
        browser.look(1100, 900)
        browser.open(path)
        count = "document.querySelectorAll('#history tbody tr').length"
        first, text = browser.evaluate(count), browser.evaluate("document.body.innerText")
        complaints = [] if "In progress" in text else ["live: the page does not say that the run goes on"]
        browser.picture(shots / "live-light.png")
        for _ in range(10):
            browser.wait(2)
            if browser.evaluate(count) > first:
                break
        else:
            complaints.append("live: the page does not renew itself")
        browser.evaluate("document.querySelector('#live button').click()")
        still = browser.evaluate(count)
        browser.wait(5)
        if browser.evaluate(count) != still:
            complaints.append("live: the page renews itself although it was asked to stand still")
        browser.evaluate("document.querySelector('#live button').click()")
    finally:
        run.send_signal(signal.SIGINT)
        run.wait()
    if run.returncode != 130:
        complaints.append(f"live: the run ended with {run.returncode}")
    browser.wait(6)
    text = browser.evaluate("document.body.innerText")
    if "Interrupted at epoch" not in text or browser.evaluate("document.scripts.length"):
        complaints.append("live: after the end the page is not the last one")
    return complaints + [f"live: the browser says {text}" for text in browser.problems]


def pictures(browser, folder, images):
    """The pictures of the guide."""
    images.mkdir(parents=True, exist_ok=True)

    def whole(name, page):
        browser.look(1100, 900)
        browser.open(folder / page)
        browser.picture(images / f"{name}.png", {"x": 0, "y": 0, "width": 1100, "height": 1500})

    def take(name, page, selector, scheme="light", width=860):
        browser.look(width, 900, scheme)
        browser.open(folder / page)
        box = f"(({{x, y, width, height}}) => [x, y + scrollY, width, height])({selector}.getBoundingClientRect())"
        x, y, w, h = browser.evaluate(box)
        margin = 16
        clip = {"x": max(0, x - margin), "y": max(0, y - margin), "width": w + 2 * margin, "height": h + 2 * margin}
        browser.picture(images / f"{name}.png", clip)

    section = "[...document.querySelectorAll('section')].find((part) => part.innerText.startsWith('{}'))"
    whole("report", "digits/report.html")
    whole("report-flats", "flats/report.html")
    take("report-head", "digits/report.html", "document.querySelector('header')")
    take("report-curves", "digits/report.html", section.format("How did training go"), "dark")
    take("report-classes", "clinic/report.html", section.format("Which classes"))
    take("report-values", "friedman/report.html", section.format("How far off"))
    take("report-columns", "friedman/report.html", section.format("Which columns"))
    take("report-rules", "digits/report.html", section.format("Where would"))
    take("comparison", "comparison.html", "document.querySelector('main')")
    squeeze = shutil.which("pngquant")
    if not squeeze:
        print("pages: the pictures are stored without a palette and larger for it, as there is no pngquant")
    for image in images.glob("*.png"):
        if squeeze:
            subprocess.run([squeeze, "--force", "--ext", ".png", "--quality", "0-95", image], check=True)
        if image.stat().st_size > 200_000:
            raise SystemExit(f"pages: {image} has {image.stat().st_size} bytes")


def main():
    program, folder = os.path.abspath(sys.argv[1]), Path(sys.argv[2]).absolute()
    images = Path(sys.argv[3]).absolute() if len(sys.argv) > 3 else None
    found = chromium.find()
    if not found:
        print("pages: skipped, as there is no Chromium and it cannot be installed")
        return
    shutil.rmtree(folder, ignore_errors=True)
    shots = folder / "screenshots"
    shots.mkdir(parents=True)
    tables(folder)
    runs(program, folder)
    size = (folder / "many-epochs/report.html").stat().st_size
    complaints = [f"many-epochs: the page has {size} bytes"] if size >= 300_000 else []
    browser = chromium.Browser(found)
    try:
        pages = {path.parent.name: path for path in sorted(folder.glob("*/report.html"))}
        pages |= {name.removesuffix(".html"): folder / name for name in COMPARISONS}
        for name, path in pages.items():
            complaints += check_page(browser, name, path, shots)
        complaints += check_live(browser, program, folder, shots)
        if images:
            pictures(browser, folder, images)
    finally:
        browser.close()
    for complaint in complaints:
        print(f"pages: {complaint}")
    print(f"pages: {len(pages) + 1} pages in {shots}, {len(complaints)} complaints")
    sys.exit(bool(complaints))


main()
