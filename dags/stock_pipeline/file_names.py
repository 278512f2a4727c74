"""Names of uploaded files: which are taken, how they are shown, what their copies are called.

People name files as they please, and may: blanks, brackets, accents, any script, `&`, `#`, `+`, `%`, dots.
What is refused is what cannot be seen, what leads elsewhere, and what other programs keep for themselves.
Files that come into the bucket past the page may be called anything. They are judged like any other, only
that their names are shown with what is invisible spelt out, and their copies have names that work everywhere.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

LOCK_FILE = "~$"
"""How the notes begin that Excel keeps beside an open workbook."""

LONGEST_NAME = 200
"""Characters. S3 allows 1,024 bytes for the whole key, of which each character takes up to four."""

SHOWN_CHARACTERS = 120
"""Of a name in a sentence; longer ones are cut in the middle."""

BLANKS = " \u00a0\u2002\u2003\u2007\u2009\u202f\u3000"
"""Characters that look like a space: they come out of mail programs, web pages and Apple's screenshots."""

WORD_ENDS = f"{BLANKS}_."
"""What ends the first word of a name, which says whose the file is."""

_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_JOINERS = frozenset("\u00ad\u200c\u200d")
"""Format characters that words and emoji are really written with."""

_DEVICES = re.compile(r"(CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|(COM|LPT)[0-9\u00b9\u00b2\u00b3])")
_DAY_FOLDER = re.compile(r"\w+/year=\d{4}/month=\d\d/day=\d\d/", re.ASCII)
_COPY_BYTES = 700


def given_name(name: str) -> str:
    """A name as a browser gives it, without folders and blanks around it, its accents in composed form.

    Macs send an accent as a character after its letter, Windows sends both as one: composed, the same name is
    the same key whichever machine it came from.
    """
    return unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1]).strip(f"{BLANKS}\t\r\n")


def name_fault(name: str) -> str | None:
    """Why a file may not be called that, as words that go on from the file's name; None if it may."""
    if not name.strip(WORD_ENDS):
        return "it has no name; give it one"
    if name.startswith(LOCK_FILE):
        return "this is only Excel's note that the workbook is open; choose the workbook itself"
    if re.search(r"[/\\]", name):
        return "its name has a slash in it, which stands for a folder; rename it"
    if name.startswith("."):
        return "its name begins with a dot, so it is hidden on many machines; rename it"
    for letter in name:
        if words := _oddity(letter):
            return f"its name has {words} in it (U+{ord(letter):04X}); type the name again without it"
    if len(name) > LONGEST_NAME:
        return f"its name has {len(name):,} characters, and at most {LONGEST_NAME} are taken; shorten it"
    if device := _DEVICES.fullmatch(name.partition(".")[0].strip().upper()):
        return f"Windows keeps the name {device[0]} for a device, so no one could save it; rename it"
    return None


def first_word(name: str) -> str:
    """What is before the first blank, underscore or dot."""
    return re.split(f"[{WORD_ENDS}]", name, maxsplit=1)[0]


def visible(text: str) -> str:
    """Text with what cannot be seen, or turns the direction of what follows, spelt out: `[U+202E]`."""
    return "".join(f"[U+{ord(letter):04X}]" if _oddity(letter) else letter for letter in text)


def shown_name(name: str) -> str:
    """A file's name for a sentence: on one line, with nothing invisible in it, and not too long."""
    shown = visible(name)
    if len(shown) <= SHOWN_CHARACTERS:
        return shown
    half = SHOWN_CHARACTERS // 2
    return f"{shown[:half]}…{shown[1 - half :]}"


def copy_name(name: str) -> str:
    """What a copy of a file is called: the same, or for a name that could not be uploaded one that works.

    Such a name is flattened, cut and gets a digest of the whole, so that no two files share a copy. That is
    done too for names in `.txt`, which are kept for the reasons beside the copies.

    Args:
        name: the name below the folder of its day; parts of it may be subfolders.
    """
    fine = not any(map(name_fault, name.split("/"))) and len(name.encode()) <= _COPY_BYTES
    if fine and not name.lower().endswith(".txt"):
        return name
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:10]
    stem, dot, ending = name.rpartition(".")
    if not dot or not re.fullmatch("[A-Za-z0-9]{1,8}", ending):
        stem, ending = name, "file"
    plain = re.sub("[^A-Za-z0-9_ -]+", "_", stem).strip("_ ")[:80]
    return f"{plain or 'file'}_{digest}.{ending}"


def copy_key(key: str) -> str:
    """The same for the whole key of an upload, whose day's folder stays."""
    folder = _DAY_FOLDER.match(key)
    return folder[0] + copy_name(key[folder.end() :]) if folder else copy_name(key)


def _oddity(letter: str) -> str | None:
    """What is wrong with a character in a name, in words."""
    kind = unicodedata.category(letter)
    if letter in _TURNS:
        return "a character that turns the direction of the text"
    if kind == "Cc":
        return "a control character"
    if kind in {"Cf", "Zl", "Zp"} and letter not in _JOINERS:
        return "an invisible character"
    if kind == "Cs" or ord(letter) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(letter) <= 0xFDEF:
        return "something that is no character"
    return None
