"""A person at the pages, over real HTTP: opens a page, fills in the form it shows, sends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

import requests


@dataclass
class Form:
    action: str
    method: str
    values: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    """The forms of a page with the values a browser would send untouched."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._select: str | None = None
        self._area: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        a = {name: value if value is not None else "" for name, value in attributes}
        if tag == "form":
            self.forms.append(Form(a.get("action", ""), a.get("method", "get").lower()))
        elif not self.forms:
            return
        elif tag == "input" and a.get("name") and a.get("type") not in ("submit", "button", "file"):
            if a.get("type") not in ("checkbox", "radio") or "checked" in a:
                self.forms[-1].values.append((a["name"], a.get("value", "on")))
        elif tag == "select":
            self._select = a.get("name")
        elif tag == "option" and self._select and "selected" in a:
            self.forms[-1].values.append((self._select, a.get("value", "")))
        elif tag == "textarea":
            self._area, self._text = a.get("name"), ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area:
            self.forms[-1].values.append((self._area, self._text.strip("\n")))
            self._area = None
        elif tag == "select":
            self._select = None


class Visitor:
    """One browser's worth of cookies."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path: str, **parameters: str) -> requests.Response:
        return self.session.get(self.base + path, params=parameters, timeout=30)

    def page(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}\n{answer.text[:2000]}"
        return answer.text

    def send(self, path: str, *, to: str | None = None, **values: object) -> requests.Response:
        """Open ``path``, fill in its form (the one whose action ends in ``to``), send it, follow where it leads."""
        parser = _Forms()
        parser.feed(self.page(path))
        wanted = path if to is None else to
        forms = [
            f for f in parser.forms if f.method == "post" and (f.action or path).endswith(wanted)
        ]
        assert forms, f"no form to {wanted} on {path}: {[f.action for f in parser.forms]}"
        untouched = [(name, value) for name, value in forms[0].values if name not in values]
        filled = [
            (name, str(each))
            for name, value in values.items()
            for each in (value if isinstance(value, list | tuple) else [value])
        ]
        target = forms[0].action or path
        answer = self.session.post(self.base + target, data=untouched + filled, timeout=30)
        assert answer.status_code == 200, (
            f"{target}: {answer.status_code}\n{text_of(answer.text)[:3000]}"
        )
        return answer

    def sign_in(self, login: str, password: str) -> Visitor:
        self.send("/dang-nhap", login=login, password=password)
        assert "/dang-nhap" not in self.get("/").url
        return self


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data.strip())


def text_of(html: str) -> str:
    """What a person reads on a page."""
    parser = _Text()
    parser.feed(html)
    return " ".join(" ".join(parser.words).split())
