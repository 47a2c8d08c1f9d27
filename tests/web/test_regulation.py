from __future__ import annotations

import re
from html import unescape

import pytest
import sqlalchemy as sa

from loa.audit import AuditEntry
from loa.times import DAY, after
from scheduler import regulation
from scheduler.presets import PRESETS
from tests.web.conftest import error_at, plan, words

FORM = "/quy-che/sua"


def fields(page: str) -> dict[str, list[str]]:
    """What a browser would send of the form on the page, pressing no button."""
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        at = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        is_box = at.get("type") == "checkbox"
        if "name" in at and (not is_box or re.search(r"\schecked\b", tag)):
            found.setdefault(at["name"], []).append(
                unescape(at.get("value", "y" if is_box else ""))
            )
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'<option selected[^>]*value="([^"]*)"', options)
        first = re.search(r'value="([^"]*)"', options)
        found[name] = [(chosen or first)[1]]
    return found


def filled(client, address: str = FORM, **changes: str) -> dict[str, list[str]]:
    return {
        **fields(client.get(address).text),
        **{name: [value] for name, value in changes.items()},
    }


def save(client, address: str = FORM, **changes: str):
    """As a person does it: fill in, look at what it does, and save."""
    seen = client.post(FORM, data={**filled(client, address), **changes, "lam": "xem"})
    assert seen.status_code == 200, words(seen)
    return client.post(FORM, data={**fields(seen.text), "lam": "luu"}), words(seen)


def test_it_shows_the_quiet_hours_in_force_and_those_before(lan, admin, clock):
    assert "21:00–05:00" in words(lan.get("/quy-che"))
    assert "Các lần thay đổi" not in words(lan.get("/quy-che"))
    clock.move(1000)
    changed = {"quiet-0": "22:00-05:30", "quiet-1": "11:30-13:00", "note": "QĐ 12/QĐ-UBND"}
    answer, _ = save(admin, **changed)
    assert answer.location == "/quy-che"
    told = words(lan.get("/quy-che"))
    assert "11:30–13:00 , 22:00–05:30" in told
    assert "QĐ 12/QĐ-UBND" in told
    assert "12:00 ngày 21/11/2026 : 21:00–05:00" in told
    first = lan.get("/quy-che?ban=1")
    assert "đã thay bằng bản khác" in words(first)


def test_it_changes_the_quiet_hours_only_after_showing_what_that_does(admin, database, clock):
    page = admin.get(FORM).text
    assert 'value="21:00-05:00"' in page
    clock.move(1000)
    data = filled(admin, **{"quiet-0": "22:00 – 05:30", "quiet-1": " "})
    for act in ("xem", "sua"):
        assert admin.post(FORM, data={**data, "lam": act}).status_code == 200
    with database.read() as session:
        assert [str(span) for span in regulation.quiet_at(session, clock())] == ["21:00–05:00"]
    admin.post(FORM, data={**data, "lam": "luu"})
    with database.read() as session:
        assert [str(span) for span in regulation.quiet_at(session, clock())] == ["22:00–05:30"]


def test_it_can_do_without_quiet_hours(admin, clock):
    clock.move(1000)
    save(admin, **{"quiet-0": ""})
    assert "Đài không đặt giờ không phát" in words(admin.get("/quy-che"))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("21:00", "phải có dạng 21:00-05:00"),
        ("25:00-05:00", "phải có dạng giờ:phút"),
        ("05:00-05:00", "bắt đầu và kết thúc cùng lúc"),
    ],
)
@pytest.mark.parametrize("act", ["xem", "luu"])
def test_it_shows_wrong_hours_and_keeps_them(admin, typed, sentence, act):
    answer = admin.post(FORM, data={**filled(admin, **{"quiet-0": typed}), "lam": act})
    assert answer.status_code == 400
    assert sentence in words(answer)
    assert f'value="{typed}"' in answer.text


