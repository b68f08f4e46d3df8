"""The house rules of docs/architecture.md, read off the syntax of the sources."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import symgrad
from symgrad.operations.catalogue import records

PACKAGE = Path(symgrad.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FUNCTION = 60

# Each room with the rooms it may import; `road` is program, derivation and what stands beside them.
ALLOWED = {
    "errors": set(),
    "tensor": {"errors"},
    "operations": {"errors", "tensor"},
    "calculus": {"errors", "tensor"},
    "drawing": {"errors"},
    "notation": {"errors", "tensor", "operations", "calculus"},
    "numeric": {"errors", "tensor", "operations", "calculus"},
    "engine": {"errors", "tensor", "operations", "calculus", "numeric"},
}
ALLOWED["road"] = {*ALLOWED["notation"], "notation", "numeric"}
ALLOWED["picture"] = {*ALLOWED["road"], "road", "drawing"}
ALLOWED["verification"] = {*ALLOWED["road"], "road", "drawing"}
ALLOWED["training"] = {*ALLOWED["verification"], "verification"}
ALLOWED["bank"] = {*ALLOWED["training"], "training", "picture"}
ALLOWED["faces"] = {*ALLOWED["bank"], "bank", "symgrad"}
ALLOWED["symgrad"] = {*ALLOWED["faces"], "faces"}
ROAD = {"programs", "certificate", "derivation", "evaluation", "execution", "batches", "steps", "lazy"}
# The one arrow that points up, inside a method, so that users can write D.check().
DOORS = {("derivation.py", "symgrad.verification.check.check")}


def room(module: str) -> str:
    """The room of a dotted name that starts with symgrad; what stands in no room is the package itself."""
    head = (*module.split("."), "")[1]
    return "road" if head in ROAD else head if head in ALLOWED else "symgrad"


def module_name(path: Path) -> str:
    parts = ["symgrad", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every import that runs, wherever it stands; those for the type checker alone are no dependence."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            stack.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
        stack.extend(ast.iter_child_nodes(node))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


by_source = pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))


@by_source
def test_imports_only_from_rooms_above(path: Path) -> None:
    here = room(module_name(path))
    wrong = []
    for imported, line in imports(parsed(path)):
        if (str(path.relative_to(PACKAGE)), imported) in DOORS:
            continue
        if imported.split(".")[0] == "symgrad" and room(imported) not in ALLOWED[here] | {here}:
            wrong.append(f"{path.relative_to(PACKAGE)}:{line} ({here}) imports {imported} ({room(imported)})")
    assert not wrong, "\n".join(wrong)


def test_the_walk_sees_a_wrong_import() -> None:
    tree = ast.parse("def f():\n    from symgrad.notation.lower import lower\n")
    assert list(imports(tree)) == [("symgrad.notation.lower.lower", 2)]
    assert room("symgrad.notation.lower.lower") == "notation"
    assert "notation" not in ALLOWED["tensor"]


@by_source
def test_functions_are_short(path: Path) -> None:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{path.name}:{node.lineno} {node.name} has {length} lines"


@by_source
def test_public_things_have_docstrings(path: Path) -> None:
    tree = parsed(path)
    missing = [] if ast.get_docstring(tree) or not tree.body else [f"{path.name}: the module"]
    for node in tree.body:
        if (
            isinstance(node, ast.FunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
            and not ast.get_docstring(node)
        ):
            missing.append(f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}")
    assert not missing, "no docstring: " + ", ".join(missing)


@by_source
def test_no_second_table_of_operations(path: Path) -> None:
    """A dictionary whose keys are names of functions belongs into their records (operators are syntax)."""
    if room(module_name(path)) == "operations":
        return
    names = {name for r in records() if r.notation.fixity == "call" for name in (r.name, *r.spellings)}
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Dict):
            keys = [k.value for k in node.keys if isinstance(k, ast.Constant) and isinstance(k.value, str)]
            found = [k for k in keys if k in names]
            assert len(found) < 2 or len(found) < len(node.keys) * 0.8, (
                f"{path.relative_to(PACKAGE)}:{node.lineno} is a dictionary keyed by operations: {', '.join(found)}"
            )


def loaded_after(statement: str) -> set[str]:
    """The heavy packages that are loaded once a statement has run in a process of its own."""
    code = f"import sys\n{statement}\nprint(*(m for m in ('sympy', 'scipy', 'numpy', 'rich') if m in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split("\n")[-2].split())


def test_importing_is_light() -> None:
    assert loaded_after("import symgrad") == set()


def test_deriving_needs_no_numbers() -> None:
    assert not loaded_after("import symgrad; symgrad.derivative('x', 'x')") & {"sympy", "scipy", "rich"}


def test_help_is_light() -> None:
    pytest.importorskip("symgrad.faces.cli")
    statement = (
        "import symgrad.faces.cli as cli\n"
        "try:\n    sys.argv = ['symgrad', '--help']; cli.main()\n"
        "except SystemExit as stop:\n    assert not stop.code"
    )
    assert not loaded_after(statement) & {"sympy", "scipy", "numpy"}
