"""Exercises as data: one TOML file says what is asked, what the document prints, what is wrong in it.

This room reads such files and checks their form: languages, kinds, names of keys, numbers.  It knows
no mathematics: programs, declarations and printed formulas stay text, nothing is derived or
evaluated.  A fault is named with its file, its field and, where it can be found, its line.
docs/exercises.md explains the format to a teacher.

>>> import tempfile, pathlib
>>> path = pathlib.Path(tempfile.mkdtemp()) / "quiz.toml"
>>> _ = path.write_text('id = "quiz"\\ntitel = "Quiz"', encoding="utf-8")
>>> try: load(path)
... except ParseError as error: print(str(error).replace(str(path), "quiz.toml"))
line 2, column 1: quiz.toml: titel: the key title is missing
  titel = "Quiz"
  ^^^^^
  try: title in place of titel
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal, cast

from symgrad.bank.toml_table import Numbers, Table, read_table
from symgrad.errors import ParseError, UnknownNameError

LayoutName = Literal["mixed", "numerator", "denominator", "gradient", "tensor"]
Stacking = Literal["column", "row"]

LAYOUTS = ("mixed", "numerator", "denominator", "gradient", "tensor")
STACKINGS = ("column", "row")
METHODS = ("index", "chain", "differential")
STRUCTURES = ("dense", "diagonal", "zero")
GATES = ("add", "multiply", "max", "copy")
CLAIMS = ("distributes", "swaps", "routes", "sums")
FINDINGS = (
    "missing chain factor",
    "missing gradient",
    "missing mask",
    "rounded twice",
    "transposed",
    "used too early",
    "wrong chain factor",
    "wrong index formula",
)
OF_PRINTS = ("dash for minus", "does not hold", "wrong number of inputs")  # nothing that a hand-in is taken for


def findings() -> tuple[str, ...]:
    """What may be found in a print: the mistakes of keys, and every mistake that is recognised in an answer."""
    from symgrad.verification.mistakes import MISTAKES

    return tuple(sorted({*FINDINGS, *OF_PRINTS, *(record.family for record in MISTAKES.values())}))


OTHER_LAYOUT = ("wrong", "partial", "right")

MAX_DECIMALS = 15
MAX_POINTS = 1000
NO_VALUES: Mapping[str, Numbers] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Bilingual:
    """The same sentence in English and in Persian."""

    en: str
    fa: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where the facts come from: the documents and the row of the course's table."""

    documents: tuple[str, ...]
    row: int


@dataclass(frozen=True, slots=True)
class Marks:
    """What an answer is worth: points, the share left after each mistake (by id), what another layout counts.

    None, or no entry: not said here.
    """

    points: float | None = None
    credit: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    other_layout: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Declarations, a program in the text language, and numbers for its inputs."""

    where: str
    formula: str
    values: Mapping[str, Numbers] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of a chain rule: the derivative d of / d wrt."""

    of: str
    wrt: str


