"""`python -m web.i18n.catalogue`: bring the English up to date with what the code says.

Collects every sentence of the source into ``en/loa.po``, keeps the English known, takes more from ``--take`` files,
and says what has none yet. ``--check`` writes nothing. Exit status 1 while a sentence is without English.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from babel.messages import extract, pofile
from babel.messages.catalog import Catalog, Message

from web import i18n

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON_ROOMS = ("web", "scheduler", "devices", "content", "loa")
KEYWORDS = {
    "_": None,
    "say": None,
    "gettext": None,
    "counted": (1, 1),  # of one and of many: in Vietnamese they are the same
    "ngettext": (1, 2),
    "pgettext": (
        (1, "c"),
        2,
    ),  # one word, two uses: pgettext("page", "Đầu thu") heads the list of all of them
}
SCRIPT_KEYWORDS = {"inWords": None}
VALUES = re.compile(r"%\((\w+)\)")
WIDTH = 120
HEADER = r"""# The English of Loa's pages; `python -m web.i18n.catalogue` keeps it in line with the code.
msgid ""
msgstr ""
"Language: en\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

"""
"""No dates: they would change with every run."""


def said() -> Catalog:
    """Every sentence the source says, with the files that say it."""
    found = Catalog(locale="en", fuzzy=False, charset="utf-8")
    for file, method in _sources():
        with file.open("rb") as stream:
            for _line, text, _comments, context in extract.extract(
                method,
                stream,
                keywords=SCRIPT_KEYWORDS if method == "javascript" else KEYWORDS,
                options={"trimmed": "true", "newstyle_gettext": "true"},
            ):
                found.add(text, locations=[(file.relative_to(ROOT).as_posix(), 0)], context=context)
    return found


def _sources() -> Iterable[tuple[Path, str]]:
    for room in PYTHON_ROOMS:
        yield from ((file, "python") for file in sorted((ROOT / room).rglob("*.py")))
    yield from ((file, "jinja2") for file in sorted((ROOT / "web/templates").rglob("*.html")))
    yield from ((file, "javascript") for file in sorted((ROOT / "web/static/js").glob("*.js")))


def merged(sources: Iterable[Catalog]) -> Catalog:
    """What the source says, each with the English of the last of ``sources`` that has it."""
    known = {
        _key(one): one.string for source in sources for one in source if one.id and _is_whole(one)
    }
    found = said()
    for message in found:
        if message.id:
            message.string = known.get(_key(message), message.string)
    return found


def _key(message: Message) -> object:
    if isinstance(message.id, tuple | list):
        return message.id[0], "counted"
    return message.id, message.context


def _is_whole(message: Message) -> bool:
    texts = message.string if isinstance(message.string, tuple | list) else [message.string]
    return bool(texts) and all(texts)


def missing(catalogue: Catalog) -> list[Message]:
    """Sentences without English."""
    return [one for one in catalogue if one.id and not _is_whole(one)]


def unfaithful(catalogue: Catalog) -> list[Message]:
    """Sentences whose English names a value that the Vietnamese has not, or leaves one out."""
    return [one for one in catalogue if one.id and _is_whole(one) and not _is_faithful(one)]


def _is_faithful(message: Message) -> bool:
    wanted = set(VALUES.findall(_texts(message.id)[0]))
    # "One receiver" may leave its number out; nothing may be named that is not there.
    return all(
        set(VALUES.findall(text)) | {"n", "num"} == wanted | {"n", "num"}
        for text in _texts(message.string)
    )


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, tuple | list) else [str(value)]


def write(catalogue: Catalog) -> None:
    with i18n.file_of("en").open("wb") as file:
        file.write(HEADER.encode())
        pofile.write_po(
            file, catalogue, width=WIDTH, sort_output=True, omit_header=True, include_lineno=False
        )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m web.i18n.catalogue", description=__doc__)
    parser.add_argument(
        "--take",
        nargs="*",
        type=Path,
        default=[],
        metavar="FILE",
        help="more English: gettext files",
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument(
        "--under", default="", help="name only what these folders say: web/templates/log,web/log.py"
    )
    asked = parser.parse_args(arguments)
    known = [i18n.catalogue_of("en")] if i18n.file_of("en").exists() else []
    for file in asked.take:
        with file.open("rb") as stream:
            known.append(pofile.read_po(stream, locale="en"))
    whole = merged(known)
    if not asked.check:
        write(whole)
    lacking = [one for one in missing(whole) if _is_under(one, asked.under)]
    wrong = [one for one in unfaithful(whole) if _is_under(one, asked.under)]
    for message in lacking:
        sys.stdout.write(f"no English: {_texts(message.id)[0]!r}  {message.locations[0][0]}\n")
    for message in wrong:
        sys.stdout.write(f"values differ: {_texts(message.id)[0]!r}  {message.locations[0][0]}\n")
    sys.stdout.write(
        f"{len(whole)} sentences, {len(lacking)} without English, {len(wrong)} with other values\n"
    )
    return 1 if lacking or wrong else 0


def _is_under(message: Message, places: str) -> bool:
    return any(file.startswith(tuple(places.split(","))) for file, _line in message.locations)


if __name__ == "__main__":
    sys.exit(main())
