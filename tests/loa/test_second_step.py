"""Codes of a phone and of paper, and ``loa staff reset``. What the pages do of it: tests/web/test_second_step.py."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from loa import audit, cli, config, one_time, second_step, staff
from loa.audit import AuditEntry
from loa.database import Database
from loa.errors import LoaError
from loa.one_time import PERIOD, Keeper
from loa.second_step import Outcome, SecondStep
from loa.staff import Staff
from loa.times import DAY, MINUTE, Instant, after
from tests.cast import NOON, PASSWORD, Cast, settle_in

RFC = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""The secret of RFC 6238's own examples, 12345678901234567890, in base 32."""


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    now = Instant(seconds * 1_000)
    assert one_time.code_of(RFC, now // PERIOD) == code
    assert one_time.matching(RFC, code, now) == now // PERIOD


@pytest.mark.parametrize(
    ("off", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_phone_may_be_half_a_minute_off(off: int, good: bool) -> None:
    code = one_time.code_of(RFC, NOON // PERIOD + off)
    assert (one_time.matching(RFC, code, NOON) is not None) is good


@pytest.mark.parametrize(
    ("typed", "digits"),
    [("123456", "123456"), (" 123 456 ", "123456"), ("12345", ""), ("1234567", ""), ("12345a", ""), ("١٢٣٤٥٦", "")],
)  # fmt: skip
def test_six_digits_are_read_with_and_without_spaces(typed: str, digits: str) -> None:
    assert one_time.digits_of(typed) == digits


def test_an_app_reads_whose_code_it_is() -> None:
    address = one_time.address(RFC, "minh", "Đài xã Mẫu")
    assert address.startswith("otpauth://totp/")
    assert f"secret={RFC}" in address
    assert "minh" in address
    assert "issuer=" in address


def test_a_paper_code_is_read_as_people_write_it() -> None:
    code, salt = one_time.new_recovery_code(), "ab" * 16
    hashed = one_time.recovery_hash(code, salt)
    assert one_time.recovery_hash(f" {code.upper().replace('-', ' ')} ", salt) == hashed
    assert one_time.recovery_hash(code, "cd" * 16) != hashed
    assert one_time.recovery_hash(code[:-1], salt) == ""


def test_the_keeper_s_key_is_its_owner_s_alone(tmp_path: Path) -> None:
    kept = Keeper(tmp_path / "secrets" / "key").close(RFC)
    assert RFC not in kept
    assert Keeper(tmp_path / "secrets" / "key").open(kept) == RFC
    assert Keeper(tmp_path / "another").open(kept) is None
    assert stat.S_IMODE((tmp_path / "secrets" / "key").stat().st_mode) == 0o600


# -- one person's ---------------------------------------------------------------------------------


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as opened:
        yield opened


@pytest.fixture
def cast(session: Session) -> Cast:
    return settle_in(session, count=0)


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    return second_step.keeper(tmp_path)


@pytest.fixture
def secret(session: Session, cast: Cast, keeper: Keeper) -> str:
    """Minh's, in force since noon."""
    second_step.begin(session, keeper, cast.minh, NOON)
    secret = second_step.pending(session, keeper, cast.minh, NOON)
    assert secret is not None
    second_step.confirm(session, keeper, cast.minh, code(secret), NOON)
    return secret


def code(secret: str, now: Instant = NOON) -> str:
    return one_time.code_of(secret, now // PERIOD)


def attempt(session: Session, keeper: Keeper, person: Staff, typed: str, now: Instant) -> Outcome:
    tried = second_step.prepare(second_step.of(session, person), typed)
    return second_step.attempt(session, keeper, person, tried, now)


def test_setting_up_gives_another_stamp_and_is_in_the_log(
    session: Session, cast: Cast, keeper: Keeper
) -> None:
    before = cast.minh.session_stamp
    second_step.begin(session, keeper, cast.minh, NOON)
    secret = second_step.pending(session, keeper, cast.minh, NOON)
    assert not second_step.is_on(session, cast.minh)
    codes = second_step.confirm(session, keeper, cast.minh, code(str(secret)), NOON)
    assert len(codes) == second_step.codes_left(session, cast.minh) == 10
    assert cast.minh.session_stamp != before
    assert second_step.all_on(session) == {cast.minh.id}
    assert (
        session.scalars(sa.select(AuditEntry.kind).order_by(AuditEntry.n.desc())).first()
        == "second_step.on"
    )


def test_the_code_it_was_set_up_with_is_used(
    session: Session, cast: Cast, keeper: Keeper, secret: str
) -> None:
    assert attempt(session, keeper, cast.minh, code(secret), NOON) is Outcome.USED
    later = after(NOON, PERIOD)
    assert attempt(session, keeper, cast.minh, code(secret, later), later) is Outcome.PASSED
    assert attempt(session, keeper, cast.minh, code(secret, later), later) is Outcome.USED
    # One older than the newest used is good no more either.
    assert attempt(session, keeper, cast.minh, code(secret), later) is Outcome.USED


def test_five_wrong_ones_and_it_waits(
    session: Session, cast: Cast, keeper: Keeper, secret: str
) -> None:
    now = after(NOON, MINUTE)
    for _ in range(staff.WRONG_BEFORE_WAIT):
        assert attempt(session, keeper, cast.minh, "000000", now) is Outcome.WRONG
    assert attempt(session, keeper, cast.minh, code(secret, now), now) is Outcome.WAIT
    noted = sa.select(sa.func.count()).where(AuditEntry.kind == "second_step.failed")
    assert session.scalar(noted) == staff.WRONG_BEFORE_WAIT
    now = after(now, staff.WAIT)
    assert attempt(session, keeper, cast.minh, code(secret, now), now) is Outcome.PASSED


def test_one_person_s_wrong_codes_are_nobody_else_s(
    session: Session, cast: Cast, keeper: Keeper, secret: str
) -> None:
    second_step.begin(session, keeper, cast.admin, NOON)
    other = str(second_step.pending(session, keeper, cast.admin, NOON))
    codes = second_step.confirm(session, keeper, cast.admin, code(other), NOON)
    now = after(NOON, MINUTE)
    for _ in range(staff.WRONG_BEFORE_WAIT):
        attempt(session, keeper, cast.admin, codes[0][:-1] + "!", now)
    assert attempt(session, keeper, cast.minh, codes[0], now) is Outcome.WRONG
    assert attempt(session, keeper, cast.minh, code(secret, now), now) is Outcome.PASSED
    assert attempt(session, keeper, cast.admin, codes[0], now) is Outcome.RECOVERED


def test_a_clock_that_ran_ahead_leaves_nothing_behind(
    session: Session, cast: Cast, keeper: Keeper, secret: str
) -> None:
    ahead = after(NOON, 400 * DAY)
    assert attempt(session, keeper, cast.minh, code(secret, ahead), ahead) is Outcome.PASSED
    for _ in range(staff.WRONG_BEFORE_WAIT):
        attempt(session, keeper, cast.minh, "000000", ahead)
    right = after(NOON, MINUTE)
    assert attempt(session, keeper, cast.minh, code(secret, right), right) is Outcome.PASSED


def test_taking_it_off_leaves_no_secret_and_no_paper(
    session: Session, cast: Cast, keeper: Keeper, secret: str
) -> None:
    assert second_step.take_off(session, cast.minh, NOON, "quantri")
    step = session.get_one(SecondStep, cast.minh.id)
    assert (step.secret, step.removed_by) == (None, "quantri")
    assert second_step.codes_left(session, cast.minh) == 0
    assert not second_step.take_off(session, cast.minh, NOON, "quantri")
    assert attempt(session, keeper, cast.minh, code(secret), NOON) is Outcome.WRONG


def test_there_is_no_paper_without_a_phone(session: Session, cast: Cast) -> None:
    with pytest.raises(LoaError, match="chưa đặt"):
        second_step.renew_codes(session, cast.minh, NOON)


# -- loa staff ------------------------------------------------------------------------------------


@pytest.fixture
def station(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Database:
    """After ``loa init``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("[station]\nname = 'Đài thử'\n")
    assert cli.main(["init"]) == 0
    capsys.readouterr()
    return Database(config.load(tmp_path / "config.toml").database_url)


def admin(database: Database) -> Staff:
    with database.read() as session:
        return session.scalars(sa.select(Staff).where(Staff.login == "quantri")).one()


def test_a_lost_admin_password_is_set_anew(
    station: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    before = admin(station)
    with station.write() as session:
        for _ in range(staff.WRONG_BEFORE_WAIT):
            staff.record_sign_in(session, ("login:quantri",), None, NOON)
    assert cli.main(["staff", "reset", "quantri"]) == 0
    printed = capsys.readouterr().out
    password = re.search(r"mật khẩu mới: (\S+)", printed)[1]
    person = admin(station)
    assert staff.password_matches(person, password)
    assert person.session_stamp != before.session_stamp
    with station.read() as session:
        assert not staff.wait_before_sign_in(session, ("login:quantri",), NOON)
        entry = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.n.desc())).first()
        assert (entry.actor, entry.kind) == (audit.SYSTEM, "staff.password")
        assert json.loads(entry.data) == {"login": "quantri"}
        assert password not in entry.data


@pytest.mark.parametrize("off", [False, True])
def test_the_second_step_goes_only_where_asked(
    station: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str], off: bool
) -> None:
    keeper = second_step.keeper(tmp_path / "data" / "secrets")
    with station.write() as session:
        person = session.scalars(sa.select(Staff)).one()
        second_step.begin(session, keeper, person, NOON)
        secret = str(second_step.pending(session, keeper, person, NOON))
        second_step.confirm(session, keeper, person, code(secret), NOON)
    assert cli.main(["staff", "reset", "quantri", *(["--second-step"] if off else [])]) == 0
    assert ("Đã tắt bước xác nhận thứ hai" if off else "vẫn bật") in capsys.readouterr().out
    assert cli.main(["staff", "list"]) == 0
    listed = capsys.readouterr().out
    assert ("chỉ mật khẩu" if off else "có bước xác nhận thứ hai") in listed


def test_an_unknown_login_is_a_sentence_with_those_there_are(
    station: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["staff", "reset", "quan-tri"]) == cli.FAILED
    told = capsys.readouterr().err
    assert "“quan-tri”" in told
    assert "quantri" in told
    assert PASSWORD not in told
