"""Asserts for tests: claimed derivatives against the values of a function, or exactly against a formula.

`assert_gradient` and its kin know only values and are honest at kinks (`symgrad.verification.gradcheck`);
`assert_derivative` knows the formula, takes no differences and names the mistake.  All work for NumPy, PyTorch
and JAX; none of these is imported unless the values are its own.  Each returns its report, or raises
`DerivativeFailure`, which is an AssertionError and says the seed.

>>> import numpy as np
>>> assert_gradient(lambda x: x @ x, lambda x: 2*x, at=np.ones(3)).verdict
'ok'
>>> assert_derivative("x'*A*x", "x", claimed=lambda x, A: (A + A.T) @ x, where="x: R^n; A: R^{n x n}").ok
True
>>> try:
...     assert_derivative("x'*A*x", "x", claimed=lambda x, A: 2*A @ x, where="x: R^n; A: R^{n x n}")
... except AssertionError as failure:
...     print(str(failure).splitlines()[0])
d (x'*A*x) / d x: wrong: assumed symmetric
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from symgrad.errors import DomainError, SymgradError
from symgrad.programs import Where
from symgrad.verification.error_curve import error_curve
from symgrad.verification.gradcheck import check
from symgrad.verification.gradient_report import GradientReport
from symgrad.verification.verdict import Verdict

if TYPE_CHECKING:
    from symgrad.verification.claimed_code import CodeReport

__all__ = [
    "Asserts",
    "CodeReport",
    "DerivativeFailure",
    "GradientReport",
    "assert_derivative",
    "assert_gradient",
    "assert_hessian",
    "assert_jacobian",
    "assert_jvp",
    "assert_vjp",
    "check",
    "error_curve",
]

Function = Callable[..., Any]


def __getattr__(name: str) -> Any:
    """CodeReport, whose room knows formulas and is entered only when it is needed."""
    if name != "CodeReport":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from symgrad.verification.claimed_code import CodeReport

    return CodeReport


TRIALS = 3


class DerivativeFailure(SymgradError, AssertionError):
    """A claimed derivative that is wrong, or that could not be judged.  `report` is what was found."""

    def __init__(self, report: GradientReport | CodeReport):
        super().__init__(report.text())
        self.report = report


def _asserted(kind: str, f: Function, claimed: Function | None, options: dict[str, Any]) -> GradientReport:
    __tracebackhide__ = True
    report = check(f, claimed, kind=kind, **options)
    if not report.ok:
        raise DerivativeFailure(report)
    return report


def assert_gradient(f: Function, grad: Function | None = None, at: Any = None, **options: Any) -> GradientReport:
    """grad(*at) is the gradient of the scalar f at the point, or at a kink a subgradient.

    at       an array, or a tuple of arrays: then `grad` gives one for each
    grad     if not given, for PyTorch and JAX values, the library's own: what is checked is a backward of one's own
    options  trials, seed, rtol, full: as for `symgrad.verification.gradcheck.check`
    """
    __tracebackhide__ = True
    return _asserted("gradient", f, grad, {"at": at, **options})


def assert_jacobian(f: Function, jacobian: Function, at: Any, **options: Any) -> GradientReport:
    """jacobian(*at)[i.., k..] is d f[i..] / d x[k..], one array for each argument."""
    __tracebackhide__ = True
    return _asserted("jacobian", f, jacobian, {"at": at, **options})


def assert_hessian(
    f: Function, hessian: Function, at: Any, gradient: Function | None = None, **options: Any
) -> GradientReport:
    """hessian(x)[k.., l..] is d^2 f / d x[k..] d x[l..]; with a `gradient` that one is differenced, not f."""
    __tracebackhide__ = True
    return _asserted("hessian", f, hessian, {"at": at, "gradient": gradient, **options})


def assert_vjp(f: Function, vjp: Function, at: Any, **options: Any) -> GradientReport:
    """vjp(*at, cotangent)[k..] is the sum over i.. of cotangent[i..] d f[i..] / d x[k..]."""
    __tracebackhide__ = True
    return _asserted("vjp", f, vjp, {"at": at, **options})


def assert_jvp(f: Function, jvp: Function, at: Any, **options: Any) -> GradientReport:
    """jvp(*at, *tangents)[i..] is the sum over k.. of d f[i..] / d x[k..] tangent[k..]."""
    __tracebackhide__ = True
    return _asserted("jvp", f, jvp, {"at": at, **options})


def assert_derivative(
    formula: Any,
    wrt: Any,
    *,
    claimed: str | Function,
    where: Where = None,
    of: str | None = None,
    layout: str = "mixed",
    vec: str = "column",
    structure: str = "project",
    trials: int | None = None,
    seed: int = 0,
    rtol: float | None = None,
    convert: Function | None = None,
) -> CodeReport:
    """What is claimed is d formula / d wrt, as derived; no differences are taken.

    claimed  a function that takes inputs of the formula by name and gives an array in the layout; or text
    convert  makes the library's array of each sampled input: torch.from_numpy, jnp.asarray
    others   as for `symgrad.derivative`; trials, seed: the sampled points
    """
    __tracebackhide__ = True
    from symgrad.derivation import derive
    from symgrad.programs import program
    from symgrad.verification.claimed_code import judge_code

    derivative = derive(program(formula, where), of, wrt, layout=layout, vec=vec, structure=structure)
    if isinstance(claimed, str):
        report = _judged_text(derivative, claimed, seed)
    elif callable(claimed):
        report = judge_code(derivative, claimed, trials=trials, seed=seed, rtol=rtol, convert=convert)
    else:
        raise DomainError(f"claimed is a {type(claimed).__name__}", hint="a function of arrays by name, or text")
    if not report.ok:
        raise DerivativeFailure(report)
    return report


def _judged_text(derivative: Any, claimed: str, seed: int) -> CodeReport:
    from symgrad.verification.answers import judge_text
    from symgrad.verification.claimed_code import CodeReport, subject_of

    verdict: Verdict = judge_text(derivative, claimed, seed=seed)
    entries = (verdict.witness,) if verdict.witness is not None else ()
    return CodeReport(verdict, subject_of(derivative), entries, 0, seed)


class Asserts:
    """The asserts of this room with a seed and a number of trials of their own; what they find is recorded."""

    def __init__(self, seed: int = 0, trials: int | None = None, record: Callable[[str, Any], None] | None = None):
        self.seed, self.trials = seed, trials
        self._record = record

    def check(self, f: Function, grad: Function | None = None, **options: Any) -> GradientReport:
        """The report of a check, which does not raise for what is wrong."""
        report = check(f, grad, **self._options(options, TRIALS))
        self._recorded(report)
        return report

    def assert_gradient(self, f: Function, grad: Function | None = None, at: Any = None, **options: Any) -> Any:
        """See `assert_gradient`."""
        __tracebackhide__ = True
        return self._run(assert_gradient, f, grad, at, **self._options(options, TRIALS))

    def assert_jacobian(self, f: Function, jacobian: Function, at: Any, **options: Any) -> Any:
        """See `assert_jacobian`."""
        __tracebackhide__ = True
        return self._run(assert_jacobian, f, jacobian, at, **self._options(options, TRIALS))

    def assert_hessian(self, f: Function, hessian: Function, at: Any, **options: Any) -> Any:
        """See `assert_hessian`."""
        __tracebackhide__ = True
        return self._run(assert_hessian, f, hessian, at, **self._options(options, TRIALS))

    def assert_vjp(self, f: Function, vjp: Function, at: Any, **options: Any) -> Any:
        """See `assert_vjp`."""
        __tracebackhide__ = True
        return self._run(assert_vjp, f, vjp, at, **self._options(options, TRIALS))

    def assert_jvp(self, f: Function, jvp: Function, at: Any, **options: Any) -> Any:
        """See `assert_jvp`."""
        __tracebackhide__ = True
        return self._run(assert_jvp, f, jvp, at, **self._options(options, TRIALS))

    def assert_derivative(self, formula: Any, wrt: Any, **options: Any) -> Any:
        """See `assert_derivative`."""
        __tracebackhide__ = True
        return self._run(assert_derivative, formula, wrt, **self._options(options, None))

    def _options(self, options: dict[str, Any], trials: int | None) -> dict[str, Any]:
        return {"seed": self.seed, "trials": self.trials if self.trials is not None else trials, **options}

    def _run(self, assertion: Function, *given: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        try:
            report = assertion(*given, **options)
        except DerivativeFailure as failure:
            self._recorded(failure.report)
            raise
        self._recorded(report)
        return report

    def _recorded(self, report: GradientReport | CodeReport) -> None:
        if self._record is None:
            return
        for name, value in properties(report).items():
            self._record(f"symgrad.{name}", value)


def properties(report: GradientReport | CodeReport) -> dict[str, str]:
    """What a report comes to, for JUnit: verdict, seed, and the mistake where it has a name."""
    if isinstance(report, GradientReport):
        return {"verdict": report.verdict, "seed": str(report.seed)}
    named = {"mistake": ", ".join(report.mistakes)} if report.mistakes else {}
    return {"verdict": report.verdict.word, "seed": str(report.seed), **named}
