"""What a reader of one language sees of another: in templates, modules, scripts and pages."""

from __future__ import annotations

import ast
import copy
import inspect
import re
import textwrap
import unicodedata
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from jinja2 import Environment, nodes

ROOT = Path(__file__).resolve().parent.parent
MARKED = re.compile("[àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ]", re.I)
"""A letter that only Vietnamese has."""
WORD = re.compile(r"[^\W\d_]{2,}")
READ_ALOUD = {"aria-label", "placeholder", "title", "alt", "label", "data-label"}
"""Attributes that a person reads or hears."""
SAYING = {"say", "counted", "_", "gettext", "ngettext", "pgettext"}
HEADS = {"HEAD", "HEADS", "COLUMNS"}
"""Names of what first lines of files hold, which stay in Vietnamese as all of an official paper."""
NO_PROSE = {"script", "style", "code", "kbd", "samp"}
ATTRIBUTES = re.compile(r'[\w-]+="')
UNITS = {"ms", "kB", "MB", "GB", "dBTP", "LUFS"}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Reader(HTMLParser):
    """The words of a page in its own language: what is marked as another's (``lang``) is passed over."""

    def __init__(self, language: str = "vi") -> None:
        super().__init__()
        self.language = language
        self.words: list[str] = []
        self.attributes: list[str] = []
        self._open: list[tuple[str, bool]] = []

    @property
    def _is_passed_over(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        other = tag != "html" and given.get("lang", self.language) != self.language
        passed = self._is_passed_over or other or tag in NO_PROSE
        if not passed:
            self._read_attributes(tag, given)
        if tag not in VOID:
            self._open.append((tag, passed))

    def _read_attributes(self, tag: str, given: dict[str, str]) -> None:
        shown = READ_ALOUD | ({"content"} if given.get("name") == "description" else set())
        self.attributes += [
            f"{tag} {name}={value}" for name, value in given.items()
            if name in shown or (name != "value" and MARKED.search(value))
        ]  # fmt: skip

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass  # what HTML lets stay open ends with what it stands in

    def handle_data(self, data: str) -> None:
        if not self._is_passed_over and data.strip():
            self.words.append(" ".join(data.split()))


def read(page: str, language: str) -> Reader:
    reader = Reader(language)
    reader.feed(page)
    reader.close()
    return reader


# -- templates ------------------------------------------------------------------------------------

_templates = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
_templates.newstyle_gettext = True  # type: ignore[attr-defined] - set by jinja2.ext.i18n, whose stubs do not say so
_templates.policies["ext.i18n.trimmed"] = True


def bare_in_template(source: str) -> list[str]:
    """Words a template shows that are not given to a translator: of its text, its attributes and its expressions."""
    tree = _templates.parse(source)
    # The block "width" holds a class of the page, no words.
    for block in tree.find_all(nodes.Block):
        if block.name == "width":
            block.body = []
    # What stands between is left out: a space keeps tags and attributes whole.
    page = read(" ".join(data.data for data in tree.find_all(nodes.TemplateData)), "en")
    texts = [*page.words, *(each.partition("=")[2] for each in page.attributes)]
    # A macro may hold attributes alone, and units are the same in every language.
    words = [text for text in texts if not ATTRIBUTES.match(text) and text not in UNITS]
    return [text for text in words if WORD.search(text)] + list(_bare_constants(tree, False))


def _bare_constants(node: nodes.Node, is_said: bool) -> Iterator[str]:
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        if MARKED.search(node.value) and not is_said:
            yield node.value
        return
    says = isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name)
    if says and node.node.name in SAYING:
        for each in node.args:
            yield from _bare_constants(each, True)
        for value in node.kwargs:
            yield from _bare_constants(value, False)
        return
    for child in node.iter_child_nodes():
        yield from _bare_constants(child, is_said)


# -- modules and scripts --------------------------------------------------------------------------


def bare_in_module(source: str) -> list[str]:
    """Vietnamese constants of a module that are neither said by ``say`` or ``counted`` nor a docstring."""
    tree = ast.parse(source)
    return [text for text in _constants(tree) if MARKED.search(text)]


def _constants(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
        return
    if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in HEADS:
        return
    is_saying = isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
    if is_saying and getattr(node.func, "id", getattr(node.func, "attr", "")) in SAYING:
        for value in [*node.args[1:], *(each.value for each in node.keywords)]:
            yield from _constants(value)
        return
    for child in ast.iter_child_nodes(node):
        yield from _constants(child)


def bare_in_script(source: str) -> list[str]:
    """Lines of a script with Vietnamese outside ``inWords`` and comments."""
    bare = re.sub(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", "", source, flags=re.S)
    bare = re.sub(r'inWords\(\s*"(?:[^"\\]|\\.)*"', "inWords(", bare)
    return [line.strip() for line in bare.splitlines() if MARKED.search(line)]


# -- the same station without marks ---------------------------------------------------------------


def plain(text: str) -> str:
    """``text`` without Vietnamese marks: Lich tiem chung."""
    bare = unicodedata.normalize("NFD", text).replace("đ", "d").replace("Đ", "D")
    return unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", bare))


class _Plain(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        value = plain(node.value) if isinstance(node.value, str) else node.value
        return ast.copy_location(ast.Constant(value), node)


def plainly(*makers: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """The functions by name, with nothing Vietnamese in what they write; they call each other so, too."""
    made: dict[str, Any] = {}
    for maker in makers:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(maker))))
        tree.body[0].decorator_list = []  # type: ignore[attr-defined] - one function, as read
        known = copy.copy(inspect.unwrap(maker).__globals__)
        known.update(made)
        code = compile(ast.fix_missing_locations(_Plain().visit(tree)), maker.__name__, "exec")
        exec(code, known)  # noqa: S102 - our own source, with other letters
        made[maker.__name__] = known[maker.__name__]
    return made
