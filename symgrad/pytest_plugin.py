"""The pytest plugin: the fixture `symgrad` offers the asserts of `symgrad.testing`.

Options `--symgrad-seed` and `--symgrad-trials`, the marker `symgrad(seed=, trials=)`, JUnit properties, and the
command that reproduces a failure.  pytest loads this room in every run, so it imports nothing that is heavy.

    def test_loss(symgrad):
        symgrad.assert_gradient(loss, grad, at=w)

>>> seed_of("7"), seed_of("random") == seed_of("random")
(7, False)
"""

from __future__ import annotations

import argparse
import secrets
import shlex
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from symgrad.testing import Asserts

MARKER = "symgrad(seed=0, trials=None): the seed and the number of trials of the fixture symgrad"


def seed_of(text: str) -> int:
    """The seed that an option means: a number, or one drawn now."""
    if text == "random":
        return secrets.randbelow(2**31)
    try:
        seed = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no seed: a whole number, or random") from None
    if seed < 0:
        raise argparse.ArgumentTypeError(f"{seed} is no seed: it must not be negative")
    return seed


def trials_of(text: str) -> int:
    """The number of trials that an option means."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of trials: 1 or more")
    return int(text)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the fixture."""
    group = parser.getgroup("symgrad", "checks of derivatives")
    group.addoption("--symgrad-seed", type=seed_of, default=None, metavar="SEED", help="a number, or random")
    group.addoption("--symgrad-trials", type=trials_of, default=None, metavar="N", help="directions or points")


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    config.addinivalue_line("markers", MARKER)


def pytest_report_header(config: pytest.Config) -> str | None:
    """The seed, where one was given or drawn."""
    seed = config.getoption("--symgrad-seed")
    return None if seed is None else f"symgrad: --symgrad-seed={seed}"


@pytest.fixture(name="symgrad")
def asserts(request: pytest.FixtureRequest, record_property: Any) -> Asserts:
    """The asserts of `symgrad.testing`, with the seed and trials of the command line, else of the marker."""
    from symgrad.testing import Asserts

    marker = request.node.get_closest_marker("symgrad")
    marked = dict(marker.kwargs) if marker is not None else {}
    if set(marked) - {"seed", "trials"} or (marker is not None and marker.args):
        raise pytest.UsageError(f"the marker is {MARKER.partition(':')[0]}")
    given = {n: request.config.getoption(f"--symgrad-{n}") for n in ("seed", "trials")}
    return Asserts(**{**marked, **{n: v for n, v in given.items() if v is not None}}, record=record_property)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds to a failure of a derivative how to see it again."""
    error = call.excinfo.value if call.excinfo is not None else None
    failed = type(error).__module__ == "symgrad.testing" and hasattr(error, "report")
    unusable = any(c.__module__ == "symgrad.errors" for c in type(error).__mro__)
    if error is not None and unusable and not item.config.getoption("fulltrace", False):
        _leave_out_our_frames(error)
    with_fixture = "symgrad" in getattr(item, "fixturenames", ())
    if failed and not with_fixture:  # the fixture records by itself
        item.user_properties += _properties(error)
    report = yield
    if failed:
        seed = f" --symgrad-seed={error.report.seed}" if with_fixture else ""  # type: ignore[union-attr]
        report.sections.append(("symgrad", f"to see it again: pytest {shlex.quote(item.nodeid)}{seed}"))
    return report


def _leave_out_our_frames(error: BaseException) -> None:
    """An input that cannot be used is a fault where it was given: the traceback ends at the user's last frame."""
    ours = str(Path(__file__).parent)
    last, at = None, error.__traceback__
    while at is not None:
        last, at = (last if at.tb_frame.f_code.co_filename.startswith(ours) else at), at.tb_next
    if last is not None:
        last.tb_next = None


def _properties(failure: Any) -> list[tuple[str, object]]:
    from symgrad.testing import properties

    return [(f"symgrad.{name}", value) for name, value in properties(failure.report).items()]
