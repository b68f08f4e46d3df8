"""Samples keep what declarations promise, in every combination that exists."""

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest

from symgrad.derivation import derivative
from symgrad.errors import DomainError, LimitError, ShapeError, UnknownNameError
from symgrad.numeric.sample import DOMAINS, PROPERTIES, lengths_of, sample, shape_at, sizes
from symgrad.tensor.dims import letter, plus, size_at, times

M, N = letter("m"), letter("n")

HOLDS = {
    "symmetric": lambda x: np.array_equal(x, x.T),
    "skew": lambda x: np.allclose(x, -x.T, atol=1e-15),
    "diagonal": lambda x: np.array_equal(x, np.diag(np.diag(x))),
    "orthogonal": lambda x: np.allclose(x.T @ x, np.eye(len(x))),
    "spd": lambda x: np.array_equal(x, x.T) and np.linalg.eigvalsh(x).min() > 0.05,
    "invertible": lambda x: np.linalg.cond(x) < 60,
    "lower": lambda x: np.array_equal(x, np.tril(x)),
    "upper": lambda x: np.array_equal(x, np.triu(x)),
    "positive": lambda x: (x[x != 0] > 0).all(),
    "simplex": lambda x: (x > 0).all() and np.allclose(x.sum(axis=-1), 1),
    "onehot": lambda x: ((x == 0) | (x == 1)).all() and (x.sum(axis=-1) == 1).all(),
}
INSIDE = {
    "real": lambda x: np.isfinite(x).all(),
    "nonzero": lambda x: (x != 0).all(),
    "positive": lambda x: (x > 0).all(),
    "unit": lambda x: (np.abs(x) < 1).all(),
    "gt1": lambda x: (x > 1).all(),
    "gtminus1": lambda x: (x > -1).all(),
}
IMPOSSIBLE = {
    frozenset(pair)
    for pair in [
        *(("skew", other) for other in ("symmetric", "diagonal", "spd", "lower", "upper", "positive")),
        ("orthogonal", "positive"),
        ("onehot", "positive"),
        ("onehot", "simplex"),
    ]
} | {frozenset((s, other)) for s in ("simplex", "onehot") for other in set(HOLDS) - {"positive", "simplex", "onehot"}}


def declared(rows=N, columns=N, *properties):
    return SimpleNamespace(rows=rows, columns=columns, properties=properties)


def draw(declaration, at, seed=0, domain="real"):
    return sample(declaration, at, np.random.default_rng(seed), domain)


class TestSizes:
    @pytest.mark.parametrize("seed", range(5))
    def test_distinct(self, seed):
        values = sizes("mnpk", "distinct", seed)
        assert list(values) == list("mnpk")
        assert sorted(values.values()) == [2, 3, 4, 5]

    def test_square(self):
        assert len(set(sizes("mnp", "square", 1).values())) == 1

    def test_one(self):
        values = list(sizes("mnp", "one", 1).values())
        assert values.count(1) == 1
        assert len(set(values)) == 3

    def test_the_seed_decides(self):
        assert sizes("mnpk", "distinct", 3) == sizes("mnpk", "distinct", 3)
        assert len({tuple(sizes("mnpk", "distinct", s).items()) for s in range(20)}) > 5

    def test_no_letters(self):
        assert sizes([], "distinct") == {}

    def test_unknown_kind(self):
        with pytest.raises(UnknownNameError, match="did you mean square"):
            sizes("mn", "sqare")


class TestShapes:
    def test_conventions(self):
        at = {"m": 2, "n": 3}
        assert shape_at(1, 1, at) == ()
        assert shape_at(N, 1, at) == (3,)
        assert shape_at(1, N, at) == (1, 3)
        assert shape_at(M, N, at) == (2, 3)
        assert shape_at(times(M, N), plus(N, 1), at) == (6, 4)

    def test_a_letter_that_is_one_keeps_its_axis(self):
        at = {"m": 1, "n": 1}
        assert shape_at(N, 1, at) == (1,)
        assert shape_at(M, N, at) == (1, 1)

    def test_refusals(self):
        with pytest.raises(UnknownNameError, match="dimension n has no value"):
            shape_at(M, N, {"m": 2})
        with pytest.raises(ShapeError, match="0 x 1"):
            shape_at(plus(N, -1), 1, {"n": 1})
        with pytest.raises(LimitError, match="1000000000 x 1 "):
            shape_at(10**9, 1, {})
        assert shape_at(10**7, 1, {}) == (10**7,)


