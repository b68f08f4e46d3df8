"""The computational graph: the course's worked examples by hand, laws, manners and size."""

import gc
import weakref

import numpy as np
import pytest

from symgrad.errors import DomainError, LimitError, ShapeError, SymgradError, UnknownNameError
from symgrad.numeric.backprop import ComputationalGraph
from symgrad.numeric.gates import (
    AddConstantGate,
    AddGate,
    CopyGate,
    ExpGate,
    Gate,
    MaxGate,
    MultiplyGate,
    NegateGate,
    ReciprocalGate,
    SigmoidGate,
    SubtractGate,
)


class SquareGate(Gate):
    """A user's own gate."""

    label = "sq"

    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, cotangent):
        return [2 * self.x * cotangent]


class ProductGate(Gate):
    """A x."""

    def forward(self, matrix, x):
        self.matrix, self.x = matrix, x
        return matrix @ x

    def backward(self, cotangent):
        return np.outer(cotangent, self.x), self.matrix.T @ cotangent


def q_times_z():
    g = ComputationalGraph()
    x, y, z = g.input("x"), g.input("y"), g.input("z")
    g.add(MultiplyGate(), g.add(AddGate(), x, y, name="q"), z, name="f")
    return g


def neuron(grouped):
    g = ComputationalGraph()
    w0, x0, w1, x1, w2 = (g.input(n) for n in ("w0", "x0", "w1", "x1", "w2"))
    s0, s1 = g.add(MultiplyGate(), w0, x0, name="s0"), g.add(MultiplyGate(), w1, x1, name="s1")
    s2 = g.add(AddGate(), s0, s1, name="s2")
    s3 = g.add(AddGate(), s2, w2, name="s3")
    if grouped:
        g.add(SigmoidGate(), s3, name="L")
    else:
        negated = g.add(NegateGate(), s3, name="negated")
        power = g.add(ExpGate(), negated, name="power")
        below = g.add(AddConstantGate(1), power, name="below")
        g.add(ReciprocalGate(), below, name="L")
    return g


NEURON = {"w0": 2, "w1": -3, "w2": -3, "x0": -1, "x1": -2}


def two(x):
    """Rounded to two decimals, as the course prints."""
    return round(float(x), 2)


class TestTheCourse:
    def test_x_plus_y_times_z(self):
        g = q_times_z()
        assert g.forward(x=-2, y=5, z=-4) == -12
        assert g.backward() == {"x": -4, "y": -4, "z": 3}
        assert (g.value("q"), g.gradient("q"), g.gradient("f")) == (3, -4, 1)

    def test_sigmoid_neuron_gate_by_gate(self):
        g = neuron(grouped=False)
        assert two(g.forward(**NEURON)) == 0.73
        gradients = g.backward()
        nodes = ["s3", "negated", "power", "below", "L"]
        assert [two(g.value(n)) for n in nodes] == [1.00, -1.00, 0.37, 1.37, 0.73]
        assert [two(g.gradient(n)) for n in reversed(nodes)] == [1.00, -0.53, -0.53, -0.20, 0.20]
        assert [two(g.gradient(n)) for n in ("s0", "s1", "s2")] == [0.20, 0.20, 0.20]
        assert {n: two(v) for n, v in gradients.items()} == {
            "x0": 0.39, "w0": -0.20, "x1": -0.59, "w1": -0.39, "w2": 0.20
        }  # fmt: skip

    @pytest.mark.parametrize("grouped", [True, False])
    def test_sigmoid_neuron_exactly(self, grouped):
        g = neuron(grouped)
        s = 1 / (1 + np.exp(-1))  # w0 x0 + w1 x1 + w2 = -2 + 6 - 3
        slope = (1 - s) * s
        assert g.forward(**NEURON) == pytest.approx(s, rel=1e-15)
        exact = {"w0": -1 * slope, "x0": 2 * slope, "w1": -2 * slope, "x1": -3 * slope, "w2": slope}
        assert g.backward() == pytest.approx(exact, rel=1e-14)

    def test_max_routes_to_the_first_at_a_tie(self):
        g = ComputationalGraph()
        g.add(MaxGate(), g.input("x"), g.input("y"))
        for (x, y), expected in {(3, 1): (1, 0), (1, 3): (0, 1), (2, 2): (1, 0)}.items():
            assert g.forward(x=x, y=y) == max(x, y)
            assert g.backward() == {"x": expected[0], "y": expected[1]}

    def test_copy_sums_and_each_branch_shows_its_part(self):
        g = ComputationalGraph()
        x = g.add(CopyGate(), g.input("x"), name="copy")
        a = g.add(MultiplyGate(), x, 3, name="a")
        b = g.add(MultiplyGate(), x, 5, name="b")
        c = g.add(SubtractGate(), a, b, name="c")
        assert g.forward(x=2) == -4
        assert g.backward() == {"x": -2}
        assert (g.edge_gradient(a, 0), g.edge_gradient(b, 0)) == (3, -5)
        assert (g.edge_gradient(c, 0), g.edge_gradient(c, 1), g.gradient("copy")) == (1, -1, -2)

    def test_a_value_read_twice_by_one_gate(self):
        g = ComputationalGraph()
        x = g.input("x")
        square = g.add(MultiplyGate(), x, x)
        g.forward(x=3)
        assert g.backward() == {"x": 6}
        assert (g.edge_gradient(square, 0), g.edge_gradient(square, 1)) == (3, 3)


