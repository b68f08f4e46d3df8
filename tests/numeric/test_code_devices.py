"""JAX arrays spread over two devices, with the example of docs/evaluation.md; in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "evaluation.md"
BEFORE = """
import numpy as np
import symgrad as sg
rng = np.random.default_rng(0)
X, y, w, W = rng.normal(size=(8, 3)), np.sign(rng.normal(size=8)), rng.normal(size=3), rng.normal(size=(4, 3))
"""
AFTER = """
def expected(w):
    return X.T @ (-y / (1 + np.exp(y * (X @ w))))

assert len(jax.devices()) == 2
np.testing.assert_allclose(gradient, expected(w), rtol=1e-4)
np.testing.assert_allclose(many, [expected(v) for v in W], rtol=1e-4)
assert [s.data.shape for s in many.addressable_shards] == [(2, 3)] * 2
np.testing.assert_allclose(jax.pmap(jax.vmap(one))(W.reshape(2, 2, 3)).reshape(4, 3), many, rtol=1e-6)
J = sg.jacobian("sigmoid(A*x)", "x", where="A: R^{m x n}; x: R^n").function("jax")(A=jax.device_put(X, rows), x=w)
s = 1 / (1 + np.exp(-X @ w))
np.testing.assert_allclose(J, X * (s * (1 - s))[:, None], rtol=1e-4)
assert [s.data.shape for s in J.addressable_shards] == [(4, 3)] * 2
total = jax.shard_map(lambda X, y: jax.lax.psum(f(X=X, y=y, w=w), "rows"), mesh=mesh,
                      in_specs=(P("rows"), P("rows")), out_specs=P())(X, y)
np.testing.assert_allclose(total, expected(w), rtol=1e-4)
print("right")
"""


@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
def test_sharded_arrays_stay_sharded() -> None:
    example = next(p for p in PAGE.read_text(encoding="utf-8").split("```python\n") if "jax.sharding" in p)
    script = BEFORE + example.partition("```")[0] + AFTER
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=300)
    assert run.stdout == "right\n", run.stderr
