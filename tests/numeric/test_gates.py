"""The gates as patterns, and the law that every pullback is the adjoint of the pushforward."""

from types import SimpleNamespace

import numpy as np
import pytest

from symgrad.errors import DomainError, ShapeError, UnknownNameError
from symgrad.numeric.gates import (
    AddConstantGate,
    AddGate,
    CopyGate,
    ExpGate,
    Gate,
    MaxGate,
    MultiplyGate,
    NegateGate,
    OperationGate,
    ReciprocalGate,
    ScaleGate,
    SigmoidGate,
    SubtractGate,
    as_value,
)

UNARY = [NegateGate, ExpGate, ReciprocalGate, SigmoidGate, CopyGate, lambda: AddConstantGate(1), lambda: ScaleGate(-3)]
BINARY = [AddGate, SubtractGate, MultiplyGate, MaxGate]
SHAPES = [(), (4,), (1, 3), (2, 3)]


def fake_record(name="solve", arity=(2,), sizes=False, **functions):
    notation = SimpleNamespace(text=name)
    return SimpleNamespace(name=name, arity=arity, sizes=sizes, arrays=0, notation=notation, **functions)


def matrix_vector():
    return fake_record("multiply", value=lambda a, x: a @ x, pullback=lambda c, _, a, x: (c @ x.T, a.T @ c))


class TestPatterns:
    def test_addition_distributes(self):
        gate = AddGate()
        assert gate.forward(3.0, -4.0) == -1.0
        assert list(gate.backward(2.0)) == [2.0, 2.0]

    def test_subtraction_negates_the_second(self):
        gate = SubtractGate()
        assert gate.forward(3.0, -4.0) == 7.0
        assert list(gate.backward(2.0)) == [2.0, -2.0]

    def test_multiplication_swaps(self):
        gate = MultiplyGate()
        assert gate.forward(3.0, -4.0) == -12.0
        assert list(gate.backward(2.0)) == [-8.0, 6.0]

    @pytest.mark.parametrize(
        ("x", "y", "routed"), [(5.0, 2.0, [7.0, 0.0]), (2.0, 5.0, [0.0, 7.0]), (2.0, 2.0, [7.0, 0.0])]
    )
    def test_max_routes_and_a_tie_goes_to_the_first(self, x, y, routed):
        gate = MaxGate()
        assert gate.forward(x, y) == max(x, y)
        assert list(gate.backward(7.0)) == routed

    def test_max_routes_every_entry_by_itself(self):
        gate = MaxGate()
        assert gate.forward(np.array([1.0, 5.0, 3.0]), np.array([2.0, 4.0, 3.0])).tolist() == [2, 5, 3]
        first, second = gate.backward(np.array([10.0, 20.0, 30.0]))
        assert first.tolist() == [0, 20, 30]
        assert second.tolist() == [10, 0, 0]

    def test_copy_sums_its_branches(self):
        gate = CopyGate()
        assert gate.forward(3.0) == 3.0
        assert list(gate.backward(1.0, 10.0, 100.0)) == [111.0]

    def test_constants(self):
        plus, scale = AddConstantGate(1), ScaleGate(-3)
        assert (plus.forward(2.0), scale.forward(2.0)) == (3.0, -6.0)
        assert (plus.backward(5.0), scale.backward(5.0)) == ((5.0,), (-15.0,))
        assert (plus.label, scale.label) == ("+1", "*-3")

    def test_reciprocal_and_exp(self):
        reciprocal, exp = ReciprocalGate(), ExpGate()
        assert reciprocal.forward(4.0) == 0.25
        assert reciprocal.backward(1.0) == (-0.0625,)
        assert exp.forward(np.log(3.0)) == pytest.approx(3)
        assert exp.backward(2.0)[0] == pytest.approx(6)

    def test_sigmoid_neither_overflows_nor_loses_small_values(self):
        gate = SigmoidGate()
        with np.errstate(all="raise", under="ignore"):
            assert gate.forward(np.array([-40.0, 0.0, 1000.0])) == pytest.approx([np.exp(-40), 0.5, 1.0], rel=1e-12)
            assert gate.forward(np.float64(-40.0)) == pytest.approx(np.exp(-40), rel=1e-12)
            assert gate.forward(np.float64(-1000.0)) == 0

    def test_complex_numbers_have_no_larger_one(self):
        with pytest.raises(DomainError, match="complex"):
            MaxGate().forward(np.array([1j]), np.array([2.0]))


