"""Keys as PDF, through what is installed: a LaTeX engine, else a browser that prints the page.

Neither is needed for anything else, so neither is a dependency: where there is none, the error says what to
install.  Programs are found by name and run without a shell, in a directory of their own, for a bounded time.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from symgrad.bank.content import Document
from symgrad.bank.writers.html import html
from symgrad.bank.writers.tex import tex
from symgrad.errors import DomainError, UnknownNameError

ENGINES = ("latexmk", "xelatex", "tectonic")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
SECONDS = 180  # for one run of a program
CONVERTERS = (("rsvg-convert", "-f", "pdf", "-o", "{pdf}", "{svg}"), ("inkscape", "{svg}", "-o", "{pdf}"))

_INSTALL = "install a LaTeX (TeX Live, MiKTeX or tectonic) or a browser (chromium or Chrome), or write --to html"


def pdf(documents: Sequence[Document], pictures: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a PDF of one or several keys in one language.

    Raises UnknownNameError where neither a LaTeX engine nor a browser is installed, DomainError with the last
    lines of the program's own words where it fails.
    """
    engine, browser = _installed(ENGINES), _installed(BROWSERS)
    if engine is None and browser is None:
        raise UnknownNameError("no program that makes a PDF is installed", hint=_INSTALL)
    with TemporaryDirectory(prefix="symgrad-") as folder:
        if engine is not None:
            return _by_latex(engine, Path(folder), documents, pictures or {})
        return _by_browser(str(browser), Path(folder), documents, pictures or {})


def _installed(programs: Sequence[str]) -> str | None:
    return next((name for name in programs if shutil.which(name)), None)


def _by_latex(engine: str, folder: Path, documents: Sequence[Document], pictures: Mapping[str, str]) -> bytes:
    (folder / "key.tex").write_text(tex(documents), encoding="utf-8")
    for name, svg in pictures.items():
        _picture(folder, name, svg)
    quiet = ("-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape")
    command = {
        "latexmk": ("latexmk", "-xelatex", *quiet, "key.tex"),
        "xelatex": ("xelatex", *quiet, "key.tex"),
        "tectonic": ("tectonic", "--untrusted", "key.tex"),
    }[engine]
    for _ in range(2 if engine == "xelatex" else 1):  # the columns of long tables settle in the second run
        _run(command, folder)
    return _made(folder / "key.pdf", engine)


def _picture(folder: Path, name: str, svg: str) -> None:
    """The picture as PDF, where a converter or a browser is installed; else the document shows the program."""
    (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    for command in CONVERTERS:
        if shutil.which(command[0]):
            _run([part.format(pdf=f"{name}.pdf", svg=f"{name}.svg") for part in command], folder)
            return
    browser = _installed(BROWSERS)
    size = re.search(r'<svg\b[^>]*?\bwidth="([\d.]+)" height="([\d.]+)"', svg)
    if browser is not None and size is not None:
        style = f"@page{{size:{size[1]}px {size[2]}px;margin:0}}body{{margin:0}}svg{{display:block}}"
        page = folder / f"{name}.html"
        page.write_text(f'<!DOCTYPE html><meta charset="utf-8"><style>{style}</style>{svg}', encoding="utf-8")
        _print(browser, folder, page, f"{name}.pdf")


def _by_browser(browser: str, folder: Path, documents: Sequence[Document], pictures: Mapping[str, str]) -> bytes:
    page = folder / "key.html"
    page.write_text(html(documents, pictures), encoding="utf-8")
    _print(browser, folder, page, "key.pdf")
    return _made(folder / "key.pdf", browser)


def _print(browser: str, folder: Path, page: Path, output: str) -> None:
    # a browser's sandbox refuses to run for root, as in containers; the page is our own and has no script
    sandbox = ["--no-sandbox"] if _is_root() else []
    quiet = ["--headless", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={folder / 'profile'}"]
    _run([browser, *sandbox, *quiet, f"--print-to-pdf={output}", page.as_uri()], folder)


def _is_root() -> bool:
    import os

    return hasattr(os, "geteuid") and os.geteuid() == 0


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DomainError(f"{command[0]} did not end within {SECONDS} seconds") from error
    except OSError as error:
        raise DomainError(f"{command[0]} cannot be run: {error}") from error
    if done.returncode:
        said = (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace").strip().splitlines()
        raise DomainError(f"{command[0]} failed: " + "\n".join(said[-12:]), hint="write --to tex or --to html")


def _made(file: Path, program: str) -> bytes:
    if not file.is_file():
        raise DomainError(f"{program} wrote no PDF", hint="write --to tex or --to html")
    return file.read_bytes()
