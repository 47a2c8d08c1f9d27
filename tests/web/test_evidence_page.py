"""The page where a bundle is made, fetched and checked."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devices import keyring
from loa import staff
from loa.config import Checkpoints
from loa.staff import Role
from loa.times import DAY, HOUR, MINUTE, after
from scheduler.evidence import jobs
from scheduler.evidence.tables import Handing
from tests.cast import NOON
from tests.evidence.station import Station, settle
from tests.web.conftest import words
from verifier import loa_verify
from web import create_app, current


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is done before the answer, in this process."""

    def run(work: Callable[..., None], arguments: Sequence[Any]) -> None:
        work(*arguments)

    monkeypatch.setattr(jobs, "in_a_process", run)


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Callable[..., None], Sequence[Any]]]:
    """The work is put aside."""
    aside: list[tuple[Callable[..., None], Sequence[Any]]] = []
    monkeypatch.setattr(
        jobs, "in_a_process", lambda work, arguments: aside.append((work, arguments))
    )
    return aside


DAYS = {"tu": "21/11/2026", "den": "22/11/2026"}


def made(client, **fields: str):
    return client.post("/chung-cu/lap", data={**DAYS, **fields})


def fetched(client, answer) -> Path:
    return client.get(f"{answer.location}/goi.zip").data


def test_it_makes_a_bundle_that_is_checked_and_fetched(admin, at_once, config, broadcast) -> None:
    answer = made(admin)
    assert answer.status_code == 302
    page = words(admin.get(answer.location))
    assert "Gói có" in page
    assert "Không thấy chỗ nào bị thay đổi" in page
    assert "KẾT LUẬN" in page
    raw = fetched(admin, answer)
    assert zipfile.is_zipfile(io.BytesIO(raw))
    mark = loa_verify.fingerprint(keyring.current(config, NOON).plan.public.x)
    assert mark in page
    assert mark in words(admin.get("/chung-cu"))
    assert "Lập gói" in words(admin.get("/chung-cu"))


def test_it_checks_what_somebody_brings(admin, at_once, broadcast) -> None:
    raw = fetched(admin, made(admin))
    page = words(admin.get(sent(admin, raw).location))
    assert "Không thấy chỗ nào bị thay đổi" in page
    assert "Tệp thang-11.zip" in page
    broken = words(admin.get(sent(admin, raw[:-200]).location))
    assert "Không đọc được gói này" in broken
    assert "thang-11.zip" in broken


def sent(client, raw: bytes, **fields: Any):
    data = {"goi": (io.BytesIO(raw), "thang-11.zip"), **fields}
    return client.post("/chung-cu/kiem", data=data, content_type="multipart/form-data")


def test_it_names_what_was_changed_in_it(admin, at_once, broadcast) -> None:
    raw = fetched(admin, made(admin))
    forged = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as before, zipfile.ZipFile(forged, "w") as after_:
        for name in before.namelist():
            text = before.read(name)
            after_.writestr(
                name, text.replace(b'"hoa"', b'"lan"') if name == "staff.jsonl" else text
            )
    page = words(admin.get(sent(admin, forged.getvalue()).location))
    assert "Gói đã bị thay đổi" in page
    assert "nội dung khác bản kê đã ký" in page


def test_a_stations_key_is_asked_whole(admin, at_once, broadcast) -> None:
    raw = fetched(admin, made(admin))
    answer = sent(admin, raw, khoa="5c0e")
    assert answer.status_code == 400
    assert "cần đủ 32 chữ số" in words(answer)
    page = words(admin.get(sent(admin, raw, khoa="0" * 32).location))
    assert "không phải khoá của đài mà người kiểm biết" in page


def test_a_checkpoint_comes_along(admin, at_once, broadcast) -> None:
    raw = fetched(admin, made(admin))
    other = (io.BytesIO("không có gì".encode()), "dau-moc.txt")
    page = words(admin.get(sent(admin, raw, dau_moc=other).location))
    assert "Trong tệp dấu mốc không có dấu mốc đọc được" in page


def test_without_a_file_or_with_days_turned_round_it_asks_again(admin, at_once) -> None:
    answer = admin.post("/chung-cu/kiem", data={})
    assert (answer.status_code, "Hãy chọn tệp gói chứng cứ" in words(answer)) == (400, True)
    answer = made(admin, tu="22/11/2026", den="21/11/2026")
    assert (answer.status_code, "đứng trước ngày đầu" in words(answer)) == (400, True)


