"""Keys through the years: a bundle of long ago is still checked, and roots vouch for keys that are gone."""

from __future__ import annotations

import json
import shutil
from datetime import date, time
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from devices import keyring, rotation, signing
from loa import cli
from loa.database import Database
from loa.times import DAY, HOUR, MINUTE, Instant, after
from scheduler.evidence import bundles, station_keys
from scheduler.evidence.scope import Scope
from scheduler.evidence.tables import KeyDocument, KeyNote
from tests.cast import NOON
from tests.evidence.forging import Files
from tests.evidence.station import Station, settle
from verifier import loa_verify
from verifier.loa_verify import Report, fingerprint

YEARS = 3 * 365 * DAY


@pytest.fixture
def station(database: Database, tmp_path: Path) -> Station:
    """Keys under a root, and one broadcast that was played by the first of them."""
    made = settle(database, tmp_path / "s", 2)
    root(made)
    made.tick(NOON)
    made.broadcast(time(17))
    made.tick(after(NOON, MINUTE))
    made.report(after(NOON, 2 * MINUTE))
    for pole in made.poles.values():
        pole.play(made.occurrences()[0])
    made.report(after(NOON, 10 * HOUR))
    return made


def root(station: Station) -> signing.PrivateKey:
    """Its one root key, made the first time."""
    path = station.folder / "root.key"
    is_new = not path.exists()
    key = signing.key_at(path, "root-a")
    if is_new:
        rotation.begin(station.config, [key], 1, NOON)
    return key


def rotate(station: Station, now: Instant, **changes: object) -> None:
    rotation.rotate(station.config, [root(station)], now, **changes)
    station.core.tick(now)
    station.link.take()


def forget_secrets(station: Station) -> None:
    """The disk has failed since, and of the secrets only those in use were in the backup."""
    used = {one.kid for one in keyring.published(station.config).keys}
    for path in (station.config.secrets / "keys").glob("*.key"):
        if path.stem not in used:
            path.unlink()
    for name in ("plan", "emergency"):
        (station.config.secrets / f"{name}.key").unlink()


def export(station: Station, path: Path, now: Instant) -> Path:
    with station.database.read() as session:
        which = Scope(after(NOON, -DAY), after(NOON, 2 * DAY))
        bundles.write(session, station.config, which, path, now, whole_log=True)
    return path


def verify(station: Station, tmp_path: Path, now: Instant, *anchors: str) -> Report:
    return loa_verify.verify(str(export(station, tmp_path / "b.zip", now)), anchors, 1)


def test_a_bundle_made_years_and_keys_later_still_passes(station: Station, tmp_path: Path) -> None:
    for year in range(1, 4):
        rotate(station, after(NOON, year * 365 * DAY), overlap_days=14)
    forget_secrets(station)
    later = after(NOON, YEARS + DAY)
    report = verify(station, tmp_path, later, fingerprint(root(station).public.x))
    assert report.findings == []
    assert report.is_anchored
    assert report.counts["documents"] == 4
    assert report.counts["plans"] > 0
    assert "keys_unvouched" not in report.counts


def test_without_the_table_such_a_bundle_could_not_be_checked(
    station: Station, tmp_path: Path
) -> None:
    """What the table is for: the same years, and nobody wrote the keys down."""
    rotate(station, after(NOON, 400 * DAY))
    rotate(station, after(NOON, 800 * DAY))
    forget_secrets(station)
    assert {one.kid for one in station_keys.of(station.config)} & {"plan-1"} == set()
    with station.database.read() as session:
        assert "plan-1" in {one.kid for one in station_keys.of(station.config, session)}


def test_keys_are_noted_once_and_again_when_their_time_changes(
    station: Station, database: Database
) -> None:
    def rows() -> list[tuple[str, int]]:
        with database.read() as session:
            found = session.scalars(sa.select(KeyNote).order_by(KeyNote.id))
            return [(row.kid, row.until) for row in found]

    first = rows()
    assert {kid for kid, _ in first} == {"plan-1", "emergency-1"}
    with database.write() as session:
        assert station_keys.note(session, station.config, after(NOON, DAY)) == 0
    now = after(NOON, 30 * DAY)
    rotate(station, now, revoke=["plan-1"])
    told = rows()[len(first) :]
    assert ("plan-1", now) in told
    assert len(told) == 4
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(KeyDocument)) == 2


def test_a_key_taken_back_signs_nothing_afterwards(station: Station, tmp_path: Path) -> None:
    stolen = keyring.first(station.config, "plan")
    now = after(NOON, DAY)
    rotate(station, now, revoke=["plan-1"])
    path = export(station, tmp_path / "b.zip", after(now, DAY))
    files = Files.of(path)
    line = files.rows("plans")[0]
    payload = json.loads(signing.payload(line["jws"].encode())) | {"iat": after(now, HOUR)}
    line |= {
        "made_at": after(now, HOUR),
        "jws": stolen.sign(json.dumps(payload).encode(), "loa-plan").decode(),
    }
    report = loa_verify.verify(
        str(files.pack(tmp_path / "f.zip", signer(station, after(now, DAY))))
    )
    assert any("không có hạn vào lúc ký" in each.text for each in report.findings)


