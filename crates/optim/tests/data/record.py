"""Records what PyTorch's optimizers, schedules and clipping do on fixed numbers.

Usage: python record.py   (writes optimizers.txt, schedules.txt, plateau.txt and clipping.txt beside itself)

Each file is lines of words: a keyword, a name where there is one, then numbers. Lines that start with # are comments.
"""
import math
import pathlib
import random

import torch
from torch.optim import lr_scheduler as S

HERE = pathlib.Path(__file__).parent
STEPS, PARAMETERS = 25, 6
SCHEDULE_STEPS = 200

rng = random.Random(19)
# Signs that stay, signs that change, zeros, and magnitudes from 1e-5 to 1e2.
SCALES = [1.0, 1e-5, 1e2, 0.3, 1e-2, 3.0]
GRADIENTS = [[s * (rng.gauss(0.4, 1.0)) * (rng.random() > 0.1) for s in SCALES] for _ in range(STEPS)]
INITIAL = [rng.gauss(0.0, 1.0) for _ in range(PARAMETERS)]

O = torch.optim
OPTIMIZERS = {
    "sgd": (O.SGD, dict(lr=0.1)),
    "sgd_weight_decay": (O.SGD, dict(lr=0.1, weight_decay=0.05)),
    "sgd_momentum": (O.SGD, dict(lr=0.05, momentum=0.9)),
    "sgd_dampening": (O.SGD, dict(lr=0.05, momentum=0.8, dampening=0.3, weight_decay=0.01)),
    "sgd_nesterov": (O.SGD, dict(lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3)),
    "adam": (O.Adam, dict(lr=0.01)),
    "adam_weight_decay": (O.Adam, dict(lr=3e-3, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.01)),
    "adam_amsgrad": (O.Adam, dict(lr=0.01, amsgrad=True)),
    "adamw": (O.AdamW, dict(lr=0.01)),
    "adamw_weight_decay": (O.AdamW, dict(lr=5e-3, betas=(0.95, 0.9), eps=1e-3, weight_decay=0.3)),
    "adamw_amsgrad": (O.AdamW, dict(lr=0.02, betas=(0.9, 0.8), amsgrad=True)),
    "rmsprop": (O.RMSprop, dict(lr=0.01)),
    "rmsprop_momentum": (O.RMSprop, dict(lr=5e-3, alpha=0.9, momentum=0.5, weight_decay=0.02)),
    "rmsprop_centered": (O.RMSprop, dict(lr=5e-3, alpha=0.95, centered=True, eps=1e-4)),
    "rmsprop_centered_momentum": (O.RMSprop, dict(lr=5e-3, alpha=0.8, centered=True, momentum=0.9)),
    "adagrad": (O.Adagrad, dict(lr=0.05)),
    "adagrad_decay": (O.Adagrad, dict(lr=0.05, lr_decay=0.1, weight_decay=0.03, initial_accumulator_value=0.2, eps=1e-3)),
    "rprop": (O.Rprop, dict(lr=0.01)),
    "rprop_bounds": (O.Rprop, dict(lr=0.05, etas=(0.4, 1.5), step_sizes=(0.02, 0.2))),
}

SCHEDULES = {
    "constant": lambda o: S.LambdaLR(o, lambda _: 1.0),
    "step": lambda o: S.StepLR(o, step_size=7, gamma=0.9),
    "multi_step": lambda o: S.MultiStepLR(o, milestones=[5, 15, 15, 90], gamma=0.3),
    "exponential": lambda o: S.ExponentialLR(o, gamma=0.97),
    "cosine": lambda o: S.CosineAnnealingLR(o, T_max=30, eta_min=1e-4),
    "cosine_to_zero": lambda o: S.CosineAnnealingLR(o, T_max=199),
    "cosine_restarts": lambda o: S.CosineAnnealingWarmRestarts(o, T_0=13, eta_min=1e-3),
    "cosine_restarts_growing": lambda o: S.CosineAnnealingWarmRestarts(o, T_0=5, T_mult=3),
    "linear": lambda o: S.LinearLR(o, start_factor=0.1, end_factor=1.0, total_iters=10),
    "linear_default": lambda o: S.LinearLR(o),
    "linear_down": lambda o: S.LinearLR(o, start_factor=1.0, end_factor=0.2, total_iters=150),
    "polynomial": lambda o: S.PolynomialLR(o, total_iters=150, power=2.0),
    "polynomial_root": lambda o: S.PolynomialLR(o, total_iters=30, power=0.5),
    "one_cycle": lambda o: S.OneCycleLR(o, max_lr=0.05, total_steps=200, cycle_momentum=False),
    "one_cycle_linear": lambda o: S.OneCycleLR(o, max_lr=0.3, total_steps=200, pct_start=0.21, anneal_strategy="linear",
                                               div_factor=10.0, final_div_factor=100.0, cycle_momentum=False),
    "one_cycle_three_phases": lambda o: S.OneCycleLR(o, max_lr=0.05, total_steps=200, pct_start=0.37, three_phase=True,
                                                     cycle_momentum=False),
    "warmup_then_cosine": lambda o: S.SequentialLR(o, [S.LinearLR(o, start_factor=0.1, total_iters=10),
                                                       S.CosineAnnealingLR(o, T_max=150, eta_min=1e-4)], [10]),
    "three_phases": lambda o: S.SequentialLR(o, [S.LinearLR(o, start_factor=0.5, total_iters=20), S.ExponentialLR(o, gamma=0.95),
                                                 S.StepLR(o, step_size=30, gamma=0.1)], [20, 60]),
}

