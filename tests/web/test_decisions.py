from __future__ import annotations

import pytest

from content import bulletins
from content.bulletins import Draft, State
from tests.cast import NOON, give_sound
from tests.web.conftest import words


@pytest.fixture
def submitted(database, cast):
    with database.write() as session:
        bulletin = bulletins.write(session, cast.hoa, Draft(title="Họp", body="Họp thôn."), NOON)
        give_sound(session, bulletin)
        bulletins.submit(session, bulletin, cast.hoa, NOON)
    return bulletin


def state_of(database, bulletin):
    with database.read() as session:
        return bulletins.get(session, bulletin.id).state


def test_it_hands_in_only_what_can_be_heard(hoa, database, cast):
    with database.write() as session:
        bulletin = bulletins.write(session, cast.hoa, Draft(title="Họp", body="Họp thôn."), NOON)
    here = f"/ban-tin/{bulletin.id}"
    answer = hoa.post(here + "/gui-duyet")
    assert answer.status_code == 409
    assert "chưa tạo xong" in words(answer)
    assert "Gửi duyệt" not in words(hoa.get(here))
    with database.write() as session:
        give_sound(session, bulletins.get(session, bulletin.id))
    assert "Gửi duyệt" in words(hoa.get(here))
    assert hoa.post(here + "/gui-duyet").location == here
    assert state_of(database, bulletin) is State.SUBMITTED
    assert hoa.post(here + "/gui-duyet").status_code == 409


def test_it_lets_an_approver_approve_the_sound_the_page_named(minh, database, submitted):
    here = f"/ban-tin/{submitted.id}"
    page = minh.get(here)
    assert f'name="sha" value="{submitted.recording_sha}"' in page.text
    assert f"am-thanh.mp3?sha={submitted.recording_sha}" in page.text
    data = {"sha": submitted.recording_sha, "heard": "y"}
    assert minh.post(here + "/duyet", data=data).location == here
    assert state_of(database, submitted) is State.APPROVED
    assert "Minh" in words(minh.get(here))


def test_it_wants_the_sound_to_have_been_heard(minh, database, submitted):
    answer = minh.post(f"/ban-tin/{submitted.id}/duyet", data={"sha": submitted.recording_sha})
    assert answer.status_code == 400
    assert "Hãy nghe hết bản ghi" in words(answer)
    assert state_of(database, submitted) is State.SUBMITTED


def test_it_refuses_the_approval_of_a_sound_that_has_been_replaced(minh, database, submitted):
    answer = minh.post(f"/ban-tin/{submitted.id}/duyet", data={"sha": "0" * 64, "heard": "y"})
    assert answer.status_code == 400
    assert "Âm thanh đã thay đổi" in words(answer)
    assert state_of(database, submitted) is State.SUBMITTED


def test_it_does_not_let_an_author_approve(hoa, minh, database, cast):
    assert hoa.post("/ban-tin/1/duyet", data={"sha": "0" * 64, "heard": "y"}).status_code == 403
    with database.write() as session:
        own = bulletins.write(session, cast.minh, Draft(title="Của Minh", body="Họp thôn."), NOON)
        sha = give_sound(session, own)
        bulletins.submit(session, own, cast.minh, NOON)
    page = minh.get(f"/ban-tin/{own.id}")
    assert "cần người duyệt khác" in words(page)
    assert "Duyệt cho phát" not in words(page)
    answer = minh.post(f"/ban-tin/{own.id}/duyet", data={"sha": sha, "heard": "y"})
    assert answer.status_code == 403
    assert "không được tự duyệt" in words(answer)


def test_it_offers_the_decision_to_nobody_else(hoa, lan, admin, submitted):
    for client in (hoa, lan, admin):
        assert "Duyệt cho phát" not in words(client.get(f"/ban-tin/{submitted.id}"))


def test_it_sends_a_bulletin_back_with_a_reason(minh, hoa, database, submitted):
    here, sha = f"/ban-tin/{submitted.id}", submitted.recording_sha
    answer = minh.post(here + "/tra-lai", data={"sha": sha, "reason": "  "})
    assert answer.status_code == 400
    assert "Hãy ghi lý do trả lại" in words(answer)
    assert (
        minh.post(here + "/tra-lai", data={"sha": sha, "reason": "Sai giờ họp."}).location == here
    )
    assert state_of(database, submitted) is State.REJECTED
    assert "Sai giờ họp." in words(hoa.get(here))


def test_it_keeps_the_reason_when_the_sound_has_been_replaced(minh, submitted):
    answer = minh.post(
        f"/ban-tin/{submitted.id}/tra-lai", data={"sha": "0" * 64, "reason": "Sai giờ."}
    )
    assert answer.status_code == 400
    assert "Sai giờ.</textarea>" in answer.text


def test_it_withdraws_after_asking(hoa, lan, database, approved):
    here = f"/ban-tin/{approved.id}"
    assert "Thu hồi bản tin?" in words(hoa.get(here + "/thu-hoi"))
    assert state_of(database, approved) is State.APPROVED
    assert lan.get(here + "/thu-hoi").status_code == 403
    assert lan.post(here + "/thu-hoi").status_code == 403
    assert hoa.post(here + "/thu-hoi").location == here
    assert state_of(database, approved) is State.WITHDRAWN
    assert "Thu hồi bản tin này" not in words(hoa.get(here))
