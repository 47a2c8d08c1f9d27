from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.orm import Session

from devices import (
    admission,
    broker,
    claim_desk,
    claims,
    clones,
    groups,
    messages,
    receivers,
    signing,
)
from devices.admission import Answer, BadClaim, Grant
from devices.claim_desk import Refusal, Taken
from devices.claims import CODE_LIFE, Claim, Kind, Place, State
from devices.receiver.identity import Mqtt, Station
from devices.receivers import Journal, Receiver
from devices.signing import PrivateKey
from loa import audit
from loa.config import Secret
from loa.database import Database
from loa.errors import DeviceError
from loa.times import MINUTE, SECOND, Instant, after
from scheduler import receipts
from tests.cast import NOON, Cast, settle_in
from tests.devices.receiver_rig import T0, Bench

SECRET = Secret("of the station")
HOME = "10.0.0.9"


class Office:
    """Staff at the page, and boxes that call."""

    def __init__(self, session: Session, cast: Cast) -> None:
        self.session, self.cast = session, cast

    def place(self, name: str = "Cột chợ") -> Place:
        return Place(name, self.cast.villages[0], volume=55, households=80)

    def add(self, serial: str = "SN-001", **more: object) -> Claim:
        claim = claims.add(
            self.session, self.place(), serial=serial, now=NOON, by="quantri", **more
        )
        claims.issue(self.session, claim, now=NOON, by="quantri")
        return claim

    def reissue(self, rid: str, serial: str = "") -> Claim:
        receiver = receivers.get(self.session, rid)
        claim = claims.reissue(self.session, receiver, serial=serial, now=NOON, by="quantri")
        claims.issue(self.session, claim, now=NOON, by="quantri")
        return claim

    def call(
        self, key: PrivateKey, serial: str, code: str, now: Instant = NOON, address: str = HOME
    ) -> Taken | Refusal:
        asking = admission.ask(key, serial, admission.code_key(code, serial), now)
        return self.take(asking.token, now, address)

    def take(self, token: bytes, now: Instant = NOON, address: str = HOME) -> Taken | Refusal:
        return claim_desk.take(self.session, token, address=address, now=now, secret=SECRET)

    def kinds(self) -> list[str]:
        return list(
            self.session.scalars(sa.select(audit.AuditEntry.kind).order_by(audit.AuditEntry.n))
        )


def box() -> PrivateKey:
    return signing.generate("box")


def shown(claim: Claim) -> str:
    assert claim.code is not None
    return claim.code


@pytest.fixture
def office(database: Database) -> Iterator[Office]:
    with database.write() as session:
        yield Office(session, settle_in(session))


# -- the right box with the right code ------------------------------------------------------------


def test_a_box_that_knows_the_code_becomes_a_receiver_and_gets_no_broadcast_yet(
    office: Office,
) -> None:
    claim, key = office.add(), box()
    taken = office.call(key, "SN-001", shown(claim))
    assert isinstance(taken, Taken)
    receiver = receivers.get(office.session, taken.receiver_id)
    assert (receiver.public_key, receiver.name, receiver.volume) == (key.public.x, "Cột chợ", 55)
    assert broker.check_password(taken.password, receiver.password_hash)
    assert receiver.id in {a.username for a in receivers.accounts(office.session, NOON)}
    village = [office.cast.villages[0].id]
    assert receiver not in receivers.in_areas(office.session, village)

    claims.confirm(office.session, claim, now=after(NOON, MINUTE), by="quantri")
    assert receiver in receivers.in_areas(office.session, village)
    assert (claim.state, claim.code, claim.code_key) == (State.CONFIRMED, None, None)
    wanted = ["claim.add", "claim.code", "receiver.add", "claim.taken", "claim.confirm"]
    assert office.kinds()[-5:] == wanted


def test_receivers_added_by_hand_count_as_heard(office: Office) -> None:
    assert all(r.confirmed_at == r.added_at for r in office.cast.receivers)
    assert len(receivers.in_areas(office.session, [office.cast.commune.id])) == 3