class TestOwnGate:
    def test_joins_the_graph(self):
        g = ComputationalGraph()
        node = g.add(SquareGate(), g.input("x"))
        assert node.label == "sq"
        assert g.forward(x=3) == 9
        assert g.backward(seed=2) == {"x": 12}

    def test_arrays(self):
        g = ComputationalGraph()
        g.add(ProductGate(), g.input("A"), g.input("x"))
        assert g.forward(A=[[1, 2], [3, 4]], x=[1, -1]).tolist() == [-1, -1]
        back = g.backward(seed=[1, 10])
        assert back["A"].tolist() == [[1, -1], [10, -10]]
        assert back["x"].tolist() == [31, 42]

    def test_python_numbers_and_a_default_label_will_do(self):
        class Plain(Gate):
            def forward(self, x):
                return 7.0

            def backward(self, cotangent):
                return [0.0]

        g = ComputationalGraph()
        node = g.add(Plain(), g.input("x"))
        assert node.label == "Plain"
        assert (g.forward(x=3), g.backward(), g.edge_gradient(node, 0)) == (7, {"x": 0}, 0)

    @pytest.mark.parametrize("back", [1.0, [], [1.0, 2.0], None])
    def test_a_wrong_number_of_cotangents_is_named(self, back):
        class Wrong(SquareGate):
            def backward(self, cotangent):
                return back

        g = ComputationalGraph()
        g.add(Wrong(), g.input("x"), name="loss")
        g.forward(x=3)
        with pytest.raises(ShapeError, match=r"backward at gate loss.*1 cotangents"):
            g.backward()

    def test_a_cotangent_of_another_shape_is_named(self):
        class Wrong(SquareGate):
            def backward(self, cotangent):
                return [cotangent.sum()]

        g = ComputationalGraph()
        g.add(Wrong(), g.input("x"))
        g.forward(x=[1, 2])
        with pytest.raises(ShapeError, match=r"input x has shape \(\), its value \(2,\)"):
            g.backward(seed=[1, 1])

    def test_an_exception_of_its_own_says_where(self):
        class Broken(SquareGate):
            def forward(self, x):
                raise KeyError("mine")

        g = ComputationalGraph()
        g.add(Broken(), g.input("x"), name="loss")
        with pytest.raises(KeyError) as caught:
            g.forward(x=3)
        assert "gate loss" in caught.value.__notes__[0]


