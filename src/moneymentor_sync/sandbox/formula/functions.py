"""Operators and the functions that are known. Arguments are plain values or ranges (iterables of values)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from ..cells import CellError, Plain, is_number, number
from ..numberformat import general
from .syntax import Node

Argument: TypeAlias = Any  # a Plain or a range; ranges are told by `__iter__`, which texts have too
Eval: TypeAlias = Callable[[Node], Plain]


class FormulaError(Exception):
    """Evaluation ends here with an error value."""

    def __init__(self, sign: str, message: str = "") -> None:
        super().__init__(message)
        self.error = CellError(sign, message)


class ErrorValueError(FormulaError):
    """An argument is an error: the result is that error."""

    def __init__(self, error: CellError) -> None:
        super().__init__(error.sign, error.message)
        self.error = error


def miscounted(name: str, wanted: str, given: int) -> FormulaError:
    """A function called with too few or too many arguments."""
    return FormulaError(
        "#N/A", f"Wrong number of arguments to {name}. Expected {wanted} arguments, but got {given} arguments."
    )


def as_text(value: Plain) -> str:
    """A value joined into a text."""
    if isinstance(value, CellError):
        raise ErrorValueError(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return value if isinstance(value, str) else general(value)


def as_number(value: Plain, function: str, position: int) -> int | float:
    """A value in arithmetic: blank is 0, TRUE is 1, a text that is a number counts as that."""
    if isinstance(value, CellError):
        raise ErrorValueError(value)
    if value is None:
        return 0
    if isinstance(value, bool):
        return int(value)
    if not isinstance(value, str):
        return value
    try:
        return number(float(value.replace(",", ""))) if value.strip() else _no_number(value, function, position)
    except ValueError:
        return _no_number(value, function, position)


def _no_number(value: str, function: str, position: int) -> int:
    raise FormulaError(
        "#VALUE!",
        f"Function {function} parameter {position} expects number values. But '{value}' is a text and cannot "
        "be coerced to a number.",
    )


def unary(operator: str, value: Plain) -> Plain:
    if operator == "+":
        return value
    if operator == "%":
        return as_number(value, "UNARY_PERCENT", 1) / 100
    return -as_number(value, "UMINUS", 1)


_ARITHMETIC = {"+": "ADD", "-": "MINUS", "*": "MULTIPLY", "/": "DIVIDE", "^": "POWER"}


def binary(operator: str, left: Plain, right: Plain) -> Plain:
    if operator == "&":
        return as_text(left) + as_text(right)
    if operator not in _ARITHMETIC:
        return _compared(operator, left, right)
    name = _ARITHMETIC[operator]
    first, second = as_number(left, name, 1), as_number(right, name, 2)
    if operator == "/":
        if second == 0:
            raise FormulaError("#DIV/0!", "Function DIVIDE parameter 2 cannot be zero.")
        return first / second
    if operator == "^":
        return _power(first, second)
    return first + second if operator == "+" else first - second if operator == "-" else first * second


def _power(first: float, second: float) -> float:
    result: Any
    try:
        result = float(first) ** second
    except (OverflowError, ZeroDivisionError):
        result = math.inf
    if isinstance(result, complex) or not math.isfinite(result):
        raise FormulaError("#NUM!", "Function POWER result is not a number.")
    return float(result)


def _compared(operator: str, left: Plain, right: Plain) -> bool:
    for value in (left, right):
        if isinstance(value, CellError):
            raise ErrorValueError(value)
    first, second = _order(left, right), _order(right, left)
    return {
        "=": first == second,
        "<>": first != second,
        "<": first < second,
        ">": first > second,
        "<=": first <= second,
        ">=": first >= second,
    }[operator]


def _order(value: Plain, other: Plain) -> tuple[int, Any]:
    """Numbers before texts before booleans; a blank is whatever the other side's blank is."""
    if value is None:
        value = "" if isinstance(other, str) else False if isinstance(other, bool) else 0
    if isinstance(value, bool):
        return 2, value
    return (1, value.casefold()) if isinstance(value, str) else (0, value)


def flat(arguments: Sequence[Argument]) -> Iterator[tuple[Plain, bool]]:
    """Every value of the arguments, with True where it was given directly and not through a range."""
    for argument in arguments:
        if hasattr(argument, "at"):
            for value in argument:
                yield value, False
        else:
            yield argument, True


def numbers(arguments: Sequence[Argument], name: str) -> list[float]:
    """The numbers among the arguments; texts and booleans in ranges do not count."""
    found: list[float] = []
    for position, (value, direct) in enumerate(flat(arguments), 1):
        if isinstance(value, CellError):
            raise ErrorValueError(value)
        if direct and value is not None:
            found.append(as_number(value, name, position))
        elif is_number(value):
            found.append(value)  # type: ignore[arg-type]
    return found


def _average(arguments: Sequence[Argument]) -> Plain:
    found = numbers(arguments, "AVERAGE")
    if not found:
        raise FormulaError("#DIV/0!", "Evaluation of function AVERAGE caused a divide by zero error.")
    return math.fsum(found) / len(found)


def _one(arguments: Sequence[Argument], name: str, least: int = 1, most: int | None = None) -> list[Plain]:
    """The arguments as single values, their count checked."""
    most = least if most is None else most
    if not least <= len(arguments) <= most:
        wanted = str(least) if least == most else f"between {least} and {most}"
        raise miscounted(name, wanted, len(arguments))
    return [argument.at(0, 0) if hasattr(argument, "at") else argument for argument in arguments]


