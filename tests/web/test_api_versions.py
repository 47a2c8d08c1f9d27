"""Bulletins by the API after they were written: changed, taken back, sent as recordings, and all they once said."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from content import bulletins, recordings
from content.bulletins import Bulletin
from content.uploads import Upload
from loa.staff import Role
from scheduler.schedules import Schedule
from tests.web.program import error
from tests.web.test_rights import people  # noqa: F401 - fixtures
from web.api import receiving

SOUND = b"ID3 not a sound yet, but a file all the same" * 50
SHA = hashlib.sha256(SOUND).hexdigest()
TEXT = {"title": "Họp thôn", "body": "Mời bà con đến nhà văn hoá."}


def written(api):
    return api.post("/bulletins", TEXT).json["id"]


def test_a_change_is_a_new_version_and_ends_the_approval(database, program, cast, approved):
    api = program(cast.hoa)
    changed = {"title": "Lịch mới", "body": "Mời bà con lúc 9 giờ.", "version": 1}
    told = api.post(f"/bulletins/{approved.id}/change", changed).json
    assert (told["title"], told["state"], told["version"]) == ("Lịch mới", "draft", 2)
    assert told["parts"][0]["body"] == "Mời bà con lúc 9 giờ."
    with database.read() as session:
        assert recordings.latest_rendering(session, approved.id).version == 2


def test_who_read_an_older_version_changes_nothing(program, cast, approved):
    api = program(cast.hoa)
    late = {"title": "Muộn", "body": "x", "version": 1}
    assert api.post(f"/bulletins/{approved.id}/change", TEXT | {"version": 1}).status_code == 200
    refused = api.post(f"/bulletins/{approved.id}/change", late)
    assert error(refused) == (409, "changed_meanwhile", None)


def test_what_it_said_stays_and_can_be_taken_up_again(program, cast, approved):
    api = program(cast.hoa)
    before = api.get(f"/bulletins/{approved.id}").json["body"]
    api.post(f"/bulletins/{approved.id}/change", TEXT | {"version": 1})
    first, second = reversed(api.get(f"/bulletins/{approved.id}/versions").json["items"])
    assert (first["current"], second["current"]) == (False, True)
    assert {"title", "parts"} <= set(second["changed"])
    assert first["decisions"][0]["by"] == {"login": "minh", "name": "Minh"}
    assert api.get(f"/bulletins/{approved.id}/versions/1").json["body"] == before
    again = api.post(f"/bulletins/{approved.id}/versions/1/again", {"version": 2}).json
    assert (again["body"], again["version"]) == (before, 3)
    assert error(api.get(f"/bulletins/{approved.id}/versions/9"))[:2] == (404, "not_found")


def test_its_versions_come_in_parts(program, cast, approved):
    api = program(cast.hoa)
    for version in (1, 2):
        changed = {"title": f"Bản {version}", "body": "x", "version": version}
        api.post(f"/bulletins/{approved.id}/change", changed)
    part = api.get(f"/bulletins/{approved.id}/versions", limit=2).json
    rest = api.get(f"/bulletins/{approved.id}/versions", limit=2, cursor=part["next"]).json
    assert [each["version"] for each in part["items"] + rest["items"]] == [3, 2, 1]
    assert rest["next"] is None


def test_taken_back_its_schedules_end(database, program, cast, broadcast):
    told = program(cast.hoa).post(f"/bulletins/{broadcast.bulletin_id}/withdraw").json
    assert told["bulletin"]["state"] == "withdrawn"
    assert (told["schedules_ended"], told["broadcasts_stopped"]) == (1, 1)
    with database.read() as session:
        assert session.scalars(sa.select(Schedule)).one().ended_at is not None


def test_who_neither_wrote_nor_approves_it_does_not_take_it_back(program, people, approved):  # noqa: F811 - the fixture, not the import
    refused = program(people[Role.OPERATOR]).post(f"/bulletins/{approved.id}/withdraw")
    assert error(refused) == (403, "not_allowed", None)


def test_a_recording_is_sent_and_becomes_a_part(config, database, program, cast):
    api = program(cast.hoa)
    made = api.send("/uploads", SOUND, sha256=SHA)
    assert (made.status_code, made.json["sha256"], made.json["examined"]) == (201, SHA, False)
    assert (config.uploads / SHA).read_bytes() == SOUND
    parts = [
        {"type": "chime"},
        {"type": "recorded", "upload": SHA, "name": "họp.mp3", "cuts": [[0, 500]]},
        {"type": "text", "body": "Xin hết."},
    ]
    told = api.post("/bulletins", {"title": "Ghi âm", "parts": parts}).json
    assert [each["type"] for each in told["parts"]] == ["chime", "recorded", "text"]
    assert (told["parts"][1]["cuts"], told["body"]) == ([[0, 500]], "Xin hết.")
    with database.read() as session:
        assert session.get_one(Bulletin, told["id"]).parts[1].upload == SHA


def test_another_file_than_was_announced_is_not_kept(config, database, program, cast):
    api = program(cast.hoa)
    assert error(api.send("/uploads", SOUND, sha256="0" * 64)) == (422, "hash_wrong", "sha256")
    assert error(api.send("/uploads", b"")) == (422, "content_refused", "upload")
    assert not [*config.uploads.glob("*")] if config.uploads.exists() else True
    assert not [*config.work.glob("*.part")]
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Upload)) == 0


def test_a_file_sent_twice_with_one_key_is_answered_twice_and_another_refused(program, cast):
    api = program(cast.hoa)
    first, again = (api.send("/uploads", SOUND, key="tep-1") for _ in range(2))
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.json == again.json
    assert error(api.send("/uploads", b"other", key="tep-1"))[1] == "idempotency_key_reused"


def test_a_file_larger_than_the_pages_take_is_refused(config, program, cast):
    too_much = b"x" * (config.web.upload_megabytes * 1_000_000 + 3_000_000)
    assert error(program(cast.hoa).send("/uploads", too_much)) == (413, "too_large", None)


def test_no_file_is_taken_where_the_disk_is_nearly_full(config, program, cast, monkeypatch):
    monkeypatch.setattr(receiving, "SPARE_BYTES", 2**62)
    refused = program(cast.hoa).send("/uploads", SOUND)
    assert error(refused) == (409, "disk_full", None)
    assert not [*config.work.glob("*.part")]


def test_a_part_of_no_file_is_refused(program, cast):
    parts = [{"type": "text", "body": "a"}, {"type": "recorded", "upload": "0" * 64}]
    refused = program(cast.hoa).post("/bulletins", {"title": "Họp", "parts": parts})
    assert error(refused) == (422, "content_refused", "parts[1].upload")
    both = TEXT | {"parts": [{"type": "chime"}]}
    assert error(program(cast.hoa).post("/bulletins", both)) == (422, "content_refused", "parts")


def test_its_sound_is_sent_as_it_would_be_heard(config, database, program, cast, approved):
    api = program(cast.lan)
    assert error(api.get(f"/bulletins/{approved.id}/sound"))[:2] == (404, "not_found")
    with database.read() as session:
        sha = bulletins.get(session, approved.id).recording_sha
    path = recordings.file(config.recordings, sha)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(SOUND)
    answer = api.get(f"/bulletins/{approved.id}/sound")
    assert (answer.mimetype, answer.data) == ("audio/mpeg", SOUND)
    assert error(api.get(f"/bulletins/{approved.id}/sound", language="tyz"))[0] == 404


def test_it_finds_by_field_and_author(program, cast, approved):
    api = program(cast.minh)
    number = api.post("/bulletins", TEXT | {"field": 4}).json["id"]
    assert [each["id"] for each in api.get("/bulletins", field=4).json["items"]] == [number]
    assert [each["id"] for each in api.get("/bulletins", author="hoa").json["items"]] == [
        approved.id
    ]
    assert api.get("/bulletins", author="khong").json["items"] == []


def test_a_sound_is_made_again_only_where_that_failed(program, cast, approved):
    api = program(cast.hoa)
    assert error(api.post(f"/bulletins/{approved.id}/sound")) == (409, "over", None)
    number = written(api)
    assert api.post(f"/bulletins/{number}/sound").json["sound"]["state"] == "queued"
