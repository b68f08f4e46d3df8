"""C. Eager reverse mode: one forward + backward step of a network.

    python bench_backprop.py [--only mlp,tiny] [--peers torch,jax]

symgrad has two rows: recorded anew at every step, and a recorded step that is replayed.

mlp   ReLU, two hidden layers of the given width, ten classes, softmax cross-entropy
      averaged over the batch; gradients of all weights and biases.
tiny  x in R^4, h = relu(W1 x), a = relu(W21 h), b = sigmoid(W22 h), o = max(a, b),
      p = softmax(o), loss = -log p[y] (W1 2x4, W21 and W22 3x2, with biases):
      what counts here is the price per operation of the engine.
"""
from common import Bench, args, fmt, load_symgrad, measure, out, ratio, table, wanted

import math
from itertools import pairwise

import numpy as np

b = Bench("Forward + backward steps")
symgrad = load_symgrad()
CLASSES = 10


# ------------------------------------------------------------------ the MLP by hand
def mlp_data(width, batch):
    r = np.random.default_rng(0)
    dims = [width, width, width, CLASSES]
    W = [r.standard_normal(s) * math.sqrt(2 / s[0]) for s in pairwise(dims)]
    bias = [r.standard_normal(s) * 0.1 for s in dims[1:]]
    return W, bias, r.standard_normal((batch, width)), r.integers(0, CLASSES, batch)


def mlp_numpy(W, bias, x, y):
    """The limit: one GEMM per product, elementwise work in place."""
    hs, n = [x], len(x)
    for w, c in zip(W[:-1], bias):
        z = hs[-1] @ w
        z += c
        hs.append(np.maximum(z, 0, out=z))
    z = hs[-1] @ W[-1]
    z += bias[-1]
    z -= z.max(1, keepdims=True)
    rows = np.arange(n)
    zy = z[rows, y]
    np.exp(z, out=z)
    s = z.sum(1)
    loss = (np.log(s) - zy).mean()
    z /= s[:, None]
    z[rows, y] -= 1
    z /= n
    dW, db = [None] * len(W), [None] * len(W)
    for i in range(len(W) - 1, -1, -1):
        dW[i] = hs[i].T @ z
        db[i] = z.sum(0)
        if i:
            z = z @ W[i].T
            z *= hs[i] > 0
    return loss, dW, db


# ------------------------------------------------------------ the tiny network by hand
def tiny_data():
    r = np.random.default_rng(1)
    p = [r.standard_normal(s) for s in ((2, 4), (2,), (3, 2), (3,), (3, 2), (3,))]
    return p, r.standard_normal(4), 1


def tiny_numpy(p, x, y):
    W1, b1, W21, b21, W22, b22 = p
    h = np.maximum(W1 @ x + b1, 0)
    a = np.maximum(W21 @ h + b21, 0)
    c = 1 / (1 + np.exp(-(W22 @ h + b22)))
    o = np.maximum(a, c)
    e = np.exp(o - o.max())
    q = e / e.sum()
    loss = -math.log(q[y])
    q[y] -= 1
    m = a >= c
    ga = q * (m & (a > 0))
    gc = q * ~m * c * (1 - c)
    gh = (ga @ W21 + gc @ W22) * (h > 0)
    mul = np.multiply.outer
    return loss, [mul(gh, x), gh, mul(ga, h), ga, mul(gc, h), gc]


class Value:
    """A scalar reverse-mode engine in the manner of micrograd."""
    __slots__ = ("v", "g", "parents", "back")

    def __init__(self, v, parents=(), back=None):
        self.v, self.g, self.parents, self.back = v, 0.0, parents, back

    def __add__(self, o):
        r = Value(self.v + o.v, (self, o))
        def back():
            self.g += r.g
            o.g += r.g
        r.back = back
        return r

    def __mul__(self, o):
        r = Value(self.v * o.v, (self, o))
        def back():
            self.g += o.v * r.g
            o.g += self.v * r.g
        r.back = back
        return r

    def map(self, v, d):
        r = Value(v, (self,))
        def back():
            self.g += d * r.g
        r.back = back
        return r

    def relu(self): return self.map(max(self.v, 0.0), float(self.v > 0))
    def exp(self):
        e = math.exp(self.v)
        return self.map(e, e)
    def log(self): return self.map(math.log(self.v), 1 / self.v)
    def neg(self): return self.map(-self.v, -1.0)
    def sigmoid(self):
        s = 1 / (1 + math.exp(-self.v))
        return self.map(s, s * (1 - s))

    def backward(self):
        order, seen = [], set()
        def visit(x):
            if x not in seen:
                seen.add(x)
                for q in x.parents:
                    visit(q)
                order.append(x)
        visit(self)
        self.g = 1.0
        for x in reversed(order):
            if x.back:
                x.back()


