"""What is said of files on their way in, whatever page takes them: names, limits, the strict policy."""

from __future__ import annotations

import io
import re

import pytest
from wtforms import Field
from wtforms.form import BaseForm
from wtforms.i18n import DummyTranslations

from tests.web.conftest import words
from web import uploads


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("họp thôn.mp3", "họp thôn.mp3"),
        ("C:\\ghi âm\\họp.mp3", "họp.mp3"),
        ("../../etc/passwd", "passwd"),
        ("a\x00\x1b[2Jb\n.mp3", "a[2Jb.mp3"),
        ("x" * 300 + ".mp3", "x" * 251 + ".mp3"),
        ("", ""),
    ],
)
def test_a_name_comes_without_folders_and_tricks(sent, kept):
    assert uploads.plain_name(sent) == kept


@pytest.mark.parametrize("name", ["", "x", "0" * 64, "../../secrets/web.key", "A" * 64])
def test_only_a_file_that_is_there_is_kept(config, name):
    assert not uploads.is_kept(config, name)


def test_the_browser_may_use_its_microphone_here_and_nowhere_else(hoa):
    headers = hoa.get("/").headers
    assert headers["Permissions-Policy"] == "camera=(), geolocation=(), microphone=(self)"
    policy = headers["Content-Security-Policy"]
    assert "media-src 'self' blob:" in policy
    assert "style-src" not in policy  # default-src holds
    assert "unsafe" not in policy


def test_a_form_with_a_file_says_what_it_takes_and_needs_no_script(hoa, approved):
    page = hoa.get(f"/ban-tin/{approved.id}/ban-dich")
    assert re.search(r'<form[^>]*enctype="multipart/form-data"', page.text)
    assert re.search(r'<input[^>]*type="file"[^>]*>', page.text)
    assert "tối đa 1 MB" in words(page)
    assert 'data-to="/tep"' in page.text


class Fields(BaseForm):
    """The three fields of a source, filled by hand."""

    def __init__(self, **values):
        super().__init__({name: Field() for name in values}, meta=_Meta())
        self.process(data=values)


class _Meta:
    csrf = False

    def bind_field(self, form, unbound, options):
        return unbound.bind(form=form, **options)

    def wrap_formdata(self, form, formdata):
        return formdata

    def get_translations(self, form):
        return DummyTranslations()


def three(kept="", name="", upload=None):
    found = Fields(upload=upload, kept=kept, kept_name=name)
    return found["upload"], found["kept"], found["kept_name"]


def test_a_name_of_no_file_is_forgotten(config):
    upload, kept, name = three("0" * 64, "x.mp3")
    assert uploads.receive(config, upload, kept, name) is None
    assert (kept.data, name.data) == ("", "")


def test_a_file_received_before_stays_named(config):
    config.uploads.mkdir(parents=True)
    (config.uploads / ("a" * 64)).write_bytes(b"x")
    upload, kept, name = three("a" * 64, "x.mp3")
    assert uploads.receive(config, upload, kept, name) is None
    assert (kept.data, name.data) == ("a" * 64, "x.mp3")


def test_a_file_that_is_sent_nowhere_is_removed(hoa, config, approved):
    data = {"upload": (io.BytesIO(b"x" * 1000), "a.mp3"), "version": "1", "language": "??"}
    hoa.post(f"/ban-tin/{approved.id}/gui-duyet", data=data)
    assert not list(config.work.glob("*"))