def test_while_it_is_made_the_page_says_how_far(admin, waiting, config, clock, broadcast) -> None:
    answer = made(admin)
    page = admin.get(answer.location)
    assert "Đang lập: 0 %" in words(page)
    assert 'hx-trigger="every 2s"' in page.text
    assert admin.get(f"{answer.location}/goi.zip").status_code == 404
    again = made(admin)
    assert (again.status_code, jobs.BUSY in words(again)) == (400, True)
    ((work, arguments),) = waiting
    work(*arguments)
    state = admin.get(f"{answer.location}/tinh-hinh")
    assert "Tải gói" in words(state)
    assert "hx-trigger" not in state.text
    id = answer.location.rsplit("/", 1)[1]
    assert (jobs.folder(config, id) / "progress").read_text() == "100"


def test_work_that_died_does_not_stand_in_the_way_for_ever(
    admin, waiting, clock, broadcast
) -> None:
    answer = made(admin)
    clock.move(jobs.LOST + 1)
    assert "đã bị ngắt giữa chừng" in words(admin.get(answer.location))
    assert made(admin).status_code == 302


def test_what_fails_is_told(
    admin, at_once, config, broadcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(jobs.bundles, "write", full)
    page = words(admin.get(made(admin).location))
    assert "Không ghi được tệp" in page


def test_bundles_go_after_two_days(admin, at_once, clock, config, broadcast) -> None:
    answer = made(admin)
    clock.move(jobs.KEPT + MINUTE)
    made(admin)
    gone = admin.get(answer.location)
    assert (gone.status_code, "chỉ giữ hai ngày" in words(gone)) == (404, True)


def test_ids_are_ids(admin) -> None:
    for wrong in ("0" * 32, "..%2f..", "x"):
        assert admin.get(f"/chung-cu/{wrong}").status_code == 404


def test_only_officers_of_the_whole_station_may(
    hoa, minh, lan, admin, sign_in, cast, database
) -> None:
    assert [each.get("/chung-cu").status_code for each in (hoa, minh, lan, admin)] == [
        403,
        200,
        403,
        200,
    ]
    with database.write() as session:
        one = staff.add(
            session, login="vanhanh", name="Vận hành", role=Role.OPERATOR, password="mat-khau-dai", now=NOON,
            area_id=cast.commune.id,
        )  # fmt: skip
    answer = sign_in(one).get("/chung-cu")
    assert (answer.status_code, "chỉ cán bộ của cả đài" in words(answer)) == (403, True)


def test_it_says_where_checkpoints_go_and_what_fails(config, database, clock, cast) -> None:
    place = "ra-ngoai"
    named = msgspec.structs.replace(config, checkpoints=Checkpoints(folder=place))
    with database.write() as session:
        session.add_all([
            Handing(day="2026-11-21", place=place, tries=1, next_at=after(NOON, HOUR), error="Ổ đầy."),
            Handing(day="2026-11-20", place=place, tries=1, next_at=NOON, n=41, handed_at=after(NOON, -DAY)),
        ])  # fmt: skip
    told = words(client_of(named, database, clock, cast.admin).get("/chung-cu"))
    assert f"chưa tới được {place}: Ổ đầy." in told
    assert "tới dòng 41" in told


def test_where_nobody_is_named_it_says_what_that_means(admin) -> None:
    assert "Đài chưa gửi dấu mốc cho ai" in words(admin.get("/chung-cu"))


def client_of(config, database, clock, person):
    app = create_app(config, database, clock=clock)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    client = app.test_client()
    with client.session_transaction() as session:
        session["staff"], session["stamp"] = person.id, person.session_stamp
    app.extensions[current.EXTENSION].hub.close()
    return client


def test_a_process_of_its_own_does_it(tmp_path: Path, database, config) -> None:
    """As in the field: spawned, and what it has come to lies in the folder."""
    station: Station = settle(database, tmp_path / "s", 1)
    station.broadcast(time(17))
    station.tick(NOON)
    job = jobs.begin_bundle(
        station.config, database, (after(NOON, -DAY), after(NOON, DAY), None),
        whole_log=False, by="hoa", now=after(NOON, HOUR), run=joined,
    )  # fmt: skip
    found = jobs.find(station.config, job.id, after(NOON, HOUR))
    assert (found.state, found.verdict, found.rows) == ("done", "good", 1)


def joined(work: Callable[..., None], arguments: Sequence[Any]) -> None:
    """As ``in_a_process``, waited for."""
    process = jobs.multiprocessing.get_context("spawn").Process(
        target=jobs._beside, args=(work, *arguments)
    )
    process.start()
    process.join(120)
    assert process.exitcode == 0