def tiny_micrograd(p, x, y):
    V = [np.vectorize(Value, otypes=[object])(w).tolist() for w in p]
    xs = [Value(float(t)) for t in x]

    def affine(W, c, v):
        res = []
        for row, ci in zip(W, c):
            s = ci
            for w, t in zip(row, v):
                s = s + w * t
            res.append(s)
        return res
    h = [z.relu() for z in affine(V[0], V[1], xs)]
    a = [z.relu() for z in affine(V[2], V[3], h)]
    c = [z.sigmoid() for z in affine(V[4], V[5], h)]
    o = [s if s.v >= t.v else t for s, t in zip(a, c)]
    e = [z.exp() for z in o]
    loss = (e[0] + e[1] + e[2]).log() + o[y].neg()
    loss.backward()
    g = lambda w: [g(t) for t in w] if isinstance(w, list) else w.g
    return loss.v, [np.array(g(w)) for w in V]


# ------------------------------------------------------------------------- the peers
def contenders(kind, W, bias, x, y):
    """name -> (callable, function giving (loss, list of gradients) as NumPy)."""
    P = W + bias if kind == "mlp" else W
    L = len(W)
    res = {}

    def model(B, p, x):
        if kind == "mlp":
            h = x
            for i in range(L - 1):
                h = B.relu(h @ p[i] + p[L + i])
            return h @ p[L - 1] + p[-1]
        h = B.relu(p[0] @ x + p[1])
        return B.maximum(B.relu(p[2] @ h + p[3]), B.sigmoid(p[4] @ h + p[5]))

    if wanted("autograd", args.peers):
        import autograd.numpy as anp
        from autograd import value_and_grad

        class B:
            relu = staticmethod(lambda z: anp.maximum(z, 0))
            maximum = staticmethod(anp.maximum)
            sigmoid = staticmethod(lambda z: 1 / (1 + anp.exp(-z)))

        def loss(p):
            z = model(B, p, x)
            m = anp.max(z, axis=-1, keepdims=True)
            lse = anp.log(anp.sum(anp.exp(z - m), axis=-1)) + (m[..., 0])
            return anp.mean(lse - (z[np.arange(len(y)), y] if kind == "mlp" else z[y]))
        vg = value_and_grad(loss)
        res["autograd"] = (lambda: vg(P)), lambda r: r
    if wanted("torch", args.peers):
        import torch
        torch.set_num_threads(args.threads)
        F = torch.nn.functional
        tp = [torch.from_numpy(w.copy()).requires_grad_(True) for w in P]
        tx, ty = torch.from_numpy(x), torch.as_tensor(y)

        class T:
            relu, maximum, sigmoid = torch.relu, torch.maximum, torch.sigmoid

        def step():
            l = F.cross_entropy(model(T, tp, tx), ty)
            return l.detach(), torch.autograd.grad(l, tp)
        res["torch eager"] = step, lambda r: (r[0].item(), [g.numpy() for g in r[1]])
        if args.torch_compile:
            cl = torch.compile(lambda p, x, y: F.cross_entropy(model(T, p, x), y))

            def cstep():
                l = cl(tp, tx, ty)
                return l.detach(), torch.autograd.grad(l, tp)
            res["torch compile"] = cstep, lambda r: (r[0].item(), [g.numpy() for g in r[1]])
    if wanted("jax", args.peers):
        import jax
        import jax.numpy as jnp
        jax.config.update("jax_enable_x64", True)
        jax.config.update("jax_cpu_enable_async_dispatch", False)

        class J:
            relu, maximum, sigmoid = jax.nn.relu, jnp.maximum, jax.nn.sigmoid
        jp, jx, jy = [jnp.asarray(w) for w in P], jnp.asarray(x), jnp.asarray(y)

        def jloss(p, x, y):
            lp = jax.nn.log_softmax(model(J, p, x))
            return -jnp.mean(jnp.take_along_axis(lp, y[:, None], 1)) if kind == "mlp" else -lp[y]
        back = lambda r: (float(r[0]), [np.asarray(g) for g in r[1]])
        vg_j = jax.jit(jax.value_and_grad(jloss))
        res["jax jit"] = (lambda: jax.block_until_ready(vg_j(jp, jx, jy))), back
        if kind == "tiny" or x.size <= 64 * 128:
            vg_e = jax.value_and_grad(jloss)
            res["jax eager"] = (lambda: jax.block_until_ready(vg_e(jp, jx, jy))), back
    if wanted("pytensor", args.peers):
        import pytensor
        import pytensor.tensor as pt

        class Q:
            relu = staticmethod(lambda z: pt.maximum(z, 0))
            maximum, sigmoid = pt.maximum, pt.sigmoid
        sp = [pt.tensor(dtype="float64", shape=(None,) * w.ndim) for w in P]
        sx = pt.tensor(dtype="float64", shape=(None,) * x.ndim)
        sy = pt.lvector() if kind == "mlp" else pt.lscalar()
        z = model(Q, sp, sx)
        lp = pt.special.log_softmax(z, axis=-1)
        l = -pt.mean(lp[pt.arange(sy.shape[0]), sy]) if kind == "mlp" else -lp[sy]
        fn = pytensor.function(sp + [sx, sy], [l] + pytensor.grad(l, sp), trust_input=True)
        yy = np.asarray(y, dtype="int64")
        res["pytensor"] = (lambda: fn(*P, x, yy)), lambda r: (float(r[0]), list(r[1:]))
    return res