# -- rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "name"),
    [("khung", "slots-0-start"), ("am-luong", "caps-0-since"), ("loai-ngay", "kinds-4-name"),
     ("gio", "quiet-1")],
)  # fmt: skip
def test_a_button_adds_a_row_and_keeps_what_was_typed(admin, what, name):
    page = admin.get(FORM)
    assert f'name="{name}"' not in page.text
    answer = admin.post(FORM, data={**fields(page.text), "note": "đang gõ", "lam": f"them:{what}"})
    assert answer.status_code == 200
    assert f'name="{name}"' in answer.text
    assert 'value="đang gõ"' in answer.text


def test_a_button_takes_a_row_away_and_leaves_the_others(admin):
    data = filled(admin, f"{FORM}?mau=rural")
    answer = admin.post(FORM, data={**data, "slots-2-name": "Tối", "lam": "bo:slots-1"})
    assert [fields(answer.text)[f"slots-{n}-name"] for n in (0, 1)] == [["Sáng"], ["Tối"]]
    assert "slots-2-name" not in answer.text
    for nonsense in ("bo:slots-9", "bo:note-0", "bo:slots-x"):
        assert len(fields(admin.post(FORM, data={**data, "lam": nonsense}).text)) == len(data)


def test_the_kinds_of_day_the_calendar_knows_cannot_be_taken_away(admin):
    page = admin.get(FORM).text
    assert 'value="bo:kinds-3"' in page
    assert 'value="bo:kinds-0"' not in page
    without = admin.post(FORM, data={**fields(page), "lam": "bo:kinds-0"}).text
    answer = admin.post(FORM, data={**fields(without), "lam": "xem"})
    assert answer.status_code == 400
    assert "Không bỏ được loại ngày “Ngày thường”" in words(answer)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_fills_the_form_and_is_saved_as_adapted(admin, database, clock, preset):
    clock.move(1000)
    save(admin, f"{FORM}?mau={preset.key}", **{"slots-0-start": "06:15"})
    with database.read() as session:
        rules = regulation.rules_at(session, clock())
    assert rules.slots[0].start == "06:15"
    assert rules.slots[1:] == preset.rules.slots[1:]
    assert (rules.most_minutes, rules.kinds) == (preset.rules.most_minutes, preset.rules.kinds)


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"slots-0-start": "25:00"}, "slots-0-start", "giờ:phút"),
        ({"slots-1-minutes": ""}, "slots-1-minutes", "số phút"),
        ({"slots-0-name": ""}, "slots-0-name", "đặt tên"),
        ({"slots-0-start": "20:50"}, "slots-0-start", "chạm giờ không phát"),
        ({"most_minutes": "0"}, "most_minutes", "từ 1"),
        ({"since": "20/11/2026"}, "since", "lùi về"),
        ({"alone_minutes": "90"}, "alone_minutes", "60"),
    ],
)
def test_it_shows_a_mistake_where_it_was_made(admin, changes, field, sentence):
    data = {**filled(admin, f"{FORM}?mau=rural"), **changes}
    answer = admin.post(FORM, data={**data, "lam": "xem"})
    assert answer.status_code == 400
    assert sentence in error_at(answer, field)


# -- what it does ---------------------------------------------------------------------------------


def test_it_says_which_broadcasts_new_rules_would_silence(admin, database, broadcast, clock):
    clock.move(1000)
    _, told = save(admin, **{"quiet-0": "12:00-14:00"})
    assert "1 lượt phát sẽ không phát" in told
    assert "12:30 ngày 21/11/2026 Lịch tiêm chủng" in told
    assert "Rơi vào giờ không phát 12:00–14:00" in told
    with database.write() as session:
        plan(session, clock())
        assert session.get_one(type(broadcast), broadcast.id).state == "cancelled"


def test_it_says_which_broadcasts_would_break_new_rules(admin, broadcast, clock):
    clock.move(1000)
    _, told = save(admin, f"{FORM}?mau=rural")
    assert "1 chỗ trái quy chế mới nhưng vẫn phát" in told
    assert "Nằm ngoài các khung giờ phát" in told


