"""The example project: its tests pass, and every bug planted beside them is caught, and named where it says so."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from test_pytest_plugin import run_pytest

from symgrad.verification.mistakes import MISTAKES

EXAMPLE = Path(__file__).parents[1] / "examples" / "handwritten-gradients"


def planted_bugs():
    """The list in planted/bugs.py."""
    spec = importlib.util.spec_from_file_location("planted_bugs", EXAMPLE / "planted" / "bugs.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module.BUGS


BUGS = {bug.mistake: bug for bug in planted_bugs()}


def test_the_gradients_by_hand_pass():
    done = run_pytest(cwd=EXAMPLE)
    assert done.returncode == 0, done.stdout
    assert "10 passed" in done.stdout


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """The JUnit properties of each planted bug's test, and whether it failed."""
    report = tmp_path_factory.mktemp("planted") / "report.xml"
    done = run_pytest("planted", f"--junitxml={report}", cwd=EXAMPLE)
    assert done.returncode == 1, done.stdout
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        properties = {p.get("name"): p.get("value") for p in case.iter("property")}
        found[case.get("name").partition("[")[2].rstrip("]")] = properties, case.find("failure") is not None
    return found


@pytest.mark.parametrize("mistake", BUGS)
def test_a_planted_bug_is_caught_and_named(verdicts, mistake):
    properties, failed = verdicts[mistake]
    assert failed and properties["symgrad.verdict"] == "wrong"
    named = properties.get("symgrad.mistake", "").split(", ")
    wanted = BUGS[mistake].named
    assert not wanted or set(wanted) & set(named), f"called {named}, should be one of {wanted}"


OF_LINES = {"missing gradient", "used too early"}  # of staged code, where each line is judged: no function has them


def test_there_is_a_bug_for_every_family_of_mistakes():
    planted = {MISTAKES[name].family for name in BUGS if name in MISTAKES}
    assert {m.family for m in MISTAKES.values()} - OF_LINES <= planted


def test_a_class_gets_a_junit_file_that_names_students_and_mistakes(tmp_path):
    report = tmp_path / "class.xml"
    run_pytest("handins", f"--junitxml={report}", cwd=EXAMPLE)
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        properties = {p.get("name"): p.get("value") for p in case.iter("property")}
        found[properties["student"]] = properties.get("symgrad.verdict"), properties.get("symgrad.mistake")
        if properties["student"] == "cyd":
            assert "None" in case.find("failure").get("message")
    assert found == {"ada": ("right", None), "ben": ("wrong", "sign"), "cyd": ("wrong", None)}
