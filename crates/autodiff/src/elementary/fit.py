"""Derives the coefficients of this folder's polynomials and prints each row with the error it leaves.

    python fit.py        needs numpy and mpmath, takes a few seconds

A fit minimises the largest weighted error over a fine grid by Lawson's method (C. L. Lawson, 1961): least squares again
and again, each point's share multiplied by its last error; for a quotient the last denominator divides the equations
(C. K. Sanathanan & J. Koerner, 1963). The coefficients of a polynomial are rounded to float32 one by one, lowest power
first, and the others are fitted anew after each, so that they make up for its rounding.
"""

import mpmath as mp
import numpy as np

mp.mp.dps = 40


def lawson(top, bottom, target, weight, rounds=1000):
    """Coefficients (a, b) with the smallest largest |weight (top a / (1 + bottom b) - target)|."""
    columns = np.hstack([top, -target[:, None] * bottom])
    share, denominator, least = np.ones(len(target)), np.ones(len(target)), np.inf
    for _ in range(rounds):
        scale = np.sqrt(share) * weight / denominator
        matrix = columns * scale[:, None]
        norms = np.linalg.norm(matrix, axis=0)
        c = np.linalg.lstsq(matrix / norms, target * scale, rcond=None)[0] / norms
        a, b = np.split(c, [top.shape[1]])
        denominator = 1 + bottom @ b
        error = np.abs(weight * (top @ a / denominator - target))
        if error.max() < least:
            least, best = error.max(), (a, b)
        share *= error / error.max() + 1e-3
        share /= share.mean()
    return best


def grid(low, high, points=1001):
    return (low + high) / 2 - (high - low) / 2 * np.cos(np.linspace(0, np.pi, points))


def values(f, x):
    return np.array([float(f(mp.mpf(t))) for t in x])


def show(name, error, *rows):
    print(f"{name}: largest error 2^{np.log2(error):.1f}")
    for row in rows:
        print("   ", ", ".join(str(np.float32(c)) for c in row))


def polynomial(name, f, weight, degree, low, high):
    """f(x) ~ c0 + c1 x + ..., the error measured in units of 1 / weight(x)."""
    x = grid(low, high)
    target, weight = values(f, x), np.abs(values(weight, x))
    powers = x[:, None] ** np.arange(degree + 1)
    c = np.zeros(degree + 1)
    for k in range(degree + 1):
        c[k:], _ = lawson(powers[:, k:], powers[:, :0], target - powers[:, :k] @ c[:k], weight)
        c[k] = np.float32(c[k])
    show(name, np.max(weight * np.abs(powers @ c - target)), c)


def quotient(name, f, weight, top, bottom, x):
    """f(x) ~ (a1 x + a2 x^2 + ...) / (1 + b1 x + ...)."""
    target, weight = values(f, x), np.abs(values(weight, x))
    top, bottom = (x[:, None] ** np.arange(1, n + 1) for n in (top, bottom))
    a, b = (np.float32(c).astype(float) for c in lawson(top, bottom, target, weight))
    show(name, np.max(weight * np.abs(top @ a / (1 + bottom @ b) - target)), a, np.append(1, b))


ln2 = mp.log(2)
# e^r = 1 + r + r^2 c(r), relative to e^r, a hair beyond ln 2 / 2 for arguments rounded to the neighbouring n.
edge = float(ln2 / 2) * 1.0001
polynomial("exponential", lambda r: (mp.expm1(r) - r) / r**2, lambda r: r**2 / mp.exp(r), 4, -edge, edge)

# ln(1 + s) = s - s^2/2 + s^3 c(s) for 1 + s from sqrt(1/2) to sqrt(2), relative to the logarithm.
low, high = float(mp.sqrt(0.5)) - 1, float(mp.sqrt(2)) - 1
polynomial("logarithm", lambda s: (mp.log1p(s) - s + s**2 / 2) / s**3, lambda s: s**3 / mp.log1p(s), 7, low, high)

# ln(1 + z) = z + z^2 c(z) for z from 0 to 1, relative.
polynomial("softplus", lambda z: (mp.log1p(z) - z) / z**2, lambda z: z**2 / mp.log1p(z), 8, 1e-9, 1)


# Mills' ratio: (1 - Phi(t)) e^(t^2/2) (t + 2 rho) = rho + a(t) / b(t), relative. Beyond 13.3 the tail is subnormal.
rho = mp.mpf(float(np.float32(1 / mp.sqrt(2 * mp.pi))))
mills = lambda t: mp.ncdf(-t) * mp.exp(t * t / 2) * (t + 2 * rho)
u = (1 - np.cos(np.pi * (np.arange(501) + 0.5) / 501)) / 2
quotient("normal", lambda t: mills(t) - rho, lambda t: 1 / mills(t), 4, 5, 2 * u / (1 - u * (1 - 2 / 13.3)))