def _round(arguments: Sequence[Argument]) -> Plain:
    values = _one(arguments, "ROUND", 1, 2)
    places = int(as_number(values[1], "ROUND", 2)) if len(values) > 1 else 0
    value = as_number(values[0], "ROUND", 1)
    scale = 10.0**places
    return math.copysign(math.floor(abs(value) * scale + 0.5) / scale, value)


def _text_function(name: str, change: Callable[[str], Plain]) -> Callable[[Sequence[Argument]], Plain]:
    return lambda arguments: change(as_text(_one(arguments, name)[0]))


def _side(name: str) -> Callable[[Sequence[Argument]], Plain]:
    def cut(arguments: Sequence[Argument]) -> Plain:
        values = _one(arguments, name, 1, 2)
        text = as_text(values[0])
        count = int(as_number(values[1], name, 2)) if len(values) > 1 else 1
        return text[:count] if name == "LEFT" else text[len(text) - count :] if count else ""

    return cut


def _hyperlink(arguments: Sequence[Argument]) -> Plain:
    values = _one(arguments, "HYPERLINK", 1, 2)
    return values[-1]


def _extreme(name: str, choose: Callable[[Iterable[float]], float]) -> Callable[[Sequence[Argument]], Plain]:
    def pick(arguments: Sequence[Argument]) -> Plain:
        found = numbers(arguments, name)
        return choose(found) if found else 0

    return pick


def _if(arguments: Sequence[Node], evaluate: Eval) -> Plain:
    if not 2 <= len(arguments) <= 3:
        raise miscounted("IF", "between 2 and 3", len(arguments))
    if _truth(evaluate(arguments[0]), "IF"):
        return evaluate(arguments[1])
    return evaluate(arguments[2]) if len(arguments) == 3 else False


def _if_error(arguments: Sequence[Node], evaluate: Eval) -> Plain:
    try:
        value = evaluate(arguments[0])
    except FormulaError as fault:
        value = fault.error
    if not isinstance(value, CellError):
        return value
    return evaluate(arguments[1]) if len(arguments) > 1 else None


def _truth(value: Plain, name: str) -> bool:
    if isinstance(value, str) and value.upper() in ("TRUE", "FALSE"):
        return value.upper() == "TRUE"
    return bool(as_number(value, name, 1))


def _logic(name: str, combine: Callable[[Iterable[bool]], bool]) -> Callable[[Sequence[Argument]], Plain]:
    return lambda arguments: combine(
        [_truth(value, name) for value, direct in flat(arguments) if direct or not isinstance(value, str)]
    )


LAZY: dict[str, Callable[[Sequence[Node], Eval], Plain]] = {"IF": _if, "IFERROR": _if_error}

FUNCTIONS: dict[str, Callable[[Sequence[Argument]], Plain]] = {
    "SUM": lambda arguments: math.fsum(numbers(arguments, "SUM")),
    "PRODUCT": lambda arguments: math.prod(numbers(arguments, "PRODUCT")),
    "AVERAGE": _average,
    "COUNT": lambda arguments: sum(1 for value, _ in flat(arguments) if is_number(value)),
    "COUNTA": lambda arguments: sum(1 for value, _ in flat(arguments) if value is not None),
    "COUNTBLANK": lambda arguments: sum(1 for value, _ in flat(arguments) if value is None or value == ""),
    "MIN": _extreme("MIN", min),
    "MAX": _extreme("MAX", max),
    "ABS": lambda arguments: abs(as_number(_one(arguments, "ABS")[0], "ABS", 1)),
    "ROUND": _round,
    "INT": lambda arguments: math.floor(as_number(_one(arguments, "INT")[0], "INT", 1)),
    "MOD": lambda arguments: _mod(_one(arguments, "MOD", 2)),
    "AND": _logic("AND", all),
    "OR": _logic("OR", any),
    "NOT": lambda arguments: not _truth(_one(arguments, "NOT")[0], "NOT"),
    "CONCATENATE": lambda arguments: "".join(as_text(value) for value, _ in flat(arguments)),
    "CONCAT": lambda arguments: "".join(as_text(value) for value in _one(arguments, "CONCAT", 2)),
    "LEN": _text_function("LEN", len),
    "UPPER": _text_function("UPPER", str.upper),
    "LOWER": _text_function("LOWER", str.lower),
    "TRIM": _text_function("TRIM", lambda text: " ".join(text.split())),
    "LEFT": _side("LEFT"),
    "RIGHT": _side("RIGHT"),
    "HYPERLINK": _hyperlink,
    "TRUE": lambda _: True,
    "FALSE": lambda _: False,
    "PI": lambda _: math.pi,
    "ISBLANK": lambda arguments: _one(arguments, "ISBLANK")[0] is None,
    "ROWS": lambda arguments: arguments[0].box.height if hasattr(arguments[0], "at") else 1,
    "COLUMNS": lambda arguments: arguments[0].box.width if hasattr(arguments[0], "at") else 1,
}


def _mod(values: Sequence[Plain]) -> Plain:
    first, second = as_number(values[0], "MOD", 1), as_number(values[1], "MOD", 2)
    if second == 0:
        raise FormulaError("#DIV/0!", "Function MOD parameter 2 cannot be zero.")
    return first % second
