"""Printed code read as equations: names that are assigned again, loops, comments, dashes, and what is refused."""

import pytest

from symgrad.errors import LimitError, ParseError
from symgrad.training.reading import MOST_LINES, read_code


def test_every_line_is_an_equation():
    found = read_code("v_prev = v\nv = mu * v - learning_rate * dx\nx += -mu * v_prev + (1 + mu) * v")
    assert found.lines == (
        ("v_prev_1", "v"),
        ("v_1", "mu .* v - learning_rate .* dx"),
        ("x_1", "x + (-mu .* v_prev_1 + (1 + mu) .* v_1)"),
    )
    assert found.last == {"v_prev": "v_prev_1", "v": "v_1", "x": "x_1"}
    assert found.free == ("v", "mu", "learning_rate", "dx", "x")


def test_new_names_avoid_those_of_the_code():
    found = read_code("x = x_1 + 1\nx = x * 2")
    assert [target for target, _ in found.lines] == ["x_2", "x_3"]
    assert found.lines[1][1] == "x_2 .* 2"


def test_headers_comments_and_values_in_comments_are_passed_over():
    found = read_code(
        "# Adam\nm, v = #... initialize caches to zeros\nfor t in xrange(1, big_number):\n"
        "    dx = #... evaluate gradient\n    m = beta1 * m  # first moment;\nwhile True:\n    x -= m;"
    )
    assert found.lines == (("m_1", "beta1 .* m"), ("x_1", "x - (m_1)"))


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("x *= 1 + a", "x .* (1 + a)"),
        ("x /= np.sqrt(c) + 1e-7", "x ./ (sqrt(c) + 1e-7)"),
        ("x **= 2", "x .^ (2)"),
        ("x = numpy.exp(-k * t) ** 2", "exp(-k .* t) .^ 2"),
    ],
)
def test_operators_act_entry_by_entry(code, value):
    assert read_code(code).lines == (("x_1", value),)


@pytest.mark.parametrize("dash", "\u2012\u2013\u2014\u2015")
def test_dashes_are_read_as_minus_and_told(dash):
    found = read_code(f"v = v\nv = mu * v {dash} dx  # a \u2013 b")
    assert found.lines[1] == ("v_2", "mu .* v_1 - dx") and found.dashes == (2,)


def test_a_dash_in_a_comment_is_none():
    assert read_code("v = mu * v  # momentum \u2013 the ball").dashes == ()


@pytest.mark.parametrize("code", ["x", "x == 1", "f(x) = 2", "x[0] = 1", "return x", "x = 1\nprint(x)", "", "# no"])
def test_lines_that_assign_nothing_are_refused(code):
    with pytest.raises(ParseError):
        read_code(code)


def test_the_line_is_named():
    with pytest.raises(ParseError, match="line 3 assigns nothing: print"):
        read_code("x = 1\n\nprint(x)")


def test_remainders_are_refused():
    with pytest.raises(ParseError, match="remainder"):
        read_code("x //= 2")


def test_long_code_is_refused():
    with pytest.raises(LimitError):
        read_code("x = x\n" * (MOST_LINES + 1))
