"""Tries at the database before the bundle is made, by one who has taken its guards down."""

# ruff: noqa: S608 - the statements are put together of our own words
from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from devices import signing
from tests.evidence.forging import Forged, Forger
from verifier import loa_verify

RID = "r-0000"
OF = f"receiver_id = '{RID}'"
FIRST = "(select id from broadcasts order by starts_at, occurrence limit 1)"
NEWEST = f"(select max(seq) from journal_entries where {OF})"
SQL = {
    "a delivery played longer": ("row", f"update deliveries set played_ms = 1 where {OF} and broadcast_id = {FIRST}"),
    "a delivery began on time": ("row", f"update deliveries set late_ms = 0 where {OF}"),
    "a delivery was louder": ("row", f"update deliveries set volume = 100 where {OF}"),
    "an unknown delivery is played": (
        "row", "update deliveries set state = 'played' where state = 'unknown'",
    ),
    "a missed delivery is played": (
        "row", "update deliveries set state = 'played', reason = null where state = 'missed'",
    ),
    "a delivery is taken out": ("row_missing", f"delete from deliveries where {OF} and broadcast_id = {FIRST}"),
    "a delivery names another sound": ("sound", "update deliveries set recording_sha = last_sha, ms = 30000"),
    "a broadcast is taken back in time": ("order_time", "update broadcasts set starts_at = starts_at - 600000"),
    "a broadcast is moved out of the period": (
        "row_missing", f"update broadcasts set starts_at = starts_at - 864000000 where id = {FIRST}",
    ),
    "a broadcast was no emergency": ("order_class", "update broadcasts set priority = 'normal'"),
    "a broadcast names other approvers": ("approval", "update broadcasts set approver_logins = '[\"lan\"]'"),
    "a journal entry is edited": (
        "journal_signature",
        "update journal_entries set raw = cast(replace(raw, '30000', '30001') as blob) where code = 'played'",
    ),
    "a journal entry is taken out": (
        "journal_signature", f"delete from journal_entries where {OF} and seq = {NEWEST} - 1",
    ),
    "a journal's end is cut off": ("row", f"delete from journal_proofs where {OF} and last = {NEWEST}"),
    "the receivers' signatures are taken out": ("row", "delete from journals"),
    "a plan is taken out": (
        "plan_missing", f"delete from plans where rev = (select max(rev) from deliveries where {OF}) and {OF}",
    ),
    "all plans are taken out": ("plan_missing", "delete from plans"),
    "a plan is another receiver's": (
        "plan",
        f"update plans set jws = (select jws from plans where receiver_id = 'r-0001' limit 1) where {OF}",
    ),
    "an approval is another's": ("approval", "update decisions set staff_id = 3"),
    "an approval is of another sound": (
        "approval", "update decisions set sounds = (select sounds from decisions where id = 2) where id = 1",
    ),
    "an approval is taken out": ("approval", "delete from decisions where id = 1"),
    "an approval is given afterwards": ("approval", "update decisions set at = at + 864000000"),
    "the second consent to an emergency is taken out": ("approval", "delete from decisions where id = 4"),
    "an act is somebody else's": ("audit", "update audit set actor = 'lan' where kind = 'bulletin.approve'"),
    "an act is taken out": ("audit", "delete from audit where kind = 'bulletin.write'"),
    "the last acts are taken out": (
        "echo", "delete from audit where n > (select max(n) - 4 from audit)", "delete from checkpoints",
    ),
    "a receiver has another key": (
        "journal_signature", "update receivers set public_key = (select public_key from receivers where id = 'r-0003')",
    ),
}  # fmt: skip
"""What is tried → the code under which it is named, and statements."""


def tried(forger: Forger, forged: Forged, code: str) -> None:
    bundle = forged.export(forger.folder / "bundle.zip")
    report = forger.verify(bundle)
    assert code in {each.code for each in report.findings if each.level == loa_verify.CHANGED}
    assert "unguarded" in report.codes()
    assert forger.exit_codes(bundle) == (1, 1)


@pytest.mark.parametrize("what", SQL)
def test_what_was_changed_in_the_database_is_named(forger: Forger, what: str) -> None:
    code, *statements = SQL[what]
    forged = forger.database()
    forged.sql(*statements)
    tried(forger, forged, code)


def test_a_chain_computed_anew_is_named_by_the_receivers(forger: Forger) -> None:
    forged = forger.database()
    forged.sql("delete from audit where kind = 'bulletin.write'")
    forged.chain_anew()
    tried(forger, forged, "echo")


def _resigned(forged: Forged, change: Callable[[dict[str, object]], None]) -> None:
    key = forged.told.key
    with forged.database._writer.begin() as connection:
        for rev, jws in connection.exec_driver_sql(f"select rev, jws from plans where {OF}").all():
            plan = json.loads(signing.payload(jws))
            change(plan)
            jws = key.sign(json.dumps(plan).encode(), "loa-plan")
            connection.exec_driver_sql(
                f"update plans set jws = ? where {OF} and rev = ?", (jws, rev)
            )


def test_plans_signed_anew_by_the_stations_own_key_are_named(forger: Forger) -> None:
    forged = forger.database()
    _resigned(forged, lambda plan: [one.update(sha="cd" * 32) for one in plan["occ"]])
    tried(forger, forged, "sound")


def test_guards_taken_down_are_noted_and_the_rest_still_passes(forger: Forger) -> None:
    bundle = forger.database().export(forger.folder / "bundle.zip")
    report = forger.verify(bundle)
    assert report.is_good
    assert report.codes() == {"unguarded"}
