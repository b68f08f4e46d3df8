"""The expressions of corpus/more_cases.jsonl as NumPy, written by hand; constants may be left out.

Nothing of symgrad is used.  The functions take the arrays of a case by name (a scalar is a number, a column has one
axis, a row and a matrix two), real or complex, so that the complex step differentiates them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import expm
from scipy.special import erf

inv, det, tr, dg, outer, kron = np.linalg.inv, np.linalg.det, np.trace, np.diag, np.outer, np.kron
exp, log, sqrt, sin, cos, tanh = np.exp, np.log, np.sqrt, np.sin, np.cos, np.tanh
S = np.sum


def relu(x: Any) -> Any:
    return np.where(np.real(x) > 0, x, 0 * x)


def mx(a: Any, b: Any) -> Any:
    return np.where(np.real(a) >= np.real(b), a, b)


def mn(a: Any, b: Any) -> Any:
    return np.where(np.real(a) <= np.real(b), a, b)


def ab(x: Any) -> Any:
    return np.where(np.real(x) >= 0, x, -x)


def sig(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def soft(v: Any) -> Any:
    return np.exp(v) / np.sum(np.exp(v))


def lse(v: Any) -> Any:
    return np.log(np.sum(np.exp(v)))


def rsm(M: Any) -> Any:
    return np.exp(M) / np.sum(np.exp(M), axis=1, keepdims=True)


def sq(x: Any) -> Any:
    return np.sum(x * x)


def nf(x: Any) -> Any:
    return np.sqrt(np.sum(x * x))


def sp(x: Any) -> Any:
    return np.log(1 + np.exp(x))


def ld(X: Any) -> Any:
    return 0.5 * np.log(np.linalg.det(X) ** 2)


def vec(M: Any) -> Any:
    return M.T.reshape(-1)


def Phi(x: Any) -> Any:
    return 0.5 * (1 + erf(x / 2**0.5))


def gelu(x: Any) -> Any:
    return x * Phi(x)


def silu(x: Any) -> Any:
    return x * sig(x)


def elu(x: Any) -> Any:
    return np.where(np.real(x) > 0, x, np.exp(mn(x, 0 * x)) - 1)


def leaky(x: Any, a: Any) -> Any:
    return np.where(np.real(x) > 0, x, a * x)


def step(x: Any) -> Any:
    return np.where(np.real(x) > 0, 1.0, 0.0) + 0 * x


def mean(x: Any) -> Any:
    return np.sum(x) / x.size


def var(x: Any) -> Any:
    return np.sum((x - mean(x)) ** 2) / x.size


def pinv(X: Any) -> Any:
    return inv(X.T @ X) @ X.T


def adj(X: Any) -> Any:
    return np.linalg.det(X) * inv(X)


def E(i: Any, n: Any) -> Any:
    return np.eye(n)[i - 1]


def ones(*n: int) -> Any:
    return np.ones(n)


def mpow(X: Any, k: Any) -> Any:
    return np.linalg.matrix_power(X, k)


def col(v: Any) -> Any:
    return v.reshape(-1, 1)


def row(v: Any) -> Any:
    return v.reshape(1, -1)


def amax(x: Any) -> Any:
    return x[np.argmax(np.real(x))]


def mean0(M: Any) -> Any:
    return np.sum(M, axis=0, keepdims=True) / M.shape[0]


ENTRYWISE = {
    "exp": exp, "sin": sin, "cos": cos, "tan": np.tan, "sinh": np.sinh, "cosh": np.cosh, "tanh": tanh,
    "arctan": np.arctan, "sigmoid": sig, "softplus": sp, "gelu": gelu, "silu": silu, "erf": erf, "relu": relu,
    "elu": elu, "expm1": lambda x: exp(x) - 1, "abs": ab, "sign": lambda x: np.sign(np.real(x)) + 0 * x,
}  # fmt: skip
ON_INTERVALS = {"log": log, "log1p": lambda x: log(1 + x), "sqrt": sqrt, "arcsin": np.arcsin, "arccos": np.arccos}


def _entrywise(g: Any) -> dict[str, Callable[..., Any]]:
    return {
        "v": lambda x, a: S(g(a * x)),
        "M": lambda X, A: tr(A.T @ g(X)),
        "s": lambda s, x: g(s * (x @ x)) * s,
        "h": lambda W, x, v: v @ g(W @ x),
    }


def _on_interval(g: Any) -> dict[str, Callable[..., Any]]:
    return {"v": lambda x, a: a @ g(x), "M": lambda X, b: g(X) @ b, "h": lambda x: S(g(x) * x)}


def _two_steps(A: Any, B: Any, u0: Any, u1: Any, x0: Any, Q: Any, R: Any) -> Any:
    x1 = A @ x0 + B @ u0
    x2 = A @ x1 + B @ u1
    return x1 @ Q @ x1 + x2 @ Q @ x2 + u0 @ R @ u0 + u1 @ R @ u1


# fmt: off
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{f"ew-{name}-{kind}": f for name, g in ENTRYWISE.items() for kind, f in _entrywise(g).items()},
    **{f"ew-{name}-{kind}": f for name, g in ON_INTERVALS.items() for kind, f in _on_interval(g).items()},
    "ew-leaky": lambda x, a: leaky(x, a),
    "ew-leaky-a": lambda x, a: S(leaky(x, a)),
    "ew-leaky-num": lambda X: sq(leaky(X, .1)),
    "ew-leaky-W": lambda W, x: S(leaky(W @ x, .2)),
    "ew-step": lambda x, y: y @ (step(x) * x ** 2),
    "ew-step2": lambda X: S(step(X)),
    "ew-step3": lambda x, s: s * S(step(x - s)) + s * s,
    "ew-max3": lambda x, y, z: S(mx(mx(x, y), z)),
    "ew-max0": lambda x: S(mx(x, 0) ** 2),
    "ew-max0h": lambda x: S(mx(x, 0) ** 3),
    "ew-maxs": lambda x, s: S(mx(x, s)),
    "ew-minM": lambda X, Y: mn(X, Y),
    "ew-maxM": lambda X, Y: sq(mx(X, Y ** 2)),
    "ew-clip": lambda x: S(mn(mx(x, -1), 1) * x),
    "ew-pow": lambda x, a: S(x ** a),
    "ew-pow-a": lambda x, a: S(x ** a),
    "ew-pow-s": lambda x, s: S(s ** x),
    "ew-pow-2": lambda x: 2. ** x,
    "ew-pow-neg": lambda x: S(x ** -2.),
    "ew-pow-neg1": lambda x: 1 / x,
    "ew-pow-half": lambda X: S(X ** .5),
    "ew-div": lambda A, B: A / B,
    "ew-div2": lambda A, B: S(A / (A + B)),
    "ew-div3": lambda x, s: s / x,
    "ew-sxx": lambda x, s: x ** s,
    "ew-xx": lambda x: S(x ** x),
    "ew-comp": lambda x: S(tanh(sin(x) + cos(x ** 2)) * exp(-x ** 2)),
    "ew-comp2": lambda X: S(sp(X) * sig(-X)),
    "ew-entropy": lambda p: -S(p * log(p)),
    "ew-binent": lambda p: -S(p * log(p) + (1 - p) * log(1 - p)),
    "ew-binent-h": lambda p: -S(p * log(p) + (1 - p) * log(1 - p)),
    "ew-iv1": lambda z: S(np.where(np.real(z) > 0, 1., 0.) * z ** 2),
    "ew-iv2": lambda a, b: S(mx(a, b)),
    "ew-iv3": lambda X, Y: tr((np.where(np.real(X) > np.real(Y), 1., 0.) * X).T @ Y),
    "ew-iv4": lambda x, s: S(x),
    "ew-iv5": lambda x: S(np.where(np.real(x) <= 1, 1., 0) * x) * S(np.where(np.real(x) > 1, 1., 0) + 0 * x),
    "rd-sum": lambda X: S(X) ** 2,
    "rd-mean": lambda X: mean(X ** 2),
    "rd-mean-x": lambda x: (mean(x) - 1) ** 2,
    "rd-var": lambda x: log(var(x)),
    "rd-var-h": lambda x: var(x),
    "rd-var-M": lambda X, A: var(X @ A),
    "rd-sd": lambda x, a: a @ (x - mean(x)) / sqrt(var(x)),
    "rd-rowsum": lambda X, a: a @ S(X ** 2, axis=1),
    "rd-colsum": lambda X: row(S(X, axis=0)),
    "rd-colsum2": lambda X, A: S(S(A @ X, axis=0) ** 3),
    "rd-colsum3": lambda X, b: S(X, axis=0) @ b,
    "rd-rowsum2": lambda X, Y: sq(S(X * Y, axis=1)),
    "rd-rowsumJ": lambda X: S(exp(X), axis=1),
    "rd-norm1": lambda A, x, b: S(ab(A @ x - b)),
    "rd-norminf": lambda A, x: amax(ab(A @ x)),
    "rd-norminf2": lambda x, a: amax(ab(x - a)) ** 2,
    "rd-norminf3": lambda x, s: s * amax(ab(x)) + S(ab(x)) * nf(x),
    "rd-maxv": lambda x: amax(x),
    "rd-maxv2": lambda A, x, b: amax(A @ x + b),
    "rd-minv": lambda x: -amax(-x ** 2) * amax(x),
    "rd-minv2": lambda A, x: -amax(-exp(A @ x)),
    "rd-minv3": lambda x: amax(x) + amax(-x),
    "rd-lse": lambda A, x: lse(A @ x) ** 2,
    "rd-lse-h": lambda A, x, b: lse(A @ x + b),
    "rd-lse-M": lambda A, x: lse(A @ x),
    "rd-dot": lambda A, B: S(A * A * B),
    "rd-dot2": lambda x, y, A: ((A @ x) @ y) ** 2,
    "rd-dot3": lambda X, U, V: S(X * (U @ V.T)),
    "rd-normF": lambda X: nf(X),
    "rd-norm2M": lambda X, A: nf(A @ X),
    "rd-normF3": lambda X: nf(X @ X.T) ** 3,
    "rd-normFh": lambda X: nf(X),
    "rd-norm2h": lambda x, a: nf(x - a),
    "rd-norm2xa": lambda x, a: nf(x - a),
    "rd-norm2m1": lambda x: 1 / nf(x),
    "rd-norm1h": lambda x: S(ab(x)) ** 2,
    "rd-tr": lambda A, B, C: tr(A @ B @ C),
    "rd-trx": lambda X: tr(X) * X,
    "rd-tr2": lambda X, A: tr(X @ A @ X) ** 2 / tr(X),
    "rd-softmaxxent": lambda W, x, y: -y @ (W @ x - lse(W @ x)),
    "rd-softmaxxent-o": lambda W, x, y: -y @ (W @ x - lse(W @ x)),
    "rd-softmaxxent-h": lambda W, x, y: -y @ (W @ x - lse(W @ x)),
    "rd-softmaxJ": lambda A, x: soft(A @ x),
    "rd-softmaxH": lambda x, a: a @ soft(x),
    "rd-logsoftmaxJ": lambda x: x - lse(x),
    "rd-logsoftmaxT": lambda x, t: x / t - lse(x / t),
    "rd-rowsoftmax": lambda X, V: rsm(X) @ V,
    "rd-rowsoftmax2": lambda X, A: S(A * log(rsm(X))),
    "rd-rowsoftmax3": lambda X: rsm(X),
    "mx-inv": lambda X, a, b: a @ inv(X) @ b,
    "mx-invh": lambda X, a: a @ inv(X) @ a,
    "mx-inv2": lambda X, A: tr(A @ inv(X) @ inv(X)),
    "mx-invT": lambda X, A: sq(inv(X).T @ A),
    "mx-invM": lambda X: inv(X),
    "mx-invs": lambda A, B, s: inv(A + s * B),
    "mx-invs2": lambda A, B, s: tr(inv(A + s * B)),
    "mx-adj": lambda X, a, b: a @ adj(X) @ b,
    "mx-adj2": lambda X: tr(adj(X)),
    "mx-adj3": lambda X, s: det(X) * tr(adj(s * X)),
    "mx-pinv": lambda X, a, b: a @ pinv(X) @ b,
    "mx-pinv2": lambda X, y: sq(y - X @ pinv(X) @ y),
    "mx-pinv3": lambda X: sq(pinv(X)),
    "mx-det": lambda X, A: det(X @ A + np.eye(len(X))),
    "mx-det2": lambda X: det(X.T @ X),
    "mx-det3": lambda X: log(det(X) ** 2),
    "mx-dets": lambda A, s: det(A - s * np.eye(len(A))),
    "mx-dets2": lambda A, s: det(s * A),
    "mx-deth": lambda X: det(X),
    "mx-logdet": lambda X, A: ld(A @ X @ A.T),
    "mx-logdeth": lambda A, x: ld(A.T @ dg(x) @ A),
    "mx-logdet3": lambda X, s: ld(s * np.eye(len(X)) + X @ X.T),
    "mx-logdetK": lambda X, A: ld(kron(X, A)),
    "mx-expm": lambda X, a: a @ expm(X) @ a,
    "mx-expm2": lambda A, t: expm(t * A),
    "mx-expm3": lambda X: tr(expm(X @ X.T / 1.)),
    "mx-expm4": lambda A, t, x: x @ expm(t * A) @ x,
    "mx-pow": lambda X: tr(mpow(X, 4)),
    "mx-pow2": lambda X, a: a @ mpow(X, 3) @ a,
    "mx-pow3": lambda X: inv(X @ X),
    "mx-pow0": lambda X: X,
    "mx-pow'": lambda A, x: x @ (A @ A).T @ x,
    "mx-powh": lambda X: tr(mpow(X, 3)),
    "mx-diag": lambda x, A: dg(x) @ A @ dg(x),
    "mx-diag2": lambda x, A, B: tr(A @ dg(x ** 2) @ B),
    "mx-diagonal": lambda X, a: a @ np.diagonal(X @ X),
    "mx-diagonal2": lambda X: sq(np.diagonal(X)) + S(dg(np.diagonal(X)) @ X),
    "mx-diagonal3": lambda X, A: np.diagonal(X @ A @ X.T),
    "mx-vec": lambda X, A, B: vec(A @ X @ B),
    "mx-vec2": lambda X, M: vec(X) @ kron(M, np.eye(len(X))) @ vec(X),
    "mx-vec3": lambda X: outer(vec(X.T), vec(X)),
    "mx-kron": lambda A, B: kron(A, B),
    "mx-kron2": lambda A, B: sq(kron(A, B)),
    "mx-kron3": lambda x, y, A: kron(x, y) @ vec(A.T),
    "mx-kron4": lambda A, B: tr(kron(A, B) @ kron(A, B).T),
    "mx-kron5": lambda x: kron(x, x),
    "mx-kron6": lambda s, x: s * outer(x, x),
    "mx-outer": lambda x, y: outer(x, y),
    "mx-outer2": lambda x, A: outer(x, x) @ A @ x,
    "mx-eye": lambda A, x: sq((np.eye(len(x)) - A) @ x),
    "mx-ones": lambda A: S(A) * row(S(A, axis=0)),
    "mx-ones2": lambda X: sq(X - ones(len(X), len(X)) @ X / len(X)),
    "mx-ones3": lambda X: sq(X - ones(len(X), len(X)) @ X / len(X)),
    "mx-zeros": lambda x, A: x @ A @ x,
    "mx-e": lambda A, x: A[0] @ x,
    "mx-e2": lambda X: X[1, 2] ** 2,
    "mx-e3": lambda X: X[:, 0],
    "mx-e4": lambda x, A: np.eye(len(x))[1] * (x @ A @ x),
    "mx-pi": lambda x, S: .5 * ld(S) + .5 * x @ inv(S) @ x,
    "mx-pi2": lambda s: sin(np.pi * s) ** 2 / np.pi,
    "dm-1": lambda x: x @ x / len(x),
    "dm-2": lambda x, A: sq(A @ x) / (2 * len(A)) + len(x) * S(x),
    "dm-3": lambda X: X.T @ (X - ones(len(X), 1) * mean0(X)) / (len(X) - 1),
    "dm-4": lambda x, s: s ** len(x) * S(x),
    "dm-5": lambda x: sqrt(1. * len(x)) * nf(x),
    "dm-6": lambda X, k: k * tr(X),
    "rw-1": lambda r: (r @ r.T)[0, 0],
    "rw-2": lambda r, A: (r @ A @ r.T)[0, 0],
    "rw-3": lambda r: r * r,
    "rw-4": lambda r, x: col(x) @ r,
    "rw-5": lambda r, W: tanh(r @ W),
    "rw-6": lambda r, W: S(sp(r @ W)),
    "rw-7": lambda r: r.reshape(-1),
    "rw-8": lambda r, x: (r @ x) * r,
    "rw-9": lambda r: nf(r),
    "rw-10": lambda r, b, X: sq(X - ones(len(X), 1) * (r + b)),
    "rw-11": lambda r, t: t * r,
    "rw-12": lambda X, r: r @ X,
    "z-1": lambda x, y: y + 0 * x,
    "z-2": lambda x, A: det(A) + 0 * S(x),
    "z-3": lambda x: S(x * 0),
    "z-4": lambda x: S(0 * x) + 1,
    "z-5": lambda x, A: x @ (A - A.T) @ x,
    "z-6": lambda X: X - X,
    "z-7": lambda A, x: A @ x,
    "z-8": lambda x: x @ x,
    "z-9": lambda X, s: tr(X) + 0 * s,
    "z-10": lambda x, r: x @ x + 0 * S(r),
    "o-1": lambda x, A: (x @ A @ x) ** 2,
    "o-2": lambda x, A: x @ A @ x,
    "o-3": lambda x, A: x @ A @ x,
    "o-4": lambda x: S(exp(x)) ** 2,
    "o-5": lambda X: sq(X) ** 2,
    "o-6": lambda X: tr(X @ X),
    "o-7": lambda x, s: exp(s * x @ x),
    "o-8": lambda x, s: exp(s * x @ x),
    "o-9": lambda W, x, y: sq(W @ x - y),
    "o-10": lambda W, x, y: sq(W @ x - y),
    "o-11": lambda W, x, y: sq(sig(W @ x) - y),
    "o-12": lambda U, V, T: sq(T - U @ V.T),
    "o-13": lambda U, V, T, M: sq(M * (T - U @ V.T)),
    "o-14": lambda a, x: log(1 + exp(-a @ x)),
    "o-15": lambda x: 1 / (x @ x),
    "o-16": lambda s, t: exp(s * t) * sin(s),
    "o-17": lambda s: sin(s) ** 3,
    "o-18": lambda x, y: exp(x @ y),
    "o-19": lambda x: x ** 3,
    "o-20": lambda A, x: sig(A @ x),
    "o-21": lambda x, s: x ** 2 * s ** 2,
    "o-22": lambda s, A: s ** 3 * A,
    "o-23": lambda x, a: sin(a @ x),
    "o-24": lambda x: outer(x, x) @ x,
    "o-25": lambda r, A: exp((r @ A @ r.T)[0, 0] / 1),
    "o-26": lambda X, a: a @ inv(X) @ a,
    "o-27": lambda X: ld(X),
    "st-sym1": lambda S, a, b: a @ S @ b,
    "st-sym2": lambda S, A: tr(S @ A @ S),
    "st-sym3": lambda S: tr(mpow(S, 3)),
    "st-sym4": lambda S, x: S @ x,
    "st-sym5": lambda S, x: x @ S @ x,
    "st-sym6": lambda S: sq(S),
    "st-spd1": lambda S, a: a @ inv(S) @ a + ld(S),
    "st-spd2": lambda S, T: tr(inv(S) @ T) - ld(inv(S) @ T),
    "st-spd3": lambda P, x: sqrt(x @ P @ x),
    "st-spd4": lambda P, x, A: x @ P @ x + tr(P @ A) + det(P),
    "st-skew1": lambda K, a, b: a @ K @ b,
    "st-skew2": lambda K, x: sq(K @ x),
    "st-skew3": lambda K, x: sq((np.eye(len(x)) + K) @ x),
    "st-skew4": lambda K, A: tr(A @ K @ K),
    "st-diag1": lambda D, A, x: x @ A @ D @ x,
    "st-diag2": lambda D, A: tr(D @ A @ D @ A.T),
    "st-diag3": lambda D, x, y: sq(D @ x - y),
    "st-diag4": lambda D: ld(D) + tr(inv(D)),
    "st-orth1": lambda Q, x, y: sq(Q @ x - y),
    "st-orth2": lambda Q, A: tr(A),
    "st-orth3": lambda Q, A: tr(Q.T @ A),
    "st-orth4": lambda Q, A, B: sq(A @ Q - B),
    "st-low1": lambda L, x: sq(L.T @ x),
    "st-low2": lambda L, A: tr(A @ L) + ld(L),
    "st-low3": lambda L, S: sq(L @ L.T - S),
    "st-up1": lambda U, A, x: x @ A @ U @ x,
    "st-up2": lambda U: sq(U),
    "st-up3": lambda U, x, b: sq(U @ x - b),
    "st-inv1": lambda X, a: a @ a + tr(inv(X)),
    "st-inv2": lambda X, A: tr(A),
    "st-inv3": lambda X: det(X),
    "st-pos1": lambda x: 3 * S(x),
    "st-pos2": lambda x, a: 3 * S(log(x)),
    "st-pos3": lambda W, H, V: S(V * log(V / (W @ H)) - V + W @ H),
    "st-smp1": lambda p, q: S(p * log(p / q)),
    "st-smp2": lambda y, z: lse(z) - y @ z,
    "st-smp3": lambda y, z: lse(z) - y @ z,
    "st-oh1": lambda y, z: -log(y @ soft(z)),
    "st-oh2": lambda y, z, g: -(1 - y @ soft(z)) ** g * log(y @ soft(z)),
    "st-oh3": lambda y, z: sq(soft(z) - y),
    "sp-1": lambda A, x: x @ A @ x,
    "sp-2": lambda x: x @ x / 2,
    "sp-3": lambda W1, x, b1: W1 @ x + b1,
    "sp-4": lambda Σ, μ, x: (x - μ) @ inv(Σ) @ (x - μ),
    "sp-5": lambda X, Y, a: a @ S(X * Y, axis=1),
    "sp-6": lambda X, Y: X / Y,
    "sp-7": lambda λ, w, X, y: sq(X @ w - y) + λ * w @ w,
    "sp-8": lambda x: 2 * x ** 2,
    "sp-9": lambda a, b: a ** 2 * b ** 3,
    "sp-10": lambda x, y, s: s * x @ y,
    "sp-11": lambda A, B, x: A @ B @ x,
    "sp-12": lambda **k: k["lambda"] * k["w"] @ k["if"],
    "sp-13": lambda x, x_2, x1: x @ x_2 + x @ x1,
    "sp-14": lambda x: -x ** 2,
    "sp-15": lambda s: -s ** 2,
    "sp-16": lambda s: 2. ** -s,
    "sp-17": lambda s, x: (x @ x) ** s,
    "sp-18": lambda s, x: (x @ x) ** s,
    "sp-19": lambda X, A: tr(A / 2 @ X),
    "sp-20": lambda α, x, β: α * x @ β,
    "sp-21": lambda x, A: 1 - x @ A @ x / (x @ x),
    "sp-22": lambda x, y: x @ y / (nf(x) * nf(y)),
    "sp-23": lambda a, b, c: a / b / c,
    "sp-24": lambda a, b, c: a / b * c,
    "sp-25": lambda x: 1.5 * x @ x + .25 * S(x),
    "sp-26": lambda x, A: sq(A @ x),
    "sp-27": lambda x, A: A @ x,
    "sp-28": lambda X, Y, Z: X * Y / Z,
    "sp-29": lambda X: nf(X),
    "sp-30": lambda A, x, b: sq(A @ x - b) / 2,
    "sp-31": lambda A, x: x @ A @ x,
    "sp-32": lambda x, y: x @ y,
    "m-hinge": lambda X, w, b, y: mean(mx(0, 1 - y * (X @ w + b))),
    "m-sqhinge": lambda X, w, y, lam: S(mx(1 - y * (X @ w), 0) ** 2) + lam / 2 * w @ w,
    "m-huber": lambda r, d: S(.5 * mn(ab(r), d) ** 2 + d * (ab(r) - mn(ab(r), d))),
    "m-huber-d": lambda r, d: S(.5 * mn(ab(r), d) ** 2 + d * (ab(r) - mn(ab(r), d))),
    "m-quantile": lambda r, q: S(mx(q * r, (q - 1) * r)),
    "m-focal": lambda p, y, g: -S((1 - p) ** g * y * log(p) + p ** g * (1 - y) * log(1 - p)),
    "m-triplet": lambda a, p, q, t: mx(0., sq(a - p) - sq(a - q) + t),
    "m-triplet-d": lambda a, p, q, t: relu(nf(a - p) - nf(a - q) + t),
    "m-contrast": lambda u, v, y, t: y * sq(u - v) + (1 - y) * mx(0, t - nf(u - v)) ** 2,
    "m-infonce": lambda Q, K, t: -mean(np.diagonal(log(rsm(Q @ K.T / t)))),
    "m-infonce2": lambda q, P, t: -P[0] @ q / t + lse(P @ q / t),
    "m-vae": lambda mu, ls: -.5 * S(1 + ls - mu ** 2 - exp(ls)),
    "m-vae2": lambda mu, s: .5 * S(mu ** 2 + s ** 2 - 1 - log(s ** 2)),
    "m-vae3": lambda μ, σ: .5 * S(μ ** 2 + σ ** 2 - 1 - log(σ ** 2)),
    "m-kl": lambda a, b, S, T: .5 * (tr(inv(T) @ S) + (b - a) @ inv(T) @ (b - a) + ld(T) - ld(S)),
    "m-gp": lambda y, K, s: .5 * y @ inv(K + s * s * np.eye(len(y))) @ y + .5 * ld(K + s * s * np.eye(len(y))),
    "m-gp-K": lambda y, K, s: .5 * y @ inv(K + s * np.eye(len(y))) @ y + .5 * ld(K + s * np.eye(len(y))),
    "m-rbf": lambda x, z, l: exp(-sq(x - z) / (2 * l * l)),
    "m-rbf-h": lambda x, z, l: exp(-sq(x - z) / (2 * l * l)),
    "m-matern": lambda x, z: (1 + sqrt(3.) * nf(x - z)) * exp(-sqrt(3.) * nf(x - z)),
    "m-poly": lambda x, z, c: (x @ z + c) ** 3,
    "m-crf": lambda T, a, b: log(a @ T @ T @ b),
    "m-crf2": lambda U, e1, e2, e3: lse(vec(U + outer(e1, ones(len(e1))) + outer(ones(len(e1)), e2))) - e3 @ U @ e3,
    "m-attn": lambda Q, K, V: rsm(Q @ K.T / sqrt(1. * Q.shape[1])) @ V,
    "m-attn-K": lambda Q, K, V, G, d: S(G * (rsm(Q @ K.T / sqrt(d)) @ V)),
    "m-attn-Q": lambda Q, K, V: rsm(Q @ K.T) @ V,
    "m-attn-X": lambda X, A, B, C, G: tr(G.T @ rsm(X @ A @ (X @ B).T) @ X @ C),
    "m-ln": lambda x, g, b, s: g * (x - mean(x)) / sqrt(var(x) + s) + b,
    "m-ln-s": lambda x, g, b, s: g * (x - mean(x)) / sqrt(var(x) + s) + b,
    "m-ln-g": lambda x, g, b, s: g * (x - mean(x)) / sqrt(var(x) + s) + b,
    "m-rms": lambda x, g, a: a @ (g * x / sqrt(mean(x ** 2))),
    "m-bn": lambda X, G, s: S(G * (X - mean0(X)) / sqrt(mean0((X - mean0(X)) ** 2) + s)),
    "m-lstm": lambda W, x, c, f: sig(f) * c + (1 - sig(f)) * tanh(W @ x),
    "m-gru": lambda U, h, z, r, v: v @ ((1 - z) * h + z * tanh(U @ (r * h))),
    "m-gru2": lambda U, Z, R, h, v: v @ ((1 - sig(Z @ h)) * h + sig(Z @ h) * tanh(U @ (sig(R @ h) * h))),
    "m-highway": lambda W, T, x: sig(T @ x) * relu(W @ x) + (1 - sig(T @ x)) * x,
    "m-resid": lambda W, V, x: x + V @ relu(W @ x),
    "m-geglu": lambda W, V, P, x: P @ (gelu(W @ x) * (V @ x)),
    "m-swiglu": lambda W, V, P, x, a: a @ P @ (silu(W @ x) * (V @ x)),
    "m-gcn": lambda A, X, W, Y: -S(Y * log(rsm(A @ relu(A @ X @ W)))),
    "m-gcn2": lambda A, X, W, d: sq(dg(1 / sqrt(d)) @ A @ dg(1 / sqrt(d)) @ X @ W),
    "m-kalman": lambda P, H, R: tr(P - P @ H.T @ inv(H @ P @ H.T + R) @ H @ P),
    "m-kalman2": lambda K, P, H, R: tr((np.eye(len(K)) - K @ H) @ P @ (np.eye(len(K)) - K @ H).T + K @ R @ K.T),
    "m-lqr": lambda A, B, K, Q, R, P: tr(Q + K.T @ R @ K + (A - B @ K).T @ P @ (A - B @ K)),
    "m-lqr-prog": _two_steps,
    "m-pagerank": lambda P, v, a, c: (1 - a) * c @ inv(np.eye(len(v)) - a * P) @ v,
    "m-cox": lambda X, w, T, d: S(d * (log(T @ exp(X @ w)) - X @ w)),
    "m-cox-h": lambda X, w, T, d: S(d * (log(T @ exp(X @ w)) - X @ w)),
    "m-probit": lambda X, w, y: -S(log(Phi(y * (X @ w)))),
    "m-poisson": lambda X, w, y, o: S(o * exp(X @ w) - y * (X @ w)),
    "m-negbin": lambda X, w, y, r: S((y + r) * log(r + exp(X @ w)) - y * (X @ w) - r * log(r)),
    "m-negbin-r": lambda X, w, y, r: S((y + r) * log(r + exp(X @ w)) - y * (X @ w) - r * log(r)),
    "m-vmf": lambda x, u, k: -k * (u @ x) / nf(u),
    "m-vmf-k": lambda x, u, k: -k * (u @ x) / nf(u) + log(np.sinh(k) / k),
    "m-student": lambda x, u, P, v: (v + len(x)) / 2 * log(1 + (x - u) @ P @ (x - u) / v) - .5 * ld(P),
    "m-student-v": lambda x, u, P, v: (v + len(x)) / 2 * log(1 + (x - u) @ P @ (x - u) / v),
    "m-wishart": lambda X, V, v: (v - len(X) - 1) / 2 * ld(X) - .5 * tr(inv(V) @ X) - v / 2 * ld(V),
    "m-wishart-V": lambda X, V, v: (v - len(X) - 1) / 2 * ld(X) - .5 * tr(inv(V) @ X) - v / 2 * ld(V),
    "m-cca": lambda a, b, C, A, B: a @ C @ b / sqrt((a @ A @ a) * (b @ B @ b)),
    "m-fisher": lambda W, B, S: tr(inv(W.T @ S @ W) @ W.T @ B @ W),
    "m-fisher2": lambda w, B, S: log(w @ B @ w) - log(w @ S @ w),
    "m-pca": lambda W, X: sq(X - X @ W @ W.T),
    "m-nmf": lambda V, W, H: .5 * sq(V - W @ H),
    "m-mc": lambda M, X, U, V, l: sq(M * (X - U @ V.T)) + l * (sq(U) + sq(V)),
    "m-dict": lambda Y, D, Z, l: .5 * sq(Y - D @ Z) + l * S(ab(Z)),
    "m-rpca": lambda M, L, E, Y, u: S(ab(E)) + S(Y * (M - L - E)) + u / 2 * sq(M - L - E),
    "m-ot": lambda f, g, C, a, b, t: f @ a + g @ b - t * S(exp((f[:, None] + g[None, :] - C) / t)),
    "m-ot-h": lambda f, g, C, a, b, t: f @ a + g @ b - t * S(exp((f[:, None] + g[None, :] - C) / t)),
    "m-sinkhorn": lambda K, v, a: a / (K @ v),
    "m-sinkhorn2": lambda K, v, a, b: (lambda u: S((u[:, None] * K * (b / (K.T @ u))[None, :]) ** 2))(a / (K @ v)),
    "m-svm-dual": lambda a, K, y: S(a) - .5 * (a * y) @ K @ (a * y),
    "m-krr": lambda a, K, y, l: sq(y - K @ a) + l * a @ K @ a,
    "m-krr-h": lambda a, K, y, l: sq(y - K @ a) + l * a @ K @ a,
    "m-gmm": lambda x, M, w: lse(w - .5 * S((x[None, :] - M) ** 2, axis=1)),
    "m-gmm-x": lambda x, M, w: lse(w - .5 * S((x[None, :] - M) ** 2, axis=1)),
    "m-moe": lambda G, E, x: soft(G @ x) @ (E @ x),
    "m-dro": lambda l, p, t: t * log(p @ exp(l / t)),
    "m-ppo": lambda r, A, c: mean(mn(r * A, mn(mx(r, 1 - c), 1 + c) * A)),
    "m-dpo": lambda a, b, c, d, t: -log(sig(t * (a - b) - t * (c - d))),
    "m-logreg-tex": lambda X, w, y: S(log(1 + exp(-y * (X @ w)))),
    "m-logreg-ce": lambda X, w, y: -y @ log(sig(X @ w)) - (1 - y) @ log(1 - sig(X @ w)),
    "m-elastic": lambda X, y, w, a, b: sq(y - X @ w) / (2 * len(y)) + a * S(ab(w)) + b / 2 * w @ w,
    "m-rayleigh": lambda x, A: x @ A @ x / (x @ x),
    "m-newton-schulz": lambda X, A: 2 * X - X @ A @ X,
    "m-stein": lambda W, x, s: s * S(tanh(W @ x)) + np.diagonal(W @ W.T) @ (1 - tanh(W @ x) ** 2),
    "m-planarflow": lambda z, u, w, b: .5 * log((1 + u @ w * (1 - tanh(w @ z + b) ** 2)) ** 2),
    "m-householder": lambda v, x, y: y @ x - 2 * (y @ v) * (v @ x) / (v @ v),
    "m-barrier": lambda A, x, b: -S(log(b - A @ x)),
    "m-doptimal": lambda X, l: -ld(X.T @ dg(l) @ X),
    "m-lasso-ista": lambda x, t: np.sign(np.real(x)) * mx(ab(x) - t, 0),
    "m-weighted": lambda X, w, y, d: S(d * (y - X @ w) ** 2),
    "m-laplacian": lambda W, F: .5 * S(W * (S(F * F, axis=1)[:, None] + S(F * F, axis=1)[None, :] - 2 * F @ F.T)),
    "m-ica": lambda W, x: S(log(np.cosh(W @ x))) - ld(W),
    "m-cauchy": lambda r, c: S(c * c / 2 * log(1 + (r / c) ** 2)),
    "m-softsign": lambda x: x / (1 + ab(x)),
    "m-mish": lambda x: x * tanh(sp(x)),
    "m-bradley": lambda s, D: S(log(1 + exp(-D @ s))),
    "m-tv": lambda D, x, y, t, l: .5 * sq(x - y) + l * S(sqrt((D @ x) ** 2 + t)),
    "m-cp": lambda A, B, c, X: sq(X - A @ dg(c) @ B.T),
    "m-sde": lambda A, x, t: sq(expm(t * A) @ x),
    "p-1": lambda W1, W2, x, y: lse(W2 @ tanh(W1 @ x)) - y @ W2 @ tanh(W1 @ x),
    "p-4": lambda X, w, y: sq(X @ w - y) / len(y),
    "p-5": lambda W1, W21, W22, x, y: (lambda l1: -y @ log(soft(mx(relu(W21 @ l1), sig(W22 @ l1)))))(relu(W1 @ x)),
    "p-6": lambda A, x: x @ inv(A @ A.T + np.eye(len(x))) @ x,
    "p-7": lambda U, h: S(tanh(U @ tanh(U @ tanh(U @ h)))),
    "p-8": lambda s: s ** 3 + s ** 2,
    "p-9": lambda W, x, y: .5 * sq(W @ x - y),
    "g-1": lambda X: log(S(exp(X))),
    "g-2": lambda X: S(log(soft(X)) * soft(X)),
    "g-3": lambda X: S(soft(X)),
    "g-4": lambda X: amax(vec(X)) ** 2,
    "g-5": lambda x, c: S((c ** 4 - c ** 2 * x) ** 2),
    "g-6": lambda Y, X, W, d: sq(Y - X @ W - d[None, :]),
    "g-7": lambda X, c: sq(X - c[:, None]),
    "g-8": lambda X, Y, s: s * lse(X + Y.T),
    "g-9": lambda X, Y, s: s * lse(X + Y.T),
    "g-10": lambda X, A: S(A * log(soft(X))),
    "g-11": lambda X, A: lse(A @ X @ A.T),
    "g-12": lambda x, y, A: x @ A @ y / (nf(x) * nf(y)),
    "g-13": lambda X: sq(soft(X)),
    "g-14": lambda x: lse(x) - mean(x),
    "g-15": lambda A, s, x: (s ** 3 * A + s * np.eye(len(x))) @ x,
    "g-16": lambda x, c: S(c ** 2 / (2 * len(x)) * log(1 + (x / c) ** 2)),
}
# fmt: on