class TestStructure:
    def test_topological_order_and_edges_of_what_is_needed(self):
        g = q_times_z()
        extra = g.add(SquareGate(), "q", name="extra")
        g.output = "f"
        names = [n.name for n in g.nodes_topologically_sorted()]
        assert set(names) == {"x", "y", "z", "q", "f"}
        assert all(names.index(s.name) < names.index(t.name) for s, t, _ in g.edges())
        assert {(s.name, t.name, slot) for s, t, slot in g.edges()} == {
            ("x", "q", 0), ("y", "q", 1), ("q", "f", 0), ("z", "f", 1)
        }  # fmt: skip
        assert [n.name for n in g.nodes_topologically_sorted(extra)] == ["x", "y", "q", "extra"]

    def test_only_what_is_needed_is_evaluated(self):
        g = q_times_z()
        assert g.forward("q", x=1, y=2) == 3
        assert g.backward() == {"x": 1, "y": 1}
        with pytest.raises(SymgradError, match="did not need gate f"):
            g.value("f")
        with pytest.raises(SymgradError, match="did not need gate f"):
            g.backward(of="f")

    def test_kinds_and_labels(self):
        g = ComputationalGraph()
        x, half, matrix = g.input("x"), g.constant(0.5), g.constant(np.eye(2))
        gate = g.add(MultiplyGate(), x, half)
        assert [n.kind for n in (x, half, matrix, gate)] == ["input", "constant", "constant", "gate"]
        assert [n.label for n in (x, half, matrix, gate)] == ["x", "0.5", "2x2", "*"]
        assert g.constant(3.0, label="three").label == "three"

    def test_the_output_is_the_last_gate_unless_set(self):
        g = q_times_z()
        assert g.output.name == "f"
        g.input("later")
        assert g.output.name == "f"
        g.output = "q"
        assert g.output.name == "q"

    def test_an_input_may_be_the_output(self):
        g = ComputationalGraph()
        g.input("x")
        assert (g.forward(x=2), g.backward()) == (2, {"x": 1})


class TestBackward:
    def test_an_intermediate_may_be_differentiated_and_differentiated_by(self):
        g = q_times_z()
        g.forward(x=-2, y=5, z=-4)
        assert g.backward(of="q") == {"x": 1, "y": 1, "z": 0}
        assert (g.gradient("q"), g.gradient("f"), g.edge_gradient("f", 0)) == (1, 0, 0)

    def test_a_second_forward_replaces_everything(self):
        g = q_times_z()
        g.forward(x=-2, y=5, z=-4)
        g.backward()
        g.forward(x=1, y=1, z=7)
        with pytest.raises(SymgradError, match=r"backward\(\) first"):
            g.gradient("q")
        assert g.backward() == {"x": 7, "y": 7, "z": 2}

    def test_arrays_need_a_seed_of_their_shape(self):
        g = ComputationalGraph()
        g.add(SquareGate(), g.input("x"))
        g.forward(x=[1, 2, 3])
        with pytest.raises(ShapeError, match=r"shape \(3,\).*needs a seed"):
            g.backward()
        with pytest.raises(ShapeError, match=r"seed has shape \(2,\), the output \(3,\)"):
            g.backward(seed=[1, 2])
        assert g.backward(seed=[1, 10, 100])["x"].tolist() == [2, 40, 600]

    def test_results_are_the_callers_own(self):
        g = ComputationalGraph()
        g.add(AddGate(), g.input("x"), g.input("y"), name="s")
        g.forward(x=[1.0, 2.0], y=[3.0, 4.0])[:] = 0
        g.backward(seed=[1.0, 1.0])["x"][:] = 9
        g.value("s")[:] = 0
        assert g.gradient("y").tolist() == [1, 1]
        assert g.gradient("x").tolist() == [1, 1]
        assert g.value("s").tolist() == [4, 6]

    def test_jacobian_has_output_axes_then_variable_axes(self):
        g = ComputationalGraph()
        matrix, x = g.input("A"), g.input("x")
        product = g.add(ProductGate(), matrix, x, name="p")
        g.add(SquareGate(), product)
        a, v = np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([1.0, 0, -1])
        assert g.forward(A=a, x=v).tolist() == [4, 4]
        assert g.jacobian(of="p", wrt="x").tolist() == a.tolist()
        assert g.jacobian(wrt="p").tolist() == [[-4, 0], [0, -4]]
        by_matrix = g.jacobian(wrt="A")  # d y[i] / d A[j, k] = 2 p[i] delta[i, j] x[k]
        assert by_matrix.shape == (2, 2, 3)
        assert np.array_equal(by_matrix, -4 * np.einsum("ij,k->ijk", np.eye(2), v))
        assert g.jacobian(of="p", wrt=g.output).tolist() == [[0, 0], [0, 0]]

    def test_jacobian_of_a_scalar_has_the_variables_shape(self):
        g = q_times_z()
        g.forward(x=-2, y=5, z=-4)
        assert g.jacobian(wrt="z").shape == ()
        assert g.jacobian(wrt="z") == 3

    def test_jacobian_refuses_to_fill_the_memory(self):
        g = ComputationalGraph()
        g.add(SquareGate(), g.input("x"))
        g.forward(x=np.ones(4096))
        with pytest.raises(LimitError, match="4096 x 4096"):
            g.jacobian(wrt="x")