def test_the_answer_opens_for_the_asking_box_alone(office: Office) -> None:
    claim = office.add()
    code_key = admission.code_key(shown(claim), "SN-001")
    asking = admission.ask(box(), "SN-001", code_key, NOON)
    taken = office.take(asking.token)
    assert isinstance(taken, Taken)
    station = Station("r-0003", (), Mqtt("mqtt.xa", 8883, "r-0003", taken.password))
    answer = admission.grant(taken.claim, taken.code_key, Grant(1, station, "PEM"))
    assert taken.password not in json.dumps([answer.epk, answer.box])
    assert admission.open_answer(asking, answer) == Grant(1, station, "PEM")

    other = admission.ask(box(), "SN-001", code_key, NOON)
    forger = admission.grant(
        taken.claim, admission.code_key("AAAA-AAAA", "SN-001"), Grant(1, station)
    )
    for opener, answered in ((other, answer), (asking, forger)):
        with pytest.raises(BadClaim):
            admission.open_answer(opener, answered)


def test_the_same_box_may_ask_again_and_gets_the_same(office: Office) -> None:
    claim, key = office.add(), box()
    first = office.call(key, "SN-001", shown(claim))
    assert isinstance(first, Taken)
    before = len(office.kinds())
    # The last moment of its code; the power was cut, and it is back nine minutes later.
    late = after(NOON, CODE_LIFE - 1)
    again = office.call(key, "SN-001", shown(claim), after(late, 0))
    assert isinstance(again, Taken)
    assert (again.receiver_id, again.password) == (first.receiver_id, first.password)
    assert len(office.kinds()) == before
    assert len(office.session.scalars(sa.select(Receiver)).unique().all()) == 4


def test_a_power_cut_at_the_last_moment_leaves_ten_minutes(office: Office) -> None:
    claim, key = office.add(), box()
    last = after(NOON, CODE_LIFE - 1)
    assert isinstance(office.call(key, "SN-001", shown(claim), last), Taken)
    assert isinstance(office.call(key, "SN-001", shown(claim), after(last, CODE_LIFE - 1)), Taken)
    assert office.call(key, "SN-001", shown(claim), after(last, CODE_LIFE)) is Refusal.EXPIRED


# -- the wrong ones -------------------------------------------------------------------------------


def test_a_serial_nobody_registered_and_a_wrong_code_are_told_the_same(office: Office) -> None:
    claim = office.add()
    assert office.call(box(), "SN-999", shown(claim)) is Refusal.REFUSED
    assert office.call(box(), "SN-001", "AAAA-AAAA") is Refusal.REFUSED
    assert claim.wrong == 1


def test_five_wrong_codes_kill_the_code_and_a_new_one_works(office: Office) -> None:
    claim = office.add()
    right = shown(claim)
    for _ in range(claims.WRONG_MOST):
        assert office.call(box(), "SN-001", "AAAA-AAAA") is Refusal.REFUSED
    assert (claim.is_dead, claim.code, office.kinds().count("claim.wrong")) == (True, None, 5)
    assert office.kinds()[-1] == "claim.dead"
    assert office.call(box(), "SN-001", right) is Refusal.REFUSED
    claims.issue(office.session, claim, now=NOON, by="quantri")
    assert not claim.is_dead
    assert isinstance(office.call(box(), "SN-001", shown(claim)), Taken)


def test_a_code_is_good_for_ten_minutes(office: Office) -> None:
    claim = office.add()
    assert claim.has_code(after(NOON, CODE_LIFE - 1))
    assert not claim.has_code(after(NOON, CODE_LIFE))
    assert office.call(box(), "SN-001", shown(claim), after(NOON, CODE_LIFE)) is Refusal.EXPIRED


def test_a_code_is_good_for_one_box(office: Office) -> None:
    claim = office.add()
    first = office.call(box(), "SN-001", shown(claim))
    assert isinstance(first, Taken)
    assert office.call(box(), "SN-001", shown(claim)) is Refusal.USED
    assert receivers.get(office.session, first.receiver_id).public_key == first.claim.x


def test_a_new_code_makes_the_one_before_worthless(office: Office) -> None:
    claim = office.add()
    old = shown(claim)
    claims.issue(office.session, claim, now=NOON, by="quantri")
    assert office.call(box(), "SN-001", old) is Refusal.REFUSED


