"""Checkpoints that leave the station, and what they prove years later of a bundle that was made to fit."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from devices import keyring
from loa import audit, cli
from loa.audit import AuditEntry
from loa.config import Checkpoints, Config, Mail
from loa.database import Database
from loa.mail import MailError
from loa.times import DAY, HOUR, MINUTE, after
from scheduler.evidence import checkpoints, outside
from tests.cast import NOON
from tests.evidence.forging import Files, Forger
from tests.evidence.station import AFTERWARDS
from verifier import loa_verify


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        folder=tmp_path, mail=Mail(host="127.0.0.1", sender="dai@xa.example.vn"),
        checkpoints=Checkpoints(mail=("huyen@example.vn", "tinh@example.vn"), folder="ra-ngoai"),
    )  # fmt: skip


@pytest.fixture
def signed(database: Database, config: Config) -> Database:
    """A station whose audit log has one signed row."""
    with database.write() as session:
        audit.append(session, NOON, "hoa", "test")
        checkpoints.sign(session, NOON, keyring.current(config, NOON).plan)
    return database


class Post:
    """Takes letters, or refuses them."""

    def __init__(self) -> None:
        self.letters: list[tuple[list[str], str, str, Any, str]] = []
        self.refuses: set[str] = set()

    def __call__(
        self,
        _settings: object,
        to: list[str],
        subject: str,
        body: str,
        attachments: list[Any],
        *,
        message_id: str,
    ) -> dict[str, str]:
        if self.refuses & set(to):
            raise MailError("Máy chủ thư không trả lời kịp.")
        self.letters.append((to, subject, body, attachments, message_id))
        return {}


def test_each_day_each_place_gets_it_once(signed: Database, config: Config) -> None:
    post = Post()
    assert outside.hand_over(config, signed, NOON, post) == 3
    assert outside.hand_over(config, signed, after(NOON, HOUR), post) == 0
    assert [to for to, *_ in post.letters] == [["huyen@example.vn"], ["tinh@example.vn"]]
    _, subject, body, [(name, content, mime)], _ = post.letters[0]
    assert "dấu mốc nhật ký hệ thống" in subject
    assert content.decode() == body
    assert mime.startswith("text/plain")
    (file,) = (config.folder / "ra-ngoai").iterdir()
    assert (file.name, file.read_text()) == (name, body)
    assert "--checkpoint" in body
    assert outside.hand_over(config, signed, after(NOON, DAY), post) == 3
    with signed.read() as session:
        assert [row.n for row in outside.handed(session)] == [1] * 6
        assert outside.failing(session, config, after(NOON, DAY)) == []


def test_a_place_that_fails_is_tried_again_and_staff_are_told_once(
    signed: Database, config: Config
) -> None:
    post = Post()
    post.refuses = {"tinh@example.vn"}
    assert outside.hand_over(config, signed, NOON, post) == 2
    assert outside.hand_over(config, signed, after(NOON, MINUTE), post) == 0
    assert outside.hand_over(config, signed, after(NOON, 5 * MINUTE), post) == 0
    with signed.read() as session:
        (row,) = outside.failing(session, config, NOON)
        assert (row.place, row.tries, row.error) == (
            "tinh@example.vn",
            2,
            "Máy chủ thư không trả lời kịp.",
        )
        assert row.next_at == after(NOON, 20 * MINUTE)
        told = sa.select(AuditEntry.kind).where(AuditEntry.kind == outside.FAILED)
        assert len(list(session.scalars(told))) == 1
    post.refuses = set()
    assert outside.hand_over(config, signed, after(NOON, 20 * MINUTE), post) == 1
    with signed.read() as session:
        assert outside.failing(session, config, NOON) == []
    # The same checkpoint goes out as the same message, should an answer have been lost.
    assert len({message_id for *_, message_id in post.letters}) == 1


def test_a_folder_that_cannot_be_written_is_told(signed: Database, config: Config) -> None:
    (config.folder / "ra-ngoai").write_text("a file is in the way")
    assert outside.hand_over(config, signed, NOON, Post()) == 2
    with signed.read() as session:
        (row,) = outside.failing(session, config, NOON)
        assert "Hãy kiểm tra [checkpoints] folder" in row.error


def test_mail_without_a_server_is_told(signed: Database, config: Config) -> None:
    silent = msgspec.structs.replace(config, mail=Mail())
    assert outside.hand_over(silent, signed, NOON, Post()) == 1
    with signed.read() as session:
        assert {row.place for row in outside.failing(session, silent, NOON)} == set(
            config.checkpoints.mail
        )


def test_nothing_is_handed_over_before_anything_is_signed(
    database: Database, config: Config
) -> None:
    post = Post()
    assert outside.hand_over(config, database, NOON, post) == 0
    assert post.letters == []


def test_where_nobody_is_named_its_thread_ends_at_once(database: Database, config: Config) -> None:
    outside.work(
        msgspec.structs.replace(config, checkpoints=Checkpoints()), database, threading.Event()
    )


# -- years later --------------------------------------------------------------------------------------


@pytest.fixture
def kept(forger: Forger) -> Path:
    """What somebody outside was given on the station's last day."""
    database = Database(f"sqlite:///{forger.told.database}")
    station = forger.told.station
    config = msgspec.structs.replace(
        station.config, checkpoints=Checkpoints(folder=str(forger.folder / "kept"))
    )
    copy = forger.folder / "copy.db"
    shutil.copy(forger.told.database, copy)
    database.close()
    database = Database(f"sqlite:///{copy}")
    assert outside.hand_over(config, database, AFTERWARDS) == 1
    database.close()
    (path,) = (forger.folder / "kept").iterdir()
    return path


