from __future__ import annotations

import base64
import hashlib
import os
import re

import pytest
import requests

from content import uploads
from loa.times import DAY, HOUR, MINUTE
from tests.cast import PASSWORD
from tests.visitor import Visitor
from web import transfer_store, transfers

SOUND = os.urandom(300_000)
SHA = hashlib.sha256(SOUND).hexdigest()
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}


def named(name: str) -> dict[str, str]:
    return {"Upload-Metadata": "filename " + base64.b64encode(name.encode()).decode()}


def begin(client, length=300_000, **headers):
    told = {**TUS, "Upload-Length": str(length), **named("họp.mp3"), **headers}
    return client.post("/tep", headers=told)


def send(client, where, piece, offset, **headers):
    told = {**PIECE, "Upload-Offset": str(offset), **headers}
    return client.patch(where, data=piece, headers=told)


def offset_of(client, where):
    answer = client.head(where, headers=TUS)
    assert answer.status_code == 200
    return int(answer.headers["Upload-Offset"])


@pytest.fixture
def where(hoa) -> str:
    answer = begin(hoa)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "0")
    assert re.fullmatch(r"/tep/[0-9a-f]{32}", answer.location)
    return answer.location


@pytest.fixture
def restarted(monkeypatch):
    """What a server that starts again remembers of the hashes."""
    return lambda: monkeypatch.setattr(transfer_store, "_digests", {})


def test_it_tells_what_it_can_do(hoa, config):
    facts = hoa.options("/tep").headers
    assert (facts["Tus-Resumable"], facts["Tus-Version"]) == ("1.0.0", "1.0.0")
    assert facts["Tus-Extension"] == "creation,termination,checksum"
    assert facts["Tus-Max-Size"] == "1000000"


def test_a_file_comes_in_pieces_and_is_kept_whole(hoa, where, config):
    answer = send(hoa, where, SOUND[:200_000], 0)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "200000")
    assert "Upload-Sha256" not in answer.headers
    assert offset_of(hoa, where) == 200_000
    answer = send(hoa, where, SOUND[200_000:], 200_000)
    assert answer.headers["Upload-Sha256"] == SHA
    assert (config.uploads / SHA).read_bytes() == SOUND


def test_it_goes_on_after_a_restart_of_the_server(hoa, where, config, restarted):
    send(hoa, where, SOUND[:100_000], 0)
    restarted()
    assert offset_of(hoa, where) == 100_000
    send(hoa, where, SOUND[100_000:150_000], 100_000)
    restarted()
    assert send(hoa, where, SOUND[150_000:], 150_000).headers["Upload-Sha256"] == SHA
    assert (config.uploads / SHA).read_bytes() == SOUND


def test_who_lost_the_last_answer_asks_for_the_hash_again(hoa, where):
    send(hoa, where, SOUND, 0)
    answer = hoa.head(where, headers=TUS)
    assert answer.headers["Upload-Offset"] == answer.headers["Upload-Length"] == str(len(SOUND))
    assert answer.headers["Upload-Sha256"] == SHA
    assert send(hoa, where, b"x", len(SOUND)).status_code == 409