def run(name, hand, args_, cs):
    ref = hand(*args_)
    flat = lambda r: r[1] + r[2] if len(r) == 3 else r[1]
    for who, (fn, back) in list(cs.items()):
        loss, g = back(fn())
        err = max(np.abs(np.asarray(p) - q).max() for p, q in zip(g, flat(ref)))
        if not (abs(float(loss) - ref[0]) < 1e-9 and err < 1e-9):
            out(f"({who} gives another gradient in {name}: {err:.1e})")
            del cs[who]
    res = measure({"numpy": lambda: hand(*args_), **{k: v[0] for k, v in cs.items()}})
    for who in ("symgrad", "symgrad replay"):  # a remembered result must not pass
        if who in cs:
            w = args_[0][0]
            w *= 1.001
            ref, got = hand(*args_), cs[who][0]()
            assert all(np.allclose(p, q) for p, q in zip(flat(got), flat(ref))), f"{who} on new weights"
    return res


def show(title, rows):
    names = list(dict.fromkeys(k for _, r in rows for k in r))
    out(f"## {title}\n")
    table(["case"] + names, [[c] + [
        (fmt(r[k][args.stat]) + ("" if k == "numpy" else f" ({ratio(r[k][args.stat], r['numpy'][args.stat])})"))
        if k in r else "-" for k in names] for c, r in rows])
    for c, r in rows:
        for k, v in r.items():
            b.add(part=title, case=str(c), who=k, **v)
    b.save()


if wanted("tiny", args.only):
    p, x, y = tiny_data()
    cs = contenders("tiny", p, [], x, y)
    cs["micrograd"] = (lambda: tiny_micrograd(p, x, y)), lambda r: r
    if symgrad:
        cs["symgrad"] = symgrad.tiny_step(p, x, y), lambda r: r
        cs["symgrad replay"] = symgrad.tiny_step(p, x, y, replayed=True), lambda r: r
    show("tiny two-branch network, one example", [("step", run("tiny", tiny_numpy, (p, x, y), cs))])

if wanted("mlp", args.only):
    rows = []
    for batch in (64, 256):
        for width in (32, 128, 512, 1024)[: 2 if args.quick else None]:
            data = mlp_data(width, batch)
            cs = contenders("mlp", *data)
            if symgrad:
                cs["symgrad"] = symgrad.mlp_step(*data), lambda r: (r[0], r[1] + r[2])
                cs["symgrad replay"] = symgrad.mlp_step(*data, replayed=True), lambda r: (r[0], r[1] + r[2])
            r = run("mlp", mlp_numpy, data, cs)
            fl = 2 * batch * (3 * 2 * width * width - width * width + 3 * width * CLASSES)
            rows.append((f"batch {batch} width {width} ({fl / r['numpy']['min'] / 1e9:.1f} GF/s)", r))
    show("MLP width-width-width-10, forward + backward", rows)
