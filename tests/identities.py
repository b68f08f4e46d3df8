"""Identities as the books print them: an expression, the variable, what is declared, the printed derivative.

Sources: Petersen & Pedersen, The Matrix Cookbook (version of 15 November 2012), by equation number;
Magnus & Neudecker, Matrix Differential Calculus (3rd ed.), by chapter: D phi is a row of derivatives, the Jacobian of a
matrix is d vec F / d (vec X)', columns stacked; Giles 2008, An extended collection of matrix derivative
results, by section: the adjoint of each input is the gradient of tr(G'F), G the adjoint of the output.
The derivatives are typed from the books into the text language; none comes from a program.
"""

from __future__ import annotations

from dataclasses import dataclass

RECTANGLE = "X: R^{m x n}"
SQUARE = "X: R^{n x n}"


@dataclass(frozen=True)
class Identity:
    """d expression / d wrt = derivative, in the layout the source uses."""

    source: str
    expression: str
    wrt: str  # two names, separated by a blank, for a second derivative
    derivative: str
    where: str
    layout: str = "gradient"
    domain: str = "real"
    structure: str = "project"


def cookbook(number: str, expression: str, wrt: str, derivative: str, where: str, **options: str) -> Identity:
    return Identity(f"Matrix Cookbook ({number})", expression, wrt, derivative, where, **options)


def magnus(place: str, expression: str, wrt: str, derivative: str, where: str, **options: str) -> Identity:
    return Identity(
        f"Magnus & Neudecker {place}", expression, wrt, derivative, where, **{"layout": "numerator", **options}
    )


def giles(place: str, expression: str, wrt: str, derivative: str, where: str, **options: str) -> Identity:
    return Identity(f"Giles 2008, {place}", expression, wrt, derivative, where, **options)


