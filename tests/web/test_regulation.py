from __future__ import annotations

import pytest

from scheduler import regulation
from tests.web.conftest import words


def test_it_shows_the_quiet_hours_in_force_and_those_before(lan, admin, clock):
    assert "21:00–05:00" in words(lan.get("/quy-che"))
    assert "Các lần thay đổi" not in words(lan.get("/quy-che"))
    clock.move(1000)
    admin.post("/quy-che/sua", data={"quiet-0": "22:00-05:30", "quiet-1": "11:30-13:00"})
    told = words(lan.get("/quy-che"))
    assert "11:30–13:00 , 22:00–05:30" in told
    assert "12:00 ngày 21/11/2026: 21:00–05:00" in told


def test_it_changes_the_quiet_hours(admin, database, clock):
    page = admin.get("/quy-che/sua").text
    assert 'value="21:00-05:00"' in page
    assert 'name="quiet-1"' in page
    clock.move(1000)
    data = {"quiet-0": "22:00 – 05:30", "quiet-1": " "}
    assert admin.post("/quy-che/sua", data=data).location == "/quy-che"
    with database.read() as session:
        assert [str(span) for span in regulation.quiet_at(session, clock())] == ["22:00–05:30"]


def test_it_can_do_without_quiet_hours(admin, database, clock):
    clock.move(1000)
    admin.post("/quy-che/sua", data={"quiet-0": ""})
    assert "Đài không đặt giờ không phát" in words(admin.get("/quy-che"))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("21:00", "phải có dạng 21:00-05:00"),
        ("25:00-05:00", "phải có dạng giờ:phút"),
        ("05:00-05:00", "bắt đầu và kết thúc cùng lúc"),
    ],
)
def test_it_shows_wrong_hours_and_keeps_them(admin, database, clock, typed, sentence):
    answer = admin.post("/quy-che/sua", data={"quiet-0": typed})
    assert answer.status_code == 400
    assert sentence in words(answer)
    assert f'value="{typed}"' in answer.text
