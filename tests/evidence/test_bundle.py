"""Bundles that nobody touched pass and say what is missing; what is no bundle is said to be none."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from loa import cli
from loa.database import Database
from loa.errors import ScheduleError
from scheduler.evidence import bundles, proofs, scope
from scheduler.evidence.scope import Scope
from tests.cast import NOON
from tests.evidence import many
from tests.evidence.forging import STANDALONE, Forger
from tests.evidence.station import AFTERWARDS, SINCE, UNTIL, Station, three_days
from verifier import loa_verify
from verifier.loa_verify import Unreadable


def test_an_untouched_bundle_passes(database: Database, tmp_path: Path) -> None:
    station = three_days(database, tmp_path / "s")
    report = loa_verify.verify(str(station.export(tmp_path / "b.zip")))
    assert report.findings == []
    counts = report.counts
    assert (counts["rows"], counts["played"], counts["plans"]) == (12, 7, 16)
    assert (counts["gap_unconfirmed"], counts["gap_never_heard"]) == (3, 1)
    assert (counts["approvals"], counts["keys_told"]) == (4, 4)
    assert counts["echoes"] > 0
    assert counts["checkpoints"] > 0


def test_the_same_data_gives_the_same_content(forger: Forger) -> None:
    database = Database(f"sqlite:///{forger.told.database}")
    station = forger.told.station
    one, two = (forger.folder / name for name in ("one.zip", "two.zip"))
    with database.read() as session:
        for path in (one, two):
            bundle_of(session, station, path)
    database.close()
    assert one.read_bytes() == two.read_bytes()


def bundle_of(session: Session, station: Station, path: Path, which: Scope | None = None) -> None:
    bundles.write(session, station.config, which or Scope(SINCE, UNTIL), path, AFTERWARDS)


def test_a_day_of_it_is_a_bundle_too(forger: Forger) -> None:
    """Its journals begin in the middle, at a head their receiver signed."""
    database = Database(f"sqlite:///{forger.told.database}")
    path, second = forger.folder / "day.zip", Scope(SINCE + 86_400_000, UNTIL)
    with database.read() as session:
        bundle_of(session, forger.told.station, path, second)
    database.close()
    report = forger.verify(path)
    assert report.findings == []
    assert report.counts["rows"] == 4
    assert report.counts["entries"] < forger.verify(forger.told.bundle).counts["entries"]


def test_a_period_of_nothing_is_an_empty_bundle(forger: Forger) -> None:
    database = Database(f"sqlite:///{forger.told.database}")
    path = forger.folder / "none.zip"
    with database.read() as session:
        bundle_of(session, forger.told.station, path, Scope(UNTIL, UNTIL + 1))
    database.close()
    report = forger.verify(path)
    assert report.findings == []
    assert report.counts["rows"] == 0


def test_it_names_a_campaign_that_is_not_there(database: Database) -> None:
    with database.read() as session:
        with pytest.raises(ScheduleError, match="“Hè”") as refusal:
            scope.of(session, SINCE, UNTIL, "Hè")
        assert refusal.value.field == "campaign"
        with pytest.raises(ScheduleError, match="ngày cuối"):
            scope.of(session, UNTIL, SINCE, None)


def test_a_batch_that_was_kept_in_part_is_proven_by_its_whole_payload(forger: Forger) -> None:
    files = forger.files()
    for batch in files.batches("r-0000"):
        proof = batch["proof"]
        proof["before"] += ",".join(batch["e"]) + proof["after"]
        proof["after"] = None
    assert forger.verify(forger.pack(files, files.told.key)).findings == []
    batch["e"][-1] = batch["e"][-1].replace("played", "failed")
    codes = forger.verify(forger.pack(files, files.told.key)).codes()
    assert "journal_signature" in codes


def test_entries_nobody_signed_prove_nothing(forger: Forger) -> None:
    files = forger.files()
    for batch in files.batches("r-0000"):
        batch["received_at"] = batch.pop("proof")["received_at"]
    assert "unsigned" in forger.verify(forger.pack(files, files.told.key)).codes()


def test_entries_from_before_signatures_were_kept_are_proven_by_the_next_head(
    forger: Forger,
) -> None:
    files = forger.files()
    first = files.batches("r-0000")[0]
    first["received_at"] = first.pop("proof")["received_at"]
    assert forger.verify(forger.pack(files, files.told.key)).findings == []
    first["e"][-1] = first["e"][-1].replace("ready", "read_")
    assert "journal_chain" in forger.verify(forger.pack(files, files.told.key)).codes()


def test_a_payload_with_entries_in_another_form_is_kept_whole() -> None:
    token = b"e30." + proofs.signing.b64(b'{"e":[ [1] ]}').encode() + b".c2ln"
    made = proofs.of(token, ("r", "j", 1, 2), [b"[1]", b"[2]"], True, NOON)
    assert (made["before"], made["after"]) == (b'{"e":[ [1] ]}', None)


def test_many_receivers_are_judged_by_several_processes(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    many.write(path, 50 * many.EACH)
    report = loa_verify.verify(str(path), processes=2)
    assert report.findings == []
    assert (report.counts["rows"], report.counts["batches"]) == (10_000, 12_000)


# --- the commands ----------------------------------------------------------------------------------


def test_the_words_say_what_is_proven_and_what_is_missing(
    forger: Forger, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loa_verify.main([str(forger.told.bundle), "--key", forger.told.anchors[0]]) == 0
    said = capsys.readouterr().out
    assert "12 dòng nhật ký phát khớp" in said
    assert "3 lượt phát chưa có xác nhận" in said
    assert "không thấy chỗ nào bị thay đổi" in said
    assert "Hãy đối chiếu" not in said
    loa_verify.main([str(forger.told.bundle)])
    assert "Hãy đối chiếu" in capsys.readouterr().out


def test_the_command_exports_and_verifies(
    forger: Forger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = str(forger.told.station.folder / "config.toml")
    monkeypatch.setenv("LOA_DATABASE_URL", f"sqlite:///{forger.told.database}")
    out = str(forger.folder / "out.zip")
    days = ["--from", "2026-11-21", "--to", "23/11/2026"]
    assert cli.main(["evidence", *days, "-o", out, "--config", config, "--whole-log"]) == 0
    said = capsys.readouterr().out
    assert "12 dòng nhật ký phát" in said
    assert forger.told.anchors[0] in said
    assert cli.main(["verify", out, "--config", config]) == 0
    assert "Hãy đối chiếu" not in capsys.readouterr().out
    assert cli.main(["evidence", *days, "-o", "/dev/null/x.zip", "--config", config]) == 1


@pytest.mark.parametrize("harm", ["garbage", "cut", "empty", "no manifest", "other format"])
def test_what_is_no_bundle_is_said_to_be_none(forger: Forger, harm: str) -> None:
    path = forger.folder / "x.zip"
    whole = forger.told.bundle.read_bytes()
    path.write_bytes({"garbage": b"x" * 999, "cut": whole[:-500]}.get(harm, b""))
    if harm in ("no manifest", "other format"):
        with zipfile.ZipFile(path, "w") as archive:
            if harm == "other format":
                said = proofs.signing.b64(b'{"format":"other"}')
                archive.writestr("manifest.jws", f"e30.{said}.e30")
    with pytest.raises(Unreadable):
        loa_verify.verify(str(path))
    alone = forger.folder / "alone.py"
    shutil.copy(STANDALONE, alone)
    done = subprocess.run(
        [sys.executable, "-I", str(alone), str(path)], capture_output=True, text=True, check=False, timeout=120
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_damaged_byte_is_never_a_pass(forger: Forger) -> None:
    whole = bytearray(forger.told.bundle.read_bytes())
    for place in range(100, len(whole) - 2_000, len(whole) // 25):
        damaged = bytes(whole[:place]) + bytes([whole[place] ^ 0x55]) + bytes(whole[place + 1 :])
        path = forger.folder / "damaged.zip"
        path.write_bytes(damaged)
        try:
            report = forger.verify(path)
        except Unreadable:
            continue
        # Fields of the archive that no reader heeds may differ; what is read may not.
        assert not report.is_good or report.counts == forger.verify(forger.told.bundle).counts
