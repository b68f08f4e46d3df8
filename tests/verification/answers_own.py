"""Problems with answers in which one mistake is planted by hand, over the whole language.

Each case: expression, variable, declarations, layout, the answer as a student writes it, and the ids under which the
planted mistake may be named (the planted one first; more where two mistakes give the same formula).  The wrong
answers were worked out on paper from the mistake, not with the program.  The second and third sets were written after
the library; what it does not name stands in the tests.
"""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    expression: str
    wrt: str | list[str]
    where: str
    answer: str
    planted: tuple[str, ...]
    layout: str = "gradient"
    domain: str | None = None


LINEAR = "A: R^{m x n}; B: R^{m x n}; x, c: R^n; y, b, v: R^m"
SQUARE = "A, B, C: R^{n x n}; X: R^{n x n}; x, a, b, c: R^n; s: R"
TRACES = "A: R^{m x n}; X: R^{n x p}; B: R^{p x m}; C: R^{n x n}; D: R^{p x p}"
REGRESSION = "X: R^{m x n}; w: R^n; y: R^m; s: R; D: R^{m x m}"
NET = "W: R^{k x n}; V: R^{p x k}; b: R^k; c: R^p; x: R^n; y: R^p"
BATCH = "X: R^{m x n}; W: R^{n x k}; b: R^k; Y: R^{m x k}; G: R^{m x k}"

