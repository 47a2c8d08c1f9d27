from __future__ import annotations

import sqlalchemy as sa

from loa.audit import AuditEntry
from scheduler.broadcasts import Broadcast
from tests.web.conftest import error_at, plan, words

NEW = "/quy-che/ngay/ghi"
TODAY = {"kind": "mourning", "name": "Quốc tang", "first": "21/11/2026", "last": ""}


def states(database, clock) -> list[tuple[str, str | None]]:
    with database.write() as session:
        plan(session, clock())
        found = session.scalars(sa.select(Broadcast).order_by(Broadcast.id))
        return [(each.state.value, each.code) for each in found]


def test_it_shows_the_special_days_of_the_coming_year_with_why(lan):
    told = words(lan.get("/quy-che/ngay"))
    assert "T3 24/11/2026 Ngày lễ Ngày Văn hóa Việt Nam" in told
    assert "CN 07/02/2027 Ngày lễ Mùng hai Tết Nguyên Đán" in told
    assert "T2 03/05/2027 Ngày lễ Ngày Quốc tế Lao động (nghỉ bù)" in told
    assert "28/11/2026" not in told  # a Saturday like any other
    assert "Chưa ghi ngày nào" in told
    assert "Ghi ngày" not in told


def test_it_says_what_a_mark_silences_before_it_is_made(hoa, database, broadcast, clock):
    clock.move(1000)
    told = words(hoa.post(NEW, data={**TODAY, "lam": "xem"}))
    assert "1 lượt phát sẽ không phát" in told
    assert "12:30 ngày 21/11/2026 Lịch tiêm chủng" in told
    assert states(database, clock) == [("planned", None)]
    assert hoa.post(NEW, data={**TODAY, "lam": "luu"}).location == "/quy-che/ngay"
    assert states(database, clock) == [("cancelled", "day_kind")]
    shown = words(hoa.get("/quy-che/ngay"))
    assert "21/11/2026: Quốc tang Hoa ghi lúc 12:00 ngày 21/11/2026" in shown
    assert "T7 21/11/2026 Quốc tang chỉ ưu tiên, khẩn cấp" in shown


def test_the_confirmation_sends_on_what_was_typed(hoa, clock, database):
    clock.move(1000)
    page = hoa.post(NEW, data={**TODAY, "last": "23/11/2026", "lam": "xem"}).text
    for name, value in (("kind", "mourning"), ("first", "21/11/2026"), ("last", "23/11/2026")):
        assert f'name="{name}" value="{value}"' in page
    again = hoa.post(NEW, data={**TODAY, "lam": "sua"})
    assert again.status_code == 200
    assert 'value="Quốc tang"' in again.text


def test_a_mark_is_taken_back_with_what_sounds_again(hoa, minh, lan, database, broadcast, clock):
    clock.move(1000)
    hoa.post(NEW, data={**TODAY, "lam": "luu"})
    states(database, clock)
    clock.move(1000)
    assert "1 lượt lại được phát" in words(minh.get("/quy-che/ngay/1/bo"))
    assert lan.post("/quy-che/ngay/1/bo").status_code == 403
    assert minh.post("/quy-che/ngay/1/bo").location == "/quy-che/ngay"
    assert states(database, clock) == [("planned", None)]
    assert "Đã bỏ từ" in words(minh.get("/quy-che/ngay/1/bo"))
    with database.read() as session:
        kinds = session.scalars(sa.select(AuditEntry.kind)).all()
    assert kinds.count("day.mark") == kinds.count("day.unmark") == 1


def test_it_shows_mistakes_at_their_fields(hoa):
    for changes, field, sentence in (
        ({"first": "20/11/2026"}, "first", "đã qua"),
        ({"first": ""}, "first", "ngày đầu"),
        ({"last": "20/11/2026"}, "last", "đứng trước"),
        ({"name": ""}, "name", "dịp gì"),
    ):
        for act in ("xem", "luu"):
            answer = hoa.post(NEW, data={**TODAY, **changes, "lam": act})
            assert answer.status_code == 400
            assert sentence in error_at(answer, field)


def test_a_mark_that_is_not_there_is_not_found(hoa):
    assert hoa.get("/quy-che/ngay/7/bo").status_code == 404