class TestPrecision:
    def test_float32_stays_float32_next_to_python_numbers(self):
        g = ComputationalGraph()
        s = g.add(MultiplyGate(), g.input("x"), g.input("a"))
        g.add(AddGate(), s, 0.1)
        out = g.forward(x=np.array([1, 2], np.float32), a=0.5)
        back = g.backward(seed=np.ones(2, np.float32))
        assert {out.dtype, back["x"].dtype, back["a"].dtype} == {np.dtype(np.float32)}

    def test_complex_goes_through(self):
        g = ComputationalGraph()
        g.add(SquareGate(), g.input("x"))
        assert g.forward(x=1 + 2j) == -3 + 4j
        assert g.backward() == {"x": 2 + 4j}


class TestManners:
    def test_names(self):
        g = q_times_z()
        with pytest.raises(DomainError, match="has a node q already"):
            g.add(SquareGate(), "x", name="q")
        with pytest.raises(DomainError, match="has a node x already"):
            g.input("x")
        with pytest.raises(DomainError, match="cannot name"):
            g.input("")
        with pytest.raises(UnknownNameError, match="no node w"):
            g.add(SquareGate(), "w")
        with pytest.raises(UnknownNameError, match="another graph"):
            g.add(SquareGate(), ComputationalGraph().input("x"))

    def test_a_refused_gate_leaves_no_trace(self):
        g = q_times_z()
        gate = MultiplyGate()
        for sources in (("x",), ("x", "nowhere"), (2.0, "nowhere")):
            with pytest.raises(SymgradError):
                g.add(gate, *sources)
        assert g.add(gate, "x", "y").index == 5

    def test_gates(self):
        g = q_times_z()
        gate = SquareGate()
        g.add(gate, "x")
        with pytest.raises(DomainError, match="in the graph already"):
            g.add(gate, "y")
        with pytest.raises(ShapeError, match="takes 2 inputs, got 1"):
            g.add(AddGate(), "x")
        with pytest.raises(DomainError, match="expected a gate"):
            g.add(SquareGate, "x")

    def test_values(self):
        g = ComputationalGraph()
        g.add(AddGate(), g.input("weight"), g.input("bias"), name="sum")
        with pytest.raises(UnknownNameError, match=r"no value for bias\n.*bias=\.\.\."):
            g.forward(weight=1)
        with pytest.raises(UnknownNameError, match=r"no input wieght\n.*did you mean weight"):
            g.forward(wieght=1, bias=2)
        with pytest.raises(UnknownNameError, match="no input sum"):
            g.forward(weight=1, bias=2, sum=3)
        with pytest.raises(DomainError, match="input bias: expected numbers"):
            g.forward(weight=1, bias="2")
        with pytest.raises(ShapeError, match=r"forward at gate sum \(\+\): cannot add .* \(2,\) and \(3,\)"):
            g.forward(weight=[1, 2], bias=[1, 2, 3])

    def test_order(self):
        g = q_times_z()
        with pytest.raises(SymgradError, match=r"forward\(\.\.\.\) first"):
            g.backward()
        with pytest.raises(SymgradError, match="empty"):
            _ = ComputationalGraph().output
        g.forward(x=1, y=2, z=3)
        later = g.add(SquareGate(), "f")
        with pytest.raises(SymgradError, match="no value"):
            g.value(later)
        g.backward()
        with pytest.raises(ShapeError, match="has 2 inputs, so no slot 2"):
            g.edge_gradient("f", 2)

    def test_a_failed_forward_leaves_no_stale_values(self):
        g = q_times_z()
        g.forward(x=1, y=2, z=3)
        with pytest.raises(ShapeError):
            g.forward(x=[1, 2], y=[1, 2, 3], z=3)
        with pytest.raises(SymgradError, match="no values"):
            g.backward()


