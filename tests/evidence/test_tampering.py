"""Tries at a bundle, by one who has the station's own key as well: the receivers' word names each of them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from devices import signing
from tests.evidence.forging import Files, Forger, Line
from verifier import loa_verify

RID, SILENT = "r-0000", "r-0003"
TRIES: list[tuple[str, str, Callable[[Files], None]]] = []
"""What is tried, the code under which it must be named, and how."""


def trying(what: str, code: str) -> Callable[[Callable[[Files], None]], Callable[[Files], None]]:
    def note(act: Callable[[Files], None]) -> Callable[[Files], None]:
        TRIES.append((what, code, act))
        return act

    return note


def row(files: Files, place: int = 0, rid: str = RID) -> Line:
    return files.rows("deliveries", rid=rid)[place]


def edited(what: str, code: str, place: int = 0, rid: str = RID, **values: object) -> None:
    TRIES.append((what, code, lambda files: row(files, place, rid).update(values)))


edited("a row says that it played longer", "row", played_ms=29_999)
edited("a row says that it began on time", "row", place=1, late_ms=0)
edited("a row says that it began at another time", "row", started_at=1_795_251_600_000)
edited("a row's clock is forged, raw and corrected", "row", started_raw_at=5, started_at=5)
edited("a row says that it was louder", "row", volume=71)
edited("a row claims evidence of a microphone", "row", evidence="E3")
edited("what nobody heard of is played", "row", rid=SILENT, state="played", played_ms=30_000)
edited("what was missed is played", "row", place=1, rid="r-0002", state="played", reason=None)
edited("what was interrupted is played", "row", place=1, rid="r-0001", state="played", reason=None)
edited("what was played is unknown", "row", state="unknown")
edited("a row asks for another length", "order_ms", ms=31_000)
edited("a row names another sound", "sound", sha="ab" * 32)
edited("a row says that it was ordered by another plan", "plan_missing", rev=7)
edited("a row says that no plan ordered it", "plan", rev=None)
edited("a row names another approver", "approval", approvers=["lan"])
edited("a row says that it was no emergency", "order_class", place=2, priority="normal")
edited("a row was to sound at another hour", "order_time", place=1, starts_at=1_795_259_100_000)


@trying("a row is taken out", "row_missing")
def _(files: Files) -> None:
    files.drop("deliveries", row(files))


@trying("a receiver is taken out of the log", "row_missing")
def _(files: Files) -> None:
    for line in files.rows("deliveries", rid="r-0002"):
        files.drop("deliveries", line)


@trying("rows change places", "order")
def _(files: Files) -> None:
    first, second = row(files, 0), row(files, 1)
    files.drop("deliveries", first)
    files.put_after("deliveries", second, first)


@trying("a row stands twice", "duplicate")
def _(files: Files) -> None:
    files.put_after("deliveries", row(files), dict(row(files)))


@trying("a broadcast that never was is put in", "plan_missing")
def _(files: Files) -> None:
    last = row(files, 2)
    files.put_after(
        "deliveries", last, {**last, "occ": "x.9", "starts_at": last["starts_at"] + 60_000}
    )


@trying("the newest part of a journal is cut off", "journal_gap")
def _(files: Files) -> None:
    files.drop("journals", files.batches(RID)[-1])


@trying("a journal is cut off, and said to end there", "row")
def _(files: Files) -> None:
    last = files.batches(RID)[-1]
    files.drop("journals", last)
    said = next(line for line in files.rows("journals", rid=RID) if "journal" in line)
    head = json.loads(files.batches(RID)[-1]["proof"]["before"] + "]}")["head"]
    said["journal"] |= {"last": last["from"] - 1, "upto": last["from"] - 1, "head": head}


@trying("a part is taken out of the middle of a journal", "journal_gap")
def _(files: Files) -> None:
    files.drop("journals", files.batches(RID)[1])


@trying("a journal is taken out whole", "row")
def _(files: Files) -> None:
    for line in files.rows("journals", rid=RID):
        files.drop("journals", line)


@trying("parts of a journal change places", "journal_gap")
def _(files: Files) -> None:
    first, second = files.batches(RID)[:2]
    files.drop("journals", first)
    files.put_after("journals", second, first)


@trying("a part of a journal stands twice", "duplicate")
def _(files: Files) -> None:
    first = files.batches(RID)[0]
    files.put_after("journals", first, dict(first))


def change_entry(files: Files, rid: str, code: str, before: str, after: str) -> Line:
    batch = next(b for b in files.batches(rid) if any(f'"{code}"' in one for one in b["e"]))
    batch["e"] = [one.replace(before, after) if f'"{code}"' in one else one for one in batch["e"]]
    return batch


@trying("a journal entry says another length, and the row with it", "journal_signature")
def _(files: Files) -> None:
    change_entry(files, RID, "played", '"ms":30000', '"ms":30001')
    row(files)["played_ms"] = 30_001


@trying("a journal entry says another hour", "journal_signature")
def _(files: Files) -> None:
    change_entry(files, RID, "started", ",179", ",178")


@trying("entries are signed with another key", "journal_signature")
def _(files: Files) -> None:
    files.resign(change_entry(files, RID, "played", ":30000", ":30001"), signing.generate(RID))


@trying("entries are signed with another key, which is put in beside", "key")
def _(files: Files) -> None:
    stranger = signing.generate(RID)
    for batch in files.batches(RID):
        files.resign(batch, stranger)
    known = files.rows("keys", rid=RID)[0]
    files.put_after("keys", known, {**known, "x": stranger.public.x})


@trying("a receiver's whole word is signed anew and its key replaced", "key")
def _(files: Files) -> None:
    stranger = signing.generate(RID)
    for batch in files.batches(RID):
        files.resign(batch, stranger)
    files.rows("keys", rid=RID)[0]["x"] = stranger.public.x


@trying("a silent receiver is given a journal", "journal_signature")
def _(files: Files) -> None:
    for line in files.rows("journals", rid=RID):
        files.lines["journals.jsonl"].append({**line, "rid": SILENT})


def replan_all(files: Files, change: Callable[[Line], None], rid: str = RID) -> None:
    for line in files.rows("plans", rid=rid):
        files.replan(line, change)


@trying("a plan is replaced by one of another sound", "sound")
def _(files: Files) -> None:
    def change(plan: Line) -> None:
        for one in plan["occ"]:
            plan["aud"]["cd" * 32] = plan["aud"][one["sha"]]
            one["sha"] = "cd" * 32

    replan_all(files, change)


@trying("plan and row are moved to another hour together", "order_time")
def _(files: Files) -> None:
    replan_all(files, lambda plan: [one.update(at=one["at"] + 60_000) for one in plan["occ"]])
    for line in files.rows("deliveries", rid=RID):
        line["starts_at"] += 60_000


@trying("a plan is replaced by one of another volume", "volume")
def _(files: Files) -> None:
    replan_all(files, lambda plan: plan["set"].update(vol=10))


@trying("a plan is replaced by one with another checkpoint", "plan")
def _(files: Files) -> None:
    replan_all(files, lambda plan: plan["chk"].update(n=plan["chk"]["n"] - 1))


@trying("a plan is signed by a stranger", "plan")
def _(files: Files) -> None:
    line = files.rows("plans", rid=RID)[0]
    payload = signing.payload(line["jws"].encode())
    line["jws"] = files.stranger.sign(payload, "loa-plan").decode()


@trying("a plan is taken out", "plan_missing")
def _(files: Files) -> None:
    files.drop("plans", files.rows("plans", rid=RID)[1])


@trying("a plan of another receiver is put in its place", "plan")
def _(files: Files) -> None:
    mine, other = files.rows("plans", rid=RID)[0], files.rows("plans", rid="r-0001")[0]
    mine["jws"] = other["jws"]


@trying("a plan's key was not good then", "plan")
def _(files: Files) -> None:
    for key in files.rows("keys", kind="station", kid="plan-1"):
        key["since"] = files.manifest["made_at"]


@trying("an approval is given another name", "approval")
def _(files: Files) -> None:
    files.rows("approvals", login="minh")[0]["login"] = "lan"


@trying("two approvals change their sounds", "approval")
def _(files: Files) -> None:
    one, other = files.rows("approvals", login="minh")[:2]
    one["sounds"], other["sounds"] = other["sounds"], one["sounds"]


@trying("an approval is taken out", "approval")
def _(files: Files) -> None:
    files.drop("approvals", files.rows("approvals", login="minh")[0])


@trying("the second consent to an emergency is taken out", "approval")
def _(files: Files) -> None:
    files.drop("approvals", files.rows("approvals", login="duyet2")[0])


@trying("the second consent to an emergency is taken out everywhere", "echo")
def _(files: Files) -> None:
    files.drop("approvals", files.rows("approvals", login="duyet2")[0])
    acts = files.rows("audit", actor="duyet2", kind="bulletin.approve")
    files.drop("audit", acts[0])
    for line in files.rows("deliveries", priority="emergency"):
        line["approvers"] = ["minh"]
    files.chain_anew()


@trying("the sound is replaced in the log, the approvals and the audit log", "sound")
def _(files: Files) -> None:
    old = row(files)["sha"]
    for name in ("deliveries.jsonl", "approvals.jsonl", "audit.jsonl"):
        text = json.dumps(files.lines[name]).replace(old, "ef" * 32)
        files.lines[name] = json.loads(text)
    files.chain_anew()


@trying("a row of the audit log is edited", "audit")
def _(files: Files) -> None:
    files.rows("audit", kind="bulletin.approve")[0]["actor"] = "lan"


@trying("a row of the audit log is taken out", "audit")
def _(files: Files) -> None:
    files.drop("audit", files.rows("audit", kind="bulletin.write")[0])


@trying("the audit chain is computed anew without a row", "echo")
def _(files: Files) -> None:
    files.drop("audit", files.rows("audit", kind="bulletin.write")[0])
    files.chain_anew()


@trying("the audit log is cut off", "echo")
def _(files: Files) -> None:
    files.lines["audit.jsonl"] = files.lines["audit.jsonl"][:-4]
    files.chain_anew()


@trying("a checkpoint is of another hour", "checkpoint")
def _(files: Files) -> None:
    files.lines["checkpoints.jsonl"][0]["at"] += 1


@trying("a gap is hidden", "gap")
def _(files: Files) -> None:
    files.drop("gaps", files.rows("gaps", rid=SILENT)[0])


@trying("all gaps are hidden", "gap")
def _(files: Files) -> None:
    files.lines["gaps.jsonl"] = []


@trying("a gap is made up", "gap")
def _(files: Files) -> None:
    files.lines["gaps.jsonl"].insert(0, {"rid": RID, "gap": "unconfirmed", "occ": "x.1"})


@trying("the period begins later than the log", "period")
def _(files: Files) -> None:
    files.manifest["since"] = row(files, 1)["starts_at"]


@trying("the period ends where the log is uncomfortable", "row_missing")
def _(files: Files) -> None:
    for line in files.rows("deliveries", priority="emergency"):
        files.drop("deliveries", line)


@pytest.mark.parametrize(("what", "code", "act"), TRIES, ids=[each[0] for each in TRIES])
def test_what_was_changed_is_named(
    forger: Forger, what: str, code: str, act: Callable[[Files], None]
) -> None:
    files = forger.files()
    act(files)
    for key in (None, files.told.key):
        forged = forger.pack(files, key)
        report = forger.verify(forged)
        assert not report.is_good
        assert code in {each.code for each in report.findings if each.level == loa_verify.CHANGED}
        where = [each for each in report.findings if each.code == code]
        assert all(each.file and each.text for each in where)
        if key is None:
            assert report.codes() & {"file", "manifest"}
    assert forger.exit_codes(forged) == (1, 1)


def test_there_are_tries_enough() -> None:
    assert len(TRIES) >= 40


def test_a_manifest_signed_by_another_key_is_named(forger: Forger) -> None:
    files = forger.files()
    forged = forger.pack(files, files.stranger)
    assert "manifest" in forger.verify(forged).codes()
    assert forger.exit_codes(forged) == (1, 1)


def test_a_manifest_signed_by_another_key_that_is_put_in_is_named(forger: Forger) -> None:
    files = forger.files()
    for line in files.rows("keys", kind="station", kid="plan-1"):
        line["x"] = files.stranger.public.x
    forged = forger.pack(files, files.stranger)
    assert {"anchor", "plan"} <= forger.verify(forged).codes()
    # Even one who knows no key of the station sees that its plans do not fit.
    assert "plan" in loa_verify.verify(str(forged)).codes()
    assert forger.exit_codes(forged) == (1, 1)


def test_another_name_for_the_same_try_would_be_seen(forger: Forger) -> None:
    """Taken apart and put together again, with nothing changed, it passes."""
    files = forger.files()
    forged = forger.pack(files, files.told.key)
    assert forger.verify(forged).findings == []
    assert forger.exit_codes(forged) == (0, 0)
