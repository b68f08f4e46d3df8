"""The `code` templates of the catalogue, read as NumPy expressions.

A record says `"{0} * special.expit({0})"`; from the text follows what may stand in each place without
parentheses, what the whole is as a part of another expression, and whether it is a mask.  Only the
text of records is read here, never a user's.

>>> template("np.maximum({0}, {1})").slots, template("({0} > {1})").boolean
(('argument', 'argument'), True)
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache

_SLOTS: dict[type[ast.operator], tuple[str, str, str]] = {  # kind, left slot, right slot
    ast.Mult: ("multiply", "product", "factor"),
    ast.Div: ("divide", "product", "factor"),
    ast.Add: ("sum", "first", "term"),
    ast.Sub: ("sum", "first", "term"),
    ast.MatMult: ("matmul", "chain", "atom"),
    ast.Pow: ("power", "atom", "atom"),
}


@dataclass(frozen=True, slots=True)
class Template:
    """A template with what its text says of itself."""

    form: str
    slots: tuple[str, ...]
    kind: str
    boolean: bool
    repeated: bool  # some argument is written more than once


@cache
def template(code: str) -> Template:
    """What a record's template says."""
    tree = ast.parse(_named(code), mode="eval").body
    found: dict[int, list[str]] = {}
    for parent in ast.walk(ast.Expression(tree)):
        for child, slot in _children(parent):
            if isinstance(child, ast.Name) and child.id.startswith("_slot"):
                found.setdefault(int(child.id[5:]), []).append(slot)
    slots = tuple(_strictest(found[i]) for i in range(len(found)))
    return Template(
        code, slots, _kind(tree, code), isinstance(tree, ast.Compare), any(len(s) > 1 for s in found.values())
    )


def _named(code: str) -> str:
    for i in range(9):
        code = code.replace(f"{{{i}}}", f"_slot{i}")
    return code


def _children(parent: ast.AST) -> list[tuple[ast.expr, str]]:
    match parent:
        case ast.Call():
            return [(a, "argument") for a in (*parent.args, *(k.value for k in parent.keywords))]
        case ast.BinOp():
            _, left, right = _SLOTS[type(parent.op)]
            return [(parent.left, left), (parent.right, right)]
        case ast.Compare():
            return [(parent.left, "first"), *((c, "first") for c in parent.comparators)]
        case ast.UnaryOp():
            return [(parent.operand, "product")]
        case ast.Attribute() | ast.Subscript():
            return [(parent.value, "atom")]
        case ast.Expression():
            return [(parent.body, "argument")]
        case _:
            return [(c, "atom") for c in ast.iter_child_nodes(parent) if isinstance(c, ast.expr)]


def _strictest(slots: list[str]) -> str:
    return slots[0] if len(set(slots)) == 1 else "atom"


def _kind(tree: ast.expr, code: str) -> str:
    if code.startswith("(") and code.endswith(")"):
        return "atom" if isinstance(tree, ast.Compare) else "sum"
    if isinstance(tree, ast.BinOp):
        return _SLOTS[type(tree.op)][0]
    if isinstance(tree, ast.Call | ast.Subscript | ast.Attribute):
        return "atom"
    return "compare" if isinstance(tree, ast.Compare) else "sum"
