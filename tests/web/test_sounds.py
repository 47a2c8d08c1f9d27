from __future__ import annotations

import pytest

from content import bulletins, recordings
from content.bulletins import Draft
from content.parts import recorded, spoken
from content.recordings import RenderingState
from loa.languages import KINH
from tests.cast import NOON
from tests.web.conftest import words
from web.sounds import wave

SOUND = bytes(range(256)) * 40


@pytest.fixture
def address(config, approved):
    path = recordings.file(config.recordings, approved.recording_sha)
    path.parent.mkdir(parents=True)
    path.write_bytes(SOUND)
    return f"/ban-tin/{approved.id}/am-thanh.mp3?sha={approved.recording_sha}"


def test_it_plays_the_exact_file(minh, address, approved):
    answer = minh.get(address)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, SOUND, "audio/mpeg")
    assert answer.headers["ETag"] == f'"{approved.recording_sha}"'
    assert "private" in answer.headers["Cache-Control"]
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_it_sends_a_part_to_a_player_that_jumps(minh, address):
    answer = minh.get(address, headers={"Range": "bytes=100-199"})
    assert (answer.status_code, answer.data) == (206, SOUND[100:200])
    assert answer.headers["Content-Range"] == f"bytes 100-199/{len(SOUND)}"


def test_it_sends_nothing_to_who_has_it_already(minh, address, approved):
    seen = {"If-None-Match": f'"{approved.recording_sha}"'}
    assert minh.get(address, headers=seen).status_code == 304


@pytest.mark.parametrize("sha", ["", "0" * 64, "../../../secrets/web.key"])
def test_it_gives_out_no_other_file(minh, address, approved, sha):
    assert minh.get(f"/ban-tin/{approved.id}/am-thanh.mp3?sha={sha}").status_code == 404


def test_it_plays_the_sound_of_each_language_and_what_was_approved_before(
    minh, address, approved, database, config
):
    tay, newer = "a" * 64, "b" * 64
    for sha in (tay, newer):
        path = recordings.file(config.recordings, sha)
        path.parent.mkdir(parents=True)
        path.write_bytes(SOUND)
    with database.write() as session:
        bulletins.get(session, approved.id).sounds = {KINH: newer, "tyz": tay}
    for sha in (tay, newer, approved.recording_sha):
        assert minh.get(f"/ban-tin/{approved.id}/am-thanh.mp3?sha={sha}").data == SOUND


def test_it_asks_who_is_listening(client, address):
    assert client.get(address).status_code == 302


def test_it_says_so_when_the_file_is_missing(minh, approved):
    where = f"/ban-tin/{approved.id}/am-thanh.mp3?sha={approved.recording_sha}"
    assert minh.get(where).status_code == 404


@pytest.fixture
def making(database, cast):
    with database.write() as session:
        bulletin = bulletins.write(
            session, cast.hoa, Draft(title="Họp", parts=spoken("Họp thôn.")), NOON
        )
        rendering = recordings.queue(session, bulletin, NOON)
        rendering.state, rendering.step, rendering.percent = (
            RenderingState.RUNNING,
            "Đọc văn bản",
            42,
        )
    return bulletin


def test_it_shows_how_far_the_making_has_come(hoa, making):
    answer = hoa.get(f"/ban-tin/{making.id}/am-thanh")
    assert "Đang tạo âm thanh: Đọc văn bản" in words(answer)
    assert 'value="42"' in answer.text


def test_it_sends_a_live_part_again_only_when_it_shows_something_new(hoa, making, database):
    here = f"/ban-tin/{making.id}/am-thanh"
    digest = hoa.get(here).headers["X-Digest"]
    assert f'data-digest="{digest}"' in hoa.get(f"/ban-tin/{making.id}").text
    assert hoa.get(here, headers={"X-Seen": digest}).status_code == 204
    with database.write() as session:
        recordings.latest_rendering(session, making.id).percent = 43
    assert hoa.get(here, headers={"X-Seen": digest}).status_code == 200


def test_it_tries_again_after_a_failure(hoa, making, database):
    with database.write() as session:
        rendering = recordings.latest_rendering(session, making.id)
        rendering.state, rendering.error = RenderingState.FAILED, "Giọng đọc không trả lời."
    assert "Giọng đọc không trả lời." in words(hoa.get(f"/ban-tin/{making.id}"))
    assert hoa.post(f"/ban-tin/{making.id}/tao-lai").location == f"/ban-tin/{making.id}"
    with database.read() as session:
        assert recordings.latest_rendering(session, making.id).state == RenderingState.QUEUED


def test_a_file_that_cannot_be_heard_is_to_be_replaced_first(hoa, database, cast):
    with database.write() as session:
        draft = Draft(title="Ghi âm", parts=recorded("a" * 64))
        bulletin = bulletins.write(session, cast.hoa, draft, NOON)
        rendering = recordings.queue(session, bulletin, NOON)
        rendering.state, rendering.error = RenderingState.FAILED, "Tệp im lặng."
    page = hoa.get(f"/ban-tin/{bulletin.id}/am-thanh").text
    assert f'<a role="button" href="/ban-tin/{bulletin.id}/sua">Thay tệp khác</a>' in page
    assert page.index("Thay tệp khác") < page.index("Thử tạo lại")
    assert "Đặt lịch" not in page


def test_a_text_that_failed_offers_no_other_file(hoa, making, database):
    with database.write() as session:
        recordings.latest_rendering(session, making.id).state = RenderingState.FAILED
    page = hoa.get(f"/ban-tin/{making.id}/am-thanh").text
    assert "Thử tạo lại" in page
    assert "Thay tệp khác" not in page


def test_it_makes_no_sound_anew_that_is_there(hoa, approved):
    assert hoa.post(f"/ban-tin/{approved.id}/tao-lai").status_code == 409


def test_a_wave_is_as_wide_and_high_as_drawn():
    assert wave([], 200) == ""
    assert wave([100, 0], 2) == "M0.5 0V100M1.5 49V51"
    assert wave([50] * 600, 200).count("M") == 200
    assert wave([10] * 3, 200).count("M") == 200