WRONG = [
    # layout
    Case("b'*A*x", "x", LINEAR, "b'*A", ("transposed", "wrong layout")),
    Case("tr(A*X*B)", "X", TRACES, "B*A", ("transposed", "wrong layout")),
    Case("A*x + b", "x", LINEAR, "A'", ("wrong layout", "transposed"), "numerator"),
    Case("tanh(A*x)", "x", LINEAR, "A'*diag(1-tanh(A*x).^2)", ("wrong layout", "transposed"), "numerator"),
    Case("norm2(X*w-y)^2", "w", REGRESSION, "2*(X*w-y)'*X", ("transposed", "wrong layout")),
    # factor 2, constants
    Case("norm2(X*w-y)^2", "w", REGRESSION, "X'*(X*w-y)", ("missing factor 2",)),
    Case("normF(A*X)^2", "X", TRACES, "A'*A*X", ("missing factor 2",)),
    Case("0.5*norm2(X*w-y)^2", "w", REGRESSION, "2*X'*(X*w-y)", ("off by constant",)),
    Case("sum(x.^3)", "x", LINEAR, "x.^2", ("off by constant",)),
    Case("mean((X*w-y).^2)", "w", REGRESSION, "2*X'*(X*w-y)", ("off by constant",)),
    Case("norm2(X*w-y)^2/(2*m)", "w", REGRESSION, "X'*(X*w-y)", ("off by constant",)),
    Case("norm2(X*w-y)^2 + s*norm2(w)^2", "w", REGRESSION, "2*X'*(X*w-y) + s*w", ("missing factor 2",)),
    Case("(c'*x)^2 + c'*x", "x", LINEAR, "(c'*x)*c + c", ("missing factor 2",)),
    Case("norm2(x)^4", "x", LINEAR, "2*norm2(x)^2*x", ("missing factor 2",)),
    # sign
    Case("norm2(y-X*w)^2", "w", REGRESSION, "2*X'*(y-X*w)", ("sign",)),
    Case("a'*inv(X)*b", "X", SQUARE, "inv(X)'*a*b'*inv(X)'", ("sign",)),
    Case("sum(cos(A*x))", "x", LINEAR, "A'*sin(A*x)", ("sign",)),
    Case("norm2(X*w-y)^2", "w", REGRESSION, "2*X'*(X*w+y)", ("sign",)),
    Case("c'*x - norm2(x)^2", "x", LINEAR, "c + 2*x", ("sign",)),
    Case("sum(1./x)", "x", LINEAR, "1./x.^2", ("sign",)),
    Case("-y'*log(softmax(c))", "c", "y, c: R^n", "y - softmax(c)", ("sign",), "gradient", "y simplex"),
    Case("1/(1+x'*x)", "x", LINEAR, "2*x/(1+x'*x)^2", ("sign",)),
    # symmetry
    Case("x'*A*x", "x", SQUARE, "2*A*x", ("assumed symmetric",)),
    Case("tr(X'*C*X)", "X", TRACES, "2*C*X", ("assumed symmetric",)),
    Case("(x'*A*x)^2", "x", SQUARE, "4*(x'*A*x)*A*x", ("assumed symmetric",)),
    Case("x'*A*x + b'*x", "x", SQUARE, "2*A'*x + b", ("assumed symmetric",)),
    Case("(X*w-y)'*D*(X*w-y)", "w", REGRESSION, "2*X'*D*(X*w-y)", ("assumed symmetric",)),
    Case("x'*A*x", ["x", "x"], SQUARE, "2*A", ("assumed symmetric",)),
    # product rule
    Case("x'*A*x", "x", SQUARE, "A'*x", ("forgot second occurrence",)),
    Case("tr(X*A*X)", "X", SQUARE, "(A*X)'", ("forgot second occurrence",)),
    Case("sum(x.*exp(x))", "x", LINEAR, "exp(x)", ("forgot second occurrence",)),
    Case("(a'*x)*(b'*x)", "x", SQUARE, "(b'*x)*a", ("forgot second occurrence", "treated as constant", "dropped term")),
    Case("tr(X'*C*X*D)", "X", TRACES, "C*X*D", ("forgot second occurrence",)),
    Case("a'*X*X*b", "X", SQUARE, "a*b'*X'", ("forgot second occurrence", "dropped term")),
    Case("x*(c'*x)", "x", LINEAR, "(c'*x)*eye(n)", ("forgot second occurrence", "treated as constant"), "numerator"),
    # quotients, means, norms
    Case("(x'*A*x)/(x'*x)", "x", SQUARE, "(A+A')*x/(x'*x)", ("treated as constant", "forgot second occurrence")),
    Case(
        "x/norm2(x)", "x", LINEAR, "eye(n)/norm2(x)", ("treated as constant", "forgot second occurrence"), "numerator"
    ),
    Case("x - mean(x)*ones(n)", "x", LINEAR, "eye(n)", ("treated as constant", "dropped term"), "numerator"),
    Case(
        "exp(c'*x)/sum(exp(x))",
        "x",
        LINEAR,
        "exp(c'*x)*c/sum(exp(x))",
        ("treated as constant", "forgot second occurrence"),
    ),
    Case("norm2(X*w-y)", "w", REGRESSION, "X'*(X*w-y)", ("missing chain factor", "differentiated the wrong function")),
    Case("norm2(x)", "x", LINEAR, "2*x", ("differentiated the wrong function",)),
    # masks
    Case("sum(relu(A*x+b))", "x", LINEAR, "A'*ones(m)", ("missing mask", "missing chain factor")),
    Case("v'*max(A*x, B*x)", "x", LINEAR, "A'*v + B'*v", ("missing mask",)),
    Case("v'*max(A*x, B*x)", "x", LINEAR, "A'*([A*x < B*x].*v) + B'*([A*x >= B*x].*v)", ("max sent to the loser",)),
    Case("sum(relu(ones(m) - y.*(X*w)))", "w", REGRESSION, "-X'*y", ("missing mask",)),
    Case("c'*relu(x)", "x", LINEAR, "c.*relu(x)", ("missing mask",)),
    Case("tr(exp(X))", "X", SQUARE, "exp(X)", ("missing mask", "missing chain factor")),
    Case("h = relu(W*x + b); sum(relu(V*h))", "x", NET, "W'*(V'*[V*h > 0])", ("missing mask",)),
    # chain rule
    Case("v'*sigmoid(A*x)", "x", LINEAR, "A'*v", ("missing chain factor",)),
    Case("v'*sigmoid(A*x)", "x", LINEAR, "A'*(v.*sigmoid(A*x))", ("missing chain factor",)),
    Case("v'*sigmoid(A*x)", "x", LINEAR, "A'*(v.*(1-sigmoid(A*x)))", ("missing chain factor",)),
    Case("sum(exp(A*x))", "x", LINEAR, "exp(A*x)", ("missing chain factor",)),
    Case("log(1+x'*x)", "x", LINEAR, "1/(1+x'*x)*ones(n)", ("missing chain factor",)),
    Case("log(1+x'*x)", "x", LINEAR, "2*x", ("missing chain factor", "differentiated the wrong function")),
    Case("v'*tanh(A*x)", "A", LINEAR, "(v.*(1-tanh(A*x)))*x'", ("missing chain factor",)),
    Case("h = tanh(W*x+b); 0.5*norm2(V*h+c-y)^2", "W", NET, "(V'*(V*h+c-y))*x'", ("missing chain factor",)),
    Case("h = tanh(W*x+b); 0.5*norm2(V*h+c-y)^2", "b", NET, "(V*h+c-y)'*V", ("missing chain factor", "transposed")),
    Case("exp(-norm2(x-c)^2)", "x", LINEAR, "exp(-norm2(x-c)^2)*ones(n)", ("missing chain factor",)),
    Case("sin(c'*x)", "x", LINEAR, "cos(c'*x)*x", ("stale variable", "wrong chain factor", "missing chain factor")),
    # order, transposes
    Case("a'*X*b", "X", SQUARE, "b*a'", ("transposed", "wrong order")),
    Case("tr(A*X*B)", "X", SQUARE, "B'*A'", ("wrong order",)),
    Case("norm2(A*x-b)^2", "x", SQUARE, "2*A*(A*x-b)", ("missing transpose", "assumed symmetric")),
    Case("logdet(X)", "X", SQUARE, "inv(X)", ("transposed", "missing transpose", "wrong layout")),
    Case(
        "A*X*B",
        "X",
        "A: R^{m x n}; X: R^{n x p}; B: R^{p x k}",
        "kron(A, B')",
        ("wrong order", "wrong layout"),
        "numerator",
    ),
    Case("tr(A*X*B*X')", "X", SQUARE, "A'*X*B' + A*B*X", ("wrong order",)),
    Case("sum((A*X).^2)", "X", SQUARE, "2*A*(A*X)", ("missing transpose", "assumed symmetric")),
    Case("b'*A*x", "A", LINEAR, "x*b'", ("transposed", "wrong order")),
    Case("tr(A*inv(X)*B)", "X", SQUARE, "-inv(X)'*B'*A'*inv(X)'", ("wrong order",)),
    Case("inv(X)*a", "a", SQUARE, "inv(X)'", ("wrong layout", "transposed", "missing transpose"), "numerator"),
    # kinds of products
    Case("sum((A*X).^2)", "X", SQUARE, "2*A'.*(A*X)", ("elementwise vs matrix product",)),
    Case("sum(A.*X.*X)", "X", SQUARE, "2*A*X", ("elementwise vs matrix product",)),
    Case(
        "sigmoid(A*x)",
        "x",
        LINEAR,
        "(sigmoid(A*x).*(1-sigmoid(A*x))).*A",
        ("elementwise vs matrix product",),
        "numerator",
    ),
    Case("sum(exp(X).*B)", "X", SQUARE, "exp(X)*B", ("elementwise vs matrix product",)),
    # terms
    Case("norm2(X*w-y)^2 + s*norm2(w)^2", "w", REGRESSION, "2*X'*(X*w-y)", ("dropped term",)),
    Case("norm2(X*w-y)^2 + s*norm2(y)^2", "w", REGRESSION, "2*X'*(X*w-y) + 2*s*w", ("extra term",)),
    Case("x'*A*x + c'*x", "x", SQUARE, "(A+A')*x", ("dropped term",)),
    Case("c'*x + b'*b", "x", SQUARE, "c + 2*b", ("extra term",)),
    Case("softmax(x)", "x", LINEAR, "diag(softmax(x))", ("dropped term", "missing chain factor"), "numerator"),
    Case("log(sum(exp(A*x))) - v'*x", "x", "A: R^{m x n}; x, v: R^n", "A'*softmax(A*x)", ("dropped term",)),
    # matrix functions, batches
    Case("det(X)", "X", SQUARE, "inv(X)'", ("differentiated the wrong function", "missing chain factor")),
    Case("norm1(x-c)", "x", LINEAR, "ones(n)", ("differentiated the wrong function",)),
    Case("a'*inv(X)*b", "X", SQUARE, "-a*b'*inv(X)'", ("missing chain factor", "dropped term")),
    Case("tr(inv(X))", "X", SQUARE, "-inv(X)'", ("missing chain factor",)),
    Case("sum(G.*(X*W + ones(m)*b'))", "b", BATCH, "G'", ("missing chain factor",)),
    Case("sum(G.*tanh(X*W))", "W", BATCH, "X'*G", ("missing chain factor",)),
    Case("normF(X*W-Y)^2/m", "W", BATCH, "2*X'*(X*W-Y)", ("off by constant",)),
    Case("normF(X*W-Y)^2", "W", BATCH, "2*(X*W-Y)*X'", ("wrong order", "transposed")),
    Case(
        "h = relu(W*x); sum(h.*h) + b'*h",
        "x",
        NET,
        "2*W'*h",
        ("forgot second occurrence", "dropped term", "missing mask"),
    ),
    Case("max(x)", "x", LINEAR, "ones(n)", ("missing mask", "missing chain factor")),
    # a second set
    Case("u'*A*v", "v", "u: R^m; A: R^{m x n}; v: R^n", "A*u", ("missing transpose", "wrong layout"), "gradient"),
    Case("sum(log(1+exp(-y.*(X*w))))", "w", "X: R^{m x n}; w: R^n; y: R^m", "X'*(y.*sigmoid(-y.*(X*w)))", ("sign",)),
    Case(
        "sum(log(1+exp(-y.*(X*w))))",
        "w",
        "X: R^{m x n}; w: R^n; y: R^m",
        "-X'*sigmoid(-y.*(X*w))",
        ("missing chain factor",),
    ),
    Case(
        "sum(log(1+exp(-y.*(X*w)))) + s*norm2(w)^2",
        "w",
        "X: R^{m x n}; w: R^n; y: R^m; s: R",
        "-X'*(y.*sigmoid(-y.*(X*w))) + s*w",
        ("missing factor 2",),
    ),
    Case("logdet(eye(n)+X*X')", "X", "X: R^{n x p}", "inv(eye(n)+X*X')*X", ("missing factor 2",)),
    Case("logdet(eye(n)+X*X')", "X", "X: R^{n x p}", "2*inv(eye(n)+X*X')", ("missing chain factor",)),
    Case("tr(inv(A+x*x'))", "x", "A: R^{n x n}; x: R^n", "-2*inv(A+x*x')*inv(A+x*x')*x", ("assumed symmetric",)),
    Case(
        "norm2(A*x-b)^2/norm2(x)^2",
        "x",
        "A: R^{m x n}; x: R^n; b: R^m",
        "2*A'*(A*x-b)/norm2(x)^2",
        ("treated as constant", "forgot second occurrence", "dropped term"),
    ),
    Case("yhat = softmax(W*x); -y'*log(yhat)", "W", "W: R^{k x n}; x: R^n; y: R^k onehot", "(y-yhat)*x'", ("sign",)),
    Case(
        "yhat = softmax(W*x); -y'*log(yhat)", "W", "W: R^{k x n}; x: R^n; y: R^k onehot", "yhat*x'", ("dropped term",)
    ),
    Case(
        "yhat = softmax(W*x); -y'*log(yhat)",
        "W",
        "W: R^{k x n}; x: R^n; y: R^k onehot",
        "x*(yhat-y)'",
        ("transposed", "wrong order", "wrong layout"),
    ),
    Case(
        "yhat = softmax(W*x); -y'*log(yhat)",
        "W",
        "W: R^{k x n}; x: R^n; y: R^k onehot",
        "-(y./yhat)*x'",
        ("missing chain factor",),
    ),
    Case("sigmoid(w'*x+b)", "w", "w, x: R^n; b: R", "sigmoid(w'*x+b)*x", ("missing chain factor",)),
    Case("(sigmoid(w'*x+b)-t)^2", "w", "w, x: R^n; b, t: R", "2*(sigmoid(w'*x+b)-t)*x", ("missing chain factor",)),
    Case(
        "(sigmoid(w'*x+b)-t)^2",
        "w",
        "w, x: R^n; b, t: R",
        "(sigmoid(w'*x+b)-t)*sigmoid(w'*x+b)*(1-sigmoid(w'*x+b))*x",
        ("missing factor 2",),
    ),
    Case(
        "(sigmoid(w'*x+b)-t)^2",
        "b",
        "w, x: R^n; b, t: R",
        "2*(t-sigmoid(w'*x+b))*sigmoid(w'*x+b)*(1-sigmoid(w'*x+b))",
        ("sign",),
    ),
    Case("tr((X-A)'*(X-A)*B)", "X", "X, A: R^{n x p}; B: R^{p x p}", "2*(X-A)*B", ("assumed symmetric",)),
    Case("tr((X-A)'*(X-A)*B)", "X", "X, A: R^{n x p}; B: R^{p x p}", "(X-A)*B", ("forgot second occurrence",)),
    Case(
        "a'*X'*X*b",
        "X",
        "X: R^{n x p}; a, b: R^p",
        "2*X*a*b'",
        ("assumed symmetric", "forgot second occurrence", "wrong order"),
    ),
    Case("a'*X'*X*b", "X", "X: R^{n x p}; a, b: R^p", "X*a*b'", ("forgot second occurrence",)),
    Case("exp(A*x)", "x", "A: R^{m x n}; x: R^n", "exp(A*x)*ones(n)'", ("missing chain factor",), "numerator"),
    Case("exp(A*x)", "x", "A: R^{m x n}; x: R^n", "diag(exp(A*x))", ("missing chain factor",), "numerator"),
    Case("exp(A*x)", "x", "A: R^{m x n}; x: R^n", "A", ("missing chain factor",), "numerator"),
    Case("exp(A*x)", "x", "A: R^{n x n}; x: R^n", "A*diag(exp(A*x))", ("wrong order",), "numerator"),
    Case("relu(A*x)", "x", "A: R^{n x n}; x: R^n", "A'*diag([A*x > 0])", ("wrong layout", "transposed"), "numerator"),
    Case("x'*diag(a)*x", "x", "a, x: R^n", "a.*x", ("missing factor 2",)),
    Case("sqrt(1+x'*x)", "x", "x: R^n", "2*x/sqrt(1+x'*x)", ("off by constant",)),
    Case("sqrt(1+x'*x)", "x", "x: R^n", "1/(2*sqrt(1+x'*x))", ("missing chain factor",)),
    Case("mean(X*w)", "w", "X: R^{m x n}; w: R^n", "X'*ones(m)", ("off by constant",)),
    Case("var(x)", "x", "x: R^n", "2*x/n", ("treated as constant", "dropped term")),
    Case("norm2(x-a)+norm2(x-b)", "x", "x, a, b: R^n", "(x-a)/norm2(x-a)", ("dropped term",)),
    Case(
        "tr(A*X^2)",
        "X",
        "A, X: R^{n x n}",
        "2*A'*X'",
        ("assumed symmetric", "wrong order", "off by constant", "forgot second occurrence"),
    ),
    Case("tr(X^3)", "X", "X: R^{n x n}", "3*X^2", ("missing transpose", "transposed", "wrong layout")),
    Case("c'*softmax(x)", "x", "c, x: R^n", "softmax(x).*c", ("dropped term",)),
    Case("c'*softmax(x)", "x", "c, x: R^n", "c.*softmax(x).*(1-softmax(x))", ("dropped term", "missing chain factor")),
    Case("sum(max(x,y))", "x", "x, y: R^n", "ones(n)", ("missing mask",)),
    Case(
        "sum(abs(x).*y)",
        "x",
        "x, y: R^n",
        "y",
        ("differentiated the wrong function", "missing mask", "missing chain factor"),
    ),
    Case("x.^2", "x", "x: R^n", "2*x", ("elementwise vs matrix product",), "numerator"),
    Case("r = y - X*w; r'*r", "w", "X: R^{m x n}; w: R^n; y: R^m", "2*X'*r", ("sign",)),
    Case("r = y - X*w; r'*r", "w", "X: R^{m x n}; w: R^n; y: R^m", "2*r", ("missing chain factor",)),
    Case("sum(A*x.*(B*x))", "x", "A,B: R^{m x n}; x: R^n", "A'*(B*x)", ("forgot second occurrence",)),
    Case(
        "H = tanh(X*W); sum(G.*H)", "X", "X: R^{m x n}; W: R^{n x k}; G: R^{m x k}", "G*W'", ("missing chain factor",)
    ),
    Case(
        "H = tanh(X*W); sum(G.*H)",
        "X",
        "X: R^{m x n}; W: R^{n x k}; G: R^{m x k}",
        "W'*(G.*(1-H.^2))",
        ("wrong order",),
    ),
    Case(
        "H = tanh(X*W); sum(G.*H)",
        "X",
        "X: R^{m x n}; W: R^{n x k}; G: R^{m x k}",
        "(G.*H)*W'",
        ("missing chain factor", "function for its slope"),
    ),
    Case(
        "H = tanh(X*W); sum(G.*H)",
        "X",
        "X: R^{m x n}; W: R^{n x k}; G: R^{m x k}",
        "(G.*(1-H))*W'",
        ("missing chain factor",),
    ),
    Case(
        "x'*diag(a)*x",
        "a",
        "a, x: R^n",
        "2*x",
        ("differentiated the wrong function", "missing chain factor", "off by constant"),
    ),
    Case("sqrt(1+x'*x)", "x", "x: R^n", "x/(1+x'*x)", ("power not lowered", "wrong exponent")),
    # a third set, written when the library stood
    Case(
        "norm2(A*X-B)^2", "X", "A: R^{m x n}; X: R^{n x p}; B: R^{m x p}", "2*(A*X-B)*A'", ("wrong order", "transposed")
    ),
    Case("norm2(A*X-B)^2", "X", "A: R^{m x n}; X: R^{n x p}; B: R^{m x p}", "A'*(A*X-B)", ("missing factor 2",)),
    Case("norm2(A*X-B)^2", "X", "A: R^{m x n}; X: R^{n x p}; B: R^{m x p}", "2*A'*A*X", ("dropped term",)),
    Case("tr(A*X)", "X", "A: R^{n x m}; X: R^{m x n}", "A", ("transposed", "missing transpose", "wrong layout")),
    Case("tr(A*X'*B*X)", "X", "A: R^{n x n}; B: R^{m x m}; X: R^{m x n}", "2*B*X*A", ("assumed symmetric",)),
    Case("tr(A*X'*B*X)", "X", "A: R^{n x n}; B: R^{m x m}; X: R^{m x n}", "B*X*A", ("forgot second occurrence",)),
    Case("tr(A*X'*B*X)", "X", "A: R^{n x n}; B: R^{m x m}; X: R^{m x n}", "B*X*A + B*X*A'", ("missing transpose",)),
    Case("logdet(X'*X)", "X", "X: R^{m x n}", "X*inv(X'*X)", ("missing factor 2",), "gradient"),
    Case(
        "logdet(X'*X)", "X", "X: R^{m x n}", "2*inv(X'*X)*X'", ("transposed", "wrong order", "wrong layout"), "gradient"
    ),
    Case("logdet(X'*X)", "X", "X: R^{m x n}", "2*inv(X'*X)", ("missing chain factor",), "gradient"),
    Case("det(X)", "X", "X: R^{n x n}", "det(X)*inv(X)", ("transposed", "missing transpose", "wrong layout")),
    Case(
        "det(X)",
        "X",
        "X: R^{n x n}",
        "det(X)*X'",
        ("differentiated the wrong function", "missing chain factor", "wrong chain factor"),
    ),
    Case(
        "a'*inv(X)*b", "X", "X: R^{n x n}; a, b: R^n", "-inv(X)*a*b'*inv(X)", ("missing transpose", "assumed symmetric")
    ),
    Case("a'*inv(X)*b", "X", "X: R^{n x n}; a, b: R^n", "-a*b'", ("missing chain factor",)),
    Case(
        "sum(sin(x).*cos(y))",
        "x",
        "x, y: R^n",
        "-sin(x).*sin(y)",
        ("differentiated the wrong function", "forgot second occurrence", "treated as constant"),
    ),
    Case("sum(sin(x).^2)", "x", "x: R^n", "2*sin(x)", ("missing chain factor",)),
    Case(
        "sum(sin(x).^2)",
        "x",
        "x: R^n",
        "cos(x).^2",
        ("product rule", "missing chain factor"),
    ),
    Case("sum(sin(x).^2)", "x", "x: R^n", "sin(x).*cos(x)", ("missing factor 2",)),
    Case("sum(tanh(x))", "x", "x: R^n", "1-tanh(x)", ("missing chain factor", "off by constant")),
    Case("sum(tanh(x))", "x", "x: R^n", "1+tanh(x).^2", ("sign",)),
    Case(
        "exp(a'*x)", "x", "a, x: R^n", "exp(a'*x)*x", ("stale variable", "missing chain factor", "wrong chain factor")
    ),
    Case("exp(a'*x)", "x", "a, x: R^n", "a", ("missing chain factor",)),
    Case("sum(exp(-x.^2))", "x", "x: R^n", "exp(-x.^2)", ("missing chain factor",)),
    Case("sum(exp(-x.^2))", "x", "x: R^n", "2*x.*exp(-x.^2)", ("sign",)),
    Case("log(x'*A*x)", "x", "A: R^{n x n}; x: R^n", "2*A*x/(x'*A*x)", ("assumed symmetric",)),
    Case(
        "log(x'*A*x)",
        "x",
        "A: R^{n x n}; x: R^n",
        "(A+A')*x",
        ("missing chain factor", "differentiated the wrong function"),
    ),
    Case("1/(x'*x)", "x", "x: R^n", "2*x/(x'*x)^2", ("sign",)),
    Case(
        "1/(x'*x)",
        "x",
        "x: R^n",
        "-2*x/(x'*x)",
        ("power not lowered", "missing chain factor", "off by constant", "differentiated the wrong function"),
    ),
    Case(
        "norm2(x-a)^2*norm2(x-b)^2",
        "x",
        "x, a, b: R^n",
        "2*(x-a)*norm2(x-b)^2",
        ("forgot second occurrence", "treated as constant", "dropped term"),
    ),
    Case("sum((X*w-y).^4)", "w", "X: R^{m x n}; w: R^n; y: R^m", "4*(X*w-y).^3", ("missing chain factor",)),
    Case("sum((X*w-y).^4)", "w", "X: R^{m x n}; w: R^n; y: R^m", "X'*(X*w-y).^3", ("off by constant",)),
    Case(
        "z = W*x+b; a = sigmoid(z); (a-t)'*(a-t)",
        "b",
        "W: R^{k x n}; x: R^n; b, t: R^k",
        "2*(a-t).*a",
        ("missing chain factor",),
    ),
    Case(
        "z = W*x+b; a = sigmoid(z); (a-t)'*(a-t)",
        "b",
        "W: R^{k x n}; x: R^n; b, t: R^k",
        "2*(t-a).*a.*(1-a)",
        ("sign",),
    ),
    Case(
        "z = W*x+b; a = sigmoid(z); (a-t)'*(a-t)",
        "W",
        "W: R^{k x n}; x: R^n; b, t: R^k",
        "2*(a-t).*a.*(1-a)",
        ("missing chain factor",),
    ),
    Case(
        "z = W*x+b; a = sigmoid(z); (a-t)'*(a-t)",
        "x",
        "W: R^{k x n}; x: R^n; b, t: R^k",
        "2*W*((a-t).*a.*(1-a))",
        ("missing transpose",),
    ),
    Case(
        "z = W*x+b; a = sigmoid(z); (a-t)'*(a-t)",
        "x",
        "W: R^{k x n}; x: R^n; b, t: R^k",
        "2*W'*(a-t)",
        ("missing chain factor",),
    ),
    Case("A*x.*x", "x", "A: R^{n x n}; x: R^n", "diag(A*x)", ("forgot second occurrence", "dropped term"), "numerator"),
    Case("x'*x*x", "x", "x: R^n", "(x'*x)*eye(n)", ("forgot second occurrence", "treated as constant"), "numerator"),
    Case("x/sum(x)", "x", "x: R^n", "eye(n)/sum(x)", ("treated as constant", "forgot second occurrence"), "numerator"),
    Case(
        "diag(x)*A*x",
        "x",
        "A: R^{n x n}; x: R^n",
        "diag(x)*A",
        ("forgot second occurrence", "treated as constant"),
        "numerator",
    ),
    Case(
        "leakyrelu(x,0.1)'*c",
        "x",
        "c, x: R^n",
        "c.*[x>0]",
        ("differentiated the wrong function", "missing mask", "dropped term", "missing chain factor"),
    ),
    Case("sum(max(a'*x, b'*x))", "x", "a, b, x: R^n", "a+b", ("missing mask",)),
    Case("sum(min(x, y))", "x", "x, y: R^n", "[x > y]", ("max sent to the loser", "differentiated the wrong function")),
    Case("norm2(relu(W*x))^2", "x", "W: R^{k x n}; x: R^n", "2*W'*[W*x>0]", ("missing chain factor",)),
    Case(
        "norm2(relu(W*x)-y)^2",
        "x",
        "W: R^{k x n}; x: R^n; y: R^k",
        "2*W'*(relu(W*x)-y)",
        ("missing mask", "missing chain factor"),
    ),
    Case("kron(a,x)", "x", "a: R^m; x: R^n", "kron(eye(n), a)", ("wrong order", "wrong layout"), "numerator"),
    Case("X*a", "X", "X: R^{m x n}; a: R^n", "kron(eye(m), a')", ("wrong order", "wrong layout"), "numerator"),
    Case("rowsum(X)'*y", "X", "X: R^{m x n}; y: R^m", "y", ("missing chain factor", "wrong layout", "dropped term")),
    Case("mean(x)^2", "x", "x: R^n", "2*mean(x)*ones(n)", ("off by constant", "missing chain factor")),
    Case("var(x)", "x", "x: R^n", "2*(x-mean(x)*ones(n))", ("off by constant",)),
    Case(
        "sqrt(x'*S*x)",
        "x",
        "x: R^n; S: R^{n x n} spd",
        "S*x",
        ("missing chain factor", "differentiated the wrong function"),
    ),
    Case("0.5*x'*S*x - b'*x", "x", "x, b: R^n; S: R^{n x n} spd", "S*x + b", ("sign",)),
    Case("0.5*x'*S*x - b'*x", "x", "x, b: R^n; S: R^{n x n} spd", "2*S*x - b", ("off by constant",)),
]