def test_a_file_whose_server_died_before_handing_it_over_is_handed_over(
    hoa, where, config, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(transfer_store.Transfer, "settle", lambda *_: 1 / 0)
        assert send(hoa, where, SOUND, 0).status_code == 500
    assert not (config.uploads / SHA).exists()
    assert hoa.head(where, headers=TUS).headers["Upload-Sha256"] == SHA
    assert (config.uploads / SHA).read_bytes() == SOUND


def test_a_piece_at_the_wrong_place_is_refused_and_harms_nothing(hoa, where, config):
    send(hoa, where, SOUND[:1000], 0)
    for offset in (0, 999, 1001, 5000):
        answer = send(hoa, where, SOUND[offset:], offset)
        assert (answer.status_code, answer.mimetype) == (409, "text/plain")
    assert send(hoa, where, SOUND[1000:], 1000).headers["Upload-Sha256"] == SHA


def test_a_piece_that_is_not_what_its_checksum_says_leaves_no_trace(hoa, where):
    digest = base64.b64encode(hashlib.sha256(SOUND[:1000]).digest()).decode()
    promise = {"Upload-Checksum": f"sha256 {digest}"}
    answer = send(hoa, where, b"x" * 1000, 0, **promise)
    assert answer.status_code == 460
    assert offset_of(hoa, where) == 0
    assert send(hoa, where, SOUND[:1000], 0, **promise).status_code == 204
    assert send(hoa, where, SOUND[1000:], 1000).headers["Upload-Sha256"] == SHA
    assert send(hoa, where, b"", 0, **{"Upload-Checksum": "crc32 x"}).status_code in (400, 409)


def test_more_than_was_announced_is_refused_and_harms_nothing(hoa):
    where = begin(hoa, 1000).location
    assert send(hoa, where, SOUND[:2000], 0).status_code == 413
    assert offset_of(hoa, where) == 0
    assert send(hoa, where, SOUND[:1000], 0).status_code == 204


@pytest.mark.parametrize(
    ("length", "status", "sentence"),
    [
        ("1000001", 413, "quá giới hạn 1 MB"),
        ("0", 400, "trống (0 byte)"),
        ("-5", 400, "Hãy tải lại trang"),
        ("nhiều".encode().decode("latin-1"), 400, "Hãy tải lại trang"),
        ("", 400, "Hãy tải lại trang"),
    ],
)
def test_the_length_is_judged_before_the_first_byte(hoa, config, length, status, sentence):
    answer = begin(hoa, length)
    assert (answer.status_code, answer.mimetype) == (status, "text/plain")
    assert sentence in answer.text
    assert not list((config.data / "transfers").glob("*"))


def test_a_full_disk_is_known_before_the_first_byte(hoa, monkeypatch):
    monkeypatch.setattr(transfers, "SPARE_BYTES", 10**18)
    answer = begin(hoa)
    assert (answer.status_code, "Ổ đĩa" in answer.text) == (507, True)


def test_it_speaks_one_version(hoa, where):
    for answer in (
        hoa.post("/tep", headers={"Upload-Length": "5"}),
        hoa.head(where),
        hoa.delete(where, headers={"Tus-Resumable": "0.2.2"}),
        hoa.patch(where, data=b"x", headers={**PIECE, "Tus-Resumable": "2.0.0"}),
    ):
        assert (answer.status_code, answer.headers["Tus-Version"]) == (412, "1.0.0")
    assert send(hoa, where, b"x", 0, **{"Content-Type": "text/plain"}).status_code == 415


def test_only_who_began_it_may_go_on(hoa, minh, lan, client, where):
    assert send(minh, where, SOUND, 0).status_code == 404
    assert minh.head(where, headers=TUS).status_code == 404
    assert minh.delete(where, headers=TUS).status_code == 404
    assert send(lan, where, SOUND, 0).status_code == 403
    assert send(client, where, SOUND, 0).status_code == 401
    assert offset_of(hoa, where) == 0


@pytest.mark.parametrize("other", ["0" * 32, "x", "..", "%2e%2e%2fsecrets"])
def test_there_are_no_other_transfers(hoa, where, other):
    assert hoa.head(f"/tep/{other}", headers=TUS).status_code == 404


def test_one_that_is_given_up_is_gone(hoa, where, config):
    send(hoa, where, SOUND[:1000], 0)
    assert hoa.delete(where, headers=TUS).status_code == 204
    assert hoa.head(where, headers=TUS).status_code == 404
    assert not list((config.data / "transfers").glob("*"))


def test_a_finished_one_given_up_leaves_its_file(hoa, where, config):
    send(hoa, where, SOUND, 0)
    hoa.delete(where, headers=TUS)
    assert (config.uploads / SHA).exists()


def left(config):
    return sorted(path.suffix for path in (config.data / "transfers").iterdir())


@pytest.fixture
def meanwhile(monkeypatch):
    """Something that happens just before or after a step of the store, as if in another thread."""

    def put(name, before=None, after=None):
        real = getattr(transfer_store.Transfer, name)

        def step(self, *facts):
            if before:
                before(self)
            found = real(self, *facts)
            if after:
                after(self)
            return found

        monkeypatch.setattr(transfer_store.Transfer, name, step)

    return put


@pytest.mark.parametrize(
    ("step", "when"),
    [
        ("held", "before"), ("seal_with", "before"), ("seal_with", "after"), ("settle", "before"),
        ("touch", "before"), ("_demand_same", "before"),
    ],
)  # fmt: skip
def test_one_given_up_during_its_last_piece_is_not_acknowledged(
    hoa, where, config, meanwhile, step, when
):
    meanwhile(step, **{when: transfer_store.Transfer.drop})
    answer = send(hoa, where, SOUND, 0)
    assert (answer.status_code, answer.mimetype) == (404, "text/plain")
    assert "gửi lại tệp từ đầu" in answer.text
    assert "Upload-Sha256" not in answer.headers
    assert left(config) == []


def test_one_given_up_in_the_middle_of_its_hand_over_is_not_acknowledged(
    hoa, where, config, monkeypatch
):
    real = uploads.keep

    def keep(config, part, sha256):
        part.unlink()
        return real(config, part, sha256)

    monkeypatch.setattr(uploads, "keep", keep)
    assert send(hoa, where, SOUND, 0).status_code == 404
    assert not (config.uploads / SHA).exists()


def test_what_is_acknowledged_is_among_the_uploads_even_if_given_up_right_after(
    hoa, where, config, meanwhile
):
    meanwhile("touch", after=transfer_store.Transfer.drop)
    assert send(hoa, where, SOUND, 0).headers["Upload-Sha256"] == SHA
    assert (config.uploads / SHA).read_bytes() == SOUND
    assert left(config) == []


def test_one_given_up_during_a_piece_leaves_nothing(hoa, where, config, meanwhile):
    meanwhile("touch", before=transfer_store.Transfer.drop)
    assert send(hoa, where, SOUND[:1000], 0).status_code == 404
    assert left(config) == []
    assert where.rsplit("/", 1)[1] not in transfer_store._digests


@pytest.mark.parametrize("step", ["settle", "offset", "held", "_demand_same"])
def test_one_given_up_while_somebody_asks_is_gone(hoa, where, config, meanwhile, step):
    send(hoa, where, SOUND[:1000], 0)
    meanwhile(step, before=transfer_store.Transfer.drop)
    answer = hoa.head(where, headers=TUS)
    assert answer.status_code == 404
    assert left(config) == []


def test_who_asks_while_it_is_handed_over_is_told_that_all_is_here(
    hoa, where, config, monkeypatch, meanwhile
):
    with monkeypatch.context() as patch:
        patch.setattr(transfer_store.Transfer, "settle", lambda *_: 1 / 0)
        send(hoa, where, SOUND, 0)
    (config.uploads).mkdir(exist_ok=True)

    def hand_over(transfer):
        if transfer.part.exists():
            transfer.part.rename(config.uploads / SHA)

    meanwhile("held", before=hand_over)
    answer = hoa.head(where, headers=TUS)
    assert (answer.status_code, answer.headers["Upload-Sha256"]) == (200, SHA)
    assert answer.headers["Upload-Offset"] == str(len(SOUND))


def test_a_piece_that_comes_while_it_is_handed_over_is_one_too_many(
    hoa, where, config, monkeypatch, meanwhile
):
    """Not 404, which would make the sender begin again."""

    def finish(transfer):
        if not transfer.sha256:
            config.uploads.mkdir(exist_ok=True)
            transfer.seal.write_text(SHA)
            transfer.part.rename(config.uploads / SHA)

    meanwhile("held", before=finish)
    assert send(hoa, where, SOUND, 0).status_code == 409
    assert hoa.head(where, headers=TUS).headers["Upload-Sha256"] == SHA


def test_one_whose_upload_is_no_longer_there_is_gone(hoa, where, config):
    send(hoa, where, SOUND, 0)
    (config.uploads / SHA).unlink()
    assert hoa.head(where, headers=TUS).status_code == 404


def test_one_swept_while_others_are_counted_is_none_of_them(config, cast, where, monkeypatch):
    folder = config.data / "transfers"
    monkeypatch.setattr(transfer_store.Transfer, "sha256", property(lambda self: self.drop() or ""))
    assert transfer_store.unfinished(folder, cast.hoa.id) == []


def test_what_is_swept_leaves_no_seal_behind(hoa, where, clock, config, monkeypatch):
    """One that is sealed between two steps of the sweeping."""
    send(hoa, where, SOUND[:1000], 0)
    clock.move(2 * DAY + MINUTE)
    real = transfer_store.Transfer.drop

    def drop(self):
        self.seal.write_text(SHA)
        real(self)

    monkeypatch.setattr(transfer_store.Transfer, "drop", drop)
    transfer_store.sweep(config.data / "transfers", clock.now)
    assert left(config) == []


def test_one_left_alone_for_two_days_makes_room(hoa, where, clock, config):
    send(hoa, where, SOUND[:1000], 0)
    clock.move(2 * DAY - MINUTE)
    send(hoa, where, SOUND[1000:2000], 1000)
    clock.move(2 * DAY)
    begin(hoa)
    assert offset_of(hoa, where) == 2000
    clock.move(MINUTE)
    begin(hoa)
    assert hoa.head(where, headers=TUS).status_code == 404


def test_a_person_has_a_few_open_ones(hoa, minh, where, clock):
    for _ in range(transfers.MOST_OPEN - 1):
        assert begin(hoa).status_code == 201
    refused = begin(hoa)
    assert (refused.status_code, "gửi dở 6 tệp" in refused.text) == (429, True)
    assert begin(minh).status_code == 201
    send(hoa, where, SOUND, 0)
    assert begin(hoa).status_code == 201  # one that is finished is none
    clock.move(HOUR)
    assert begin(hoa).status_code == 201  # the one longest left alone made room


def test_a_name_comes_without_folders(hoa, config):
    where = begin(hoa, **named("C:\\ghi âm\\..\\họp\x00.mp3")).location
    note = config.data / "transfers" / (where.rsplit("/", 1)[1] + ".json")
    assert "họp.mp3" in note.read_text()
    assert "ghi âm" not in note.read_text()
    assert begin(hoa, **{"Upload-Metadata": "filename ###"}).status_code == 400


# Through the real server


def test_a_forged_piece_is_refused(served):
    hoa = Visitor(served).sign_in("hoa", PASSWORD)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', hoa.page("/")).group(1)
    told = {**TUS, "Upload-Length": "5"}
    assert hoa.session.post(served + "/tep", headers=told, timeout=60).status_code == 400
    told["X-CSRFToken"] = token
    answer = hoa.session.post(served + "/tep", headers=told, timeout=60)
    assert answer.status_code == 201
    where = served + answer.headers["Location"]
    piece = {**PIECE, "Upload-Offset": "0"}
    assert hoa.session.patch(where, b"hello", headers=piece, timeout=60).status_code == 400
    piece["X-CSRFToken"] = token
    answer = hoa.session.patch(where, b"hello", headers=piece, timeout=60)
    assert answer.headers["Upload-Sha256"] == hashlib.sha256(b"hello").hexdigest()
    assert requests.head(where, headers=TUS, timeout=60).status_code == 302
