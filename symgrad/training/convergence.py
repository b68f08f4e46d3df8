"""How large a learning rate may be, from the derived Hessian: on a quadratic cost below 2 / L, L its top eigenvalue.

On J(x) = (x - c)' H (x - c) / 2 a step of gradient descent multiplies the error along each eigenvector of H by
1 - rate * eigenvalue.  All of these are below 1 in size exactly where the rate is below 2 / L; the slowest shrinks
fastest at 2 / (L + l), l the least eigenvalue (Polyak 1964; Nesterov 2004, section 2.1).

>>> from symgrad.training.objective import objective
>>> bowl = objective("J = x'*H*x/2", "x", {"H": [[1, 0], [0, 10]]}, where="x: R^2; H: R^{2 x 2}")
>>> found = curvature(bowl, {"x": [3, 4]})
>>> found.limit, round(found.factor(found.best), 6)
(0.2, 0.818182)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from symgrad.derivation import derive
from symgrad.errors import DomainError
from symgrad.evaluation import compiled
from symgrad.training.objective import Objective

Array = Any
ROUNDING = 1e-12  # of the eigenvalues, in parts of the largest


@dataclass(frozen=True)
class Curvature:
    """The eigenvalues of a Hessian, ascending, and the rates that follow from them on a quadratic cost."""

    eigenvalues: tuple[float, ...]

    @property
    def least(self) -> float:
        return self.eigenvalues[0]

    @property
    def largest(self) -> float:
        return self.eigenvalues[-1]

    @property
    def limit(self) -> float:
        """2 / L: gradient descent converges from everywhere exactly below it.  Raises DomainError."""
        self._refuse_concave()
        return 2 / self.largest

    @property
    def best(self) -> float:
        """2 / (L + l), at which the slowest part of the error shrinks fastest."""
        self._refuse_concave()
        return 2 / (self.largest + self.least)

    @property
    def condition(self) -> float:
        """L / l, the condition number; infinite where a direction is flat."""
        return self.largest / self.least if self.least > 0 else float("inf")

    @property
    def best_momentum(self) -> tuple[float, float]:
        """Rate and mu at which momentum shrinks the slowest part fastest (Polyak 1964)."""
        self._refuse_concave()
        low, high = sqrt(max(self.least, 0.0)), sqrt(self.largest)
        return 4 / (low + high) ** 2, ((high - low) / (high + low)) ** 2

    def factor(self, rate: float) -> float:
        """By how much a step multiplies the slowest part of the error, max |1 - rate * eigenvalue|."""
        return max(abs(1 - rate * value) for value in self.eigenvalues)

    def _refuse_concave(self) -> None:
        if self.least < -ROUNDING * abs(self.largest) or self.largest <= 0:
            raise DomainError("the cost is not convex here: no learning rate makes gradient descent converge")


def curvature(objective: Objective, at: Mapping[str, Any]) -> Curvature:
    """The eigenvalues of the Hessian by all parameters together, at a point."""
    return Curvature(tuple(np.linalg.eigvalsh(hessian(objective, at)).tolist()))


def hessian(objective: Objective, at: Mapping[str, Any]) -> Array:
    """The Hessian by the flat parameters, (n, n), from the derived second derivatives.

    A direction in which a parameter with structure (symmetric, diagonal, ...) cannot go is flat.
    """
    values = {**objective.data, **objective.unpack(objective.pack(at))}

    def block(row: str, column: str) -> Array:
        found = derive(objective.program, objective.of, [row, column], layout="tensor")
        return np.reshape(compiled(found, tensor=True)(**values), (np.size(values[row]), np.size(values[column])))

    return np.block([[block(a, b) for b in objective.wrt] for a in objective.wrt])
