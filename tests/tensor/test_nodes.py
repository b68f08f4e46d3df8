"""Nodes: one object for one meaning, walks without recursion."""

from __future__ import annotations

import copy
import gc
import pickle

import pytest

from symgrad.operations.elementwise import SIN
from symgrad.tensor.build import einsum, elementwise, plus, power
from symgrad.tensor.dims import letter
from symgrad.tensor.nodes import Constant, Delta, Einsum, Input, Node, Ones, Reindex, Size, Unit, walk

n, m = letter("n"), letter("m")
x = Input.make("x", (n,))


def test_same_arguments_same_object() -> None:
    assert Input.make("x", (n,)) is x
    assert Delta.make(n) is Delta.make(n) and Ones.make(n) is Ones.make(n)
    assert Unit.make(1, n) is Unit.make(1, n) and Size.make(n) is Size.make(n)
    assert Constant.make("pi") is Constant.make("pi") and Reindex.make((m, n), (n, m)) is Reindex.make((m, n), (n, m))


def test_different_arguments_different_objects() -> None:
    others = [
        Input.make("x", (m,)),
        Input.make("y", (n,)),
        Input.make("x", (n,), frozenset({"positive"})),
        Ones.make(n),
        Unit.make(2, n),
    ]
    assert len({x, Unit.make(1, n), *others}) == 7


def test_nodes_that_nobody_holds_are_forgotten() -> None:
    before = len(Einsum._table)
    node = einsum([(Input.make("only_here", (n,)), "i")], "i", 17)
    assert len(Einsum._table) > before
    del node
    gc.collect()
    assert len(Einsum._table) <= before


def test_identity_does_not_travel() -> None:
    with pytest.raises(TypeError, match="text"):
        pickle.dumps(x)
    with pytest.raises(TypeError):
        copy.copy(x)


def test_walk_gives_each_node_once_after_its_arguments() -> None:
    s = elementwise(SIN, x)
    root = plus(einsum([(s, "i"), (x, "i")], "i"), s, power(x, 2))
    order = list(walk(root))
    assert len(order) == len(set(order)) and order[-1] is root
    place = {node: i for i, node in enumerate(order)}
    assert all(place[a] < place[node] for node in order for a in node.args)


def test_walk_is_not_recursive() -> None:
    node: Node = x
    for _ in range(20_000):
        node = elementwise(SIN, node)
    assert len(walk(node)) == 20_001