def test_a_cancelled_claim_is_as_if_it_had_never_been(office: Office) -> None:
    claim = office.add()
    code = shown(claim)
    claims.cancel(office.session, claim, now=NOON, by="quantri")
    assert office.call(box(), "SN-001", code) is Refusal.REFUSED
    with pytest.raises(DeviceError, match="đã huỷ"):
        claims.issue(office.session, claim, now=NOON, by="quantri")


def test_cancelling_after_the_box_came_takes_it_out_of_service(office: Office) -> None:
    claim = office.add()
    taken = office.call(box(), "SN-001", shown(claim))
    assert isinstance(taken, Taken)
    claims.cancel(office.session, claim, now=NOON, by="quantri")
    receiver = receivers.get(office.session, taken.receiver_id)
    assert (receiver.active, receiver.retired_at) == (False, NOON)


def test_a_key_nobody_has_shown_to_hold_is_not_registered(office: Office) -> None:
    """Whoever names another's public key cannot sign with it."""
    claim, mine, theirs = office.add(), box(), box()
    code = admission.code_key(shown(claim), "SN-001")
    honest = admission.ask(theirs, "SN-001", code, NOON)
    forged = mine.sign(signing.payload(honest.token), admission.KIND)
    assert office.take(forged) is Refusal.SHAPE
    assert office.session.scalar(sa.select(Receiver.id).where(Receiver.name == "Cột chợ")) is None


@pytest.mark.parametrize(
    "token", [b"", b"a.b.c", b"x" * 5_000, b"e30.e30.", b"\xff\xfe.\x00.", b"." * 99]
)
def test_what_is_no_claim_is_refused_and_counted(office: Office, token: bytes) -> None:
    assert office.take(token) is Refusal.SHAPE
    assert office.session.scalar(sa.select(sa.func.count(claim_desk.Failure.id))) == 1


def test_another_type_or_another_name_is_no_claim(office: Office) -> None:
    claim, key = office.add(), box()
    asking = admission.ask(key, "SN-001", admission.code_key(shown(claim), "SN-001"), NOON)
    payload = signing.payload(asking.token)
    as_plan = PrivateKey("SN-001", key.seed).sign(payload, "loa-plan")
    as_other = PrivateKey("SN-002", key.seed).sign(payload, admission.KIND)
    assert [office.take(token) for token in (as_plan, as_other)] == [Refusal.SHAPE] * 2


def test_a_claim_for_one_serial_is_none_for_another(office: Office) -> None:
    """Two boxes on one table: the codes must not be mixed up."""
    first, second = office.add("SN-001"), office.add("SN-002")
    assert office.call(box(), "SN-002", shown(first)) is Refusal.REFUSED
    assert (first.wrong, second.wrong) == (0, 1)


def test_an_address_that_keeps_trying_is_not_listened_to(office: Office) -> None:
    claim = office.add()
    for number in range(claim_desk.ADDRESS_MOST):
        assert office.call(box(), f"SN-X{number}", "AAAA-AAAA") is Refusal.REFUSED
    key, code = box(), shown(claim)
    assert office.call(key, "SN-001", code) is Refusal.SLOW
    assert isinstance(office.call(key, "SN-001", code, address="10.0.0.10"), Taken)
    later = after(NOON, claim_desk.ADDRESS_WITHIN)
    claims.issue(office.session, claim, now=later, by="quantri")
    assert isinstance(office.call(key, "SN-001", shown(claim), later), Taken)


@pytest.mark.parametrize("whose", ["another", "former"])
def test_a_key_is_one_boxs_own(office: Office, whose: str) -> None:
    key = office.cast.keys["r-0000"]
    if whose == "former":
        claim = office.reissue("r-0000")
        assert isinstance(office.call(box(), "R-0000", shown(claim)), Taken)
    claim = office.add()
    assert office.call(key, "SN-001", shown(claim)) is Refusal.KEY
    assert claim.state is State.WAITING


# -- what staff say of it -------------------------------------------------------------------------


