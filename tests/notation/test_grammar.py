"""The text language: what is read, and what is said about what is not."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symgrad.errors import LimitError, ParseError, SymgradError
from symgrad.notation.grammar import check_calls, parse, parse_program, resolve_juxtaposition
from symgrad.notation.tree import Call, Name, Number, Tree, postorder


def spelled(tree: Tree) -> str:
    """The tree as nested calls."""
    done: list[str] = []
    for part in postorder(tree):
        if isinstance(part, Call):
            first = len(done) - len(part.args)
            done[first:] = [f"{part.op}({', '.join(done[first:])})"]
        else:
            done.append(part.name if isinstance(part, Name) else str(part.value))
    return done[0]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("x'*A*x", "multiply(multiply(transpose(x), A), x)"),
        ("a .* b * c", "multiply(hadamard(a, b), c)"),
        ("a - b + c", "add(subtract(a, b), c)"),
        ("a/b/c", "divide(divide(a, b), c)"),
        ("-x^2", "negate(power(x, 2))"),
        ("-a*b", "negate(multiply(a, b))"),
        ("-a + b", "add(negate(a), b)"),
        ("a*-b*c", "multiply(multiply(a, negate(b)), c)"),
        ("a - -b", "subtract(a, negate(b))"),
        ("+a", "a"),
        ("A^2'", "transpose(power(A, 2))"),
        ("A'^2", "power(transpose(A), 2)"),
        ("X^-1", "power(X, negate(1))"),
        ("X^(-1)", "power(X, negate(1))"),
        ("2^-x", "power(2, negate(x))"),
        ("2^-x'*y", "multiply(transpose(power(2, negate(x))), y)"),
        ("x.^2", "hadamard_power(x, 2)"),
        ("1./x", "hadamard_divide(1, x)"),
        ("2.*x", "hadamard(2, x)"),
        ("2.^x", "hadamard_power(2, x)"),
        ("2.x", "multiply(2, x)"),
        ("x''", "transpose(transpose(x))"),
        ("f(a, b+1, g(c))", "f(a, add(b, 1), g(c))"),
        ("f()", "f()"),
        ("[a + 1 >= b] .* z", "hadamard(ge(add(a, 1), b), z)"),
        ("[a == b] + [a != b]", "add(eq(a, b), ne(a, b))"),
        ("lambda*w", "multiply(lambda, w)"),
        ("x + # a comment\n y", "add(x, y)"),
    ],
)
def test_operators(text: str, tree: str) -> None:
    assert spelled(parse(text)) == tree


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("xᵀ·A·x⊤", "x'*A*x'"),
        ("x^⊤*y", "x'*y"),
        ("x’*y′", "x'*y'"),
        ("a ⊙ b ∘ c ⊘ d", "a .* b .* c ./ d"),
        ("A ⊗ B", "kron(A, B)"),
        ("a − b × c", "a - b*c"),
        ("½x", "0.5x"),
        ("x²", "x^2"),
        ("x⁻¹'", "x^-1'"),
        ("W₁*x₂₃", "W1*x23"),
        ("√x*√(y)", "sqrt(x)*sqrt(y)"),
        ("[a ≥ b] + [a ≤ b] + [a ≠ b]", "[a >= b] + [a <= b] + [a != b]"),
        ("\u00b5*x", "μ*x"),
        ("\ufeffx\u00a0+ y\u200f", "x + y"),
    ],
)
def test_unicode_spellings(text: str, plain: str) -> None:
    assert spelled(parse(text)) == spelled(parse(plain))


def test_greek_letters_are_names() -> None:
    assert spelled(parse("Σ*μ")) == "multiply(Σ, μ)"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("2x", "2*x"),
        ("2 x", "2*x"),
        ("2x^2", "2*x^2"),
        ("0.5(x'*x)", "0.5*(x'*x)"),
        ("2e(1,n)", "2*e(1,n)"),
        ("1/2 x'*x", "1/2*x'*x"),
        ("x'A", "x'*A"),
        ("xᵀA", "x'*A"),
        ("(A+B)x", "(A+B)*x"),
        ("(A+B)(x+y)", "(A+B)*(x+y)"),
        ("x²y", "x^2*y"),
    ],
)
def test_products_without_a_sign(text: str, plain: str) -> None:
    assert spelled(parse(text)) == spelled(parse(plain))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", Fraction(1)),
        ("0.5", Fraction(1, 2)),
        (".5", Fraction(1, 2)),
        ("1e-3", Fraction(1, 1000)),
        ("2.5E2", Fraction(250)),
        ("⅓", Fraction(1, 3)),
        ("0.1", Fraction(1, 10)),
        ("9" * 40, Fraction(10**40 - 1)),
    ],
)
def test_numbers_are_exact(text: str, value: Fraction) -> None:
    assert parse(text) == Number(value)


@pytest.mark.parametrize(
    ("text", "span", "words"),
    [
        ("", (0, 0), "empty expression"),
        ("  ", (0, 2), "empty expression"),
        ("A x", (0, 3), "A*x"),
        ("x^2y", (2, 4), "2*y"),
        ("2 3", (0, 3), "2*3"),
        ("a^b^c", (3, 4), "parentheses"),
        ("a^-b^c", (4, 5), "parentheses"),
        ("x'*x/2n", (0, 7), "two ways"),
        ("x.T*y", (1, 3), "x'"),
        ("x.__class__", (1, 11), "attributes"),
        ("__import__('os')", (0, 1), "a letter"),
        ("x**2", (1, 3), "^"),
        ("A@B", (1, 2), "*"),
        ("a && b", (2, 3), "logical"),
        ("a % b", (2, 3), "'%'"),
        ('"a"', (0, 1), "strings"),
        ("'a'", (0, 1), "nothing does"),
        ("(1, 2)", (2, 3), "lists"),
        ("[a > b, c]", (6, 7), "one comparison or blocks"),
        ("[a, b > c]", (9, 10), "one comparison or blocks"),
        ("[a, b", (0, 1), "not closed"),
        ("x[1:", (4, 4), "missing"),
        ("x[1:2:3]", (5, 6), "between places"),
        ("x[1, 2, 3]", (9, 10), "one axis or two"),
        ("1:2", (1, 2), "between places"),
        ("x [1:2]", (0, 3), "operator is missing"),
        ("(a, b)", (2, 3), "lists"),
        ("[a]", (0, 3), "comparison"),
        ("[a > b > c]", (7, 8), "one comparison"),
        ("a > b", (2, 3), "[a > b]"),
        ("[(a > b)]", (4, 5), "brackets"),
        ("a == b", (2, 4), "brackets"),
        ("a = b", (2, 3), "'='"),
        ("a; b", (1, 2), "several statements"),
        ("(a + b", (0, 1), "not closed"),
        ("f(a + b", (1, 2), "not closed"),
        ("(a]", (0, 1), "not closed"),
        ("[a > b)", (0, 1), "not closed"),
        ("a)", (1, 2), "closes nothing"),
        ("a]", (1, 2), "closes nothing"),
        ("((", (2, 2), "missing after '('"),
        ("a + * b", (4, 5), "missing after '+'"),
        ("f(a,)", (4, 5), "missing after ','"),
        ("x\0y", (1, 2), "U+0000"),
        ("x\u200cy", (1, 2), "U+200C"),
        ("２x", (0, 1), "U+FF12"),
        ("x۱", (1, 2), "U+06F1"),
        ("aⁿ", (1, 2), "^n"),
        ("|x|", (0, 1), "abs"),
        ("{x}", (0, 1), "( )"),
    ],
)
def test_errors_are_placed_and_say_what_to_write(text: str, span: tuple[int, int], words: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert caught.value.text == text
    assert caught.value.span == span
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("x + 1e999", 5),
        ("1e-999", 1),
        ("1e99999999999999", 1),
        ("2*" + "9" * 41, 3),
        ("(" * 201 + "x" + ")" * 201, 201),
        ("-" * 201 + "x", 201),
        ("f(" * 201 + "x" + ")" * 201, 401),
        ("x+" * 50_000 + "x", 100_001),
    ],
)
def test_limits(text: str, column: int) -> None:
    with pytest.raises(LimitError) as caught:
        parse(text)
    assert caught.value.column == column


def test_nesting_within_the_limit() -> None:
    assert parse("(" * 200 + "x" + ")" * 200) == Name("x")
    assert parse("+(x)" * 1000) is not None


def test_long_sums() -> None:
    tree = parse("+".join(["x'*x"] * 5000))
    assert sum(isinstance(p, Call) and p.op == "add" for p in postorder(tree)) == 4999


def test_places() -> None:
    tree = parse("(a + b)*c'")
    assert isinstance(tree, Call)
    assert (tree.span, tree.mark) == ((0, 10), (7, 8))
    assert (tree.args[0].span, tree.args[1].span) == ((1, 6), (8, 10))
    call = parse("1 + max(a, b)")
    assert isinstance(call, Call)
    assert isinstance(call.args[1], Call)
    assert (call.args[1].span, call.args[1].mark) == ((4, 13), (4, 7))


def test_known_functions_may_stand_apart_from_their_argument() -> None:
    assert spelled(parse("exp (x)", {"exp"})) == "exp(x)"


@given(st.text(alphabet="xA12.'*/^+-()[]>=,;e \n√²½_", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
        parse_program(text)
    except SymgradError as error:
        assert error.text == text
        assert error.span is not None
        assert 0 <= error.span[0] <= error.span[1] <= len(text)
        assert str(error)


# --- programs


def test_program() -> None:
    program = parse_program("# a network\nl1 = relu(W1*x)\n\nz = max(l1,\n  0); L = -y'*log(z)\nL/2\n")
    assert [s.name for s in program] == ["l1", "z", "L", None]
    assert spelled(program[1].value) == "max(l1, 0)"
    assert spelled(program[3].value) == "divide(L, 2)"


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("", 1, 1, "empty program"),
        ("# nothing\n;\n", 1, 1, "empty program"),
        ("a = 1\na = 2", 2, 1, "assigned twice"),
        ("x + y\na = 2", 1, 1, "only the last statement"),
        ("a = (x\nb = y", 1, 5, "not closed"),
        ("a = (x +\nb = y", 2, 3, "'='"),
        ("a = b = c", 1, 7, "'='"),
        ("f(x) = x", 1, 6, "name = expression"),
        ("a = x +\nb = y", 1, 8, "missing after '+'"),
        ("a =", 1, 4, "missing after '='"),
    ],
)
def test_program_errors(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_program(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert words in str(caught.value)


# --- what needs the declared names


@pytest.mark.parametrize(
    ("text", "resolved", "notes"),
    [
        ("x'Ax", "x'*(A*x)", ["Ax was read as A*x"]),
        ("tr(AXB)", "tr(A*X*B)", ["AXB was read as A*X*B"]),
        ("Ax'", "A*x'", ["Ax was read as A*x"]),
        ("(Ax)'", "(A*x)'", ["Ax was read as A*x"]),
        ("Ax.^2", "A*x.^2", ["Ax was read as A*x"]),
        ("b .* Ax", "b .* (A*x)", ["Ax was read as A*x"]),
        ("Ax + Ax", "A*x + A*x", ["Ax was read as A*x"]),
        ("Aq + tr(x)", "Aq + tr(x)", []),
        ("W12x", "W12x", []),  # W1*2x or W12*x: only names are tried, and two ways remain
        ("yhat", "yhat", []),
    ],
)
def test_juxtaposed_names(text: str, resolved: str, notes: list[str]) -> None:
    names = {"A", "X", "B", "x", "b", "yhat", "W1", "W12", "2x"}
    tree, said = resolve_juxtaposition(parse(text), names, {"tr"})
    assert spelled(tree) == spelled(parse(resolved))
    assert said == notes


def test_juxtaposed_names_keep_their_places() -> None:
    tree, _ = resolve_juxtaposition(parse("1 + AX"), {"A", "X"})
    assert [p.span for p in postorder(tree) if isinstance(p, Name)] == [(4, 5), (5, 6)]


def test_a_variable_is_no_function() -> None:
    text = "x + A(x+y)"
    with pytest.raises(ParseError) as caught:
        check_calls(text, parse(text), {"A", "x", "y"}, {"tr"})
    assert (caught.value.span, caught.value.hint) == ((4, 5), "A*(x+y)")
    check_calls("tr(x)", parse("tr(x)"), {"x"}, {"tr"})


def test_long_names_are_not_tried_as_products() -> None:
    tree, notes = resolve_juxtaposition(parse("A" * 99_999), {"A"})
    assert isinstance(tree, Name)
    assert notes == []