def test_a_version_to_come_waits_and_may_be_taken_back(admin, lan, hoa, database, clock):
    clock.move(1000)
    save(admin, **{"quiet-0": "20:00-05:00", "since": "01/12/2026"})
    told = words(lan.get("/quy-che"))
    assert "Từ 00:00 ngày 01/12/2026 có bản mới" in told
    assert "21:00–05:00" in told
    assert "Bỏ bản mới" not in told
    assert "chưa có hiệu lực" in words(lan.get("/quy-che?ban=2"))
    assert "Đã có một bản khác có hiệu lực từ" in save(admin, **{"quiet-0": "22:00-05:00"})[1]
    assert hoa.post("/quy-che/2/bo").status_code == 403
    assert "Bỏ bản quy chế sắp có hiệu lực" in words(admin.get("/quy-che/2/bo"))
    assert admin.post("/quy-che/2/bo").location == "/quy-che"
    with database.read() as session:
        later = after(clock(), 30 * DAY)
        assert [str(each) for each in regulation.quiet_at(session, later)] == ["22:00–05:00"]
        kinds = set(session.scalars(sa.select(AuditEntry.kind)))
    assert {"regulation.enact", "regulation.repeal"} <= kinds


def test_a_version_in_force_is_never_taken_back(admin):
    assert "không bỏ được" in words(admin.get("/quy-che/1/bo"))
    answer = admin.post("/quy-che/1/bo")
    assert answer.status_code == 409
    assert "Hãy lập một bản mới" in words(answer)
    assert admin.get("/quy-che/9/bo").status_code == 404


def test_it_shows_sessions_limits_and_kinds_of_day(admin, lan, clock):
    clock.move(1000)
    save(admin, f"{FORM}?mau=urban", **{"slots-0-weekdays": ["0", "2"], "alone_minutes": "10"})
    told = words(lan.get("/quy-che"))
    for sentence in ("07:30–07:45", "T2, T4", "nhiều nhất 2 buổi", "nhiều nhất 30 phút",
                     "được trong 10 phút đầu", "không, trừ khung giờ nêu tên loại ngày này",
                     "chỉ bản tin ưu tiên và khẩn cấp", "Khẩn cấp phát ngay"):  # fmt: skip
        assert sentence in told
    assert '<rect class="session" x="450"' in lan.get("/quy-che").text
    assert lan.get("/quy-che").text.count('class="night"') >= 2


def test_the_rest_of_the_rules_does_not_get_lost_when_one_is_changed(admin, database, clock):
    clock.move(1000)
    data = filled(admin, f"{FORM}?mau=rural", note="")
    added = admin.post(FORM, data={**data, "lam": "them:am-luong"})
    caps = {
        "caps-0-since": "21:00",
        "caps-0-until": "06:00",
        "caps-0-most": "50",
        "caps-0-area_ids": "2",
    }
    admin.post(FORM, data={**fields(added.text), **caps, "lam": "luu"})
    with database.read() as session:
        before = regulation.rules_at(session, clock())
    clock.move(1000)
    save(admin, **{"quiet-0": "21:30-05:00"})
    with database.read() as session:
        assert regulation.rules_at(session, clock()) == before
    assert before.caps[0].area_ids == (2,)


def test_what_another_changed_meanwhile_is_not_written_over_unseen(admin, database, clock):
    clock.move(1000)
    mine = filled(admin, **{"quiet-0": "22:00-05:00"})
    save(admin, most_minutes="60")
    for act in ("xem", "luu"):
        answer = admin.post(FORM, data={**mine, "lam": act})
        assert answer.status_code == 400
        assert "đã sửa trong khi trang này đang mở: Nhiều nhất bao nhiêu phút mỗi ngày." in words(answer)  # fmt: skip
        assert 'value="22:00-05:00"' in answer.text
    with database.read() as session:
        assert regulation.rules_at(session, clock()).most_minutes == 60
    kept = fields(answer.text)
    assert admin.post(FORM, data={**kept, "lam": "luu"}).status_code == 302