def held(forger: Forger, kept: Path, files: Files | None = None) -> loa_verify.Report:
    path = forger.told.bundle if files is None else forger.pack(files, forger.told.key)
    return loa_verify.verify(str(path), forger.told.anchors, 1, [str(kept)])


def test_an_untouched_bundle_fits_it(forger: Forger, kept: Path) -> None:
    report = held(forger, kept)
    assert report.findings == []
    assert report.counts["outside"] == 1
    assert any("dấu mốc gửi ra ngoài khớp" in line for line in loa_verify.told(report))


def without_echoes(files: Files) -> None:
    """One who has all keys, and no receiver's word stands in the way."""
    for name in ("deliveries", "plans", "journals", "gaps"):
        files.lines[f"{name}.jsonl"] = []
    files.manifest["campaign"] = "Tiêm chủng"


def test_a_log_written_anew_is_named_with_the_day(forger: Forger, kept: Path) -> None:
    files = forger.files()
    without_echoes(files)
    files.drop("audit", files.rows("audit", kind="bulletin.write")[0])
    first = files.lines["audit.jsonl"][0]
    files.lines["audit.jsonl"].append({**first, "kind": "staff.sign_in"})
    files.chain_anew()
    report = held(forger, kept, files)
    assert report.codes() >= {"outside"}
    assert any("đã bị viết lại sau" in each.text for each in report.findings)
    # Whoever has no such file sees nothing wrong in it: that is what it is kept for.
    assert "outside" not in forger.verify(forger.pack(files, forger.told.key)).codes()


def test_a_log_cut_short_is_named(forger: Forger, kept: Path) -> None:
    files = forger.files()
    without_echoes(files)
    del files.lines["audit.jsonl"][-3:]
    files.chain_anew()
    report = held(forger, kept, files)
    assert any("bị cắt ngắn sau" in each.text for each in report.findings)


def test_a_bundle_that_begins_later_says_that_it_cannot_be_held(forger: Forger, kept: Path) -> None:
    files = forger.files()
    without_echoes(files)
    files.lines["approvals.jsonl"], files.lines["checkpoints.jsonl"] = [], []
    for key in [line for line in files.lines["keys.jsonl"] if line["kind"] == "receiver"]:
        files.drop("keys", key)
    last = files.manifest["audit"]["last"]
    head = files.manifest["audit"]["head"]
    files.lines["audit.jsonl"] = []
    files.manifest["audit"] = {"first": last + 1, "last": last, "previous": head, "head": head}
    report = held(forger, kept, files)
    assert report.is_good
    assert report.counts["outside_elsewhere"] == 1


def test_one_of_another_station_is_named(forger: Forger, kept: Path) -> None:
    files = forger.files()
    stranger = files.stranger.sign(b'{"v":1,"n":1,"h":"","at":1}', "loa-checkpoint").decode()
    other = forger.folder / "other.txt"
    other.write_text(f"{outside.BEGIN}\n{stranger}\n{outside.END}\n")
    report = held(forger, other)
    assert any("dấu mốc gửi ra ngoài: chữ ký không khớp" in each.text for each in report.findings)


@pytest.mark.parametrize("text", ["", "không có gì", f"{outside.BEGIN}\nx\n{outside.END}"])
def test_a_file_without_a_checkpoint_is_said_to_have_none(
    forger: Forger, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = forger.folder / "none.txt"
    path.write_text(text)
    arguments = [str(forger.told.bundle), "--checkpoint", str(path)]
    assert loa_verify.main(arguments) == 2
    assert "không có dấu mốc đọc được" in capsys.readouterr().err


def test_the_command_takes_one_too_as_mail_may_have_broken_it(
    forger: Forger, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, _, rest = kept.read_text().partition(outside.BEGIN)
    token = rest.partition(outside.END)[0].strip()
    lines = "\r\n".join(token[at : at + 60] for at in range(0, len(token), 60))
    broken = forger.folder / "mail.txt"
    broken.write_text(f"> {before}{outside.BEGIN}\r\n{lines}\r\n{outside.END}\r\n")
    config = str(forger.told.station.folder / "config.toml")
    assert (
        cli.main(
            ["verify", str(forger.told.bundle), "--config", config, "--checkpoint", str(broken)]
        )
        == 0
    )
    assert "1 dấu mốc gửi ra ngoài khớp" in capsys.readouterr().out
