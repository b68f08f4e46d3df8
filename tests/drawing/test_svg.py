"""The picture: well-formed, complete, and nothing on top of anything else."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgrad.drawing.svg import Figure, GraphEdge, GraphNode, Words, arrange, draw, measure
from symgrad.errors import DomainError, LimitError, UnknownNameError

Graph = tuple[list[GraphNode], list[GraphEdge]]
SVG = "{http://www.w3.org/2000/svg}"


def graph(nodes: str, edges: str) -> Graph:
    """`id label kind name value gradient`, `source target value gradient`; `~` is empty, `|` a new line, `_` blank."""
    made = []
    for line in nodes.strip().splitlines():
        node, label, kind, name, value, gradient = map(_cell, line.split())
        made.append(GraphNode(node, label, kind, name or None, value, gradient))  # type: ignore[arg-type]
    slots: dict[str, int] = {}
    uses = []
    for line in edges.strip().splitlines():
        source, target, value, gradient = map(_cell, line.split())
        slots[target] = slots.get(target, -1) + 1
        uses.append(GraphEdge(source, target, slots[target], value, gradient))
    return made, uses


def _cell(text: str) -> str:
    return "" if text == "~" else text.replace("_", " ").replace("|", "\n")


def product() -> Graph:
    """(x + y) z at (-2, 5, -4)."""
    return graph(
        """x x input x ~ ~
           y y input y ~ ~
           z z input z ~ ~
           q + gate q ~ ~
           f * output f -12 1""",
        """x q -2 -4
           y q 5 -4
           q f 3 -4
           z f -4 3""",
    )


def neuron() -> Graph:
    """The sigmoid neuron, gate by gate, with the values printed in the lectures."""
    return graph(
        """w0 w0 input w0 ~ ~
           x0 x0 input x0 ~ ~
           w1 w1 input w1 ~ ~
           x1 x1 input x1 ~ ~
           w2 w2 input w2 ~ ~
           p * gate ~ ~ ~
           r * gate ~ ~ ~
           s + gate ~ ~ ~
           t + gate ~ ~ ~
           n *-1 gate ~ ~ ~
           e exp gate ~ ~ ~
           o +1 gate ~ ~ ~
           i 1/x output f 0.73 1.00""",
        """w0 p 2.00 -0.20
           x0 p -1.00 0.39
           w1 r -3.00 -0.39
           x1 r -2.00 -0.59
           p s -2.00 0.20
           r s 6.00 0.20
           s t 4.00 0.20
           w2 t -3.00 0.20
           t n 1.00 0.20
           n e -1.00 -0.20
           e o 0.37 -0.53
           o i 1.37 -0.53""",
    )


def network() -> Graph:
    """The two-branch network with cross entropy, at the printed weights."""
    return graph(
        """x x input x ~ ~
           W1 W1 input W1 ~ ~
           W21 W21 input W21 ~ ~
           W22 W22 input W22 ~ ~
           y y input y ~ ~
           a W₁x gate ~ ~ ~
           l1 relu gate l1 1.00|2.00 -0.21|1.39
           b W₂₁l₁ gate ~ ~ ~
           l21 relu gate l21 ~ ~
           c W₂₂l₁ gate ~ ~ ~
           l22 σ gate l22 ~ ~
           z max gate z ~ ~
           p softmax gate yhat ~ ~
           g log gate ~ ~ ~
           d dot gate ~ ~ ~
           L *-1 output L 2.66 1.00""",
        """W1 a [[_1.00_-1.00_0.00_1.00]|_[_0.00_1.00_0.00_0.00]] -0.21_-0.43_-0.64_-0.21|1.39_2.78_4.16_1.39
           x a 1|2|3|1 ~
           a l1 1.00|2.00 -0.21|1.39
           W21 b 1_1|-2_1|1_0 0.82_1.64|0_0|0.11_0.22
           l1 b 1.00|2.00 0.93|0.82
           W22 c 0_0|2_-1|0_0 0_0|-0.23_-0.47|0_0
           l1 c 1.00|2.00 -0.47|0.23
           b l21 3|0|1 0.82|0|0.11
           c l22 0|0|0 0|-0.23|0
           l21 z 3|0|1 0.82|0|0.11
           l22 z 0.5|0.5|0.5 0|-0.93|0
           z p 3|0.5|1 0.82|-0.93|0.11
           p g 0.82|0.07|0.11 0|-14.39|0
           g d -0.20|-2.70|-2.20 0|-1|0
           y d 0|1|0 ~
           d L -2.66 -1.00""",
    )


def tangle() -> Graph:
    """Six inputs, nine gates that share them, edges over several layers, long labels, no values on some."""
    names = [f"input_{k}" for k in range(6)]
    nodes = [GraphNode(k, k, "input", k, "1.5", "2.5") for k in names]
    edges = []
    for k in range(9):
        label = ["*", "elementwise maximum", "log-sum-exp"][k % 3]
        nodes.append(GraphNode(f"g{k}", label, "gate" if k < 8 else "output", f"value{k}", "3", "4"))
        before = [node.id for node in nodes[:-1]]
        for slot, source in enumerate(dict.fromkeys([before[-1], before[(5 * k) % len(before)], before[k % 4]])):
            text = f"{k}.{slot} {k}.5\n{k} {slot}" if k % 2 else f"{k}.{slot}"
            edges.append(GraphEdge(source, f"g{k}", slot, text, "" if slot == 2 else text))
    return nodes, edges


def comb() -> Graph:
    """x0 + x1 + ... + x29, one after another."""
    nodes = [GraphNode(f"x{k}", f"x{k}", "input", f"x{k}") for k in range(30)]
    nodes += [GraphNode(f"s{k}", "+", "gate", f"s{k}") for k in range(1, 30)]
    edges = []
    for k in range(1, 30):
        edges.append(GraphEdge(f"s{k - 1}" if k > 1 else "x0", f"s{k}", 0, str(k), "1"))
        edges.append(GraphEdge(f"x{k}", f"s{k}", 1, "1", "1"))
    return nodes, edges


def square() -> Graph:
    """x * x: the same value in both slots, its gradient summed before it branches."""
    return graph("x x input x 3 6\nf * output f 9 1", "x f 3 3\nx f 3 3")


GRAPHS = [product, neuron, network, tangle, comb, square]


# ---- nothing on top of anything else


def box(text: Words) -> tuple[float, float, float, float]:
    return text.left, text.top, text.left + text.width, text.top + text.height


def outlines(figure: Figure) -> list[tuple[float, float, float, float]]:
    """The gates as rectangles."""
    gates = [k for k in figure.shapes if k.form in ("circle", "box")]
    return [(k.x - k.width / 2, k.y - k.box.below, k.x + k.width / 2, k.y + k.box.below) for k in gates]


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return min(a[2], b[2]) - max(a[0], b[0]) > 0.1 and min(a[3], b[3]) - max(a[1], b[1]) > 0.1


def points(path: str) -> list[tuple[float, float]]:
    """Points along the path, close together."""
    found: list[tuple[float, float]] = []
    for command, numbers in re.findall(r"([MHC])([^MHC]*)", path):
        values = [float(k) for k in numbers.split()]
        if command == "M":
            found.append((values[0], values[1]))
            continue
        x, y = found[-1]
        ends = [x, y, *values] if command == "C" else [x, y, x, y, values[0], y, values[0], y]
        for t in (k / 20 for k in range(1, 21)):
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
            found.append((sum(w * e for w, e in zip(weights, ends[::2], strict=True)),
                          sum(w * e for w, e in zip(weights, ends[1::2], strict=True))))  # fmt: skip
    return found


def assert_free(figure: Figure) -> None:
    """No text on a text, a gate (but its own label) or a line; no line through a gate; all within the picture."""
    texts, gates = [box(k) for k in figure.words], outlines(figure)
    outside = [box(k) for k in figure.words if k.role != "label"]
    for pairs in (combinations(texts, 2), combinations(gates, 2), ((t, g) for t in outside for g in gates)):
        assert not [pair for pair in pairs if overlap(*pair)]
    for x, y in (point for wire in figure.wires for point in points(wire)):
        assert not [k for k in outside if k[0] < x < k[2] and k[1] < y < k[3]]
        assert not [k for k in gates if k[0] + 9 < x < k[2] - 9 and k[1] + 9 < y < k[3] - 9]
    left, top, width, height = figure.view
    for a, b, c, d in texts + gates:
        assert left <= a <= c <= left + width and top <= b <= d <= top + height


@pytest.mark.parametrize("make", GRAPHS)
def test_nothing_overlaps(make):
    assert_free(arrange(*make(), title="A title of some length over the picture"))


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 25))
def test_nothing_overlaps_in_random_graphs(random, count):
    texts = ["", "1", "-0.25", "1 2\n3 4", "0.5\n0.25\n-100.125", "W" * 60, "a b\nc", "۱۲٫۵"]
    nodes, edges = [], []
    for k in range(count):
        kind = random.choice(["input", "constant", "gate", "gate", "gate", "output"]) if k else "input"
        name, label = random.choice([None, f"n{k}", "a longer name"]), random.choice(["*", "+", "softmax", "1\n2"])
        nodes.append(GraphNode(str(k), label, kind, name, random.choice(texts), random.choice(texts)))
        if kind in ("gate", "output"):
            for slot in range(random.randint(1, 3)):
                source = str(random.randrange(k))
                edges.append(GraphEdge(source, str(k), slot, random.choice(texts), random.choice(texts)))
    assert_free(arrange(nodes, edges))


# ---- the document


def read(of: Graph, title: str = "") -> tuple[ET.Element, list[str]]:
    root = ET.fromstring(draw(*of, title=title))
    return root, [k.text or "" for k in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("make", GRAPHS)
def test_everything_is_written(make):
    nodes, edges = make()
    _, shown = read((nodes, edges))
    for node in nodes:
        wanted = [node.name if node.kind == "input" else node.label]
        assert set(wanted) <= set(shown)
        assert node.name is None or node.name in shown
    for text in [k for edge in edges for k in (edge.value, edge.gradient)]:
        assert set(re.sub(r"[\[\]]", " ", text).split()) <= set(shown)


def test_value_above_gradient_below_between_source_and_target():
    figure = arrange(*product())
    at = {shape.words[0].cells[0][0]: shape for shape in figure.shapes if shape.words}
    value = next(k for k in figure.words if k.role == "value" and k.cells == (("-2",),))
    assert at["x"].x < value.left and value.left + value.width < at["+"].x
    below = [k for k in figure.words if k.role == "gradient" and k.left < at["+"].x]
    assert all(k.cells == (("-4",),) for k in below)
    assert value.top + value.height < at["x"].y < min(k.top for k in below)


def test_rows_of_a_matrix_keep_their_columns():
    matrix = "[[1.00 -1.00]\n [0.50 20.00]]"
    root = ET.fromstring(draw([GraphNode("A", "A", "input", "A"), GraphNode("f", "tr", "output")],
                              [GraphEdge("A", "f", 0, matrix)]))  # fmt: skip
    at = {k.text: (k.get("x"), k.get("y")) for k in root.iter(f"{SVG}text")}
    assert at["1.00"][1] == at["-1.00"][1] != at["0.50"][1] == at["20.00"][1]
    assert at["1.00"][0] == at["0.50"][0] != at["-1.00"][0] == at["20.00"][0]


def test_large_matrices_are_shortened():
    text = "\n".join(" ".join(f"{i}.{j}" for j in range(50)) for i in range(50))
    _, shown = read(([GraphNode("A", "A", "input"), GraphNode("f", "f", "gate")], [GraphEdge("A", "f", 0, text)]))
    assert {"0.0", "0.49", "49.0", "49.49", "…", "⋮"} <= set(shown)
    assert "25.25" not in shown and len(shown) < 80


def test_summed_gradient_stands_before_the_branching():
    root, shown = read(square())
    assert shown.count("6") == 1 and shown.count("3") == 5  # the value twice and once, the gradient twice
    x = {k.text: float(k.get("x")) for k in root.iter(f"{SVG}text") if k.text in ("6", "*")}
    assert x["6"] < x["*"]
    assert len([k for k in root.iter(f"{SVG}circle") if k.get("r") == "3"]) == 1


def test_special_characters_and_persian():
    texts = ["a<b>&\"'", "گرادیان", "σ(x̂)", "nul\x00\ud800"]
    nodes = [GraphNode(str(k), text, "gate", text) for k, text in enumerate(texts)]
    root, shown = read((nodes, []), title="نزول گرادیان <&>\x01")
    assert {"a<b>&\"'", "گرادیان", "σ(x̂)", "nul\ufffd\ufffd"} <= set(shown)
    assert root.find(f"{SVG}title").text == "نزول گرادیان <&>\ufffd"


def test_title_and_description_are_tied_to_the_picture():
    root, shown = read(product(), title="f = (x + y) z")
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert root.get("role") == "img"
    assert root.get("aria-labelledby").split() == [title.get("id"), description.get("id")]
    assert "f = (x + y) z" in shown and title.text == "f = (x + y) z"
    assert "z to f (*): value -4, gradient 3." in description.text


def test_same_graph_same_text_and_no_shared_ids():
    assert draw(*neuron()) == draw(*neuron())
    ids = [set(re.findall(r'id="([^"]+)"', draw(*make()))) for make in GRAPHS]
    assert not [1 for a, b in combinations(ids, 2) if a & b]


def test_estimated_widths_are_not_below_a_wide_font():
    """Advance widths of DejaVu Sans, one of the widest usual fonts, in units of 1/2048 em."""
    digit, minus, period, x, w, capital_w = 1303, 739, 651, 1212, 1675, 2025
    for text, width in [
        ("-0.53", 3 * digit + minus + period),
        ("x0", x + digit),
        ("w2", w + digit),
        ("W1", capital_w + digit),
    ]:
        assert width / 2048 * 12 <= measure(text, 12) <= 1.25 * width / 2048 * 12


# ---- what cannot be drawn


def test_errors_name_what_is_wrong():
    x, f = GraphNode("x", "x", "input"), GraphNode("f", "*", "gate")
    with pytest.raises(DomainError, match="without nodes"):
        draw([], [])
    with pytest.raises(DomainError, match="two nodes have the id 'x'"):
        draw([x, f, x], [])
    with pytest.raises(UnknownNameError, match="'y'"):
        draw([x, f], [GraphEdge("y", "f", 0)])
    with pytest.raises(DomainError, match="unknown kind 'door'"):
        draw([GraphNode("x", "x", "door")], [])  # type: ignore[arg-type]
    with pytest.raises(DomainError, match="cycle"):
        draw([x, f], [GraphEdge("x", "f", 0), GraphEdge("f", "f", 1)])


def test_limit():
    nodes = [GraphNode(str(k), "+", "gate") for k in range(401)]
    with pytest.raises(LimitError, match="401 nodes"):
        draw(nodes, [])
    assert draw(nodes[:400], []).count("<circle") == 400
