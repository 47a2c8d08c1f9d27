from __future__ import annotations

import sqlalchemy as sa

from content import bulletins, recordings
from content.bulletins import Bulletin
from loa.staff import Staff
from tests.cast import approved_bulletin, give_sound
from tests.web.program import error

BOTH_DATABASES = True


def test_it_writes_one_as_the_form_does(database, program, cast, hoa):
    new = {
        "title": " Họp  thôn ",
        "body": "Mời bà con.",
        "priority": "priority",
        "field": 4,
        "chimes": False,
    }
    made = program(cast.hoa).post("/bulletins", {**new, "valid_until": "2026-12-01"}).json
    assert made["title"] == "Họp thôn"
    assert (made["state"], made["version"], made["has_sound"]) == ("draft", 1, False)
    assert made["author"] == {"login": "hoa", "name": "Hoa"}
    assert made["sound"]["state"] == "queued"
    assert made["created_at"] == "2026-11-21T12:00:00+07:00"
    with database.read() as session:
        kept = session.get_one(Bulletin, made["id"])
        assert (kept.body, kept.field, kept.chimes) == ("Mời bà con.", 4, False)
        assert recordings.latest_rendering(session, kept.id) is not None
    assert "Mời bà con." in hoa.get(f"/ban-tin/{made['id']}").text


def test_it_hands_one_in_once_its_sound_is_made(database, program, cast):
    api = program(cast.hoa)
    number = api.post("/bulletins", {"title": "Họp", "body": "Họp thôn."}).json["id"]
    assert error(api.post(f"/bulletins/{number}/submit")) == (409, "content_refused", None)
    with database.write() as session:
        sha = give_sound(session, bulletins.get(session, number), 9_000)
    told = api.post(f"/bulletins/{number}/submit").json
    assert told["state"] == "submitted"
    assert told["submitted_at"] == "2026-11-21T12:00:00+07:00"
    sound = {"state": "done", "percent": 100, "ms": 9000, "sha256": sha, "error": None}
    assert told["sound"] == sound
    assert error(api.post(f"/bulletins/{number}/submit")) == (409, "content_refused", None)


def test_who_works_for_one_area_hands_in_that_areas_alone(database, program, cast):
    number = program(cast.minh).post("/bulletins", {"title": "Họp", "body": "Họp."}).json["id"]
    with database.write() as session:
        own = sa.update(Staff).where(Staff.id == cast.hoa.id)
        session.execute(own.values(area_id=cast.villages[0].id))
        give_sound(session, bulletins.get(session, number))
    api = program(cast.hoa)
    assert api.get(f"/bulletins/{number}").status_code == 200
    assert error(api.post(f"/bulletins/{number}/submit")) == (403, "not_allowed", None)


def test_it_lists_in_parts_that_stay_what_they_are(database, program, cast):
    with database.write() as session:
        for number in range(5):
            approved_bulletin(session, cast, title=f"Bản tin {number}")
    api = program(cast.hoa)
    first = api.get("/bulletins", limit=2).json
    assert [each["id"] for each in first["items"]] == [5, 4]
    api.post("/bulletins", {"title": "Mới", "body": "Chen vào giữa."})
    second = api.get("/bulletins", limit=2, cursor=first["next"]).json
    assert [each["id"] for each in second["items"]] == [3, 2]
    last = api.get("/bulletins", limit=2, cursor=second["next"]).json
    assert [each["id"] for each in last["items"]] == [1]
    assert last["next"] is None


def test_it_filters(database, program, cast):
    with database.write() as session:
        approved_bulletin(session, cast, title="Lịch cắt điện", priority="priority")
        approved_bulletin(session, cast, title="Tiêm chủng")
    api = program(cast.hoa)
    api.post("/bulletins", {"title": "Nháp", "body": "Chưa xong."})

    def titles(**query):
        return [each["title"] for each in api.get("/bulletins", **query).json["items"]]

    assert titles(search="cat dien") == ["Lịch cắt điện"]
    assert titles(state="approved") == ["Tiêm chủng", "Lịch cắt điện"]
    assert titles(priority="priority") == ["Lịch cắt điện"]
    assert titles(search="không có") == []


def test_it_shows_one(program, cast, approved):
    told = program(cast.lan).get(f"/bulletins/{approved.id}").json
    assert told["body"] == "Mời bà con đến trạm y tế."
    assert told["languages"] == ["vi"]
    assert told["state"] == "approved"
