"""Receivers of ``loa simulate -n``: made known to the station by the thousand; ``devices.simulator`` runs them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from devices import accounts, areas, trust
from devices.areas import Area
from devices.receiver.identity import Station
from devices.receivers import Receiver
from devices.simulator import Faults, SimSettings, key_of, password_of
from loa import audit
from loa.config import Config
from loa.database import Database
from loa.errors import DeviceError
from loa.station import broker_kind, write_broker_accounts
from loa.times import Instant

MOST = 19_000
"""More than one process can hold open where we tried; beyond it ``demand_files`` would refuse anyway."""
PER_VILLAGE = 100
COMMUNE = "Mô phỏng"
BY = "simulate"


def prepare(
    config: Config, database: Database, count: int, *, now: Instant, area_id: int | None = None
) -> SimSettings:
    """The station's first ``count`` simulated receivers, made known to it where they were not.

    They stand in the area given, else in villages of a commune of their own. Their keys and their password derive
    from a secret of this station: no folders, and one hash in the broker's accounts for all. Raises DeviceError.
    """
    if not 1 <= count <= MOST:
        raise DeviceError(
            f"Số đầu thu mô phỏng {count} nằm ngoài khoảng 1–{MOST}. Hãy chọn số khác.", field="n"
        )
    secret = trust.secret_at(config.secrets / "simulated.secret").encode()
    rids = [f"sim-{number:05}" for number in range(1, count + 1)]
    with database.write() as session:
        _make_known(session, rids, secret, area_id, now)
    if broker_kind(config) != "external":
        write_broker_accounts(config, database)
    return _settings(config, rids, secret)


def _settings(config: Config, rids: Sequence[str], secret: bytes) -> SimSettings:
    station = msgspec.json.decode(
        trust.station_json(config, rids[0], password_of(secret)), type=Station
    )
    host, port, tls = config.broker_address
    authority = config.mqtt.ca_file
    ca_file = str(config.folder / authority) if authority else ""
    return SimSettings(
        rids=rids,
        secret=secret,
        keys=station.keys,
        mqtt=replace(station.mqtt, host=host, port=port, tls=tls, ca_file=ca_file),
        roots=station.roots,
        need=station.need,
        kv=station.kv,
    )


def with_faults(settings: SimSettings, faults: Faults, spread_seconds: float = 0.0) -> SimSettings:
    """The same receivers with a harder life."""
    return replace(settings, faults=faults, spread_seconds=spread_seconds)


def retire(database: Database, *, now: Instant) -> int:
    """Take all receivers that ``prepare`` made out of service; how many they were. Their history stays."""
    with database.write() as session:
        done = session.execute(
            sa.update(Receiver)
            .where(Receiver.id.like("sim-%"), Receiver.simulated, Receiver.active)
            .values(active=False, retired_at=now, plan_stale=True)
        )
        count = int(getattr(done, "rowcount", 0))
        if count:
            audit.append(session, now, BY, "simulate.retire", receivers=count)
    return count


def _make_known(
    session: Session, rids: Sequence[str], secret: bytes, area_id: int | None, now: Instant
) -> None:
    known = _known(session, rids)
    keys = {rid: key_of(secret, rid).public.x for rid in rids}
    good = {rid for rid, row in known.items() if row.active and row.public_key == keys[rid]}
    if len(good) == len(rids):
        return
    # One hash for all: they are of one process and one secret, and ten thousand take a broker seconds to compute.
    hashed = accounts.hash_password(password_of(secret))
    again = [rid for rid in known if rid not in good]
    new = [rid for rid in rids if rid not in known]
    if again:
        session.execute(
            sa.update(Receiver),
            [
                {
                    "id": rid, "public_key": keys[rid], "password_hash": hashed, "active": True,
                    "retired_at": None, "confirmed_at": now, "plan_stale": True,
                }
                for rid in again
            ],
        )  # fmt: skip
    if new:
        _insert(session, new, keys, hashed, _villages(session, len(new), area_id, now), now)
    audit.append(session, now, BY, "simulate.add", receivers=len(new), again=len(again))


def _known(session: Session, rids: Iterable[str]) -> dict[str, Any]:
    wanted = set(rids)
    found = session.execute(
        sa.select(Receiver.id, Receiver.public_key, Receiver.active, Receiver.simulated).where(
            Receiver.id.like("sim-%")
        )
    )
    known = {row.id: row for row in found if row.id in wanted}
    for row in known.values():
        if not row.simulated:
            raise DeviceError(
                f"Mã “{row.id}” thuộc về một đầu thu thật, không mô phỏng được. Hãy chạy mô phỏng trên một đài khác.",
                field="n",
            )
    return known


def _insert(
    session: Session, rids: Sequence[str], keys: dict[str, str], hashed: str, villages: Sequence[int], now: Instant
) -> None:  # fmt: skip
    rows = [
        {
            "id": rid, "name": f"Mô phỏng {rid.removeprefix('sim-')}", "area_id": villages[number // PER_VILLAGE],
            "public_key": keys[rid], "password_hash": hashed, "simulated": True, "active": True,
            "added_at": now, "confirmed_at": now, "plan_stale": True,
        }
        for number, rid in enumerate(rids)
    ]  # fmt: skip
    session.execute(sa.insert(Receiver), rows)


def _villages(session: Session, count: int, area_id: int | None, now: Instant) -> list[int]:
    """An area for each hundred receivers."""
    needed = -(-count // PER_VILLAGE)
    if area_id is not None:
        return [areas.get(session, area_id).id] * needed
    commune = _area(session, COMMUNE, "xã", None, now)
    return [
        _area(session, f"{COMMUNE} {number}", "thôn", commune, now).id
        for number in range(1, needed + 1)
    ]


def _area(session: Session, name: str, level: str, parent: Area | None, now: Instant) -> Area:
    under = parent.id if parent else None
    found = session.scalar(sa.select(Area).where(Area.name == name, Area.parent_id == under))
    return found or areas.add(session, name=name, level=level, parent=parent, now=now, by=BY)
