"""Keys as a Jupyter notebook (nbformat 4.5): sentences and formulas in Markdown, answers as NumPy that runs.

Under every answer stands the generated code, which compares itself with differences when the cell is run; it
needs NumPy and no symgrad.  Pictures are attachments.  The same key gives the same file.

>>> import json
>>> from symgrad.bank.content import Document, Heading
>>> json.loads(notebook([Document("en", "Key", (Heading("Key", 1),))]))["cells"][0]["source"]
['# Key']
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from symgrad.bank.content import Block, Document, Figure, Generated
from symgrad.bank.writers.markdown import markdown

Cell = dict[str, Any]


def notebook(
    documents: Sequence[Document], pictures: Mapping[str, str] | None = None, sources: Mapping[str, str] | None = None
) -> str:
    """The JSON of one notebook.  `pictures` maps figures to SVG, `sources` generated programs to their text."""
    cells = [cell for document in documents for cell in _cells(document, pictures or {}, sources or {})]
    for number, cell in enumerate(cells, 1):
        cell["id"] = f"cell-{number}"
    language = documents[0].language if documents else "en"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}, "symgrad": {"language": language}}
    content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _cells(document: Document, pictures: Mapping[str, str], sources: Mapping[str, str]) -> Iterator[Cell]:
    """One cell for each stretch of text, one for each program."""
    for code, group in groupby(document.blocks, key=lambda b: isinstance(b, Generated)):
        blocks = list(group)
        if not code:
            yield _text(document, blocks, pictures)
            continue
        for block in blocks:
            if isinstance(block, Generated) and block.name in sources:
                yield _code(sources[block.name])


def _text(document: Document, blocks: Sequence[Block], pictures: Mapping[str, str]) -> Cell:
    shown = [b.name for b in blocks if isinstance(b, Figure) and b.name in pictures]
    places = {name: f"attachment:{name}.svg" for name in shown}
    text = markdown(replace(document, blocks=tuple(blocks)), places)
    cell: Cell = {"cell_type": "markdown", "metadata": {}, "source": _lines(text)}
    if shown:
        cell["attachments"] = {f"{name}.svg": {"image/svg+xml": _base64(pictures[name])} for name in shown}
    return cell


def _code(text: str) -> Cell:
    return {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": _lines(text)}


def _lines(text: str) -> list[str]:
    return text.rstrip("\n").splitlines(keepends=True)


def _base64(svg: str) -> str:
    return b64encode(svg.encode()).decode("ascii")