class TestShapes:
    @pytest.mark.parametrize("make", BINARY)
    def test_a_vector_is_never_spread_over_a_matrix(self, make):
        with pytest.raises(ShapeError, match=r"\(3,\).*\(2, 3\)"):
            make().forward(np.ones(3), np.ones((2, 3)))

    def test_a_spread_scalar_gets_the_sum(self):
        gate = MultiplyGate()
        gate.forward(np.float64(2.0), np.array([1.0, 10.0, 100.0]))
        scale, array = gate.backward(np.array([1.0, 1.0, 2.0]))
        assert scale == 211
        assert array.tolist() == [2, 2, 4]

    def test_float32_stays(self):
        x = np.array([-1.0, 2.0], np.float32)
        for make in UNARY:
            gate = make()
            assert gate.forward(x).dtype == np.float32
            assert gate.backward(x)[0].dtype == np.float32

    @pytest.mark.parametrize(
        "bad", [None, "x", np.array([object()]), [[1, 2], [3]], np.zeros((2, 2, 2)), np.ma.masked_equal([1, 2], 1)]
    )
    def test_what_is_no_array_of_numbers_is_refused(self, bad):
        with pytest.raises((DomainError, ShapeError)):
            as_value(bad)

    def test_integers_become_floats(self):
        assert as_value([1, 2]).dtype == np.float64
        assert isinstance(as_value(True), np.float64)


class TestAdjoint:
    """<c, J t> = <J'c, t>, where J t comes from differences of the forward alone."""

    @staticmethod
    def check(gate, inputs, rng):
        step = 1e-6
        tangents = [rng.normal(size=x.shape) for x in inputs]
        ahead = np.asarray(gate.forward(*(x + step * t for x, t in zip(inputs, tangents, strict=True))))
        behind = np.asarray(gate.forward(*(x - step * t for x, t in zip(inputs, tangents, strict=True))))
        output = np.asarray(gate.forward(*inputs))
        cotangent = rng.normal(size=output.shape)
        back = gate.backward(cotangent)
        assert [np.shape(b) for b in back] == [x.shape for x in inputs]
        pushed = np.sum(cotangent * (ahead - behind) / (2 * step))
        pulled = sum(np.sum(b * t) for b, t in zip(back, tangents, strict=True))
        assert pulled == pytest.approx(pushed, rel=1e-6, abs=1e-7)

    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("make", UNARY)
    def test_one_input(self, make, shape):
        rng = np.random.default_rng(1)
        self.check(make(), [np.asarray(rng.uniform(0.3, 2, shape))], rng)

    @pytest.mark.parametrize("shapes", [*((s, s) for s in SHAPES), ((), (2, 3)), ((4,), ())])
    @pytest.mark.parametrize("make", BINARY)
    def test_two_inputs(self, make, shapes):
        rng = np.random.default_rng(2)
        self.check(make(), [np.asarray(rng.normal(size=s)) for s in shapes], rng)

    def test_an_operation(self):
        rng = np.random.default_rng(3)
        self.check(OperationGate(matrix_vector()), [rng.normal(size=(2, 3)), rng.normal(size=3)], rng)


