"""Tries of one who has the station's key and knows how bundles are read: each is named, in words."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from devices import signing
from loa.times import DAY, HOUR
from tests.evidence.forging import Files, Forger, Line
from tests.evidence.station import FIVE, SINCE
from verifier import loa_verify
from verifier.loa_verify import TONE, fingerprint

RID, SILENT = "r-0000", "r-0003"
TRIES: list[tuple[str, str, str, Callable[[Files], None]]] = []
"""What is tried, the code under which it must be named, words that must stand there, and how."""


def trying(
    what: str, code: str, words: str
) -> Callable[[Callable[[Files], None]], Callable[[Files], None]]:
    def note(act: Callable[[Files], None]) -> Callable[[Files], None]:
        TRIES.append((what, code, words, act))
        return act

    return note


def edited(what: str, code: str, words: str, rid: str = RID, **values: object) -> None:
    TRIES.append(
        (what, code, words, lambda files: files.rows("deliveries", rid=rid)[0].update(values))
    )


edited("the silent one's row says no plan ordered it", "plan", "một lệnh đã ký có lượt này", SILENT,
       rev=None, state="cancelled", reason="off")  # fmt: skip
edited(
    "the silent one's row expects another sound", "sound", "không lệnh nào", SILENT, sha="ab" * 32
)
edited("the silent one's row expects another length", "order_ms", "khác mọi lệnh", SILENT, ms=1)
edited(
    "the silent one's row is no emergency",
    "order_class",
    "khác mọi lệnh",
    SILENT,
    priority="priority",
)
edited(
    "the silent one's row names another approver",
    "approval",
    "khác mọi lệnh",
    SILENT,
    approvers=["lan"],
)
edited("a number is a fraction", "shape", "“played_ms” sai kiểu", played_ms=30_000.0)
edited("a number is a truth", "shape", "“late_ms” sai kiểu", late_ms=True)
edited("a number is a text", "shape", "“ms” sai kiểu", ms="30000")
edited("a row has no state", "shape", "“state” sai kiểu", state=None)
edited("a row is of a priority that is none", "shape", "thiếu “loud”", priority="loud")
edited("a row is of no time", "period", "ngoài kỳ", starts_at=-1)


def append_act(files: Files, at: int, actor: str, kind: str, **data: object) -> None:
    """One more row at the end of the audit log, whatever hour it says."""
    last = files.lines["audit.jsonl"][-1]
    files.lines["audit.jsonl"].append(
        {**last, "at": at, "actor": actor, "kind": kind, "data": json.dumps(data, sort_keys=True)}
    )
    files.chain_anew()


def approved_by(files: Files, login: str, **fields: object) -> None:
    """Plans and rows of a receiver say that this one approved."""
    for line in files.rows("plans", rid=RID):
        files.replan(line, lambda plan: [one.update(apv=[login]) for one in plan["occ"]])
    for line in files.rows("deliveries", rid=RID):
        line |= {"approvers": [login], **fields}


@trying("an approval is written into the log afterwards", "approval", "sau khi ra lệnh")
def _(files: Files) -> None:
    approved_by(files, "lan")
    for number, one in enumerate(files.rows("approvals", login="minh")):
        made = {**one, "id": 900 + number, "login": "lan", "name": "Lan"}
        files.lines["approvals.jsonl"].append(made)
        data = {name: one[name] for name in ("bulletin", "sounds", "complete")}
        append_act(files, one["at"], "lan", "bulletin.approve", **data)


@trying(
    "an officer's lone word is written afterwards", "approval", "không có quyết định duyệt của lan"
)
def _(files: Files) -> None:
    approved_by(files, "lan", alert=7)
    sounds = {str(n): line["sha"] for n, line in enumerate(files.rows("deliveries", rid=RID))}
    append_act(files, FIVE, "lan", "alert.alone", alert=7, sounds=sounds)


@trying("a decision says that it was enough", "approval", "không có trong nhật ký hệ thống")
def _(files: Files) -> None:
    one = next(each for each in files.lines["approvals.jsonl"] if not each["complete"])
    one["complete"] = True


@trying("a decision is of another hour", "approval", "gói không có quyết định ấy")
def _(files: Files) -> None:
    files.rows("approvals", login="minh")[0]["at"] -= HOUR


def header(files: Files, rid: str = RID) -> Line:
    return next(line for line in files.rows("journals", rid=rid) if "journal" in line)


@trying("a journal is said to have been closed early", "journal_closed", "không đổi khoá")
def _(files: Files) -> None:
    header(files)["journal"]["closed_at"] = FIVE
    files.lines["gaps.jsonl"].insert(0, {"rid": RID, "gap": "closed", "jid": header(files)["jid"]})


@trying("a journal is closed early with a key made up for it", "key", "nhật ký hệ thống ghi")
def _(files: Files) -> None:
    header(files)["journal"]["closed_at"] = FIVE
    files.lines["gaps.jsonl"].insert(0, {"rid": RID, "gap": "closed", "jid": header(files)["jid"]})
    known = files.rows("keys", rid=RID)[0]
    known["until"] = FIVE
    new = {**known, "since": FIVE, "until": 2**53, "x": signing.generate(RID).public.x}
    files.put_after("keys", known, new)


@trying("a receiver's key ended, and none came after it", "key", "không nối nhau")
def _(files: Files) -> None:
    files.rows("keys", rid=RID)[0]["until"] = FIVE


@trying(
    "two receivers change their keys", "journal_signature", "chữ ký không phải của khoá đầu thu này"
)
def _(files: Files) -> None:
    one, other = files.rows("keys", rid=RID)[0], files.rows("keys", rid="r-0001")[0]
    one["x"], other["x"] = other["x"], one["x"]


@trying("a receiver's key is left out", "key", "gói không có khoá của nó")
def _(files: Files) -> None:
    files.drop("keys", files.rows("keys", rid=SILENT)[0])


@trying("a receiver's key is good from another hour on", "key", "từ lúc khác lúc")
def _(files: Files) -> None:
    files.rows("keys", rid=RID)[0]["since"] += HOUR


@trying("a key is none", "shape", "“x” không phải khoá")
def _(files: Files) -> None:
    files.rows("keys", rid=RID)[0]["x"] = "AAAA"


def later_key(files: Files) -> signing.PrivateKey:
    """A key of the station from after the days in question."""
    key = signing.generate("plan-2", ("plan",))
    first = files.rows("keys", kind="station", kid="plan-1")[0]
    since = files.manifest["made_at"] - HOUR
    files.put_after("keys", first, {**first, "kid": "plan-2", "x": key.public.x, "since": since})
    return key


@trying("a checkpoint is signed again with a later key", "checkpoint", "không có hạn vào giờ ghi")
def _(files: Files) -> None:
    key, line = later_key(files), files.lines["checkpoints.jsonl"][0]
    line["jws"] = key.sign(signing.payload(line["jws"].encode()), "loa-checkpoint").decode()


@trying("a plan is signed again with a later key", "plan", "không có hạn vào lúc ký")
def _(files: Files) -> None:
    key, line = later_key(files), files.rows("plans", rid=RID)[0]
    line["jws"] = key.sign(signing.payload(line["jws"].encode()), "loa-plan").decode()


@trying("a plan is signed by a key that may not", "plan", "không có quyền")
def _(files: Files) -> None:
    files.rows("keys", kind="station", kid="plan-1")[0]["roles"] = ["look"]


@trying("a plan is said to have been made at another hour", "plan", "giờ ghi khác giờ")
def _(files: Files) -> None:
    files.rows("plans", rid=RID)[0]["made_at"] += 1


@trying("a broadcast is said to have been the test tone", "row_missing", "âm thử")
def _(files: Files) -> None:
    occ = files.rows("deliveries", rid=RID)[0]["occ"]

    def change(plan: Line) -> None:
        for one in plan["occ"]:
            if one["id"] == occ:
                plan["aud"][TONE] = plan["aud"][one["sha"]]
                one["sha"] = TONE

    for line in files.rows("plans", rid=RID):
        files.replan(line, change)
    files.drop("deliveries", files.rows("deliveries", rid=RID)[0])


@trying("a broadcast stands twice in its plan", "plan", "hai lần trong lệnh")
def _(files: Files) -> None:
    for line in files.rows("plans", rid=RID):
        files.replan(line, lambda plan: plan["occ"].extend(plan["occ"][:1]))


@trying("a broadcast was never ordered and never logged", "row_missing", "mà sổ và lệnh không ghi")
def _(files: Files) -> None:
    occ = files.rows("deliveries", rid=RID)[0]["occ"]
    for line in files.rows("plans", rid=RID):
        files.replan(
            line, lambda plan: plan.update(occ=[one for one in plan["occ"] if one["id"] != occ])
        )
    files.drop("deliveries", files.rows("deliveries", rid=RID)[0])


@trying("the first day is taken out of everything", "gap", "không được nêu tên")
def _(files: Files) -> None:
    for name in ("deliveries", "plans"):
        for line in files.rows(name, rid=RID):
            if line.get("starts_at", line.get("made_at", 0)) < SINCE + DAY:
                files.drop(name, line)
    *gone, last = files.batches(RID)
    for line in gone:
        files.drop("journals", line)
    said = json.loads(gone[-1]["proof"]["before"] + gone[-1]["proof"]["after"])
    header(files)["journal"] |= {"start": last["from"] - 1, "start_hash": said["head"]}


@trying("signatures are taken off behind signed entries", "unsigned", "không còn chữ ký")
def _(files: Files) -> None:
    batch = files.batches(RID)[-2]
    batch["received_at"] = batch.pop("proof")["received_at"]
    batch["at"] = [FIVE for _ in batch["e"]]


@trying(
    "an echo is taken out with the entry that accepted its plan",
    "journal_signature",
    "không phải của khoá",
)
def _(files: Files) -> None:
    batch = next(b for b in files.batches(RID) if any('"","accepted"' in one for one in b["e"]))
    batch["e"] = [one for one in batch["e"] if '"","accepted"' not in one]


@trying("a journal is told of twice", "duplicate", "kể hai lần")
def _(files: Files) -> None:
    files.put_after("journals", header(files), dict(header(files)))


@trying("a contradiction is told of that the log does not know", "gap", "không được nêu tên")
def _(files: Files) -> None:
    header(files)["journal"]["tampered_at"] = FIVE


@trying("a contradiction that the log knows is hidden", "journal", "gói kể khác")
def _(files: Files) -> None:
    append_act(files, FIVE, "loa", "journal.tampered", receiver=RID, jid=header(files)["jid"])


@trying(
    "another station's receiver speaks under this one's name",
    "journal_signature",
    "không phải của khoá",
)
def _(files: Files) -> None:
    foreign = signing.generate(RID)
    for batch in files.batches(RID):
        files.resign(batch, foreign)


@trying("a period calls itself a campaign", "period", "không thuộc chiến dịch")
def _(files: Files) -> None:
    files.manifest["campaign"] = "Tiêm chủng"
    files.drop("deliveries", files.rows("deliveries", rid=RID)[0])


@trying("a key the receiver was given is not told of", "key", "mà gói không có khoá ấy")
def _(files: Files) -> None:
    append_act(files, FIVE, RID, "claim.taken", key="12345678", serial="x", claim=1)


@trying("a row of the audit log holds a name twice", "shape", "một tên đứng hai lần")
def _(files: Files) -> None:
    append_act(files, FIVE, "loa", "journal.tampered")
    files.lines["audit.jsonl"][-1]["data"] = '{"receiver":"a","receiver":"b","jid":"c"}'
    files.chain_anew()


@trying("a row of the audit log is of another kind than it says", "shape", "thiếu “sounds”")
def _(files: Files) -> None:
    append_act(files, FIVE, "minh", "bulletin.approve", bulletin=1)


@trying("a signature is written in another way", "plan", "chữ ký không khớp")
def _(files: Files) -> None:
    line = files.rows("plans", rid=RID)[0]
    head, said, signature = line["jws"].split(".")
    line["jws"] = f"{head}.{said}.{signature[:8]}!{signature[8:]}"


@trying("a row is written under two ids", "shape", "theo hai cách")
def _(files: Files) -> None:
    line = files.rows("deliveries", rid=RID)[0]
    line["rid"] = "r-0000\\u0000"


@pytest.mark.parametrize(("what", "code", "words", "act"), TRIES, ids=[each[0] for each in TRIES])
def test_what_was_tried_is_named_in_words(
    forger: Forger,
    capsys: pytest.CaptureFixture[str],
    what: str,
    code: str,
    words: str,
    act: Callable[[Files], None],
) -> None:
    files = forger.files()
    act(files)
    forged = str(forger.pack(files, files.told.key))
    assert loa_verify.main([forged, "--key", forger.told.anchors[0], "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert not said["good"]
    told = [
        each["text"]
        for each in said["findings"]
        if (each["level"], each["code"]) == (loa_verify.CHANGED, code)
    ]
    assert any(words in text for text in told), said["findings"][:6]


def test_there_are_tries_enough() -> None:
    assert len(TRIES) >= 35


@pytest.mark.parametrize("text", ["", "5c", "%", "0" * 31, "ab cd", "…"])
def test_a_few_digits_of_a_key_are_not_compared(
    forger: Forger, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loa_verify.main([str(forger.told.bundle), "--key", text]) == 2
    assert "không phải dấu vân tay khoá" in capsys.readouterr().err


def test_a_key_is_compared_as_people_write_it(forger: Forger) -> None:
    full = forger.told.anchors[0]
    spaced = " ".join(full[at : at + 4].upper() for at in range(0, 32, 4))
    for text in (full, spaced, forger.told.key.public.x):
        assert loa_verify.verify(str(forger.told.bundle), [text]).is_anchored
    stranger = fingerprint(signing.generate("plan-1").public.x)
    assert "anchor" in loa_verify.verify(str(forger.told.bundle), [stranger]).codes()


def test_an_act_written_back_in_time_is_a_doubt(forger: Forger) -> None:
    files = forger.files()
    append_act(files, FIVE, "lan", "bulletin.withdraw", bulletin=99)
    report = forger.verify(forger.pack(files, files.told.key))
    assert report.is_good
    assert report.codes() == {"audit_time"}
    assert any("lùi" in line for line in loa_verify.told(report))


def test_it_says_how_much_of_the_log_no_receiver_witnesses(forger: Forger) -> None:
    assert forger.verify(forger.told.bundle).counts["unwitnessed"] == 0
    files = forger.files()
    append_act(files, files.lines["audit.jsonl"][-1]["at"], "hoa", "staff.sign_in")
    report = forger.verify(forger.pack(files, files.told.key))
    assert report.is_good
    assert report.counts["unwitnessed"] == 1
    assert any("chưa có đầu thu nào làm chứng" in line for line in loa_verify.told(report))


def test_a_flood_of_faults_is_counted_and_not_kept(forger: Forger) -> None:
    files = forger.files()
    files.lines["gaps.jsonl"] += [{"rid": "r-9", "gap": "x", "occ": str(n)} for n in range(20_000)]
    report = forger.verify(forger.pack(files, files.told.key))
    assert len(report.findings) < 10_000
    assert report.said[loa_verify.CHANGED, "gap"] >= 20_000
    assert any("chỗ nữa" in line for line in loa_verify.told(report))
