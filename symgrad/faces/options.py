"""What the commands share: texts and numbers from the command line, and how an error leaves.

A text is typed, piped (`-`) or read from a file (`@FILE`); numbers are JSON.  Every error leaves by
`Commands`: as its own text with a caret, or as JSON where that was asked for, with exit status 2.
Nothing heavy is imported here, so that `symgrad --help` is quick.

>>> numbers('{"x": [1, 2], "s": 3}')
{'x': [1, 2], 's': 3}
>>> variables(["x, y", "x"])
['x', 'y', 'x']
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from symgrad.errors import DomainError, LimitError, ParseError, SymgradError, UnknownNameError

LAYOUTS = ("mixed", "numerator", "denominator", "gradient", "tensor")
STACKINGS = ("column", "row")
STRUCTURES = ("project", "free", "ignore")
LANGUAGES = ("en", "fa")

TEXT_LIMIT = 100_000  # characters of an expression
EXAMPLE = '{"x": [1, 2]}'
LARGEST = 10**300  # of --values
VALUES_LIMIT = 10_000_000  # characters of --values

UNUSABLE = 2  # exit status: the command or its input cannot be used
INTERRUPTED = 130
PIPE_CLOSED = 141

_JSON = "symgrad.json"  # key in click's meta: errors leave as JSON


# --- what comes in --------------------------------------------------------------------------------


def read_text(given: str) -> str:
    """The text itself, standard input for `-`, the contents of FILE for `@FILE`."""
    if given == "-":
        return _read_input()
    if given.startswith("@"):
        return read_file(given[1:], TEXT_LIMIT)
    return given


def _read_input() -> str:
    try:
        return _bounded(sys.stdin.read(TEXT_LIMIT + 1), "standard input", TEXT_LIMIT)
    except UnicodeDecodeError as error:
        raise ParseError("standard input: this is not UTF-8 text") from error


def read_file(path: str, limit: int) -> str:
    """The text of a file.  Raises UnknownNameError, ParseError or LimitError, each naming the file."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            return _bounded(file.read(limit + 1), path, limit)
    except UnicodeDecodeError as error:
        raise ParseError(f"{path}: this is not UTF-8 text", hint="save the file as UTF-8") from error
    except SymgradError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise UnknownNameError(f"{path or 'a file without a name'}: cannot be read: {_reason(error)}") from error


def _bounded(text: str, origin: str, limit: int) -> str:
    if len(text) > limit:
        raise LimitError(f"{origin}: more than {limit} characters")
    return text


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


