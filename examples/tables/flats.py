"""Makes the made-up flats of flats.csv and new-flats.csv: what a table of somebody's own may look like.

    python3 flats.py

There are numbers, categories (one of which is rare), a yes and no, two dates, an identifier, a constant, free text with
commas and quotes, and missing values. The price is a function of some of them, and noise: of its variance about a tenth.
"""

import csv
import datetime
import random

random.seed(5)
DISTRICTS = {"Altstadt": 5200, "Nordend": 4300, "Hafen": 4800, "Südpark": 3900, "Westfeld": 3300, "Moor": 2700}
WORDS = ["bright", "quiet", "renovated", "near the river", "with a view", 'called "the nest"', "top floor", "cosy"]
COLUMNS = ["id", "offered", "district", "square_metres", "rooms", "floor", "balcony", "built", "heating", "country",
           "description", "price"]


def flat(number):
    district = random.choices(list(DISTRICTS), [30, 25, 18, 15, 11, 1])[0]
    metres = min(max(random.gauss(74, 26), 19), 210)
    rooms = max(1, round(metres / 27 + random.gauss(0, 0.5)))
    floor = random.randint(0, 6)
    balcony = random.random() < 0.55
    built = datetime.date(1900, 1, 1) + datetime.timedelta(days=random.randint(0, 45000))
    offered = datetime.date(2024, 1, 1) + datetime.timedelta(days=random.randint(0, 700))
    heating = random.choices(["gas", "district", "heat pump", "oil"], [45, 30, 15, 10])[0]
    price = metres * DISTRICTS[district] * (1 + 0.012 * floor + 0.05 * balcony)
    price *= {"gas": 1, "district": 1.02, "heat pump": 1.09, "oil": 0.94}[heating]
    price *= 1 + (built.year - 1960) / 600 + (offered - datetime.date(2024, 1, 1)).days / 7000
    price *= random.gauss(1, 0.08)
    description = ", ".join(random.sample(WORDS, 3)) + f", no. {random.randint(1, 99)}"
    cells = [f"F-{10000 + number * 7}", offered, district, f"{metres:.1f}", rooms, floor, "yes" if balcony else "no",
             built, heating, "DE", description, round(price, -2)]
    for column, share in [(3, 0.02), (4, 0.04), (7, 0.1), (8, 0.06)]:
        if random.random() < share:
            cells[column] = random.choice(["", "NA", "?"])
    cells[-1] = int(cells[-1])
    return cells


for name, first, count, columns in [("flats.csv", 0, 800, len(COLUMNS)), ("new-flats.csv", 800, 5, len(COLUMNS) - 1)]:
    with open(name, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS[:columns])
        writer.writerows(flat(first + number)[:columns] for number in range(count))