def test_ids_and_serials_are_given_where_none_is_said(office: Office) -> None:
    first, second = office.add(""), office.add("")
    assert [c.receiver_id for c in (first, second)] == ["r-0003", "r-0004"]
    assert [c.serial for c in (first, second)] == ["R-0003", "R-0004"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("id", "r-0000"), ("id", "them"), ("id", "Cột"), ("id", "cho-1"), ("serial", "sn 1/2"),
     ("serial", "sn-001"), ("serial", "x")],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_field(office: Office, field: str, value: str) -> None:
    office.add(id="cho-1")
    with pytest.raises(DeviceError) as refused:
        office.add(**{"serial": "SN-002", field: value})
    assert refused.value.field == field


def test_a_receiver_added_by_hand_meanwhile_keeps_its_id(office: Office) -> None:
    claim = office.add(id="cho-1")
    receivers.add(
        office.session, id="cho-1", name="Tay", area=office.cast.commune, public_key=box().public.x,
        password="x" * 16, now=NOON, by="quantri",
    )  # fmt: skip
    taken = office.call(box(), "SN-001", shown(claim))
    assert isinstance(taken, Taken)
    assert taken.receiver_id == "r-0003"
    assert receivers.get(office.session, "cho-1").name == "Tay"


def test_a_clock_that_is_wrong_is_told_not_judged(office: Office) -> None:
    claim = office.add()
    asking = admission.ask(box(), "SN-001", admission.code_key(shown(claim), "SN-001"), 0)
    assert isinstance(office.take(asking.token), Taken)
    assert claim.clock_off_ms == -NOON


# -- instead of another, and anew -----------------------------------------------------------------


def test_a_new_box_stands_in_for_a_broken_one_once_it_was_heard(office: Office) -> None:
    old = office.cast.receivers[0]
    old.delay_ms = 120
    groups.add(office.session, "Trường học", [old.id], now=NOON, by="quantri")
    claim = office.add("SN-NEW", replaces=old)
    assert (claim.kind, claim.receiver_id) == (Kind.REPLACE, "r-0000-b")
    taken = office.call(box(), "SN-NEW", shown(claim))
    assert isinstance(taken, Taken)
    assert old.active
    claims.confirm(office.session, claim, now=after(NOON, MINUTE), by="quantri")
    new = receivers.get(office.session, taken.receiver_id)
    assert (old.active, old.retired_at, new.active) == (False, after(NOON, MINUTE), True)
    assert claims.replaced_by(office.session, old.id) is new
    assert claims.replaces(office.session, new.id) is old
    assert "receiver.replace" in office.kinds()
    held = office.session.scalars(groups.select_of(new.id))
    assert [group.name for group in held] == ["Trường học"]
    assert (new.delay_ms, new.muted) == (120, False)
    # And again: the third box gets a letter of its own, not another tail.
    assert office.add("SN-3", replaces=new).receiver_id == "r-0000-c"


def reissued(office: Office, rid: str = "r-0000") -> tuple[Claim, PrivateKey]:
    claim, key = office.reissue(rid, "SN-7"), box()
    assert isinstance(office.call(key, "SN-7", shown(claim)), Taken)
    return claim, key


def test_a_wiped_receiver_begins_anew_under_its_name(office: Office) -> None:
    receiver = office.cast.receivers[0]
    old_key = receiver.public_key
    journal = Journal(receiver_id="r-0000", jid="j-old", upto=7, head="", begun_at=NOON)
    office.session.add(journal)
    claim, key = reissued(office)
    assert receiver.public_key == key.public.x
    assert receiver.confirmed_at is None
    assert journal.closed_at == NOON
    (former,) = claims.former_keys(office.session, "r-0000")
    assert (former.public_key, former.since, former.until) == (old_key, NOON, NOON)
    assert "journal.closed" in office.kinds()
    claims.confirm(office.session, claim, now=NOON, by="quantri")
    assert receiver.confirmed_at == NOON
    assert claims.serial_of(office.session, "r-0000") == "SN-7"