PLATEAUS = {
    "default": dict(),
    "impatient": dict(factor=0.5, patience=2),
    "zero_patience": dict(factor=0.9, patience=0),
    "cooldown": dict(factor=0.5, patience=1, cooldown=4),
    "absolute": dict(factor=0.3, patience=2, threshold=0.05, threshold_mode="abs"),
    "relative": dict(factor=0.3, patience=2, threshold=0.1),
    "maximum": dict(mode="max", factor=0.5, patience=3),
    "maximum_absolute": dict(mode="max", factor=0.5, patience=3, threshold=0.1, threshold_mode="abs"),
    "floor": dict(factor=0.1, patience=0, min_lr=2e-4),
    "eps": dict(factor=0.5, patience=0, eps=1e-2),
}


def words(*parts):
    return " ".join(p if isinstance(p, str) else repr(p) for p in parts) + "\n"


def optimizers(out):
    out.write(words("initial", *INITIAL))
    for gradient in GRADIENTS:
        out.write(words("gradient", *map(float, gradient)))
    for dtype, suffix in ((torch.float64, ""), (torch.float32, ".f32")):
        for name, (make, options) in OPTIMIZERS.items():
            parameter = torch.nn.Parameter(torch.tensor(INITIAL, dtype=dtype))
            optimizer = make([parameter], **options)
            out.write(words("case", name + suffix))
            for gradient in GRADIENTS:
                parameter.grad = torch.tensor(gradient, dtype=dtype)
                optimizer.step()
                out.write(words("parameters", *parameter.tolist()))
            for slot, value in sorted(optimizer.state[parameter].items()):
                if slot != "step" and value is not None:
                    out.write(words("slot", slot, *value.tolist()))


def schedules(out):
    for name, make in SCHEDULES.items():
        optimizer = O.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.02)
        scheduler = make(optimizer)
        rates = []
        for _ in range(SCHEDULE_STEPS):
            rates.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            scheduler.step()
        out.write(words("schedule", name, *rates))


def plateau(out):
    noise = random.Random(3)
    metrics = [math.exp(-t / 20) + 0.03 * noise.gauss(0, 1) + (0.3 if 45 < t < 60 else 0) for t in range(120)]
    metrics[30] = math.nan
    metrics[70] = -0.5
    out.write(words("metrics", *metrics))
    for name, options in PLATEAUS.items():
        optimizer = O.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        scheduler = S.ReduceLROnPlateau(optimizer, **options)
        rates = []
        for metric in metrics:
            scheduler.step(metric)
            rates.append(float(optimizer.param_groups[0]["lr"]))
        out.write(words("plateau", name, *rates))


def clipping(out):
    for dtype, suffix in ((torch.float64, ""), (torch.float32, ".f32")):
        for name, gradient, maximum in (("above", GRADIENTS[0], 0.5), ("below", GRADIENTS[1], 1e3), ("zero", [0.0] * 6, 1.0)):
            parameter = torch.nn.Parameter(torch.zeros(PARAMETERS, dtype=dtype))
            parameter.grad = torch.tensor(gradient, dtype=dtype)
            norm = float(torch.nn.utils.clip_grad_norm_([parameter], maximum))
            out.write(words("clip", name + suffix, maximum, norm, *map(float, gradient), *parameter.grad.tolist()))


for record in (optimizers, schedules, plateau, clipping):
    with open(HERE / f"{record.__name__}.txt", "w") as out:
        out.write(f"# PyTorch {torch.__version__}; made by record.py\n")
        record(out)
