"""Show a number as a spreadsheet shows it: the part of number formats that matters for codes and quantities.

A code such as `007` is often the number 7 with the format `000`. Thousands separators are left out, because a
code with the format `#,##0` is meant without them.

The built-in formats and the sections of a format are described in ECMA-376, part 1, 18.8.30 and 18.8.31.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

import polars as pl

MARK = "\x01"
"""Begins a cell that is no plain text or number. XML cannot hold it, so no cell's own text begins with it."""
DATE, BOOLEAN, ERROR, PERCENT, MONEY = (MARK + letter for letter in "dbepm")
MEANING = {
    DATE: "a date or a time",
    BOOLEAN: "TRUE or FALSE",
    ERROR: "an error value",
    PERCENT: "a percentage",
    MONEY: "an amount of money",
}

PLACES = 9
"""Decimals that are kept of a number without its own format."""
LONGEST_FORMAT = 255
BUILT_IN_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
"""Formats of dates and times that every workbook has; from 27 on those of East Asia."""
BUILT_IN = (
    {1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%"}
    | dict.fromkeys((37, 38), "0")
    | dict.fromkeys((39, 40), "0.00")
)
BUILT_IN_MONEY = {5, 6, 7, 8, 42, 44}
CURRENCIES = "£$€¥₤₹₩¢"

FIRST_DAY = datetime(1899, 12, 30)  # noqa: DTZ001 - what a spreadsheet shows has no time zone
DAY, LEAP_DAY, LAST_DAY = 86_400, 60, 2_958_466
DAYS_TO_1904 = 1_462

CONDITION = re.compile(r"\[\s*[<>=]")
QUOTED = re.compile(r'"[^"]*"|\\.')
_TOKEN = re.compile(
    r'"([^"]*)"|\\(.)|\[([^\]]*)\]|_(.)|\*(.)|(General)|(AM/PM|A/P)|([Ee][+-])|(.)', re.DOTALL | re.IGNORECASE
)


def without_mark(column: pl.Expr) -> pl.Expr:
    """Cells as text, whatever they are; null for an error value."""
    return pl.when(~column.str.starts_with(ERROR)).then(column.str.replace(f"^{MARK}.", ""))


def meaning(column: pl.Expr) -> pl.Expr:
    """What a cell is that is no plain text or number, as words; null for any other."""
    said: pl.Expr = pl.lit(None, pl.String)
    for mark, words in MEANING.items():
        said = pl.when(column.str.starts_with(mark)).then(pl.lit(words)).otherwise(said)
    return said


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """What a format makes of numbers.

    Attributes:
        kind: `""` for numbers, else one of the marks.
        pieces: of the section for positive numbers: literal text, or digits such as `000`, `.00`.
        negative: the same for negative numbers; None if they are positive ones with a sign.
        zero: the same for zero; None if it is shown as positive numbers are.
    """

    kind: str = ""
    pieces: tuple[str, ...] = ()
    negative: tuple[str, ...] | None = None
    zero: tuple[str, ...] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether a number is shown as it is stored."""
        return not self.kind and not self.pieces


GENERAL = NumberFormat()


def number_format(number: int, code: str | None) -> NumberFormat:
    """Read a number format.

    Args:
        number: of the format.
        code: the workbook's own text for it; None if it has none.
    """
    if code is None:
        if number in BUILT_IN_DATES:
            return NumberFormat(DATE)
        if number in BUILT_IN_MONEY:
            return NumberFormat(MONEY)
        code = BUILT_IN.get(number, "General")
    sections = _sections(code[:LONGEST_FORMAT])
    # Sections that are chosen by a condition are not followed: the number itself is never wrong.
    conditional = CONDITION.search(QUOTED.sub("", code)) is not None
    kinds = [kind for kind, _ in sections]
    for kind in (DATE, PERCENT, MONEY):
        if kind in kinds:
            return NumberFormat(kind)
    pieces = [found for _, found in sections]
    if conditional or all(_is_plain(section) for section in pieces):
        return GENERAL
    negative = pieces[1] if len(pieces) > 1 else None
    return NumberFormat("", pieces[0], negative, pieces[2] if len(pieces) > 2 else None)


def shown(text: str, form: NumberFormat, *, from_1904: bool = False) -> str | None:
    """Show a number, given as its text in the file, as `form` shows it; None if a spreadsheet shows nothing.

    Whole numbers come without `.0`.

    Raises:
        ValueError: the text is not a number.
    """
    if form.kind == DATE:
        return _day(float(text) + (DAYS_TO_1904 if from_1904 else 0))
    plain = _plain(text)
    if form.is_plain:
        return plain
    value = Decimal(text)
    if form.kind == PERCENT:
        return f"{PERCENT}{value * 100:f}%"
    if form.kind == MONEY:
        return MONEY + plain
    pieces = form.pieces
    if value == 0 and form.zero is not None:
        # Accounting formats show a hyphen for 0.
        pieces = form.zero if any(map(_is_digits, form.zero)) else ()
        return _words(form.zero) if not pieces and _is_word(form.zero) else _laid_out(value, pieces, plain)
    if value < 0:
        return plain if form.negative is None else _sign(_laid_out(abs(value), form.negative, plain))
    return _laid_out(value, pieces, plain)


def _sign(text: str) -> str:
    """A negative number never loses its sign, whether the format shows one, brackets or a colour."""
    return text if text.startswith("-") else f"-{text.strip('() ')}"


def _words(section: tuple[str, ...]) -> str:
    return "".join(piece[1:] for piece in section).strip()


def _is_word(section: tuple[str, ...]) -> bool:
    return any(letter.isalnum() for piece in section for letter in piece[1:])


def _plain(text: str) -> str:
    if text.isdigit():
        return text.lstrip("0") or "0"
    figure = float(text)
    if figure != figure or figure in {float("inf"), float("-inf")}:
        raise ValueError(f"{text!r} is not a number")
    if figure.is_integer():
        return str(int(figure))
    # Spreadsheets show no more than eleven digits; of 58.4099999999999 a person sees 58.41.
    rounded = f"{figure:.{PLACES}f}".rstrip("0").rstrip(".")
    return "0" if rounded == "-0" else rounded


def _day(serial: float) -> str | None:
    seconds = round(serial * DAY)
    # A spreadsheet shows no day before its first one and none after the year 9999.
    if not 0 <= seconds < LAST_DAY * DAY:
        return None
    # Spreadsheets take 1900 for a leap year.
    moment = FIRST_DAY + timedelta(seconds=seconds + DAY * (seconds < LEAP_DAY * DAY))
    return DATE + str(moment).removesuffix(" 00:00:00")


def _sections(code: str) -> list[tuple[str, tuple[str, ...]]]:
    """The sections of a format: the kind of each, and its pieces."""
    return [_section(section) for section in re.split(r';(?=(?:[^"]*"[^"]*")*[^"]*$)', code)[:3]]


def _section(section: str) -> tuple[str, tuple[str, ...]]:  # noqa: C901 - a case for each sign
    kind, pieces = "", list[str]()
    digits = ""

    def literal(text: str) -> None:
        nonlocal digits, kind
        if digits:
            pieces.append(digits)
            digits = ""
        if text:
            pieces.append("'" + text)
        if set(text) & set(CURRENCIES):
            kind = kind or MONEY

    for quoted, escaped, bracket, _, _, general, clock, power, sign in (
        match.groups() for match in _TOKEN.finditer(section)
    ):
        if quoted is not None or escaped is not None:
            literal(quoted if quoted is not None else escaped)
        elif bracket is not None:
            if bracket.startswith("$") and bracket[1:].partition("-")[0]:
                kind = kind or MONEY
            elif re.fullmatch("[hms]+", bracket, re.IGNORECASE):
                kind = DATE
        elif general:
            literal("")
            pieces.append("General")
        elif clock or (sign and sign in "dDmMyYhHsSgGeEbBaA年月日"):
            kind = DATE
        elif power or (sign and sign in "/?") or sign == "@":
            # Powers, fractions and text: the number as it is.
            literal("")
            pieces.append("General")
        elif sign == "%":
            kind = kind or PERCENT
        elif sign is not None and sign in "0#.":
            digits += sign
        elif sign is not None and sign != ",":
            literal(sign)
    literal("")
    return kind, tuple(pieces)


def _is_digits(piece: str) -> bool:
    return not piece.startswith("'")


def _is_plain(pieces: tuple[str, ...]) -> bool:
    """Whether a section shows nothing but the number itself, perhaps between spaces."""
    words = [piece for piece in pieces if _is_digits(piece) or piece[1:].strip(" -()")]
    return all(piece in {"General", "0", "#", "##0", "#0", "###0"} for piece in words) or not words


def _laid_out(value: Decimal, pieces: tuple[str, ...], plain: str) -> str:
    """Put a number that is not negative into the digits of a section, from the right."""
    groups = [piece for piece in pieces if _is_digits(piece)]
    if not groups:
        return _words(pieces) if _is_word(pieces) else plain
    if "General" in groups:
        return (
            "".join(plain if _is_digits(piece) else piece[1:] for piece in pieces).strip()
            if len(groups) == 1
            else plain
        )
    places = groups[-1].partition(".")[2]
    try:
        rounded = value.quantize(Decimal(1).scaleb(-len(places)), ROUND_HALF_UP)
    except InvalidOperation:
        return plain
    if rounded != value and abs(rounded - value) > Decimal("1e-9"):
        # What is rounded away is not seen, but the number is not another one for that.
        return plain
    whole, _, fraction = f"{rounded:f}".partition(".")
    fraction = fraction.rstrip("0") if "0" not in places else fraction
    widths = [len(group.partition(".")[0].replace("#", "")) for group in groups]
    full = [len(group.partition(".")[0]) for group in groups]
    whole = whole.zfill(sum(full[1:]) + widths[0]) if sum(widths) else whole
    parts: list[str] = []
    for width in reversed(full[1:]):
        parts.insert(0, whole[-width:] if width else "")
        whole = whole[:-width] if width else whole
    parts.insert(0, whole)
    if places and fraction:
        parts[-1] += f".{fraction}"
    digits = iter(parts)
    return "".join(next(digits) if _is_digits(piece) else piece[1:] for piece in pieces).strip()
