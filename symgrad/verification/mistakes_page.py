"""The library of mistakes as a page: docs/mistakes.md is what `page()` returns.

>>> page().splitlines()[0]
'# The library of mistakes'
"""

from __future__ import annotations

from collections.abc import Iterator

from symgrad.verification.mistake import Mistake
from symgrad.verification.mistakes import MISTAKES

_HEAD = """\
# The library of mistakes

Written by `symgrad.verification.mistakes_page.page()` from the records in `symgrad/verification/mistakes_of_rules.py`
and `mistakes_of_form.py`; do not edit it here.  A verdict's `misconception` is the family, its `details` are the
finer ids.
"""

_ARISES = {
    "rule": "Made while deriving: a local rule is replaced by another",
    "form": "Made in the final form",
    "comparison": "Seen by comparing values and terms",
    "layout": "Made in the layout",
    "numbers": "Made with numbers",
    "program": "Made in a written chain, an index formula or a backward pass",
}


def page() -> str:
    """The page, in Markdown."""
    parts = [_HEAD]
    for arises, title in _ARISES.items():
        parts.append(f"## {title}\n")
        parts += [entry for m in MISTAKES.values() if m.arises == arises for entry in _entry(m)]
    return "\n".join(parts)


def _entry(mistake: Mistake) -> Iterator[str]:
    family = f" (family: `{mistake.family}`)" if mistake.family != mistake.id else ""
    yield f"### `{mistake.id}`{family}\n"
    for title, explanation, again in (
        (mistake.title.en, mistake.explanation.en, mistake.again.en),
        (mistake.title.fa, mistake.explanation.fa, mistake.again.fa),
    ):
        yield f"**{title}**. {explanation} *{again}*\n"