class TestOperationGate:
    def test_value_and_pullback_of_the_record(self):
        gate = OperationGate(matrix_vector())
        assert gate.forward(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, -1.0])).tolist() == [-1, -1]
        da, dx = gate.backward(np.array([1.0, 10.0]))
        assert da.tolist() == [[1, -1], [10, -10]]
        assert dx.tolist() == [31, 42]
        assert (gate.label, gate.arity) == ("multiply", (2,))

    def test_the_pullback_sees_the_output(self):
        record = fake_record("exp", (1,), value=np.exp, pullback=lambda c, output, x: (c * output,))
        gate = OperationGate(record)
        gate.forward(np.float64(0.0))
        assert list(gate.backward(5.0)) == [5.0]

    def test_an_operation_of_dimensions_has_no_inputs(self):
        gate = OperationGate(fake_record("eye", (1,), sizes=True, value=np.eye, pullback=None), sizes=(2,))
        assert gate.forward().tolist() == [[1, 0], [0, 1]]
        assert gate.backward(np.ones((2, 2))) == ()
        assert gate.arity == (0,)

    @pytest.mark.parametrize(("takes", "given"), [(True, ()), (False, (3,))])
    def test_sizes_go_where_they_are_taken(self, takes, given):
        with pytest.raises(ShapeError, match="sizes"):
            OperationGate(fake_record(sizes=takes), sizes=given)

    def test_records_see_two_axes_and_the_graph_the_usual_ones(self):
        seen = []
        record = fake_record(
            "dot",
            value=lambda a, b: seen.append((a.shape, b.shape)) or (a * b).sum().reshape(1, 1),
            pullback=lambda c, _, a, b: (c * b, c * a),
        )
        gate = OperationGate(record)
        out = gate.forward(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
        assert (np.shape(out), out) == ((), 11)
        assert seen == [((2, 1), (2, 1))]
        assert [x.tolist() for x in gate.backward(np.float64(2.0))] == [[6, 8], [2, 4]]

    @pytest.mark.parametrize(
        ("shape", "kind", "expected"),
        [
            ((1, 1), None, ()),
            ((3, 1), None, (3,)),
            ((1, 3), None, (1, 3)),
            ((2, 3), None, (2, 3)),
            ((1, 1), "matrix", (1, 1)),
            ((1, 1), "column", (1,)),
            ((1, 1), "row", (1, 1)),
            ((3, 1), "matrix", (3, 1)),
        ],
    )
    def test_the_kind_settles_what_sizes_of_one_leave_open(self, shape, kind, expected):
        record = fake_record("exp", (1,), value=np.exp, pullback=lambda c, y, x: (c * y,))
        gate = OperationGate(record, kind=kind)
        out = gate.forward(np.zeros(shape))
        assert out.shape == expected
        assert gate.backward(np.full_like(out, 3.0))[0].tolist() == np.full(shape, 3.0).tolist()

    def test_kinds_that_do_not_fit_or_exist(self):
        record = fake_record("exp", (1,), value=np.exp, pullback=None)
        with pytest.raises(ShapeError, match="exp gave 2 x 3, which is no column"):
            OperationGate(record, kind="column").forward(np.zeros((2, 3)))
        with pytest.raises(UnknownNameError, match="did you mean column"):
            OperationGate(record, kind="colum")

    def test_a_pullback_of_another_shape_is_named(self):
        record = fake_record("sum", (1,), value=lambda x: x.sum().reshape(1, 1), pullback=lambda c, y, x: (c,))
        gate = OperationGate(record)
        gate.forward(np.ones(3))
        with pytest.raises(ShapeError, match=r"sum pulls back \(1, 1\) to input 0 of shape \(3, 1\)"):
            gate.backward(np.float64(1.0))

    def test_errors_of_numpy_name_operation_and_shapes(self):
        with pytest.raises(ShapeError, match=r"multiply .*\(2, 3\) and \(4,\)"):
            OperationGate(matrix_vector()).forward(np.ones((2, 3)), np.ones(4))
        inverse = fake_record("inv", (1,), value=np.linalg.inv, pullback=None)
        with pytest.raises(DomainError, match=r"inv has no value.*[Ss]ingular"):
            OperationGate(inverse).forward(np.zeros((2, 2)))


def test_a_gate_needs_both_methods():
    class Half(Gate):
        def forward(self, x):
            return x

    with pytest.raises(TypeError, match="backward"):
        Half()
