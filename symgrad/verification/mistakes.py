"""Mistakes: one record each, and the search for those that explain a wrong answer.

A mistake either swaps a local rule while deriving (a mask or a chain factor is taken as 1: `swaps`) or changes the
final form (`reforms`); some are found where they are made, as by rounding, and are only described here.
Answers that the mistakes would give are computed at the sampled points; those that equal the given
answer at every point explain it, the fewest swaps first.  Nothing here decides whether an answer is right.

>>> MISTAKES["missing mask"].title.en
'a mask is missing'
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import combinations, islice
from typing import cast

from symgrad.calculus.differentiate import Override, differentiate
from symgrad.calculus.structure import structured
from symgrad.derivation import Derivative
from symgrad.operations.catalogue import LOGARITHM
from symgrad.operations.record import Elementwise
from symgrad.tensor.build import ONE, as_number, full, is_zero, primitive, scaled
from symgrad.tensor.nodes import Add, Coefficient, Einsum, Map, Node, walk

MOST_SITES = 16  # places where a local rule is swapped
MOST_DERIVATIONS = 96  # derivations tried for one answer


@dataclass(frozen=True, slots=True)
class Sentence:
    """The same sentence in English and in Persian."""

    en: str
    fa: str


@dataclass(frozen=True, slots=True)
class Site:
    """A local rule on a path to the variable: the partial of a node by one of its arguments."""

    node: Map
    slot: int

    @property
    def rule(self) -> Node:
        return self.node.op.partials[self.slot](self.node, *self.node.args)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A way to go wrong.

    swaps    whether the local rule at a site is one that this mistake takes as 1
    reforms  the right answer -> the answer this mistake makes of it, or None where it makes none
    """

    id: str
    title: Sentence
    explanation: Sentence
    swaps: Callable[[Site], bool] | None = None
    reforms: Callable[[Node], Node | None] | None = None


def _is_mask(site: Site) -> bool:
    """The partial is a comparison: zeros and ones."""
    rule = site.rule
    return isinstance(rule, Map) and cast(Elementwise, rule.op).notation.fixity == "bracket"


def _is_chain_factor(site: Site) -> bool:
    """The partial of a smooth function, not constant."""
    rule = site.rule
    return cast(Elementwise, site.node.op).kinks is None and not is_zero(rule) and as_number(rule) is None


def _half(node: Node) -> Node | None:
    """Half of an answer that carries an even factor."""
    return scaled(Fraction(1, 2), node) if Fraction(content_of(node)).numerator % 2 == 0 else None


def content_of(node: Node) -> Coefficient:
    """The numeric factor of a product or, taken out of all its terms, of a sum."""
    if isinstance(node, Einsum):
        return node.coefficient
    return primitive(node)[0] if isinstance(node, Add) else 1


# --- the records ------------------------------------------------------------------------------

_RECORDS = (
    Mistake(
        id="transposed",
        title=Sentence("transposed", "ترانهاده"),
        explanation=Sentence(
            "This is the transpose of the derivative in the layout that was asked for.",
            "این ترانهادهٔ مشتق در چیدمان خواسته‌شده است.",
        ),
    ),
    Mistake(
        id="wrong layout",
        title=Sentence("right in another layout", "درست در چیدمانی دیگر"),
        explanation=Sentence(
            "The derivative is right, but arranged by another convention than the one that was asked for.",
            "مشتق درست است، اما با قراردادی جز قرارداد خواسته‌شده چیده شده است.",
        ),
    ),
    Mistake(
        id="missing mask",
        title=Sentence("a mask is missing", "یک نقاب از قلم افتاده است"),
        explanation=Sentence(
            "The slope of relu or max is 0 or 1, entry by entry: this mask must multiply the gradient that passes.",
            "شیب relu یا max در هر درایه 0 یا 1 است: گرادیانی که می‌گذرد باید در این نقاب ضرب شود.",
        ),
        swaps=_is_mask,
    ),
    Mistake(
        id="missing chain factor",
        title=Sentence("a factor of the chain rule is missing", "یک عامل قاعدهٔ زنجیری از قلم افتاده است"),
        explanation=Sentence(
            "The derivative of a function that is applied entry by entry, such as sigmoid' or tanh', was left out.",
            "مشتق تابعی که درایه‌به‌درایه اعمال می‌شود، مانند مشتق sigmoid یا tanh، از قلم افتاده است.",
        ),
        swaps=_is_chain_factor,
    ),
    Mistake(
        id="missing factor 2",
        title=Sentence("a factor 2 is missing", "ضریب 2 از قلم افتاده است"),
        explanation=Sentence(
            "The answer is half of the derivative: a square, or two equal terms, gives a factor 2.",
            "پاسخ نیمی از مشتق است: از توان دوم یا از دو جملهٔ برابر، ضریب 2 به دست می‌آید.",
        ),
        reforms=_half,
    ),
    Mistake(
        id="sign",
        title=Sentence("the sign is wrong", "علامت نادرست است"),
        explanation=Sentence("The answer is the negative of the derivative.", "پاسخ قرینهٔ مشتق است."),
        reforms=partial(scaled, -1),
    ),
    Mistake(
        id="rounded twice",
        title=Sentence("rounded twice", "دو بار گرد شده است"),
        explanation=Sentence(
            "A number that had been rounded already was used to go on; the last digit is off.",
            "محاسبه با عددی ادامه یافته که پیش‌تر گرد شده بود؛ رقم آخر درست نیست.",
        ),
    ),
    Mistake(
        id="wrong chain factor",
        title=Sentence("a wrong factor in the chain", "عاملی نادرست در زنجیره"),
        explanation=Sentence(
            "Each factor must differentiate what the one before it differentiated by, from the output to the variable.",
            "هر عامل باید مشتق همان کمیتی باشد که عامل پیشین نسبت به آن مشتق گرفته است، از خروجی تا متغیر.",
        ),
    ),
    Mistake(
        id="wrong index formula",
        title=Sentence("a wrong index formula", "رابطهٔ نادرست برای اندیس"),
        explanation=Sentence(
            "The formula puts an entry of the matrix in the wrong place of the flat vector.",
            "این رابطه درایه‌ای از ماتریس را در جای نادرستی از بردار تخت می‌گذارد.",
        ),
    ),
)