def test_evidence_signed_with_a_former_key_can_still_be_checked(
    office: Office, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bench = Bench(tmp_path_factory.mktemp("box")).boot()
    receiver = office.cast.receivers[0]
    receiver.public_key = bench.identity.key.public.x
    bench.until(T0 + 2 * SECOND)
    topic = messages.events_topic(bench.identity.rid)
    batch = [payload for to, payload in bench.wire.take() if to == topic][-1]
    _, key = reissued(office)
    (former,) = claims.former_keys(office.session, "r-0000")
    rid = bench.identity.rid
    assert receipts.verify(rid, batch, former.public_key).entries
    with pytest.raises(signing.BadSignature):
        receipts.verify(rid, batch, key.public.x)


def test_the_same_key_again_goes_on_with_the_same_journal(office: Office) -> None:
    """What it was given was lost, and nothing else: nothing of its past is closed."""
    receiver = office.cast.receivers[0]
    journal = Journal(receiver_id="r-0000", jid="j", upto=7, head="", begun_at=NOON)
    office.session.add(journal)
    before = receiver.password_hash
    claim = office.reissue("r-0000", "SN-7")
    assert isinstance(office.call(office.cast.keys["r-0000"], "SN-7", shown(claim)), Taken)
    assert receiver.password_hash != before
    assert (journal.closed_at, claims.former_keys(office.session, "r-0000")) == (None, [])


def test_beginning_anew_ends_the_alarms_of_the_life_before(office: Office) -> None:
    clones.alarm(office.session, "r-0000", "boot", NOON)
    office.session.add(
        Journal(receiver_id="r-0000", jid="j", upto=1, head="", begun_at=NOON, tampered_at=NOON)
    )
    office.session.flush()
    assert len(clones.standing(office.session)) == len(receivers.contradicted(office.session)) == 1
    reissued(office)
    assert clones.standing(office.session) == receivers.contradicted(office.session) == []


def test_until_the_box_comes_nothing_of_the_receiver_changes(office: Office) -> None:
    receiver = office.cast.receivers[0]
    key, confirmed = receiver.public_key, receiver.confirmed_at
    claim = office.reissue("r-0000")
    assert (receiver.public_key, receiver.confirmed_at) == (key, confirmed)
    claims.cancel(office.session, claim, now=NOON, by="quantri")
    assert (receiver.public_key, receiver.active) == (key, True)


def test_a_retired_receiver_is_replaced_not_begun_anew(office: Office) -> None:
    receiver = office.cast.receivers[0]
    receivers.retire(office.session, receiver, now=NOON, by="quantri")
    with pytest.raises(DeviceError, match="ngừng dùng"):
        claims.reissue(office.session, receiver, now=NOON, by="quantri")


def test_beginning_anew_twice_is_one_wait_with_a_newer_code(office: Office) -> None:
    first = office.reissue("r-0000")
    before = shown(first)
    second = office.reissue("r-0000", "SN-9")
    assert first is second
    assert (second.serial, shown(second) == before) == ("SN-9", False)


def test_a_box_not_yet_heard_begins_anew_without_going_out_of_service(office: Office) -> None:
    """Its card broke on the day it was put up."""
    claim = office.add()
    first = office.call(box(), "SN-001", shown(claim))
    assert isinstance(first, Taken)
    again = office.reissue(first.receiver_id)
    key = box()
    second = office.call(key, "SN-001", shown(again))
    assert isinstance(second, Taken)
    receiver = receivers.get(office.session, first.receiver_id)
    assert (again, receiver.active, receiver.public_key) == (claim, True, key.public.x)
    assert second.password != first.password
    claims.confirm(office.session, again, now=NOON, by="quantri")
    assert receiver.confirmed_at == NOON


def test_a_receiver_put_out_of_service_meanwhile_is_not_taken_back(office: Office) -> None:
    claim = office.reissue("r-0000")
    receivers.retire(office.session, office.cast.receivers[0], now=NOON, by="quantri")
    assert office.call(box(), "R-0000", shown(claim)) is Refusal.REFUSED
    other = office.add()
    taken = office.call(box(), "SN-001", shown(other))
    assert isinstance(taken, Taken)
    new = receivers.get(office.session, taken.receiver_id)
    receivers.retire(office.session, new, now=NOON, by="quantri")
    with pytest.raises(DeviceError, match="ngừng dùng"):
        claims.confirm(office.session, other, now=NOON, by="quantri")
    claims.cancel(office.session, other, now=NOON, by="quantri")
    assert other.state is State.CANCELLED


def test_confirming_needs_a_box(office: Office) -> None:
    with pytest.raises(DeviceError, match="chưa nhận mã"):
        claims.confirm(office.session, office.add(), now=after(NOON, SECOND), by="quantri")


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [("abcd-efgh", "ABCD-EFGH"), (" ABCD EFGH ", "ABCD-EFGH"), ("abcdefgh", "ABCD-EFGH"),
     ("ABCD–EFGH", "ABCD-EFGH"), ("ABCD-EFG", None), ("ABCD-EFG0", None), ("", None)],
)  # fmt: skip
def test_codes_are_read_as_people_type_them(typed: str, wanted: str | None) -> None:
    assert admission.plain_code(typed) == wanted