class TestLaws:
    def test_random_graphs_are_adjoint_to_their_differences(self):
        """<c, J t> = <J'c, t> for graphs with much branching."""
        for seed in range(10):
            rng = np.random.default_rng(seed)
            g = ComputationalGraph()
            nodes = [g.input(n) for n in "abc"]
            for _ in range(12):
                i, j = rng.integers(len(nodes), size=2)
                kind = rng.integers(5)
                if kind == 4:
                    nodes.append(g.add(SigmoidGate(), nodes[i]))
                else:
                    make = (AddGate, SubtractGate, MultiplyGate, MaxGate)[kind]
                    nodes.append(g.add(make(), g.add(SigmoidGate(), nodes[i]), nodes[j]))
            point = {n: rng.normal(size=(2, 3)) for n in "abc"}
            along = {n: rng.normal(size=(2, 3)) for n in "abc"}
            step = 1e-6
            used = {n.name for n in g.nodes_topologically_sorted() if n.kind == "input"}
            ahead, behind = (g.forward(**{n: point[n] + s * step * along[n] for n in "abc"}) for s in (1, -1))
            out = g.forward(**point)
            cotangent = rng.normal(size=out.shape)
            pushed = np.sum(cotangent * (ahead - behind)) / (2 * step)
            back = g.backward(cotangent)
            assert sum(np.sum(back[n] * along[n]) for n in "abc") == pytest.approx(pushed, rel=1e-6, abs=1e-8)
            assert not any(back[n].any() for n in set("abc") - used)

    def test_a_chain_of_a_hundred_thousand_gates(self):
        g = ComputationalGraph()
        node = g.input("x")
        for _ in range(100_000):
            node = g.add(AddConstantGate(1), node)
        assert g.forward(x=0) == 100_000
        assert g.backward() == {"x": 1}
        assert len(g.edges()) == 100_000

    def test_a_ladder_of_doublings_costs_one_visit_per_gate(self):
        g = ComputationalGraph()
        node = g.input("x")
        for _ in range(60):
            node = g.add(AddGate(), node, node)
        assert g.forward(x=1) == 2.0**60
        assert g.backward() == {"x": 2.0**60}

    def test_nothing_is_kept_alive(self):
        g = ComputationalGraph()
        g.add(SquareGate(), g.add(SquareGate(), g.input("x")))
        x = np.ones(3)
        array, gate = weakref.ref(x), weakref.ref(g.output.gate)
        gc.disable()
        try:
            g.forward(x=x)
            g.backward(np.ones(3))
            del x
            assert array() is not None
            g.forward(x=np.zeros(3))
            assert array() is None
            del g
            assert gate() is None
        finally:
            gc.enable()
