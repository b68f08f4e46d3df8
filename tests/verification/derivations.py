"""Derivations as students write them: the problem, the lines, and the line of the fault (None: right throughout).

Lines are counted from 1.  Prose stays in some of them; a line of prose is not judged.
"""

from __future__ import annotations

PROBLEMS: dict[str, tuple[str, str, str, str | None]] = {  # expression, wrt, where, of
    'p1': ("x'*A*x", 'x', 'x: R^n; A: R^{n x n}', None),
    'p2': ('norm2(X*w-y)^2', 'w', 'X: R^{m x n}; w: R^n; y: R^m', None),
    'p3': ("tr(X'*A*X)", 'X', 'X: R^{n x p}; A: R^{n x n}', None),
    'p4': ('tr(A*X*B)', 'X', 'A: R^{m x n}; X: R^{n x p}; B: R^{p x m}', None),
    'p5': ('tr(inv(X)*A)', 'X', 'X: R^{n x n} invertible; A: R^{n x n}', None),
    'p6': ('logdet(X)', 'X', 'X: R^{n x n} invertible', None),
    'p7': ("h = W*x\na = tanh(h)\nL = c'*a", 'W', 'c: R^k; W: R^{k x n}; x: R^n', 'L'),
    'p8': ('h = W1*x\na = relu(h)\no = W2*a\nL = norm2(o-t)^2/2', 'W1',
           'W1: R^{k x n}; W2: R^{m x k}; x: R^n; t: R^m', 'L'),
    'p9': ("-y'*log(softmax(z))", 'z', 'y: R^k onehot; z: R^k', None),
    'p10': ('log(sum(exp(x)))', 'x', 'x: R^n', None),
    'p11': ('norm2(x)', 'x', 'x: R^n', None),
    'p12': ("(x'*A*x)/(x'*x)", 'x', 'x: R^n; A: R^{n x n} symmetric', None),
    'p13': ('sum(log(1+exp(-X*w)))', 'w', 'X: R^{m x n}; w: R^n', None),
    'p14': ("norm2(X*w-y)^2 + s*w'*w", 'w', 'X: R^{m x n}; w: R^n; y: R^m; s: R', None),
    'p15': ('normF(T-U*W)^2', 'U', 'T: R^{m x n}; U: R^{m x k}; W: R^{k x n}', None),
    'p16': ('A*x', 'x', 'A: R^{m x n}; x: R^n', None),
    'p17': ('sum(sigmoid(A*x))', 'x', 'A: R^{m x n}; x: R^n', None),
    'p18': ('sin(s)^2', 's', 's: R', None),
    'p19': ('m = X*ones(n)/n\nL = norm2(m)^2', 'X', 'X: R^{p x n}', 'L'),
    'p20': ("y'*inv(K)*y + logdet(K)", 'K', 'K: R^{n x n} invertible; y: R^n', None),
    'p21': ("norm2(W'*(W*x) - x)^2", 'W', 'W: R^{k x n}; x: R^n', None),
    'p22': ("z = W*x + b\np = softmax(z)\nL = -y'*log(p)", 'W',
           'W: R^{k x n}; x: R^n; b: R^k; y: R^k onehot', 'L'),
    'p23': ("h = sigmoid(V*x)\ns = u'*h\nL = (s - t)^2/2", 'V', 'V: R^{k x n}; x: R^n; u: R^k; t: R', 'L'),
    'p24': ("(A*x-b)'*C*(D*x-c)", 'x',
           'A: R^{m x n}; b: R^m; C: R^{m x p}; D: R^{p x n}; c: R^p; x: R^n', None),
    'p25': ("a'*X*X'*b", 'X', 'a,b: R^n; X: R^{n x p}', None),
    'p26': ('det(X)', 'X', 'X: R^{n x n} invertible', None),
    'p27': ('tr(X^2*A)', 'X', 'X,A: R^{n x n}', None),
    'p28': ('sum(x.^2.*y)', 'x', 'x,y: R^n', None),
    'p29': ("a'*x + b", 'x', 'a,x: R^n; b: R', None),
    'p30': ('var(x)', 'x', 'x: R^n', None),
    'p31': ('A*X*B', 'X', 'A: R^{m x n}; X: R^{n x p}; B: R^{p x q}', None),
}  # fmt: skip