def test_codes_have_no_letters_that_are_mistaken_for_others() -> None:
    assert not set("01OIL") & set(admission.ALPHABET)
    codes = {admission.new_code() for _ in range(200)}
    assert len(codes) == 200
    assert all(admission.plain_code(code) == code for code in codes)


def test_the_published_figures_are_those_the_program_makes() -> None:
    """docs/protocol.md, "Claiming": a maker of another receiver builds with them."""
    document = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
    x, seal = (signing.b64(bytes(range(first, first + 32))) for first in (0, 32))
    key = admission.code_key("ABCD-EFGH", "SN-001")
    proven = admission.Claim(1, "SN-001", x, seal, 0, signing.b64(proof(key, x, seal)))
    assert admission.is_proven(proven, key)
    receiver, station = (X25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (7, 9))
    shared = receiver.exchange(station.public_key())
    named = [signing.b64(each.public_key().public_bytes_raw()) for each in (receiver, station)]
    info = "|".join(("loa/1 claim answer", "SN-001", x, *named)).encode()
    sealed = HKDF(algorithm=SHA256(), length=32, salt=key, info=info).derive(shared)
    for figure in (key.hex(), x, seal, proven.proof, sealed.hex()):
        assert f"`{figure}`" in document


def proof(key: bytes, x: str, seal: str) -> bytes:
    return hmac.new(key, f"loa/1 claim|SN-001|{x}|{seal}".encode(), hashlib.sha256).digest()


def test_an_answer_made_by_the_document_alone_is_opened() -> None:
    """Sealed here without the program's own code: that shows that the document is the contract."""
    code = admission.code_key("ABCD-EFGH", "SN-001")
    asking = admission.ask(box(), "SN-001", code, NOON)
    station = X25519PrivateKey.generate()
    epk = signing.b64(station.public_key().public_bytes_raw())
    claim = asking.claim
    info = "|".join(("loa/1 claim answer", "SN-001", claim.x, claim.seal, epk)).encode()
    shared = station.exchange(X25519PublicKey.from_public_bytes(raw(claim.seal)))
    key = HKDF(algorithm=SHA256(), length=32, salt=code, info=info).derive(shared)
    given = {"v": 1, "station": {"rid": "r-0042", "keys": [], "mqtt": {"host": "h", "port": 1}}}
    sealed = AESGCM(key).encrypt(bytes(12), json.dumps(given).encode(), None)
    granted = admission.open_answer(asking, Answer(1, epk, signing.b64(sealed)))
    assert (granted.station.rid, granted.ca) == ("r-0042", "")


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("seal", [bytes(32), bytes([1]) + bytes(31)])
def test_a_sealing_key_that_is_none_gets_no_answer(office: Office, seal: bytes) -> None:
    """Points of small order: whatever is sealed to them, anybody can open."""
    claim, key = office.add(), box()
    code = admission.code_key(shown(claim), "SN-001")
    text = signing.b64(seal)
    proven = signing.b64(
        hmac.new(
            code, f"loa/1 claim|SN-001|{key.public.x}|{text}".encode(), hashlib.sha256
        ).digest()
    )
    asked = admission.Claim(1, "SN-001", key.public.x, text, NOON, proven)
    with pytest.raises(BadClaim):
        admission.grant(asked, code, Grant(1, Station("r-0042", (), Mqtt("h", 1))))