def signer(station: Station, now: Instant) -> signing.PrivateKey:
    return keyring.current(station.config, now).plan


def forged(station: Station, tmp_path: Path, change: object) -> Report:
    """The bundle with its keys changed, signed by the station's own key; the reader knows the root."""
    now = after(NOON, 400 * DAY)
    rotate(station, now)
    files = Files.of(export(station, tmp_path / "b.zip", after(now, HOUR)))
    change(files)
    path = files.pack(tmp_path / "f.zip", signer(station, after(now, HOUR)))
    return loa_verify.verify(str(path), [fingerprint(root(station).public.x)])


def test_a_key_is_given_a_longer_life_than_its_root_gave_it(
    station: Station, tmp_path: Path
) -> None:
    def change(files: Files) -> None:
        files.rows("keys", kid="plan-1")[0]["until"] += 1

    assert "document" in forged(station, tmp_path, change).codes()


def test_a_document_is_left_out(station: Station, tmp_path: Path) -> None:
    def change(files: Files) -> None:
        files.drop("keys", files.rows("keys", kind="document")[0])

    report = forged(station, tmp_path, change)
    # The newer one stands alone, signed by the root; for older keys nobody vouches, and that is said.
    assert report.counts["keys_unvouched"] == 2
    assert any("không có bản khoá nào" in line for line in loa_verify.told(report))


def test_all_documents_are_left_out(station: Station, tmp_path: Path) -> None:
    def change(files: Files) -> None:
        for line in files.rows("keys", kind="document"):
            files.drop("keys", line)

    assert "anchor" in forged(station, tmp_path, change).codes()


def test_a_document_is_made_up_that_names_the_real_root(station: Station, tmp_path: Path) -> None:
    """Signed by a root of the forger's beside the one the reader knows."""

    def change(files: Files) -> None:
        false = signing.generate("root-b")
        for line in files.rows("keys", kind="document"):
            said = json.loads(signing.joint_payload(line["jws"].encode()))
            said["roots"].append({"kid": "root-b", "x": false.public.x})
            line["jws"] = signing.sign_jointly(
                json.dumps(said).encode(), keyring.KIND, [false]
            ).decode()

    report = forged(station, tmp_path, change)
    assert not report.is_anchored
    assert "anchor" in report.codes()


def test_a_document_is_changed(station: Station, tmp_path: Path) -> None:
    def change(files: Files) -> None:
        line = files.rows("keys", kind="document")[0]
        token = json.loads(line["jws"])
        said = json.loads(signing.joint_payload(line["jws"].encode()))
        said["keys"][0]["until"] += 1
        token["payload"] = signing.b64(json.dumps(said).encode())
        line["jws"] = json.dumps(token)

    report = forged(station, tmp_path, change)
    assert any("không đủ chữ ký của khoá gốc" in each.text for each in report.findings)


@pytest.mark.parametrize("table", ["station_keys", "key_documents"])
def test_what_was_noted_is_only_added_to(station: Station, database: Database, table: str) -> None:
    for change in (f"update {table} set noted_at = 1", f"delete from {table}"):  # noqa: S608 - ours
        with pytest.raises(IntegrityError, match="only added"), database.write() as session:
            session.execute(sa.text(change))


def test_the_command_knows_the_keys_of_long_ago(
    station: Station,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = export(station, tmp_path / "old.zip", after(NOON, HOUR))
    rotate(station, after(NOON, 400 * DAY))
    rotate(station, after(NOON, 800 * DAY))
    forget_secrets(station)
    url = station.database.url.render_as_string(hide_password=False)
    monkeypatch.setenv("LOA_DATABASE_URL", url)
    config = str(station.folder / "config.toml")
    assert cli.main(["verify", str(old), "--config", config]) == 0
    assert "Hãy đối chiếu" not in capsys.readouterr().out
    shutil.rmtree(station.config.secrets)
    assert cli.main(["verify", str(old), "--config", config]) == 0
    assert "Hãy đối chiếu" in capsys.readouterr().out


def test_a_station_without_roots_keeps_its_two_keys(database: Database, tmp_path: Path) -> None:
    made = settle(database, tmp_path / "s", 1)
    made.broadcast(time(17), date(2026, 11, 21))
    made.tick(NOON)
    with database.read() as session:
        keys = station_keys.of(made.config, session)
        assert [(one.kid, one.from_, one.until) for one in keys] == [
            ("emergency-1", 0, signing.FOREVER),
            ("plan-1", 0, signing.FOREVER),
        ]
        assert station_keys.documents(session, made.config) == []