def write_file(path: str, text: str) -> None:
    """Write a result.  Raises DomainError naming the file."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: str, content: bytes) -> None:
    """Write a result that is no text.  Raises DomainError naming the file."""
    try:
        Path(path).write_bytes(content)
    except (OSError, ValueError) as error:
        raise DomainError(f"{path}: cannot be written: {_reason(error)}") from error


def emit(text: str, output: str | None) -> None:
    """To a file, or to standard output."""
    if output is None or output == "-":
        click.echo(text, nl=not text.endswith("\n"))
    else:
        write_file(output, text)


def variables(given: Iterable[str]) -> list[str]:
    """The names of --wrt, comma separated or repeated."""
    return [name.strip() for text in given for name in text.split(",")]


def declarations(given: Iterable[str]) -> str | None:
    """The declarations of --where, which may be repeated."""
    texts = [read_text(text) for text in given]
    return ";".join(texts) if texts else None


def numbers(given: str) -> dict[str, Any]:
    """The numbers of --values: a JSON object of names and numbers, lists (vectors), lists of rows (matrices)."""
    text = read_file(given[1:], VALUES_LIMIT) if given.startswith("@") else given
    try:
        found = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        span = (error.pos, error.pos + 1)
        raise ParseError(f"--values is not JSON: {error.msg}", text=text, span=span, hint=EXAMPLE) from error
    except SymgradError:
        raise
    except (RecursionError, ValueError) as error:  # ValueError: an integer of too many digits
        raise LimitError("--values: lists nested too deeply, or a number too long") from error
    if not isinstance(found, dict):
        raise ParseError("--values must be an object of names and numbers", hint=EXAMPLE)
    for name, value in found.items():
        _check_number(name, value)
    return found


def _no_number(text: str) -> NoReturn:
    raise ParseError(f"--values: {text} is not a number")


def _check_number(name: str, value: Any) -> None:
    """A number, a list of numbers, or a list of rows of one length."""
    rows = value if isinstance(value, list) and value and all(isinstance(row, list) for row in value) else [value]
    if not value and isinstance(value, list):
        raise DomainError(f"--values: {name} is empty")
    if len({len(row) for row in rows if isinstance(row, list)}) > 1:
        raise DomainError(f"--values: the rows of {name} have different lengths")
    for entry in (e for row in rows for e in (row if isinstance(row, list) else [row])):
        if isinstance(entry, bool) or not isinstance(entry, int | float):
            said = type(entry).__name__ if isinstance(entry, list | dict) else json.dumps(entry)
            raise DomainError(f"--values: {name} must consist of numbers, not {said}")
        if not -LARGEST <= entry <= LARGEST:
            raise DomainError(f"--values: {name} has a number too large for floating point")


# --- options that several commands have -----------------------------------------------------------

Command = TypeVar("Command", bound=Callable[..., Any])


def convention_options(command: Command) -> Command:
    """--where, --layout, --vec, --structure, --of, --wrt: how a derivative is meant."""
    for option in (
        click.option("--infer", is_flag=True, help="Infer what --where does not declare."),
        click.option("--structure", type=click.Choice(STRUCTURES), default="project", show_default=True,
                     help="For variables declared symmetric, diagonal, ...: project onto the structure, "
                     "differentiate by the free entries, or ignore it."),
        click.option("--vec", type=click.Choice(STACKINGS), default="column", show_default=True,
                     help="How matrices are stacked."),
        click.option("--layout", type=click.Choice(LAYOUTS), default="mixed", show_default=True,
                     help="mixed: the gradient of a scalar, else the Jacobian."),
        click.option("--where", multiple=True, metavar="TEXT",
                     help='Declarations, "x: R^n; A: R^{n x n} symmetric". Without any, shapes are inferred.'),
        click.option("--of", metavar="NAME", help="Which name of a program; the last one if not given."),
        click.option("--wrt", required=True, multiple=True, metavar="NAMES",
                     help="The variable; several, with commas or repeated, for higher order."),
    ):  # fmt: skip
        command = option(command)
    return command


def json_wanted(context: click.Context, _: click.Parameter, value: Any) -> Any:
    """Remember that errors leave as JSON too."""
    if value is True or value == "json":
        context.meta[_JSON] = True
    return value


def json_option(command: Command) -> Command:
    """--json"""
    option = click.option("--json", "as_json", is_flag=True, is_eager=True, callback=json_wanted, help="A JSON object.")
    return option(command)


# --- how errors leave -----------------------------------------------------------------------------


class FormulaCommand(click.Command):
    """A command whose expression may begin with a minus: `-y'*log(p)` is a formula, not the option `-y`."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(context, _formulas_last(args, self.get_params(context)))


def _formulas_last(args: list[str], parameters: list[click.Parameter]) -> list[str]:
    """The arguments, those that begin with a minus and name no option behind `--`."""
    options = {name: p for p in parameters if isinstance(p, click.Option) for name in (*p.opts, *p.secondary_opts)}
    rest: list[str] = []
    formulas: list[str] = []
    is_value = False
    for position, arg in enumerate(args):
        if arg == "--" and not is_value:
            return [*rest, "--", *formulas, *args[position + 1 :]]
        option = options.get(arg)
        if option is None and not is_value and _is_formula(arg, options):
            formulas.append(arg)
        else:
            rest.append(arg)
        is_value = not is_value and option is not None and not option.is_flag
    return [*rest, "--", *formulas] if formulas else args


def _is_formula(arg: str, options: Mapping[str, click.Option]) -> bool:
    """Whether `-...` is no option: `-oFILE` is one, and `-wrt` is meant as one."""
    if arg[:1] != "-" or arg[:2] == "--" or len(arg) < 2 or f"-{arg}" in options:
        return False
    return arg[:2] not in options or options[arg[:2]].is_flag