NN = "X, A, B: R^{n x n}"
DETERMINANTS = (
    cookbook(
        "46",
        "det(A + t*B)",
        "t",
        "det(A + t*B)*tr(inv(A + t*B)*B)",
        "A: R^{n x n} invertible; B: R^{n x n}; t: R",
        domain="invertible",
    ),
    cookbook("43", "logdet(A + t*B)", "t", "tr(inv(A + t*B)*B)", "A, B: R^{n x n}; t: R", domain="invertible"),
    cookbook("49", "det(X)", "X", "det(X)*inv(X)'", SQUARE, domain="invertible"),
    cookbook("51", "det(A*X*B)", "X", "det(A*X*B)*inv(X)'", NN, domain="invertible"),
    cookbook("52", "det(X'*A*X)", "X", "2*det(X'*A*X)*inv(X)'", "X, A: R^{n x n}", domain="invertible"),
    cookbook("53", "det(X'*S*X)", "X", "2*det(X'*S*X)*S*X*inv(X'*S*X)", f"{RECTANGLE}; S: R^{{m x m}} spd"),
    cookbook(
        "54", "det(X'*A*X)", "X", "det(X'*A*X)*(A*X*inv(X'*A*X) + A'*X*inv(X'*A'*X))", f"{RECTANGLE}; A: R^{{m x m}}"
    ),
    cookbook("55", "log(det(X'*X))", "X", "2*(inv(X'*X)*X')'", RECTANGLE),
    cookbook("57", "logdet(X)", "X", "inv(X')", SQUARE, domain="invertible"),
    cookbook("58", "det(X^3)", "X", "3*det(X^3)*inv(X)'", SQUARE, domain="invertible"),
)
INVERSES = (
    cookbook(
        "59",
        "inv(A + t*B)",
        "t",
        "-inv(A + t*B)*B*inv(A + t*B)",
        "A, B: R^{n x n}; t: R",
        layout="numerator",
        domain="invertible",
    ),
    cookbook("60", "e(1,n)'*inv(X)*e(2,n)", "X", "-inv(X)'*e(1,n)*e(2,n)'*inv(X)'", SQUARE, domain="invertible"),
    cookbook("61", "a'*inv(X)*b", "X", "-inv(X)'*a*b'*inv(X)'", f"{SQUARE}; a, b: R^n", domain="invertible"),
    cookbook("62", "det(inv(X))", "X", "-det(inv(X))*inv(X)'", SQUARE, domain="invertible"),
    cookbook(
        "63",
        "tr(A*inv(X)*B)",
        "X",
        "-(inv(X)*B*A*inv(X))'",
        f"{SQUARE}; A: R^{{m x n}}; B: R^{{n x m}}",
        domain="invertible",
    ),
    cookbook("64", "tr(inv(X + A))", "X", "-(inv(X + A)*inv(X + A))'", "X, A: R^{n x n}", domain="invertible"),
)
FIRST_ORDER = (
    cookbook("69", "x'*a", "x", "a", "x, a: R^n"),
    cookbook("69", "a'*x", "x", "a", "x, a: R^n"),
    cookbook("70", "a'*X*b", "X", "a*b'", f"{RECTANGLE}; a: R^m; b: R^n"),
    cookbook("71", "a'*X'*b", "X", "b*a'", f"{RECTANGLE}; a: R^n; b: R^m"),
    cookbook("72", "a'*X*a", "X", "a*a'", f"{SQUARE}; a: R^n"),
    cookbook("72", "a'*X'*a", "X", "a*a'", f"{SQUARE}; a: R^n"),
    cookbook("73", "X", "X", "eye(m*n)", RECTANGLE, layout="numerator"),
    cookbook("74", "X*A", "X", "kron(A', eye(m))", f"{RECTANGLE}; A: R^{{n x p}}", layout="numerator"),
    cookbook(
        "75", "X'*A", "X", "kron(A', eye(n))*commutation(m, n)", f"{RECTANGLE}; A: R^{{m x p}}", layout="numerator"
    ),
)
SECOND_ORDER = (
    cookbook("76", "sum(X)^2", "X", "2*sum(X)*ones(m, n)", RECTANGLE),
    cookbook("77", "b'*X'*X*c", "X", "X*(b*c' + c*b')", f"{RECTANGLE}; b, c: R^n"),
    cookbook(
        "78",
        "(B*x + b)'*C*(D*x + d)",
        "x",
        "B'*C*(D*x + d) + D'*C'*(B*x + b)",
        "x: R^n; B: R^{m x n}; b: R^m; C: R^{m x p}; D: R^{p x n}; d: R^p",
    ),
    cookbook("81", "x'*B*x", "x", "(B + B')*x", "x: R^n; B: R^{n x n}"),
    cookbook("82", "b'*X'*D*X*c", "X", "D'*X*b*c' + D*X*c*b'", f"{RECTANGLE}; b, c: R^n; D: R^{{m x m}}"),
    cookbook(
        "83", "(X*b + c)'*D*(X*b + c)", "X", "(D + D')*(X*b + c)*b'", f"{RECTANGLE}; b: R^n; c: R^m; D: R^{{m x m}}"
    ),
    cookbook(
        "84", "(x - A*s)'*W*(x - A*s)", "s", "-2*A'*W*(x - A*s)", "x: R^m; A: R^{m x n}; s: R^n; W: R^{m x m} symmetric"
    ),
    cookbook("85", "(x - s)'*W*(x - s)", "x", "2*W*(x - s)", "x, s: R^m; W: R^{m x m} symmetric"),
    cookbook("86", "(x - s)'*W*(x - s)", "s", "-2*W*(x - s)", "x, s: R^m; W: R^{m x m} symmetric"),
    cookbook(
        "87", "(x - A*s)'*W*(x - A*s)", "x", "2*W*(x - A*s)", "x: R^m; A: R^{m x n}; s: R^n; W: R^{m x m} symmetric"
    ),
    cookbook(
        "88", "(x - A*s)'*W*(x - A*s)", "A", "-2*W*(x - A*s)*s'", "x: R^m; A: R^{m x n}; s: R^n; W: R^{m x m} symmetric"
    ),
    cookbook("91", "a'*X^3*b", "X", "a*b'*(X^2)' + X'*a*b'*X' + (X^2)'*a*b'", f"{SQUARE}; a, b: R^n"),
    cookbook("97", "x'*A*x + b'*x", "x", "(A + A')*x + b", "x, b: R^n; A: R^{n x n}"),
    cookbook("98", "x'*A*x + b'*x", "x x", "A + A'", "x, b: R^n; A: R^{n x n}", layout="mixed"),
)
FIRST_ORDER_TRACES = (
    cookbook("99", "tr(X)", "X", "eye(n)", SQUARE),
    cookbook("100", "tr(X*A)", "X", "A'", f"{RECTANGLE}; A: R^{{n x m}}"),
    cookbook("101", "tr(A*X*B)", "X", "A'*B'", f"{RECTANGLE}; A: R^{{p x m}}; B: R^{{n x p}}"),
    cookbook("102", "tr(A*X'*B)", "X", "B*A", f"{RECTANGLE}; A: R^{{p x n}}; B: R^{{m x p}}"),
    cookbook("103", "tr(X'*A)", "X", "A", f"{RECTANGLE}; A: R^{{m x n}}"),
    cookbook("104", "tr(A*X')", "X", "A", f"{RECTANGLE}; A: R^{{m x n}}"),
    cookbook("105", "tr(kron(A, X))", "X", "tr(A)*eye(n)", f"{SQUARE}; A: R^{{m x m}}"),
)
SECOND_ORDER_TRACES = (
    cookbook("106", "tr(X^2)", "X", "2*X'", SQUARE),
    cookbook("107", "tr(X^2*B)", "X", "(X*B + B*X)'", "X, B: R^{n x n}"),
    cookbook("108", "tr(X'*B*X)", "X", "B*X + B'*X", f"{RECTANGLE}; B: R^{{m x m}}"),
    cookbook("109", "tr(B*X*X')", "X", "B*X + B'*X", f"{RECTANGLE}; B: R^{{m x m}}"),
    cookbook("110", "tr(X*X'*B)", "X", "B*X + B'*X", f"{RECTANGLE}; B: R^{{m x m}}"),
    cookbook("111", "tr(X*B*X')", "X", "X*B' + X*B", f"{RECTANGLE}; B: R^{{n x n}}"),
    cookbook("112", "tr(B*X'*X)", "X", "X*B' + X*B", f"{RECTANGLE}; B: R^{{n x n}}"),
    cookbook("113", "tr(X'*X*B)", "X", "X*B' + X*B", f"{RECTANGLE}; B: R^{{n x n}}"),
    cookbook("114", "tr(A*X*B*X)", "X", "A'*X'*B' + B'*X'*A'", f"{RECTANGLE}; A, B: R^{{n x m}}"),
    cookbook("115", "tr(X'*X)", "X", "2*X", RECTANGLE),
    cookbook("115", "tr(X*X')", "X", "2*X", RECTANGLE),
    cookbook("116", "tr(B'*X'*C*X*B)", "X", "C'*X*B*B' + C*X*B*B'", f"{RECTANGLE}; B: R^{{n x p}}; C: R^{{m x m}}"),
    cookbook("117", "tr(X'*B*X*C)", "X", "B*X*C + B'*X*C'", f"{RECTANGLE}; B: R^{{m x m}}; C: R^{{n x n}}"),
    cookbook(
        "118",
        "tr(A*X*B*X'*C)",
        "X",
        "A'*C'*X*B' + C*A*X*B",
        f"{RECTANGLE}; A: R^{{p x m}}; B: R^{{n x n}}; C: R^{{m x p}}",
    ),
    cookbook(
        "119",
        "tr((A*X*B + C)*(A*X*B + C)')",
        "X",
        "2*A'*(A*X*B + C)*B'",
        f"{RECTANGLE}; A: R^{{p x m}}; B: R^{{n x q}}; C: R^{{p x q}}",
    ),
    cookbook("120", "tr(kron(X, X))", "X", "2*tr(X)*eye(n)", SQUARE),
)
HIGHER_ORDER_TRACES = (
    cookbook("121", "tr(X^4)", "X", "4*(X^3)'", SQUARE),
    cookbook("122", "tr(A*X^3)", "X", "(A*X^2)' + (X*A*X)' + (X^2*A)'", "X, A: R^{n x n}"),
    cookbook(
        "123",
        "tr(B'*X'*C*X*X'*C*X*B)",
        "X",
        "C*X*X'*C*X*B*B' + C'*X*B*B'*X'*C'*X + C*X*B*B'*X'*C*X + C'*X*X'*C'*X*B*B'",
        f"{RECTANGLE}; B: R^{{n x p}}; C: R^{{m x m}}",
    ),
    cookbook(
        "124",
        "tr(A*inv(X)*B)",
        "X",
        "-inv(X)'*A'*B'*inv(X)'",
        f"{SQUARE}; A: R^{{m x n}}; B: R^{{n x m}}",
        domain="invertible",
    ),
    cookbook(
        "125",
        "tr(inv(X'*C*X)*A)",
        "X",
        "-C*X*inv(X'*C*X)*(A + A')*inv(X'*C*X)",
        f"{RECTANGLE}; C: R^{{m x m}} spd; A: R^{{n x n}}",
    ),
    cookbook(
        "126",
        "tr(inv(X'*C*X)*(X'*B*X))",
        "X",
        "-2*C*X*inv(X'*C*X)*X'*B*X*inv(X'*C*X) + 2*B*X*inv(X'*C*X)",
        f"{RECTANGLE}; B: R^{{m x m}} symmetric; C: R^{{m x m}} spd",
    ),
    cookbook(
        "127",
        "tr(inv(A + X'*C*X)*(X'*B*X))",
        "X",
        "-2*C*X*inv(A + X'*C*X)*X'*B*X*inv(A + X'*C*X) + 2*B*X*inv(A + X'*C*X)",
        f"{RECTANGLE}; A: R^{{n x n}} spd; B: R^{{m x m}} symmetric; C: R^{{m x m}} spd",
    ),
)
NORMS = (
    cookbook("129", "norm2(x - a)", "x", "(x - a)/norm2(x - a)", "x, a: R^n"),
    cookbook(
        "130",
        "(x - a)/norm2(x - a)",
        "x",
        "eye(n)/norm2(x - a) - (x - a)*(x - a)'/norm2(x - a)^3",
        "x, a: R^n",
        layout="numerator",
    ),
    cookbook("131", "norm2(x)^2", "x", "2*x", "x: R^n"),
    cookbook("132", "normF(X)^2", "X", "2*X", RECTANGLE),
)
STRUCTURED = (
    cookbook("139", "tr(A*X)", "X", "A + A' - A.*eye(n)", "X: R^{n x n} symmetric; A: R^{n x n}", structure="free"),
    cookbook("140", "det(X)", "X", "det(X)*(2*inv(X) - inv(X).*eye(n))", "X: R^{n x n} spd", structure="free"),
    cookbook("141", "logdet(X)", "X", "2*inv(X) - inv(X).*eye(n)", "X: R^{n x n} spd", structure="free"),
    cookbook("142", "tr(A*X)", "X", "A.*eye(n)", "X: R^{n x n} diagonal; A: R^{n x n}"),
)
JACOBIANS = (
    magnus("ch. 9: a'x", "a'*x", "x", "a'", "a, x: R^n"),
    magnus("ch. 9: x'Ax", "x'*A*x", "x", "x'*(A + A')", "x: R^n; A: R^{n x n}"),
    magnus("ch. 9: Ax", "A*x", "x", "A", "x: R^n; A: R^{m x n}"),
    magnus("ch. 9: Xa", "X*a", "X", "kron(a', eye(m))", f"{RECTANGLE}; a: R^n"),
    magnus("ch. 9: X'a", "X'*a", "X", "kron(eye(n), a')", f"{RECTANGLE}; a: R^m"),
    magnus("ch. 9: xx'", "x*x'", "x", "kron(x, eye(n)) + kron(eye(n), x)", "x: R^n"),
    magnus("ch. 9: X'", "X'", "X", "commutation(m, n)", RECTANGLE),
    magnus("ch. 9: AXB", "A*X*B", "X", "kron(B', A)", f"{RECTANGLE}; A: R^{{p x m}}; B: R^{{n x q}}"),
    magnus("ch. 9: AX", "A*X", "X", "kron(eye(n), A)", f"{RECTANGLE}; A: R^{{p x m}}"),
    magnus("ch. 9: XB", "X*B", "X", "kron(B', eye(m))", f"{RECTANGLE}; B: R^{{n x q}}"),
    magnus(
        "ch. 9: AX'B", "A*X'*B", "X", "kron(B', A)*commutation(m, n)", f"{RECTANGLE}; A: R^{{p x n}}; B: R^{{m x q}}"
    ),
    magnus("ch. 9: X'X", "X'*X", "X", "(eye(n*n) + commutation(n, n))*kron(eye(n), X')", RECTANGLE),
    magnus("ch. 9: XX'", "X*X'", "X", "(eye(m*m) + commutation(m, m))*kron(X, eye(m))", RECTANGLE),
    magnus("ch. 9: X^2", "X^2", "X", "kron(X', eye(n)) + kron(eye(n), X)", SQUARE),
    magnus("ch. 9: inv(X)", "inv(X)", "X", "-kron(inv(X'), inv(X))", SQUARE, domain="invertible"),
    magnus("ch. 9: X .* X", "X .* X", "X", "2*diag(vec(X))", RECTANGLE),
    magnus("ch. 9: vec X", "vec(X)", "X", "eye(m*n)", RECTANGLE),
)
HESSIANS = (
    magnus("ch. 10: a'x", "a'*x", "x x", "zeros(n, n)", "a, x: R^n", layout="mixed"),
    magnus(
        "ch. 10: tr AX'BX",
        "tr(A*X'*B*X)",
        "X X",
        "kron(A', B) + kron(A, B')",
        f"{RECTANGLE}; A: R^{{n x n}}; B: R^{{m x m}}",
        layout="mixed",
    ),
    magnus("ch. 10: a'XX'a", "a'*X*X'*a", "X X", "2*kron(eye(n), a*a')", f"{RECTANGLE}; a: R^m", layout="mixed"),
    magnus("ch. 10: a'X'Xa", "a'*X'*X*a", "X X", "2*kron(a*a', eye(m))", f"{RECTANGLE}; a: R^n", layout="mixed"),
    magnus("ch. 10: tr X^2", "tr(X^2)", "X X", "2*commutation(n, n)", SQUARE, layout="mixed"),
    magnus("ch. 10: tr X'X", "tr(X'*X)", "X X", "2*eye(m*n)", RECTANGLE, layout="mixed"),
    magnus(
        "ch. 10: log|X|",
        "logdet(X)",
        "X X",
        "-commutation(n, n)*kron(inv(X)', inv(X))",
        SQUARE,
        layout="mixed",
        domain="invertible",
    ),
)
ADJOINTS = (
    giles("2.2.1: A + B", "tr(G'*(A + B))", "A", "G", "A, B, G: R^{m x n}"),
    giles("2.2.2: A B", "tr(G'*A*B)", "A", "G*B'", "A: R^{m x n}; B: R^{n x p}; G: R^{m x p}"),
    giles("2.2.2: A B", "tr(G'*A*B)", "B", "A'*G", "A: R^{m x n}; B: R^{n x p}; G: R^{m x p}"),
    giles("2.2.3: inv(A)", "tr(G'*inv(A))", "A", "-inv(A)'*G*inv(A)'", "A, G: R^{n x n}", domain="invertible"),
    giles("2.2.4: det(A)", "g*det(A)", "A", "g*det(A)*inv(A)'", "A: R^{n x n}; g: R", domain="invertible"),
    giles("2.3.1: A^2", "tr(G'*A^2)", "A", "A'*G + G*A'", "A, G: R^{n x n}"),
    giles(
        "2.3.2: inv(A) B",
        "tr(G'*inv(A)*B)",
        "A",
        "-inv(A)'*G*(inv(A)*B)'",
        "A: R^{n x n}; B, G: R^{n x p}",
        domain="invertible",
    ),
    giles("2.3.2: inv(A) B", "tr(G'*inv(A)*B)", "B", "inv(A)'*G", "A: R^{n x n}; B, G: R^{n x p}", domain="invertible"),
    giles("2.3.3: B'AB", "tr(G'*B'*A*B)", "A", "B*G*B'", "A: R^{n x n}; B: R^{n x p}; G: R^{p x p}"),
    giles("2.3.3: B'AB", "tr(G'*B'*A*B)", "B", "A*B*G' + A'*B*G", "A: R^{n x n}; B: R^{n x p}; G: R^{p x p}"),
    giles(
        "2.3.3: B' inv(A) B",
        "tr(G'*B'*inv(A)*B)",
        "A",
        "-inv(A)'*B*G*B'*inv(A)'",
        "A: R^{n x n}; B: R^{n x p}; G: R^{p x p}",
        domain="invertible",
    ),
    giles(
        "2.3.3: B' inv(A) B",
        "tr(G'*B'*inv(A)*B)",
        "B",
        "inv(A)'*B*G + inv(A)*B*G'",
        "A: R^{n x n}; B: R^{n x p}; G: R^{p x p}",
        domain="invertible",
    ),
    giles("2.3.5: Frobenius norm", "normF(A)", "A", "A/normF(A)", "A: R^{m x n}"),
)

IDENTITIES = (
    *DETERMINANTS,
    *INVERSES,
    *FIRST_ORDER,
    *SECOND_ORDER,
    *FIRST_ORDER_TRACES,
    *SECOND_ORDER_TRACES,
    *HIGHER_ORDER_TRACES,
    *NORMS,
    *STRUCTURED,
    *JACOBIANS,
    *HESSIANS,
    *ADJOINTS,
)