MISTAKES: dict[str, Mistake] = {m.id: m for m in _RECORDS}


# --- the search -------------------------------------------------------------------------------


def explanations(derivative: Derivative, fits: Callable[[Node], bool]) -> list[tuple[str, ...]]:
    """The mistakes (ids) that give an answer which `fits`, those with the fewest swaps only.

    `fits` gets the tensor of the mistaken derivative: output axes, then variable axes.
    """
    found: dict[tuple[str, ...], None] = {}
    fewest: int | None = None
    for ids, places, node in candidates(derivative):
        if fewest is not None and places > fewest:
            break
        if fits(node):
            found[ids], fewest = None, places
    return list(found)


def candidates(derivative: Derivative) -> Iterator[tuple[tuple[str, ...], int, Node]]:
    """Mistaken answers: the ids of the mistakes, in how many places they were made, the tensor."""
    for mistake in MISTAKES.values():
        reformed = mistake.reforms(derivative.node) if mistake.reforms is not None else None
        if reformed is not None:
            yield (mistake.id,), 1, reformed
    sites = [(site, mistake.id) for site in sites_of(derivative) for mistake in _swapping(site)]
    for chosen in islice(_choices(sites[:MOST_SITES]), MOST_DERIVATIONS):
        ids = tuple(sorted({name for _, name in chosen}, key=list(MISTAKES).index))
        yield ids, len(chosen), derived_with(derivative, [site for site, _ in chosen])


def _swapping(site: Site) -> list[Mistake]:
    return [m for m in MISTAKES.values() if m.swaps is not None and m.swaps(site)]


Sited = tuple[Site, str]


def _choices(sites: Sequence[Sited]) -> Iterator[tuple[Sited, ...]]:
    """One place, two places, all places of one mistake, all places."""
    pairs = list(combinations(sites, 2))
    yield from ((s,) for s in sites)
    yield from pairs
    wholes = [tuple(s for s in sites if s[1] == name) for name in MISTAKES]
    yield from sorted({tuple(w) for w in (*wholes, tuple(sites)) if len(w) > 2}, key=len)


def sites_of(derivative: Derivative) -> list[Site]:
    """The entry by entry functions on a path from a variable to the output, each argument on it a site."""
    active: set[Node] = {v.node for v in derivative.variables}
    found: list[Site] = []
    for node in walk(derivative.output.node):
        if any(a in active for a in node.args):
            active.add(node)
            if isinstance(node, Map):
                found += [Site(node, slot) for slot, a in enumerate(node.args) if a in active]
    return found


def derived_with(derivative: Derivative, taken_as_one: Sequence[Site]) -> Node:
    """The derivative again, the local rules at some sites taken as 1."""
    override: dict[Node, tuple[Callable[..., Node], ...]] = {}
    for site in taken_as_one:
        partials = list(override.get(site.node, site.node.op.partials))
        partials[site.slot] = _one
        override[site.node] = tuple(partials)
    return _derived(derivative, override)


def _one(value: Node, *_: Node) -> Node:
    return full(ONE, value.shape)


def _derived(derivative: Derivative, override: Override) -> Node:
    node = derivative.output.node
    for view, name in zip(derivative.variables, derivative.wrt, strict=True):
        node = differentiate(node, view.node, LOGARITHM, override)
        node = structured(node, view, derivative.structure, name)
    return node
