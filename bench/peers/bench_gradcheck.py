"""D. Checking a gradient numerically: seconds for one check.

    python bench_gradcheck.py [--params 1000,10000]

The function is a regularised logistic loss of N parameters and 100 samples, whose
gradient is known by hand.  `f` and `grad` below give the price of one evaluation.
"""
from common import Bench, args, fmt, load_symgrad, once, out, parser, table, wanted

from importlib.util import find_spec

import numpy as np
from scipy.special import expit

parser.add_argument("--params", default="100,1000,10000")
args = parser.parse_args()
b = Bench("Gradient checking")
symgrad = load_symgrad()
M = 100


def there(name):
    return wanted(name, args.peers) and find_spec(name) is not None


def problem(N):
    r = np.random.default_rng(N)
    X = r.standard_normal((M, N)) / np.sqrt(N)
    y = np.where(r.random(M) < 0.5, -1.0, 1.0)
    return X, y, r.standard_normal(N)


def central(f, g, w, h=6e-6):
    """Central differences, one coordinate at a time: 2N evaluations."""
    num, e = np.empty_like(w), w.copy()
    for i in range(w.size):
        e[i] = w[i] + h
        up = f(e)
        e[i] = w[i] - h
        num[i] = (up - f(e)) / (2 * h)
        e[i] = w[i]
    return np.abs(num - g(w)).max()


def complex_step(f, g, w, h=1e-30):
    """Complex step, N evaluations of a complex f; exact to rounding."""
    num, e = np.empty_like(w), w.astype(complex)
    for i in range(w.size):
        e[i] += 1j * h
        num[i] = f(e).imag / h
        e[i] = w[i]
    return np.abs(num - g(w)).max()


def batched_central(F, g, w, h=6e-6, block=64):
    """Central differences for a function F of a stack of points (rows): the
    perturbed points of a block are evaluated by one matrix product."""
    num = np.empty_like(w)
    for lo in range(0, w.size, block):
        hi = min(lo + block, w.size)
        P = np.tile(w, (2 * (hi - lo), 1))
        i = np.arange(hi - lo)
        P[i, lo + i] += h
        P[hi - lo + i, lo + i] -= h
        v = F(P)
        num[lo:hi] = (v[: hi - lo] - v[hi - lo:]) / (2 * h)
    return np.abs(num - g(w)).max()


def directional(f, g, w, k=1, h=6e-6, seed=0):
    """k random directions: 2k evaluations and one gradient."""
    r, gw, worst = np.random.default_rng(seed), g(w), 0.0
    for _ in range(k):
        d = r.standard_normal(w.shape)
        d /= np.linalg.norm(d)
        worst = max(worst, abs((f(w + h * d) - f(w - h * d)) / (2 * h) - gw @ d))
    return worst


rows = []
names = []
for N in [int(s) for s in args.params.split(",")]:
    X, y, w = problem(N)
    f = lambda w: np.logaddexp(0, -y * (X @ w)).sum() + 0.05 * (w @ w)
    fc = lambda w: np.log1p(np.exp(-y * (X @ w))).sum() + 0.05 * (w @ w)
    Fb = lambda P: np.logaddexp(0, -y * (P @ X.T)).sum(1) + 0.05 * np.einsum("ij,ij->i", P, P)
    g = lambda w: (-y * expit(-y * (X @ w))) @ X + 0.1 * w
    jobs = {
        "f": lambda: f(w),
        "grad": lambda: g(w),
        "central 2N": lambda: central(f, g, w),
        "complex step N": lambda: complex_step(fc, g, w),
        "batched central": lambda: batched_central(Fb, g, w),
        "directional k=1": lambda: directional(f, g, w, 1),
        "directional k=8": lambda: directional(f, g, w, 8),
    }
    if there("scipy"):
        from scipy.optimize import check_grad
        jobs["scipy check_grad"] = lambda: check_grad(f, g, w)
        jobs["scipy check_grad random"] = lambda: check_grad(f, g, w, direction="random", rng=0)
    if there("torch"):
        import torch
        torch.set_num_threads(args.threads)
        tX, ty = torch.from_numpy(X), torch.from_numpy(y)
        tf = lambda w: torch.nn.functional.softplus(-ty * (tX @ w)).sum() + 0.05 * (w @ w)
        tw = torch.from_numpy(w).requires_grad_(True)
        jobs["torch gradcheck"] = lambda: torch.autograd.gradcheck(tf, (tw,))
        jobs["torch gradcheck fast"] = lambda: torch.autograd.gradcheck(tf, (tw,), fast_mode=True)
    if there("jax"):
        import jax
        import jax.numpy as jnp
        from jax.test_util import check_grads
        jax.config.update("jax_enable_x64", True)
        jX, jy, jw = jnp.asarray(X), jnp.asarray(y), jnp.asarray(w)
        jf = jax.jit(lambda w: jax.nn.softplus(-jy * (jX @ w)).sum() + 0.05 * (w @ w))
        jobs["jax check_grads (random)"] = lambda: check_grads(jf, (jw,), order=1)
    if there("autograd"):
        import autograd.numpy as anp
        from autograd.test_util import check_grads as ag_check
        af = lambda w: anp.sum(anp.logaddexp(0, -y * anp.dot(X, w))) + 0.05 * anp.dot(w, w)
        jobs["autograd check_grads (random)"] = lambda: ag_check(af, modes=["rev"], order=1)(w)
    if there("numdifftools") and N <= 1000:
        import numdifftools as nd
        jobs["numdifftools central"] = lambda: np.abs(nd.Gradient(f, method="central")(w) - g(w)).max()
        jobs["numdifftools complex"] = lambda: np.abs(nd.Gradient(fc, method="complex")(w) - g(w)).max()
    if symgrad:
        for mode in ("full", "random"):
            jobs["symgrad " + mode] = lambda mode=mode: symgrad.check_gradient(f, g, w, mode)
        jobs["symgrad, formula known, every entry"] = symgrad.check_formula(X, y, w, g)
    res = {}
    for k, fn in jobs.items():
        try:
            first = once(fn)
            times = [first] if first > 5 else [once(fn) for _ in range(200 if first < 1e-3 else 5)]
            res[k] = dict(min=min(times), med=sorted(times)[len(times) // 2], first=first)
            v = fn() if first < 5 and k not in ("f", "grad") else None
            res[k]["error"] = float(v) if isinstance(v, (float, np.floating)) else None
        except NotImplementedError:
            continue
        except Exception as e:
            out(f"({k} at N={N}: {type(e).__name__} {str(e).splitlines()[0][:90] if str(e) else ''})")
            continue
        b.add(N=N, who=k, **res[k])
    rows.append((N, res))
names = list(dict.fromkeys(k for _, r in rows for k in r))
table(["check"] + [f"N={N}" for N, _ in rows] + ["in evaluations of f (last N)", "max error (first N)"],
      [[k] + [fmt(r[k][args.stat]) if k in r else "-" for _, r in rows]
       + [f"{rows[-1][1][k][args.stat] / rows[-1][1]['f'][args.stat]:.3g}" if k in rows[-1][1] else "-"]
       + [f"{rows[0][1][k]['error']:.1e}" if k in rows[0][1] and rows[0][1][k].get("error") is not None else "-"]
       for k in names])
b.save()