class TestProperties:
    def test_every_property_is_tested(self):
        assert set(HOLDS) == PROPERTIES
        assert set(INSIDE) == set(DOMAINS)

    @pytest.mark.parametrize("n", [1, 2, 4, 5, 70])
    @pytest.mark.parametrize("name", sorted(HOLDS))
    def test_one(self, name, n):
        for seed in range(3):
            x = draw(declared(N, N, name), {"n": n}, seed)
            assert x.shape == (n, n)
            assert HOLDS[name](x)

    @pytest.mark.parametrize("pair", list(combinations(sorted(HOLDS), 2)), ids="-".join)
    def test_two(self, pair):
        declaration = declared(N, N, *pair)
        if frozenset(pair) in IMPOSSIBLE:
            with pytest.raises(DomainError):
                draw(declaration, {"n": 4})
        else:
            x = draw(declaration, {"n": 4})
            assert all(HOLDS[name](x) for name in pair)
            assert x.any()

    def test_stochastic_vectors_and_rows(self):
        for name in ("simplex", "onehot"):
            for shape, rows, columns in (((5,), N, 1), ((1, 5), 1, N), ((2, 5), M, N)):
                x = draw(declared(rows, columns, name), {"m": 2, "n": 5})
                assert x.shape == shape
                assert HOLDS[name](x)

    def test_onehot_takes_every_place(self):
        places = {int(draw(declared(N, 1, "onehot"), {"n": 3}, seed).argmax()) for seed in range(40)}
        assert places == {0, 1, 2}

    def test_odd_skew_matrices_are_singular(self):
        with pytest.raises(DomainError, match="odd order 3"):
            draw(declared(N, N, "skew", "invertible"), {"n": 3})

    def test_square_matrices_only(self):
        with pytest.raises(ShapeError, match="symmetric is said of square matrices, this is 2 x 3"):
            draw(declared(M, N, "symmetric"), {"m": 2, "n": 3})
        with pytest.raises(ShapeError, match="this is a scalar"):
            draw(declared(1, 1, "onehot"), {})

    def test_unknown(self):
        with pytest.raises(UnknownNameError, match="did you mean symmetric"):
            draw(declared(N, N, "symetric"), {"n": 2})


class TestDomains:
    @pytest.mark.parametrize("shape", [(1, 1), (N, 1), (1, N), (M, N)])
    @pytest.mark.parametrize("domain", sorted(INSIDE))
    def test_entries_keep_clear_of_zero_and_of_the_ends(self, domain, shape):
        low, high = DOMAINS[domain]
        for seed in range(20):
            x = draw(declared(*shape), {"m": 4, "n": 7}, seed, domain)
            assert INSIDE[domain](x)
            assert (np.abs(x) >= 0.0999).all()
            assert (x >= low + 0.0999).all()
            assert (x <= high - 0.0999).all()
            assert (np.abs(x) <= 3).all()

    def test_both_signs_occur_where_they_may(self):
        for domain in ("real", "nonzero", "unit", "gtminus1"):
            x = draw(declared(N, 1), {"n": 100}, 0, domain)
            assert x.min() < 0 < x.max()

    @pytest.mark.parametrize("domain", sorted(INSIDE))
    @pytest.mark.parametrize("name", ["symmetric", "spd", "invertible"])
    def test_matrices_keep_to_them(self, name, domain):
        for n in (2, 5, 70):
            x = draw(declared(N, N, name), {"n": n}, n, domain)
            assert INSIDE[domain](x)
            if n < 70:
                assert np.linalg.matrix_rank(x) == n
            assert name == "invertible" or HOLDS["symmetric"](x)

    def test_a_domain_may_be_a_property(self):
        assert HOLDS["spd"](draw(declared(), {"n": 4}, 0, "spd"))
        assert HOLDS["invertible"](draw(declared(), {"n": 4}, 0, ["invertible", "unit"]))

    def test_several_at_once(self):
        x = draw(declared(N, 1, "positive"), {"n": 50}, 0, "unit")
        assert INSIDE["positive"](x)
        assert INSIDE["unit"](x)

    @pytest.mark.parametrize(
        ("name", "domain"), [("diagonal", "positive"), ("onehot", "nonzero"), ("simplex", "gt1"), ("skew", "nonzero")]
    )
    def test_zeros_outside_the_domain_are_refused(self, name, domain):
        with pytest.raises(DomainError, match=f"{name}.* does not keep to {domain}"):
            draw(declared(N, N, name), {"n": 4}, 0, domain)

    def test_no_number_is_in_both(self):
        with pytest.raises(DomainError, match="unit and gt1"):
            draw(declared(N, 1), {"n": 4}, 0, ["unit", "gt1"])


def test_the_generator_decides():
    one, same, other = (draw(declared(M, N), {"m": 2, "n": 3}, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


# --- lengths with a minus in them -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["distinct", "square", "one"])
@pytest.mark.parametrize("filters", range(1, 6))
def test_no_length_becomes_empty(kind: str, filters: int) -> None:
    """n - k1 - k2 - ... + filters, what so many filters leave of a signal, in every prefix."""
    names = ["n", *(f"k{i}" for i in range(filters))]
    lengths, left = [], letter("n")
    for name in names[1:]:
        left = plus(plus(left, times(-1, letter(name))), 1)
        lengths.append(left)
    for seed in range(30):
        found = sizes(names, kind, seed, lengths)
        assert all(size_at(length, found) >= 1 for length in lengths), found
        assert all(value >= 1 for value in found.values())
        if kind != "square":
            assert len(set(found.values())) == len(names)


def test_sizes_that_fit_stay_as_they_are() -> None:
    lengths = [plus(plus(letter("n"), times(-1, letter("k"))), 1)]
    assert sizes(["n", "k"], "square", 0, lengths) == {"n": 3, "k": 3}
    assert sorted(sizes(["n", "k"], "distinct", 0, lengths).values()) == [2, 3]


def test_several_valid_convolutions_are_checked() -> None:
    D = derivative("convvalid(convvalid(convvalid(x, h), g), f)", "h", where="x: R^n; h: R^k; g: R^l; f: R^p")
    assert lengths_of([D.output.node])
    report = D.check()
    assert report.ok and len(report.rows) == 6
