"""E. Structured Jacobians: time and memory of the dense Jacobian in the peers
against a structured one (a diagonal, a Kronecker product, a diagonal less a rank
one), and the Hessian of a logistic loss as products with vectors.

    python bench_structured.py

Every row is a fresh process; `memory` is the growth of its peak resident set from
before building the Jacobian.  `make` builds it, `J v` multiplies it by a vector.
"""
from common import Bench, args, fmt, out, parser, rss_peak_mib, table, wanted

import json
import os
import subprocess
import sys

import numpy as np

parser.add_argument("--child", default="")
parser.add_argument("--relu-n", type=int, default=4096)
parser.add_argument("--axb-n", type=int, default=64)
parser.add_argument("--hessian-n", type=int, default=2048)
args = parser.parse_args()


def data(name, n):
    r = np.random.default_rng(0)
    if name in ("relu", "softmax"):
        return dict(x=r.standard_normal(n)), r.standard_normal(n)
    if name == "hessian":
        y = np.where(r.random(n // 8) < 0.5, -1.0, 1.0)
        return dict(A=r.standard_normal((n // 8, n)) / np.sqrt(n), y=y, x=r.standard_normal(n)), r.standard_normal(n)
    return dict(A=r.standard_normal((n, n)), B=r.standard_normal((n, n)), X=r.standard_normal((n, n))), \
        r.standard_normal((n, n))


def builders(name, who, d):
    """(make, apply): make() -> J, apply(J, v) -> J v as an array."""
    if name in ("softmax", "hessian") and who != "symgrad":
        return more_builders(name, who, d)
    if who == "numpy structured":
        if name == "relu":
            return (lambda: (d["x"] > 0).astype(float)), lambda J, v: J * v
        return (lambda: (d["A"], d["B"])), lambda J, v: J[0] @ v @ J[1]
    if who == "numpy dense":
        if name == "relu":
            return (lambda: np.diag((d["x"] > 0).astype(float))), lambda J, v: J @ v
        # d (A X B)[i,j] / d X[k,l] = A[i,k] B[l,j]
        n = len(d["A"])
        return (lambda: np.kron(d["A"], d["B"].T)), lambda J, v: (J @ v.ravel()).reshape(n, n)
    if who == "scipy sparse":
        import scipy.sparse as ss
        if name == "relu":
            return (lambda: ss.diags_array((d["x"] > 0).astype(float))), lambda J, v: J @ v
        raise NotImplementedError
    if who.startswith("jax"):
        import jax
        import jax.numpy as jnp
        jax.config.update("jax_enable_x64", True)
        f = jax.nn.relu if name == "relu" else (lambda X, A, B: A @ X @ B)
        J = jax.jit((jax.jacfwd if who.endswith("fwd") else jax.jacrev)(f))
        a = [jnp.asarray(d["x"])] if name == "relu" else [jnp.asarray(d[k]) for k in "XAB"]
        return (lambda: J(*a).block_until_ready()), lambda J, v: np.asarray(jnp.tensordot(J, jnp.asarray(v), v.ndim))
    if who.startswith("torch"):
        import torch
        torch.set_num_threads(args.threads)
        t = {k: torch.from_numpy(v) for k, v in d.items()}
        f = torch.relu if name == "relu" else (lambda X: t["A"] @ X @ t["B"])
        v0 = t["x" if name == "relu" else "X"]
        mk = {"fwd": torch.func.jacfwd, "rev": torch.func.jacrev}[who.split()[1]](f)
        return (lambda: mk(v0)), lambda J, v: torch.tensordot(J, torch.from_numpy(v), v.ndim).numpy()
    if who == "autograd":
        import autograd
        import autograd.numpy as anp
        f = (lambda x: anp.maximum(x, 0)) if name == "relu" else (lambda X: d["A"] @ X @ d["B"])
        J = autograd.jacobian(f)
        v0 = d["x" if name == "relu" else "X"]
        return (lambda: J(v0)), lambda J, v: np.tensordot(J, v, v.ndim)
    from symgrad_adapter import structured_jacobian
    return structured_jacobian(name, **d)


def probabilities(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def curvatures(d):
    s = 1 / (1 + np.exp(d["y"] * (d["A"] @ d["x"])))
    return s * (1 - s)


def more_builders(name, who, d):
    if who == "numpy structured" and name == "softmax":
        return (lambda: probabilities(d["x"])), lambda p, v: p * v - p * (p @ v)
    if who == "numpy structured":
        return (lambda: curvatures(d)), lambda s, v: (s * (d["A"] @ v)) @ d["A"]
    if who == "numpy dense" and name == "softmax":
        return (lambda: np.diag(p := probabilities(d["x"])) - np.outer(p, p)), lambda J, v: J @ v
    if who == "numpy dense":
        return (lambda: d["A"].T @ (curvatures(d)[:, None] * d["A"])), lambda J, v: J @ v
    if who.startswith("jax"):
        import jax
        import jax.numpy as jnp
        jax.config.update("jax_enable_x64", True)
        x = jnp.asarray(d["x"])
        if name == "softmax":
            J = jax.jit((jax.jacfwd if who.endswith("fwd") else jax.jacrev)(jax.nn.softmax))
            return (lambda: J(x).block_until_ready()), lambda J, v: np.asarray(J @ jnp.asarray(v))
        A, y = jnp.asarray(d["A"]), jnp.asarray(d["y"])
        f = lambda x, A, y: jax.nn.softplus(-y * (A @ x)).sum()
        if who.endswith("rev"):  # its own way without the Hessian: forward over reverse
            product = jax.jit(lambda x, A, y, v: jax.jvp(lambda x: jax.grad(f)(x, A, y), (x,), (v,))[1])
            return (lambda: None), lambda J, v: np.asarray(product(x, A, y, jnp.asarray(v)))
        H = jax.jit(jax.hessian(f))
        return (lambda: H(x, A, y).block_until_ready()), lambda J, v: np.asarray(J @ jnp.asarray(v))
    if who.startswith("torch"):
        import torch
        torch.set_num_threads(args.threads)
        t = {k: torch.from_numpy(v) for k, v in d.items()}
        if name == "softmax":
            f = lambda x: torch.softmax(x, 0)
            make = {"fwd": torch.func.jacfwd, "rev": torch.func.jacrev}[who.split()[1]](f)
            return (lambda: make(t["x"])), lambda J, v: (J @ torch.from_numpy(v)).numpy()
        f = lambda x: torch.nn.functional.softplus(-t["y"] * (t["A"] @ x)).sum()
        if who.endswith("rev"):
            product = lambda v: torch.func.jvp(torch.func.grad(f), (t["x"],), (torch.from_numpy(v),))[1]
            return (lambda: None), lambda J, v: product(v).numpy()
        return (lambda: torch.func.hessian(f)(t["x"])), lambda J, v: (J @ torch.from_numpy(v)).numpy()
    raise NotImplementedError


def expected(name, d, v):
    if name == "relu":
        return np.where(d["x"] > 0, v, 0)
    if name == "AXB":
        return d["A"] @ v @ d["B"]
    make, apply = more_builders(name, "numpy structured", d)
    return apply(make(), v)


def child(name, who, n):
    from common import measure
    d, v = data(name, n)
    make, apply = builders(name, who, d)
    # compile and load everything on a small problem would change shapes, so the
    # compile time shows in `first` and its memory is included
    base = rss_peak_mib(reset=True)
    J = make()
    peak = rss_peak_mib() - base
    assert np.allclose(apply(J, v), expected(name, d, v))
    m = measure({"make": make}, rounds=5, budget=4)["make"]
    a = measure({"apply": lambda: apply(J, v)}, rounds=5, budget=3)["apply"]
    return dict(make=m["min"], make_med=m["med"], first=m["first"], apply=a["min"], memory=peak)


if args.child:
    print("RESULT " + json.dumps(child(*json.loads(args.child))))
    sys.exit()

b = Bench("Structured Jacobians")
try:
    import symgrad_adapter
    ours = ["symgrad"] if symgrad_adapter.available() else []
except ImportError:
    ours = []
WHO = ["numpy structured"] + ours + ["scipy sparse", "numpy dense", "jax fwd", "jax rev", "torch fwd", "torch rev", "autograd"]
for name, n, title in (("relu", args.relu_n, f"relu at n = {args.relu_n}"),
                       ("softmax", args.relu_n, f"softmax at n = {args.relu_n}"),
                       ("AXB", args.axb_n, f"X -> A X B at n = {args.axb_n} ({args.axb_n**2} x {args.axb_n**2})"),
                       ("hessian", args.hessian_n, f"Hessian of a logistic loss at n = {args.hessian_n}"
                                                   " (jax rev, torch rev: products without the Hessian)")):
    if not wanted(name, args.only):
        continue
    rows, base = [], None
    for who in WHO:
        absent = (who == "scipy sparse" and name != "relu") or (who == "autograd" and name in ("softmax", "hessian"))
        if absent or not wanted(who, args.peers):
            continue
        cmd = [sys.executable, os.path.abspath(__file__), "--threads", str(args.threads),
               "--child", json.dumps([name, who, n])]
        try:
            p = subprocess.run(cmd, capture_output=True, text=True, timeout=300)
            r = json.loads(next(l for l in p.stdout.splitlines() if l.startswith("RESULT "))[7:])
        except (subprocess.TimeoutExpired, StopIteration):
            rows.append([who, "failed", "", "", "", ""])
            continue
        base = base or (r if who == "numpy structured" else None)
        rows.append([who, fmt(r["make"]), fmt(r["first"]), fmt(r["apply"]), f"{max(r['memory'], 0):.1f} MiB",
                     f"{(r['make'] + r['apply']) / (base['make'] + base['apply']):.3g}" if base else "-"])
        b.add(case=name, n=n, who=who, **r)
    out(f"## {title}\n")
    table(["who", "make", "first make", "J v", "memory", "(make + J v) / structured"], rows)
b.save()