DERIVATIONS: list[tuple[str, str, int | None]] = [
    ('p1', "f = x'Ax\ndf = dx'Ax + x'A dx\n= x'A'dx + x'A dx\n= x'(A + A')dx\n=> ∇f = (A + A')x", None),
    ('p1',
     'f = sum_ij x_i A_ij x_j\n'
     'df/dx_k = sum_j A_kj x_j + sum_i x_i A_ik\n'
     "= (A x)_k + (A' x)_k\n"
     "=> df/dx = (A + A')x", None),
    ('p1',
     "(1) f = x'*A*x\n"
     "(2) df = (dx)'*A*x + x'*A*(dx)\n"
     '(3) the first term is a scalar, so it equals its transpose\n'
     "(4) df = x'*A'*dx + x'*A*dx\n"
     '\n'
     "(5) df/dx = A'*x + A*x", None),
    ('p1',
     'f = x^\\top A x\n'
     '\\mathrm{d}f = \\mathrm{d}x^\\top A x + x^\\top A\\, \\mathrm{d}x\n'
     '= x^\\top (A + A^\\top)\\, \\mathrm{d}x\n'
     '\\frac{\\partial f}{\\partial x} = (A + A^\\top)x', None),
    ('p1',
     'دیفرانسیل می\u200cگیریم:\n'
     "df = dx'*A*x + x'*A*dx\n"
     "پس df = x'*(A+A')*dx\n"
     "در نتیجه ∇f = (A+A')*x", None),
    ('p2', "r = Xw - y\nf = r'r\ndf = 2 r' dr\ndr = X dw\ndf = 2 r' X dw\n⟹ ∇f = 2 X' r = 2X'(Xw - y)", None),
    ('p2',
     "f = (Xw-y)'(Xw-y)\n"
     "  = w'X'Xw - 2 y'Xw + y'y\n"
     "df = 2 w'X'X dw - 2 y'X dw\n"
     "df/dw = 2X'Xw - 2X'y\n"
     " = 2X'(Xw-y)", None),
    ('p2', "L = ||Xw - y||^2\ndL/dw = 2X'(Xw-y)", None),
    ('p2',
     '# least squares\n'
     'f = norm2(X*w-y)^2\n'
     'Let e = X*w - y.\n'
     "Then f = e'*e\n"
     "df = 2*e'*de = 2*e'*X*dw\n"
     "Hence df/dw = 2*X'*e", None),
    ('p3',
     "f = tr(X'AX)\n"
     "df = tr(dX'AX) + tr(X'A dX)\n"
     "= tr(X'A'dX) + tr(X'A dX)\n"
     "= tr(X'(A'+A)dX)\n"
     "∂f/∂X = (A+A')X", None),
    ('p3',
     "f = tr(X' A X)\n"
     "d f = d tr(X' A X) = tr(d(X' A X)) = tr(dX' A X + X' A dX)\n"
     "d f = tr((A X + A' X)' dX)\n"
     "G = (A + A')X", None),
    ('p4', "f = tr(AXB) = tr(BAX)\ndf = tr(BA dX)\ndf/dX = (BA)' = A'B'", None),
    ('p5',
     'd(inv(X)) = -inv(X)*dX*inv(X)\n'
     'df = tr(d(inv(X))*A)\n'
     ' = -tr(inv(X)*dX*inv(X)*A)\n'
     ' = -tr(inv(X)*A*inv(X)*dX)\n'
     "df/dX = -(inv(X)*A*inv(X))'", None),
    ('p5', "df = tr(d(X^-1) A) = -tr(X^-1 dX X^-1 A) = -tr(X^-1 A X^-1 dX)\n∂f/∂X = -X^-T A' X^-T", None),
    ('p6', 'f = log|det X|\ndf = tr(X^-1 dX)\n∇f = X^-T', None),
    ('p7',
     "L = c'a\n"
     "dL = c'da\n"
     'da = (1 - a.^2) .* dh\n'
     'dh = dW x\n'
     "dL = c'((1-a.^2).*(dW x))\n"
     " = (c.*(1-a.^2))' dW x\n"
     " = tr(x (c.*(1-a.^2))' dW)\n"
     "dL/dW = (c.*(1-a.^2)) x'", None),
    ('p8',
     'dL/do = o - t\n'
     "dL/da = W2'(o - t)\n"
     "dL/dh = (W2'(o-t)) .* [h > 0]\n"
     "dL/dW1 = ((W2'(o-t)) .* [h > 0]) x'", None),
    ('p8',
     'e = o - t\n'
     "dL = e'do\n"
     'do = W2 da\n'
     'da = [h>0] .* dh\n'
     'dh = dW1 x\n'
     "dL/dW1 = ((W2'e).*[h>0])*x'", None),
    ('p9',
     'p = softmax(z)\n'
     "L = -y'*log(p)\n"
     "dp = (diag(p) - p*p')*dz\n"
     "dL = -(y./p)'*dp\n"
     " = -(y./p)'*(diag(p) - p*p')*dz\n"
     " = -(y' - (y'*ones(k))*p')*dz\n"
     " = (p - y)'*dz\n"
     'dL/dz = p - y', None),
    ('p9', "L = logsumexp(z) - y'z\ndL/dz = softmax(z) - y", None),
    ('p10',
     's = sum(exp(x))\n'
     'f = log(s)\n'
     'df = ds/s\n'
     "ds = exp(x)'dx\n"
     "df = exp(x)'dx/s\n"
     '∇f = exp(x)/s = softmax(x)', None),
    ('p10', 'df/dx_k = exp(x_k)/sum_j exp(x_j)\ndf/dx = softmax(x)', None),
    ('p11', "f = sqrt(x'x)\ndf = 1/(2 sqrt(x'x)) * 2x'dx\n= x'dx/sqrt(x'x)\ndf/dx = x/||x||", None),
    ('p12',
     "u = x'Ax\n"
     "v = x'x\n"
     'f = u/v\n'
     'df = (v du - u dv)/v^2\n'
     "du = 2x'A dx\n"
     "dv = 2x'dx\n"
     "df = (2v x'A - 2u x')dx/v^2\n"
     '∇f = 2(Ax - (u/v) x)/v', None),
    ('p13',
     'm = X*w\n'
     'f = sum(log(1+exp(-m)))\n'
     "df = -(exp(-m)./(1+exp(-m)))'*dm\n"
     " = -sigmoid(-m)'*dm\n"
     'dm = X*dw\n'
     "df = -sigmoid(-m)'*X*dw\n"
     "df/dw = -X'*sigmoid(-m)", None),
    ('p14',
     "f = (Xw-y)'(Xw-y) + s w'w\n"
     "df = 2(Xw-y)'X dw + 2s w'dw\n"
     "∇f = 2X'(Xw-y) + 2s w = 2(X'X + s I)w - 2X'y", None),
    ('p15',
     'R = T - U*W\n'
     "f = tr(R'R)\n"
     "df = 2 tr(R' dR)\n"
     'dR = -dU W\n'
     "df = -2 tr(R' dU W)\n"
     " = -2 tr(W R' dU)\n"
     "df/dU = -2 R W'", None),
    ('p15', "∂f/∂U_ij = -2 sum_l (T_il - sum_k U_ik W_kl) W_jl\n∇f = -2(T - UW)W'", None),
    ('p16', 'y = A*x\ny_i = sum_j A_ij x_j\ndy_i/dx_j = A_ij\ndy/dx = A', None),
    ('p17',
     'u = A*x\n'
     's = sigmoid(u)\n'
     'ds = s.*(1-s).*du\n'
     'du = A*dx\n'
     "df = ones(m)'*ds = (s.*(1-s))'*A*dx\n"
     "df/dx = A'*(s.*(1-s))", None),
    ('p18', "f = sin(s)^2\nf' = 2 sin(s) cos(s)\n   = sin(2s)", None),
    ('p18', '\\frac{df}{ds} = 2\\sin s\\cos s = \\sin(2s)', None),
    ('p1', "df = dx'Ax + x'A dx\n = 2x'A dx\ndf/dx = 2A'x", 2),
    ('p1', "f = x'Ax\ndf = dx'Ax + x'A dx\n= x'(A + A')dx\n=> ∇f = (A - A')x", 4),
    ('p2', "r = Xw - y\nf = r'r\ndf = r' dr\ndr = X dw\n⟹ ∇f = X' r", 3),
    ('p2', "r = Xw - y\nf = r'r\ndf = 2r' dr\ndr = X' dw\n⟹ ∇f = 2X r", 4),
    ('p2', "r = Xw - y\nf = r'r\ndf = 2r' dr\ndr = X dw\ndf = 2 r'X dw\n⟹ ∇f = 2X'(y - Xw)", 6),
    ('p2', "f = w'X'Xw - y'Xw + y'y\ndf/dw = 2X'Xw - X'y", 1),
    ('p3', "f = tr(X'AX)\ndf = tr(dX'AX) + tr(X'A dX)\n= 2tr(X'A dX)\n∂f/∂X = 2A'X", 3),
    ('p3', "f = tr(X'AX)\ndf = tr(dX'AX + X'A dX)\n= tr(X'(A'+A)dX)\n∂f/∂X = X'(A+A')", 4),
    ('p4', "f = tr(AXB) = tr(XAB)\ndf/dX = (AB)'", 1),
    ('p4', 'f = tr(AXB) = tr(BAX)\ndf = tr(BA dX)\ndf/dX = BA', 3),
    ('p5', "d(inv(X)) = inv(X)*dX*inv(X)\ndf = tr(inv(X)*A*inv(X)*dX)\ndf/dX = (inv(X)*A*inv(X))'", 1),
    ('p5', "df = -tr(X^-1 dX X^-1 A)\n= -tr(X^-1 X^-1 A dX)\n∂f/∂X = -(X^-1 X^-1 A)'", 2),
    ('p6', 'df = tr(X^-1 dX)\n∇f = X^-1', 2),
    ('p7', "L = c'a\ndL = c'da\nda = (1 - a) .* dh\ndL/dW = (c.*(1-a)) x'", 3),
    ('p7', "dL = c'da\nda = (1 - a.^2) .* dh\ndh = dW x\ndL/dW = x (c.*(1-a.^2))'", 4),
    ('p8', "dL/do = o - t\ndL/da = W2'(o - t)\ndL/dh = W2'(o-t)\ndL/dW1 = (W2'(o-t)) x'", 3),
    ('p8', "dL/do = 2(o - t)\ndL/da = W2'(o - t)\ndL/dW1 = ((W2'(o-t)) .* [h > 0]) x'", 1),
    ('p8', "dL/do = o - t\ndL/da = W2(o - t)\ndL/dW1 = ((W2'(o-t)) .* [h > 0]) x'", 2),
    ('p9', "p = softmax(z)\nL = -y'*log(p)\ndp = diag(p)*dz\ndL = -(y./p)'*dp\ndL/dz = -y", 3),
    ('p9', "p = softmax(z)\ndp = (diag(p) - p*p')*dz\ndL = -(y./p)'*dp\n = (p - y)'*dz\ndL/dz = y - p", 5),
    ('p10', 's = sum(exp(x))\nf = log(s)\ndf = ds/s\nds = dx\n∇f = ones(n)/s', 4),
    ('p10', 'df/dx_k = exp(x_k)/sum_j x_j\ndf/dx = softmax(x)', 1),
    ('p11', "f = sqrt(x'x)\ndf = x'dx/sqrt(x'x)\ndf/dx = x", 3),
    ('p11', "f = sqrt(x'x)\ndf = 2x'dx/sqrt(x'x)\ndf/dx = 2x/||x||", 2),
    ('p12', "u = x'Ax\nv = x'x\nf = u/v\ndf = (v du + u dv)/v^2\n", 4),
    ('p13', "m = X*w\nf = sum(log(1+exp(-m)))\ndf = -sigmoid(m)'*dm\ndf/dw = -X'*sigmoid(m)", 3),
    ('p14', "∇f = 2X'(Xw-y) + s w", 1),
    ('p15',
     'R = T - U*W\n'
     "f = tr(R'R)\n"
     "df = 2 tr(R' dR)\n"
     'dR = -dU W\n'
     "df = -2 tr(R' W dU)\n"
     "df/dU = -2 R W'", 5),
    ('p16', 'y_i = sum_j A_ij x_j\ndy_i/dx_j = A_ji\n', 2),
    ('p17', "u = A*x\ns = sigmoid(u)\nds = (1-s).*du\ndu = A*dx\ndf/dx = A'*(1-s)", 3),
    ('p18', "f' = 2 sin(s)\n", 1),
    ('p1', 'df/dx_k = sum_j A_kj x_j + sum_i x_i A_ki\ndf/dx = 2 A x', 1),
    ('p19',
     "L = m'm\n"
     '∂L/∂m = 2m\n'
     "dL = 2m'dm\n"
     'dm = dX ones(n)/n\n'
     "dL = (2/n) m' dX 1_n\n"
     "∂L/∂X = (2/n) m 1_n'", None),
    ('p19', "L = m'm\ndL = 2m'dm\ndm = dX ones(n)\n∂L/∂X = 2 m ones(n)'", 3),
    ('p20',
     "dL = y'd(inv(K))y + tr(inv(K) dK)\n"
     "= -y'K^-1 dK K^-1 y + tr(K^-1 dK)\n"
     'let a = K^-1 y\n'
     'b = K^-T y\n'
     "dL = tr((K^-1 - a b') dK)\n"
     "∂L/∂K = (K^-1 - a b')'", None),
    ('p20', "dL = y'd(inv(K))y + tr(inv(K) dK)\n= y'K^-1 dK K^-1 y + tr(K^-1 dK)\n", 2),
    ('p20',
     "1) df = -y'*inv(K)*dK*inv(K)*y + tr(inv(K)*dK)\n"
     "2) = -tr(inv(K)*y*y'*inv(K)*dK) + tr(inv(K)*dK)\n"
     "3) df/dK = inv(K) - inv(K)*y*y'*inv(K)", 3),
    ('p21',
     "r = W'Wx - x\n"
     "f = r'r\n"
     "df = 2r'dr\n"
     "dr = dW'Wx + W'dW x\n"
     "df = 2r'dW'Wx + 2r'W'dW x\n"
     "df/dW = 2Wx r' + 2W r x'", None),
    ('p21', "r = W'Wx - x\nf = r'r\ndf = 2r'dr\ndr = 2W'dW x\ndf/dW = 4 W r x'", 4),
    ('p21',
     "r = W'Wx - x\n"
     "f = r'r\n"
     "df = 2r'dr\n"
     "dr = dW'Wx + W'dW x\n"
     "df = 2r'dW'Wx + 2r'W'dW x\n"
     "df/dW = 2 r x' W' + 2W r x'", 6),
    ('p22', "dL/dz = p - y\ndz = dW x\ndL = (p-y)'dz = (p-y)'dW x\ndL/dW = (p-y)x'\n", None),
    ('p22',
     'dL/dp = -y./p\n'
     "dp/dz = diag(p) - p p'\n"
     "dL/dz = (diag(p) - p p')'(-y./p) = -y + p sum(y) = p - y\n"
     "dL/dW = (p - y) x'", None),
    ('p22', "dL/dp = -y./p\ndp/dz = diag(p) - p p'\ndL/dz = y - p\ndL/dW = (y - p) x'", 3),
    ('p22', 'dL/dp = -p./y\n', 1),
    ('p22', "dL/dz = p - y\ndL/db = p - y\ndL/dx = W (p - y)\ndL/dW = (p-y) x'", 3),
    ('p23', "dL/ds = s - t\nds/dh = u'\ndL/dh = (s-t) u\ndL/dV = (s-t) (u .* h .* (1-h)) x'", None),
    ('p23',
     'L = (s-t)^2/2\n'
     'dL = (s-t) ds\n'
     "ds = u'dh\n"
     'dh = h.*(1-h).*(dV x)\n'
     "⇒ dL = (s-t) (u.*h.*(1-h))' dV x\n"
     "⇒ ∇_V L = (s-t)(u.*h.*(1-h)) x'", None),
    ('p23', "dL = (s-t) ds\nds = u'dh\ndh = h.*(dV x)\n⇒ ∇_V L = (s-t)(u.*h) x'", 3),
    ('p24',
     "f = (Ax-b)'C(Dx-c)\n"
     "df = (A dx)'C(Dx-c) + (Ax-b)'C D dx\n"
     " = [A'C(Dx-c)]'dx + [D'C'(Ax-b)]'dx\n"
     "∇f = A'C(Dx-c) + D'C'(Ax-b)", None),
    ('p24', "df = (A dx)'C(Dx-c) + (Ax-b)'C D dx\n∇f = A'C(Dx-c) + D'C(Ax-b)", 2),
    ('p25',
     "f = a'XX'b\n"
     "df = a'dX X'b + a'X dX'b\n"
     "= tr(X'b a'dX) + tr(X'a b'dX)\n"
     "df/dX = a b'X + b a'X", None),
    ('p25',
     "df = a'dX X'b + a'X dX'b\n"
     "= tr(X'b a'dX) + tr(b a'X dX')\n"
     "= tr(X'(b a' + a b')dX)\n"
     "∇f = (ab' + ba')X", None),
    ('p25', "df = a'dX X'b + a'X dX'b\n= 2a'dX X'b\ndf/dX = 2ab'X", 2),
    ('p26', 'df = det(X) tr(X^-1 dX)\ndf/dX = det(X) X^-T', None),
    ('p26', 'df = det(X) tr(X^-1 dX)\ndf/dX = det(X) X^-1', 2),
    ('p27', "df = tr((dX X + X dX) A) = tr(X A dX) + tr(A X dX)\ndf/dX = (XA + AX)'", None),
    ('p27', "df = tr(2 X dX A) = 2tr(A X dX)\ndf/dX = 2(AX)'", 1),
    ('p28', 'f = sum_i x_i^2 y_i\n∂f/∂x_k = 2 x_k y_k\n∇f = 2 x .* y', None),
    ('p28', 'f = sum_i x_i^2 y_i\n∂f/∂x_k = x_k y_k\n∇f = x .* y', 2),
    ('p29', "f = a'x + b\n∂f/∂x_i = a_i\n∇f = a", None),
    ('p29', "f = a'x + b\n∇f = a + b", 2),
    ('p30',
     'm = mean(x)\n'
     'f = sum((x-m).^2)/n\n'
     "df = 2(x-m)'(dx - dm ones(n))/n\n"
     "= 2(x-m)'dx/n\n"
     'df/dx = 2(x-m)/n', None),
    ('p30', "m = mean(x)\nf = sum((x-m).^2)/n\ndf = 2(x-m)'dx\n", 3),
    ('p31', "dF = A dX B\nvec(dF) = kron(B',A) vec(dX)\nJ = kron(B',A)", None),
    ('p31', 'dF = A dX B\nJ = kron(B,A)', 2),
    ('p26',
     '\\begin{align*}\n'
     'df &= \\det(X)\\operatorname{tr}(X^{-1}dX) \\\\\n'
     '&= \\operatorname{tr}(\\det(X) X^{-1} dX) \\\\\n'
     '\\nabla f &= \\det(X) X^{-\\top}\n'
     '\\end{align*}', None),
    ('p25',
     '\\begin{align*}\n'
     'df &= a^T dX X^T b + a^T X dX^T b \\\\\n'
     '&= 2 a^T dX X^T b\\\\\n'
     '\\frac{\\partial f}{\\partial X} &= 2ab^TX\n'
     '\\end{align*}', 3),
    ('p23',
     'با قاعده زنجیره\u200cای\n'
     'dL/ds = s - t\n'
     "ds/dh = u'\n"
     'پس dL/dh = (s-t)*u\n'
     "بنابراین dL/dV = (s-t)*(u.*h.*(1-h))*x'", None),
]  # fmt: skip