RIGHT = [
    Case("x'*A*x", "x", SQUARE, "A*x + A'*x", ()),
    Case("norm2(y-X*w)^2", "w", REGRESSION, "2*(X'*X*w - X'*y)", ()),
    Case("tr(X*A*X)", "X", SQUARE, "(X*A + A*X)'", ()),
    Case("a'*inv(X)*b", "X", SQUARE, "-(inv(X)*b*a'*inv(X))'", ()),
    Case("log(1+x'*x)", "x", LINEAR, "2*x/(1+norm2(x)^2)", ()),
    Case("sum(relu(A*x+b))", "x", LINEAR, "A'*(1+sign(A*x+b))/2", ()),
    Case("v'*tanh(A*x)", "A", LINEAR, "diag(1-tanh(A*x).^2)*v*x'", ()),
    Case("softmax(x)", "x", LINEAR, "diag(softmax(x)) - softmax(x)*softmax(x)'", (), "numerator"),
    Case("max(x)", "x", LINEAR, "[x == max(x)*ones(n)]", ()),
    Case("x/norm2(x)", "x", LINEAR, "(eye(n) - x*x'/(x'*x))/norm2(x)", (), "numerator"),
    Case("det(X)", "X", SQUARE, "det(X)*inv(X')", ()),
    Case("sum(softplus(A*x))", "x", LINEAR, "A'*(exp(A*x)./(1+exp(A*x)))", ()),
    Case("h = tanh(W*x+b); 0.5*norm2(V*h+c-y)^2", "b", NET, "(V'*(V*h+c-y)).*(1-h.^2)", ()),
    Case("sum(G.*(X*W + ones(m)*b'))", "b", BATCH, "G'*ones(m)", ()),
    Case("mean(x.^2)", "x", LINEAR, "2*x/n", ()),
    Case("norm2(x)", "x", LINEAR, "x/norm2(x)", ()),
]
