"""The page for admins, and the command beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from loa import cli
from loa.staff import Staff
from loa.times import Instant
from scheduler.retention import gone
from tests.evidence.station import Station
from tests.retention import station as stations
from tests.retention.station import LATER
from tests.web.conftest import words
from web import create_app, current


@pytest.fixture
def pages(station: Station) -> Iterator[Flask]:
    app = create_app(station.config, station.database, clock=lambda: Instant(LATER))
    app.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=False, WTF_CSRF_ENABLED=False)
    yield app
    app.extensions[current.EXTENSION].hub.close()


def sign_in(app: Flask, person: Staff) -> FlaskClient:
    client = app.test_client()
    with client.session_transaction() as session:
        session["staff"], session["stamp"] = person.id, person.session_stamp
    return client


def send(client: FlaskClient, path: str, **fields: object) -> str:
    return words(client.post(path, data=fields, follow_redirects=True))


def test_the_first_run_needs_the_admins_word(station: Station, pages: Flask) -> None:
    admin = sign_in(pages, station.cast.admin)
    shown = words(admin.get("/luu-tru"))
    assert "Quản trị chưa đồng ý" in shown
    assert "Tháng 11 năm 2026 6 kết quả phát" in shown
    assert "Ngay từ đêm tới" in words(admin.get("/luu-tru/dong-y"))
    after = send(admin, "/luu-tru/dong-y")
    assert "Quản trị đồng ý" in after
    assert "Tạm ngừng lưu trữ" in after
    assert "chưa đồng ý" in (send(admin, "/luu-tru/ngung"))


def test_the_log_of_an_archived_month_shows_its_rows(station: Station, pages: Flask) -> None:
    hoa = sign_in(pages, station.cast.hoa)
    address = "/nhat-ky?tu=01/11/2026&den=30/11/2026"
    before = hoa.get(address)
    config = stations.archived(station)
    assert words(hoa.get(address)) == words(before)
    assert "6 kết quả" in words(before)
    with station.database.read() as session:
        ((archive, _),) = gone.listing(session)
    (config.archives / archive.name).unlink()
    answer = hoa.get(address)
    assert answer.status_code == 409
    assert archive.sha256 in answer.text


def test_the_page_of_an_archived_broadcast_shows_its_results(
    station: Station, pages: Flask
) -> None:
    hoa = sign_in(pages, station.cast.hoa)
    before = words(hoa.get("/luot-phat/1"))
    stations.archived(station)
    assert words(hoa.get("/luot-phat/1")) == before
    assert "đã phát 2/3" in before


def test_what_is_held_is_shown_and_lifted_with_a_reason(station: Station, pages: Flask) -> None:
    admin = sign_in(pages, station.cast.admin)
    wrong = send(admin, "/luu-tru/giu-lai", what="span", reason="Thanh tra")
    assert "Hãy chọn đúng một thứ" in wrong
    span = {"since": "05/11/2026", "until": "06/11/2026"}
    shown = send(admin, "/luu-tru/giu-lai", what="span", reason="Thanh tra", **span)
    assert "05/11/2026 – 06/11/2026 đang giữ Thanh tra" in shown
    assert "giữ lại theo yêu cầu số 1" in shown
    assert "Hãy ghi lý do" in (send(admin, "/luu-tru/giu-lai/1/go"))
    assert "đã gỡ" in (send(admin, "/luu-tru/giu-lai/1/go", reason="Xong"))


def test_others_do_not_see_it(station: Station, pages: Flask) -> None:
    assert sign_in(pages, station.cast.minh).get("/luu-tru").status_code == 403


def test_the_command_lists_and_checks(
    station: Station, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOA_DATABASE_URL", station.database.url.render_as_string())
    command = ["archive", "--config", str(station.folder / "config.toml")]
    assert cli.main([*command, "--make"]) == cli.FAILED
    assert "Quản trị chưa đồng ý" in capsys.readouterr().err
    config = stations.archived(station)
    assert cli.main(command) == cli.DONE
    listed = capsys.readouterr().out
    with station.database.read() as session:
        ((archive, _),) = gone.listing(session)
    assert f"sha256 {archive.sha256}  đã chuyển xong" in listed
    assert cli.main([*command, "--check"]) == cli.DONE
    assert "còn nguyên" in capsys.readouterr().out
    path = config.archives / archive.name
    path.write_bytes(path.read_bytes() + b"x")
    assert cli.main([*command, "--check"]) == cli.FAILED
    assert "đã bị thay đổi" in capsys.readouterr().out