class Commands(click.Group):
    """A group of commands whose errors are told, never shown as a traceback.

    `symgrad EXPR VAR [options]` is short for `symgrad derive EXPR --wrt VAR [options]`.
    """

    command_class = FormulaCommand

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        if _asks_for_json(args):  # the option itself is not reached where another one is at fault
            context.meta[_JSON] = True
        is_formula = bool(args) and (args[0][:1] != "-" or (_is_formula(args[0], {}) and args[0] != "-h"))
        is_short = is_formula and len(args) > 1 and not args[1].startswith("-")
        if is_short and not get_close_matches(args[0], self.commands):
            args = ["derive", args[0], "--wrt", *args[1:]]
        try:
            return super().parse_args(context, args)
        except click.ClickException as error:
            if not context.meta.get(_JSON):
                raise
            tell(context, as_usage_error(error))
            context.exit(UNUSABLE)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except click.ClickException as error:
            if not context.meta.get(_JSON):
                raise
            tell(context, as_usage_error(error))
            context.exit(UNUSABLE)
        except (click.exceptions.Exit, click.Abort):
            raise
        except SymgradError as error:
            tell(context, error)
            context.exit(UNUSABLE)
        except BrokenPipeError:
            drop_output()
            context.exit(PIPE_CLOSED)
        except KeyboardInterrupt:
            context.exit(INTERRUPTED)
        except Exception as error:
            if os.environ.get("SYMGRAD_DEBUG") == "1":
                raise
            tell(context, as_bug(error))
            context.exit(UNUSABLE)


def _asks_for_json(args: list[str]) -> bool:
    """Whether `--json` or `--to json` stands among the options."""
    options = args[: args.index("--")] if "--" in args else args
    return "--json" in options or "--to=json" in options or any(p == ("--to", "json") for p in pairwise(options))


class UsageError(SymgradError, ValueError):
    """A command that cannot be used as it was typed: an option is missing, or does not exist."""


def as_usage_error(error: click.ClickException) -> UsageError:
    """What click says of the command line."""
    context = getattr(error, "ctx", None)
    hint = f"{context.command_path} --help" if context is not None else None
    return UsageError(error.format_message(), hint=hint)


def drop_output() -> None:
    """Nobody reads on: what the interpreter still flushes at its exit goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def as_bug(error: Exception) -> SymgradError:
    """The fault of symgrad itself, in one line."""
    if isinstance(error, MemoryError):
        return LimitError("this needs more memory than there is", hint="smaller sizes")
    said = " ".join(str(error).split())[:200]
    message = f"a fault in symgrad, not in your input: {type(error).__name__}: {said}".rstrip(": ")
    return SymgradError(message, hint="please report it with the command; SYMGRAD_DEBUG=1 shows where it arose")


def tell(context: click.Context, error: SymgradError) -> None:
    """An error for a person on stderr, or as JSON on stdout."""
    if context.meta.get(_JSON):
        click.echo(json.dumps({"error": error_fields(error)}, ensure_ascii=False))
        return
    first, *rest = str(error).split("\n")
    lines = [click.style("error: ", fg="red", bold=True) + first]
    lines += [click.style(line, fg="red") if set(line.strip()) == {"^"} else line for line in rest]
    click.echo("\n".join(lines), err=True)


def error_fields(error: SymgradError) -> dict[str, Any]:
    """type, message, line, column, hint: as documented for --json."""
    place = error.column is not None
    return {
        "type": type(error).__name__,
        "message": error.message,
        "line": error.line if place else None,
        "column": error.column,
        "hint": error.hint,
    }


def say(text: str) -> None:
    """A remark beside the result, on stderr."""
    click.echo(click.style(text, dim=True), err=True)


@contextmanager
def progress() -> Iterator[Callable[[str], None] | None]:
    """Tells on stderr, in one line, what is being done, where a person sees it; None where nobody does."""
    if not sys.stderr.isatty():
        yield None
        return
    try:
        yield lambda said: click.echo(f"\r\x1b[K{said}", nl=False, err=True)
    finally:
        click.echo("\r\x1b[K", nl=False, err=True)