@dataclass(frozen=True, slots=True)
class JacobianForm:
    """What is said of a Jacobian: its shape, its structure, its number of entries, its diagonal's values."""

    shape: tuple[int | str, ...]
    structure: str | None
    size: int | None
    diagonal: tuple[float, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What every question has; `finding` names the mistakes in the print, none where it is right."""

    kind: ClassVar[str]
    id: str
    text: Bilingual
    finding: tuple[str, ...]
    note: Bilingual | None
    marks: Marks = Marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatteningQuestion(Question):
    """The place k of A[i, j], A: `shape`, in the flat vector a: an index formula in i, j and the shape's letters."""

    kind: ClassVar[str] = "flattening"
    shape: tuple[str, str]
    order: Stacking
    printed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramQuestion(Question):
    """A question about a program: its own, or the exercise's."""

    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivativeQuestion(ProgramQuestion):
    """d of / d wrt as a formula; `grad_l1` in `printed` is an arbitrary upstream gradient of l1's shape."""

    kind: ClassVar[str] = "derivative"
    of: str | None
    wrt: tuple[str, ...]
    layout: LayoutName
    vec: Stacking | None
    printed: str | None
    show: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueQuestion(ProgramQuestion):
    """The value of a name of the program, printed with so many decimals."""

    kind: ClassVar[str] = "value"
    of: str
    printed: Numbers | None
    decimals: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientValueQuestion(ProgramQuestion):
    """The gradient of a scalar by one name, as numbers in that name's shape."""

    kind: ClassVar[str] = "gradient-value"
    of: str | None
    wrt: str
    printed: Numbers | None
    decimals: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainQuestion(ProgramQuestion):
    """d of / d wrt as a product of named derivatives, leftmost first."""

    kind: ClassVar[str] = "chain"
    of: str
    wrt: str
    printed: tuple[Factor, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeQuestion(ProgramQuestion):
    """The backward pass of `of` as lines of code, `grad_s2 = grad_s3` and so on, down to every name in `wrt`."""

    kind: ClassVar[str] = "code"
    of: str | None
    wrt: tuple[str, ...]
    printed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureQuestion(ProgramQuestion):
    """Shape and structure of a Jacobian, told without building it."""

    kind: ClassVar[str] = "structure"
    of: str | None
    wrt: str
    layout: LayoutName
    printed: JacobianForm | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LawQuestion(ProgramQuestion):
    """What a gate does to the gradient: `gradients` are right where `upstream` arrives at `of`."""

    kind: ClassVar[str] = "law"
    gate: str
    claim: str
    of: str | None
    upstream: Numbers
    gradients: Mapping[str, Numbers] = field(hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQuestion(ProgramQuestion):
    """Draw the program's computational graph."""

    kind: ClassVar[str] = "graph"


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise of the bank; `problem` is what its questions share."""

    path: Path
    id: str
    title: Bilingual
    source: Source
    statement: Bilingual
    problem: Problem | None
    questions: tuple[Question, ...]


def load(path: str | Path) -> Exercise:
    """The exercise in a file.  Raises UnknownNameError, ParseError or LimitError, each naming the file."""
    return _exercise(read_table(Path(path)))


def load_all(paths: Iterable[str | Path]) -> list[Exercise]:
    """The exercises in files and folders, in the order given, each folder's files sorted by path."""
    exercises: dict[str, Exercise] = {}
    for path in dict.fromkeys(file for given in paths for file in _files(Path(given))):
        exercise = load(path)
        first = exercises.setdefault(exercise.id, exercise)
        if first is not exercise:
            raise ParseError(f"{path}: id: the exercise {exercise.id!r} is already in {first.path}")
    return list(exercises.values())


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(path.rglob("*.toml"))
    if not files:
        raise UnknownNameError(f"{path}: no exercise (*.toml) in this folder")
    return files


def _exercise(table: Table) -> Exercise:
    problem = problem_of(table, None) if table.has("where") or table.has("formula") or table.has("values") else None
    marks = _marks(table, Marks())
    exercise = Exercise(
        path=table.path,
        id=table.slug("id"),
        title=bilingual(table.table("title")),
        source=_source(table.table("source")),
        statement=bilingual(table.table("statement")),
        problem=problem,
        questions=tuple(_question(question, problem, marks) for question in table.tables("question")),
    )
    table.finish()
    _refuse_repeated_ids(table, exercise.questions)
    return exercise


def _refuse_repeated_ids(table: Table, questions: tuple[Question, ...]) -> None:
    ids = [question.id for question in questions]
    for number, question in enumerate(table.tables("question")):
        if ids[number] in ids[:number]:
            question.refuse("id", f"question {ids.index(ids[number]) + 1} has the id {ids[number]!r} already")


def bilingual(table: Table) -> Bilingual:
    """The two sentences of a table."""
    both = Bilingual(en=table.string("en"), fa=table.string("fa"))
    table.finish()
    return both


def _source(table: Table) -> Source:
    source = Source(documents=table.strings("document"), row=table.integer("row", 1, 999))
    table.finish()
    return source


def problem_of(table: Table, shared: Problem | None) -> Problem:
    """What the question itself says, else what the exercise says; numbers belong to their declarations."""
    where = table.string("where") if shared is None or table.has("where") else shared.where
    formula = table.string("formula") if shared is None or table.has("formula") else shared.formula
    if table.has("values"):
        return Problem(where, formula, values_of(table.table("values")))
    return Problem(where, formula, NO_VALUES if shared is None or table.has("where") else shared.values)


def values_of(table: Table) -> Mapping[str, Numbers]:
    """Numbers by the names of variables."""
    for name in table.data:
        if not name.isidentifier():
            table.refuse(name, f"{name!r} is not the name of a variable")
    values = MappingProxyType({name: table.numbers(name) for name in table.data})
    table.finish()
    return values


def _question(table: Table, shared: Problem | None, marks: Marks) -> Question:
    from symgrad.bank.training_questions import TRAINING  # its questions are built on those of this module

    readers = {**READERS, **TRAINING}
    kind = table.choice("kind", readers)
    question = readers[kind](table, {**_common(table), "marks": _marks(table, marks)}, shared)
    table.finish()
    return question


def _common(table: Table) -> dict[str, Any]:
    """The fields of every question.  A finding needs a print it is found in, and a note that explains it."""
    finding = table.choices("finding", findings()) if table.has("finding") else ()
    claimed = {"printed", "run", "left", "schedule"} & table.data.keys()  # a claim is a print
    note = bilingual(table.table("note")) if table.has("note") else None
    if finding and not claimed:
        table.refuse("finding", "a mistake is found in what is printed, and nothing is", hint="add printed = ...")
    if finding and note is None:
        table.refuse("finding", "a note must say what is wrong", hint='note = { en = "...", fa = "..." }')
    return {"id": table.slug("id"), "text": bilingual(table.table("text")), "finding": finding, "note": note}


def _marks(table: Table, shared: Marks) -> Marks:
    """What the question itself says, else what the exercise says."""
    points, rule = shared.points, shared.other_layout
    if table.has("points"):
        points = table.number("points", 0, MAX_POINTS)
    if table.has("other_layout"):
        rule = table.choice("other_layout", OTHER_LAYOUT)
    credit = dict(shared.credit)
    if table.has("credit"):
        shares = table.table("credit")
        credit |= {mistake: shares.number(mistake, 0, 1) for mistake in shares.data}
    return Marks(points, MappingProxyType(credit), rule)


def _flattening(table: Table, common: dict[str, Any], shared: Problem | None) -> Question:
    shape = table.names("shape")
    if len(shape) != 2 or shape[0] == shape[1]:
        table.refuse("shape", "two different letters are wanted here", hint='shape = ["n", "m"]')
    order = cast(Stacking, table.choice("order", STACKINGS))
    printed = table.string("printed") if table.has("printed") else None
    return FlatteningQuestion(**common, shape=(shape[0], shape[1]), order=order, printed=printed)


def _derivative(table: Table, common: dict[str, Any], shared: Problem | None) -> Question:
    return DerivativeQuestion(
        **common,
        problem=problem_of(table, shared),
        of=_of(table),
        wrt=table.names("wrt"),
        layout=_layout(table),
        vec=cast(Stacking, table.choice("vec", STACKINGS)) if table.has("vec") else None,
        printed=table.string("printed") if table.has("printed") else None,
        show=table.choices("show", METHODS) if table.has("show") else (),
    )


def _value(table: Table, common: dict[str, Any], shared: Problem | None) -> Question:
    printed, decimals = _printed_numbers(table)
    problem = problem_of(table, shared)
    return ValueQuestion(**common, problem=problem, of=table.name("of"), printed=printed, decimals=decimals)


def _gradient_value(table: Table, common: dict[str, Any], shared: Problem | None) -> Question:
    printed, decimals = _printed_numbers(table)
    problem, of, wrt = problem_of(table, shared), _of(table), table.name("wrt")
    return GradientValueQuestion(**common, problem=problem, of=of, wrt=wrt, printed=printed, decimals=decimals)


def _chain(table: Table, common: dict[str, Any], shared: Problem | None) -> Question:
    factors = tuple(_factor(factor) for factor in table.tables("printed")) if table.has("printed") else None
    problem, of, wrt = problem_of(table, shared), table.name("of"), table.name("wrt")
    return ChainQuestion(**common, problem=problem, of=of, wrt=wrt, printed=factors)


def _code(table: Table, common: dict[str, Any], shared: Problem | None) -> Question:
    printed = table.string("printed") if table.has("printed") else None
    problem, of, wrt = problem_of(table, shared), _of(table), table.names("wrt")
    return CodeQuestion(**common, problem=problem, of=of, wrt=wrt, printed=printed)


def _factor(table: Table) -> Factor:
    factor = Factor(of=table.name("of"), wrt=table.name("wrt"))
    table.finish()
    return factor


def _structure(table: Table, common: dict[str, Any], shared: Problem | None) -> Question:
    form = _jacobian_form(table.table("printed")) if table.has("printed") else None
    problem, of, wrt, layout = problem_of(table, shared), _of(table), table.name("wrt"), _layout(table)
    return StructureQuestion(**common, problem=problem, of=of, wrt=wrt, layout=layout, printed=form)


def _jacobian_form(table: Table) -> JacobianForm:
    form = JacobianForm(
        shape=table.dimensions("shape"),
        structure=table.choice("structure", STRUCTURES) if table.has("structure") else None,
        size=table.integer("size", 1, 2**63) if table.has("size") else None,
        diagonal=table.number_list("diagonal") if table.has("diagonal") else None,
    )
    if form.diagonal is not None and form.structure != "diagonal":
        table.refuse("diagonal", 'values on the diagonal are told only where structure = "diagonal"')
    table.finish()
    return form


def _law(table: Table, common: dict[str, Any], shared: Problem | None) -> Question:
    return LawQuestion(
        **common,
        problem=problem_of(table, shared),
        gate=table.choice("gate", GATES),
        claim=table.choice("claim", CLAIMS),
        of=_of(table),
        upstream=table.numbers("upstream") if table.has("upstream") else 1.0,
        gradients=values_of(table.table("gradients")),
    )


def _graph(table: Table, common: dict[str, Any], shared: Problem | None) -> Question:
    return GraphQuestion(**common, problem=problem_of(table, shared))


def _of(table: Table) -> str | None:
    return table.name("of") if table.has("of") else None


def _layout(table: Table) -> LayoutName:
    return cast(LayoutName, table.choice("layout", LAYOUTS)) if table.has("layout") else "mixed"


def _printed_numbers(table: Table) -> tuple[Numbers | None, int | None]:
    """Printed numbers and their decimals, without which nobody can say whether they are right."""
    if not table.has("printed"):
        return None, table.integer("decimals", 0, MAX_DECIMALS) if table.has("decimals") else None
    return table.numbers("printed"), table.integer("decimals", 0, MAX_DECIMALS)


Reader = Callable[[Table, dict[str, Any], Problem | None], Question]

READERS: dict[str, Reader] = {
    DerivativeQuestion.kind: _derivative,
    ValueQuestion.kind: _value,
    GradientValueQuestion.kind: _gradient_value,
    FlatteningQuestion.kind: _flattening,
    ChainQuestion.kind: _chain,
    CodeQuestion.kind: _code,
    StructureQuestion.kind: _structure,
    LawQuestion.kind: _law,
    GraphQuestion.kind: _graph,
}
