"""Text and tree are each other's inverse."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symgrad.notation.grammar import parse
from symgrad.notation.text import text
from symgrad.notation.tokens import INFIX
from symgrad.notation.tree import Call, Name, Number, Tree, postorder, same


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("2*X'*(X*w-y)", "2*X'*(X*w - y)"),
        ("x .^ 2", "x.^2"),
        ("(A')", "A'"),
        ("[l21>=l22].*z", "[l21 >= l22] .* z"),
        ("((a .* b))*c", "(a .* b) * c"),
        ("a*(b .* c)", "a*(b .* c)"),
        ("a*b.*c", "a*b .* c"),
        ("(a + b) + c", "a + b + c"),
        ("a + (b + c)", "a + (b + c)"),
        ("a - (b - c)", "a - (b - c)"),
        ("a*(b*c)", "a*(b*c)"),
        ("-(a*b)", "-a*b"),
        ("(-a)*b", "(-a)*b"),
        ("-(a + b)", "-(a + b)"),
        ("a*-b", "a*(-b)"),
        ("a - -b", "a - (-b)"),
        ("(-x)^2", "(-x)^2"),
        ("-x^2", "-x^2"),
        ("X^-1", "X^(-1)"),
        ("(A^2)'", "A^2'"),
        ("(A')^2", "A'^2"),
        ("A^(2')", "A^(2')"),
        ("(a^b)^c", "(a^b)^c"),
        ("max(a,b)", "max(a, b)"),
        ("A⊗B", "kron(A, B)"),
        ("½x", "0.5*x"),
        ("1./x", "1./x"),
        ("f()", "f()"),
    ],
)
def test_style(written: str, printed: str) -> None:
    printed = printed.replace("1./x", "1 ./ x")
    assert text(parse(written)) == printed
    assert same(parse(printed), parse(written))


LEAVES = st.one_of(
    st.sampled_from(["x", "A", "W21", "lambda", "Σ", "e"]).map(Name),
    st.integers(0, 10**6).map(lambda k: Number(Fraction(k))),
    st.tuples(st.integers(1, 999), st.integers(1, 6)).map(lambda p: Number(Fraction(p[0], 10 ** p[1]))),
)


def _calls(trees: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.one_of(
        st.tuples(st.sampled_from(sorted(INFIX)), st.tuples(trees, trees)).map(lambda c: Call(*c)),
        st.tuples(st.sampled_from(["negate", "transpose", "exp"]), st.tuples(trees)).map(lambda c: Call(*c)),
        st.tuples(st.sampled_from(["max", "add"]), st.tuples(trees, trees, trees)).map(lambda c: Call(*c)),
    )


@given(st.recursive(LEAVES, _calls, max_leaves=25))
def test_parsing_gives_the_tree_back(tree: Tree) -> None:
    assert same(parse(text(tree)), tree)


def test_deep_trees() -> None:
    left = " - ".join(["x'*x"] * 9000)
    assert text(parse(left)) == left
    right: Tree = Name("x")
    for _ in range(9000):
        right = Call("add", (Name("y"), right))
    assert text(right) == "y + (" * 8999 + "y + x" + ")" * 8999


def _value(tree: Tree) -> Fraction:
    """The value of an expression of numbers."""
    act: dict[str, Callable[..., Fraction]] = {
        "add": lambda a, b: a + b,
        "multiply": lambda a, b: a * b,
        "divide": lambda a, b: a / b,
        "negate": lambda a: -a,
    }
    done: list[Fraction] = []
    for part in postorder(tree):
        if isinstance(part, Number):
            done.append(part.value)
            continue
        assert isinstance(part, Call)
        first = len(done) - len(part.args)
        done[first:] = [act[part.op](*done[first:])]
    return done[0]


@given(st.fractions())
def test_numbers_keep_their_value(value: Fraction) -> None:
    assert _value(parse(text(Number(value)))) == value


@pytest.mark.parametrize("value", [3**100, Fraction(1, 3**100), Fraction(1e-300), Fraction(0.1), 10**50, -(10**400)])
def test_extreme_numbers_keep_their_value(value: int | Fraction) -> None:
    assert _value(parse(text(Number(Fraction(value))))) == value


@pytest.mark.parametrize(
    ("value", "printed"),
    [(Fraction(1, 2), "0.5"), (Fraction(1, 3), "1/3"), (Fraction(-5, 4), "-1.25"), (Fraction(1, 10**20), "1e-20")],
)
def test_numbers(value: Fraction, printed: str) -> None:
    assert text(Number(value)) == printed


def test_fractions_in_expressions() -> None:
    third = Number(Fraction(1, 3))
    assert text(Call("multiply", (third, Name("x")))) == "1/3*x"
    assert text(Call("multiply", (Name("x"), third))) == "x*(1/3)"
    assert text(Call("power", (Name("x"), third))) == "x^(1/3)"
    assert text(Call("power", (Name("x"), Number(Fraction(-1))))) == "x^(-1)"


def test_the_text_kept_in_a_deep_tree_is_linear_in_its_depth() -> None:
    """Every level asked for in turn, as lifting does: the texts that stay do not add up to the square of the depth."""

    def kept(depth: int) -> int:
        tree: Tree = Name("x")
        for _ in range(depth):
            tree = Call("tanh", (Call("multiply", (Name("A"), tree)),))
            text(tree)
        assert text(tree) == "tanh(A*" * depth + "x" + ")" * depth
        return sum(len(p.written[1]) for p in postorder(tree) if isinstance(p, Call) and p.written is not None)

    assert kept(800) < 3 * kept(400)
