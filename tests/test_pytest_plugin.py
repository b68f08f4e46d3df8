"""The plugin in a pytest of its own: fixture, marker, options, failure text, JUnit properties."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

PLUGIN = ("-p", "no:cacheprovider", "-p", "no:symgrad", "-p", "symgrad.pytest_plugin")
ROOT = Path(__file__).parents[1]


def run_pytest(*options: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """pytest in a process of its own, the plugin loaded whether or not this copy of symgrad is installed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "", "COLUMNS": "200"}
    command = [sys.executable, "-m", "pytest", *PLUGIN, *options]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture
def project(tmp_path):
    """A folder in which tests can be written and run."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    def run(text: str, *options: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_it.py").write_text(text)
        return run_pytest(*options, cwd=tmp_path)

    run.path = tmp_path
    return run


RIGHT = """
import numpy as np, pytest
def test_values(symgrad):
    assert symgrad.assert_gradient(lambda x: x @ x, lambda x: 2*x, at=np.ones(3)).seed == SEED
    assert symgrad.assert_jacobian(lambda x: 2*x, lambda x: 2*np.eye(3), at=np.ones(3)).trials == TRIALS
    symgrad.assert_vjp(lambda x: 2*x, lambda x, u: 2*u, at=np.ones(3))
    symgrad.assert_jvp(lambda x: 2*x, lambda x, d: 2*d, at=np.ones(3))
    symgrad.assert_hessian(lambda x: x @ x, lambda x: 2*np.eye(3), at=np.ones(3))
    assert symgrad.check(lambda x: x @ x, lambda x: x, at=np.ones(3)).verdict == "wrong"
def test_formula(symgrad):
    report = symgrad.assert_derivative("x'*A*x", "x", where="x: R^n; A: R^{n x n}", claimed=lambda x, A: (A + A.T) @ x)
    assert report.seed == SEED
"""
MARKED = RIGHT.replace("def test_values", "@pytest.mark.symgrad(seed=4, trials=6)\ndef test_values").partition(
    "def test_formula"
)[0]


def with_numbers(text: str, seed: int, trials: int) -> str:
    return text.replace("SEED", str(seed)).replace("TRIALS", str(trials))


def test_the_fixture_offers_the_asserts(project):
    done = project(with_numbers(RIGHT, 0, 3))
    assert done.returncode == 0, done.stdout


def test_options_set_seed_and_trials(project):
    done = project(with_numbers(RIGHT, 17, 2), "--symgrad-seed=17", "--symgrad-trials=2")
    assert done.returncode == 0, done.stdout
    assert "--symgrad-seed=17" in done.stdout.partition("collected")[0]


def test_the_marker_sets_them_and_options_come_first(project):
    assert project(with_numbers(MARKED, 4, 6), "--strict-markers").returncode == 0
    assert project(with_numbers(MARKED, 5, 6), "--symgrad-seed=5").returncode == 0


def test_a_random_seed_is_shown(project):
    done = project("def test_it(symgrad):\n    print('seed', symgrad.seed)", "--symgrad-seed=random", "-s")
    seed = done.stdout.partition("--symgrad-seed=")[2].split()[0]
    assert f"seed {seed}" in done.stdout


@pytest.mark.parametrize(
    "option", ["--symgrad-seed=x", "--symgrad-seed=-1", "--symgrad-trials=0", "--symgrad-trials=x"]
)
def test_options_that_mean_nothing_are_refused(project, option):
    done = project("def test_it(symgrad): pass", option)
    assert done.returncode == 4 and "is no" in done.stderr


def test_a_marker_that_means_nothing_is_refused(project):
    done = project("import pytest\n@pytest.mark.symgrad(sed=3)\ndef test_it(symgrad): pass")
    assert done.returncode != 0 and "the marker is symgrad(seed=0, trials=None)" in done.stdout


WRONG = """
import numpy as np
from symgrad.testing import assert_derivative, assert_gradient
def test_values(symgrad):
    symgrad.assert_gradient(lambda x: x @ x, lambda x: np.array([2, 4, 6.06]), at=np.array([1.0, 2, 3]))
def test_formula(symgrad):
    symgrad.assert_derivative("x'*A*x", "x", where="x: R^n; A: R^{n x n}", claimed=lambda x, A: 2*A @ x)
def test_without_fixture():
    assert_gradient(lambda x: x @ x, lambda x: x, at=np.ones(3))
"""


def test_a_failure_says_what_is_wrong_and_how_to_see_it_again(project):
    done = project(WRONG, "--symgrad-seed=9")
    assert done.returncode == 1
    assert "entry [2]: claimed 6.06, measured 6 " in done.stdout
    assert "wrong: assumed symmetric" in done.stdout and "worst entries" in done.stdout
    assert "pytest test_it.py::test_values --symgrad-seed=9" in done.stdout
    assert "pytest test_it.py::test_without_fixture\n" in done.stdout
    assert "gradcheck.py" not in done.stdout  # the traceback ends in the test


def test_an_input_that_cannot_be_used_is_shown_where_it_was_given(project):
    text = 'def test_it(symgrad):\n    symgrad.assert_derivative("norm2(X @ w)", "w", claimed=lambda X, w: w)\n'
    shown = project(text).stdout
    assert "column 9: '@' is not in the language" in shown and "norm2(X*w)" in shown
    assert "tokens.py" not in shown and "programs.py" not in shown
    assert "tokens.py" in project(text, "--full-trace").stdout


def test_junit_properties(project):
    project(WRONG, "--symgrad-seed=9", "--junitxml=report.xml")
    cases = ElementTree.parse(project.path / "report.xml").iter("testcase")
    found = {c.get("name"): {p.get("name"): p.get("value") for p in c.iter("property")} for c in cases}
    assert found == {
        "test_values": {"symgrad.verdict": "wrong", "symgrad.seed": "9"},
        "test_formula": {"symgrad.verdict": "wrong", "symgrad.seed": "9", "symgrad.mistake": "assumed symmetric"},
        "test_without_fixture": {"symgrad.verdict": "wrong", "symgrad.seed": "0"},
    }


def test_loading_the_plugin_is_light():
    code = (
        "import sys, symgrad.pytest_plugin\n"
        "print(sorted({'numpy', 'scipy', 'sympy', 'rich', 'symgrad.testing', 'symgrad.derivation'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_the_entry_point_is_declared():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"symgrad": "symgrad.pytest_plugin"}
