"""The layout: layers respect edges, boxes keep their distance, lines are straight where they can be."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgrad.drawing.layered import SEPARATION, Box, Layout, Link, Spot, bound, layers, place
from symgrad.errors import DomainError, LimitError, UnknownNameError

DOT, WORD = Box(20, 10, 10), Box(40, 15, 12)


def of(*pairs: tuple[int, int]) -> Layout:
    count = 1 + max(max(pair) for pair in pairs)
    return place([DOT] * count, [Link(a, b, WORD) for a, b in pairs])


def edges(spot: Spot) -> tuple[float, float, float, float]:
    x, y, box = spot.x, spot.y, spot.box
    return x - box.width / 2, y - box.above, x + box.width / 2, y + box.below


def crossings(layout: Layout, *pairs: tuple[int, int]) -> int:
    """Pieces between two columns that change their order, counted from the drawn heights."""
    steps = []
    for (source, target), route in zip(pairs, layout.routes, strict=True):
        heights = [layout.spots[source].y, *(run.y for run in route.runs), layout.spots[target].y]
        steps += [(2 * layout.layers[source] + k, *step) for k, step in enumerate(pairwise(heights))]
    return sum(p[0] == q[0] and (p[1] - q[1]) * (p[2] - q[2]) < 0 for p, q in combinations(steps, 2))


def test_a_late_input_stands_beside_its_use():
    assert layers(5, [(0, 3), (1, 3), (3, 4), (2, 4)]) == [0, 0, 1, 1, 2]


def test_a_gate_with_more_inputs_than_uses_stays_beside_its_inputs():
    # 0 -> 1 -> 2 -> 3 -> 5, and 4 joins 0 and 1 for 5: one long edge is less ink than two
    assert layers(6, [(0, 1), (1, 2), (2, 3), (3, 5), (0, 4), (1, 4), (4, 5)]) == [0, 1, 2, 3, 2, 4]


def test_early_end_stays_early():
    assert layers(4, [(0, 1), (1, 2), (0, 3)]) == [0, 1, 2, 1]


@given(st.sets(st.tuples(st.integers(0, 15), st.integers(0, 15)).filter(lambda p: p[0] < p[1]), min_size=1))
@settings(max_examples=60, deadline=None)
def test_any_graph(pairs):
    layout = of(*sorted(pairs))
    for (a, b), route in zip(sorted(pairs), layout.routes, strict=True):
        assert layout.layers[a] < layout.layers[b]
        assert layout.spots[a].x < route.label.x < layout.spots[b].x
        ends = [k for run in route.runs for k in (run.left, run.right)]
        assert ends == sorted(ends)
        assert len(route.runs) == 2 * (layout.layers[b] - layout.layers[a]) - 1
    boxes = [edges(spot) for spot in (*layout.spots, *(route.label for route in layout.routes))]
    for p, q in combinations(boxes, 2):
        across, down = max(p[0], q[0]) - min(p[2], q[2]), max(p[1], q[1]) - min(p[3], q[3])
        assert across > 0 or down >= SEPARATION - 0.2
    assert min(k[0] for k in boxes) >= 0 and min(k[1] for k in boxes) >= 0
    assert max(k[2] for k in boxes) <= layout.width and max(k[3] for k in boxes) <= layout.height


def test_a_chain_is_level():
    layout = of((0, 1), (1, 2), (2, 3), (3, 4))
    assert len({spot.y for spot in layout.spots}) == 1
    assert {run.y for route in layout.routes for run in route.runs} == {layout.spots[0].y}


def test_a_gate_stands_in_the_middle_of_its_inputs_in_their_order():
    layout = of((0, 2), (1, 2), (2, 3))
    a, b, gate, end = (spot.y for spot in layout.spots)
    assert a < b and gate == pytest.approx((a + b) / 2, abs=0.2) and gate == end


def test_trees_are_drawn_without_crossings():
    # a complete binary tree of 15 nodes whose edges come in a scrambled order; every edge leads to a larger number
    pairs = [(14 - k, 14 - (k - 1) // 2) for k in (9, 4, 14, 2, 7, 11, 1, 13, 3, 8, 5, 12, 6, 10)]
    assert crossings(of(*pairs), *pairs) == 0


def test_sweeps_untangle_what_reading_order_does_not():
    pairs = [(0, 3), (1, 2), (1, 3)]  # read from the ends: 2 over 3, and 1 over 0, which crosses
    assert crossings(of(*pairs), *pairs) == 0


def test_long_edges_are_straight_where_there_is_room():
    for pairs in ([(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 5)], [(0, 2), (0, 3), (1, 3), (2, 3)]):
        assert all(len({run.y for run in route.runs}) == 1 for route in of(*pairs).routes)


def test_separate_parts_are_kept_together():
    layout = of((0, 1), (2, 3), (4, 5))
    assert layout.height == pytest.approx(3 * (WORD.above + WORD.below) + 2 * SEPARATION)


def test_a_lone_box_stays_near_the_others():
    # 3 comes in from below and draws the chain down to it; 5 stands alone in the column of 0
    layout = place([DOT] * 6, [Link(a, b, WORD) for a, b in [(0, 1), (1, 2), (2, 4), (3, 4)]])
    first, lone = edges(layout.spots[0]), edges(layout.spots[5])
    assert lone[1] - first[3] == pytest.approx(SEPARATION)


def test_same_graph_same_layout():
    pairs = [(k, m) for k in range(12) for m in range(k + 1, 12) if (k * m) % 3]
    assert of(*pairs) == of(*pairs)


def test_nothing_and_one():
    assert place([], []) == Layout((), (), (), (), 0.0, 0.0)
    assert place([DOT], []).spots == (Spot(10, 10, DOT),)


def test_cycle_unknown_box_and_limits():
    with pytest.raises(DomainError, match="cycle"):
        of((0, 1), (1, 2), (2, 1))
    with pytest.raises(UnknownNameError, match="node 7"):
        place([DOT, DOT], [Link(0, 7, WORD)])
    with pytest.raises(LimitError, match="401 nodes"):
        bound(401, 3)
    bound(400, 3)
    chain = [Link(k, k + 1, WORD) for k in range(299)]
    with pytest.raises(LimitError, match="too long to draw"):
        place([DOT] * 300, chain + [Link(0, 299, WORD)] * 100)


def test_a_long_chain_needs_no_recursion():
    layout = of(*[(k, k + 1) for k in range(2999)])
    assert layout.layers == tuple(range(3000))
