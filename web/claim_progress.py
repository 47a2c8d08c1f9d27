"""How far a claim has come: what its page shows, and what would keep a box from reaching the station."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import request
from sqlalchemy.orm import Session

from devices import signing
from devices.claims import Claim, State
from devices.receivers import Receiver
from loa.config import Config
from loa.times import Instant
from loa.words import say
from scheduler import tones
from scheduler.tones import Outcome, Stage
from web import current


@dataclass(frozen=True)
class Progress:
    """How far a claim has come, and what is to be done next."""

    claim: Claim
    receiver: Receiver | None
    online: bool
    """Heard since it claimed its place, and on now."""
    outcome: Outcome | None
    """Of the last test tone since then."""
    has_code: bool
    command: tuple[str, ...]
    """What to type at the box, in pieces that must not be broken."""
    warnings: tuple[str, ...]
    fingerprint: str

    @property
    def heard(self) -> bool:
        """The box says it sounded the tone: now a person says whether it was heard."""
        return self.outcome is not None and self.outcome.stage is Stage.PLAYED

    @property
    def sounding(self) -> bool:
        return self.outcome is not None and self.outcome.stage in (
            Stage.SENT,
            Stage.ACCEPTED,
            Stage.STARTED,
        )


def of(session: Session, claim: Claim, now: Instant) -> Progress:
    """As it is now; the addresses are those by which the page was asked for."""
    is_here = claim.claimed_at is not None and claim.state is not State.WAITING
    receiver = session.get(Receiver, claim.receiver_id) if is_here else None
    station = request.host_url.rstrip("/")
    return Progress(
        claim=claim,
        receiver=receiver,
        online=receiver is not None and _is_online(receiver, claim, now),
        outcome=_outcome(session, claim, now),
        has_code=claim.has_code(now),
        command=(
            f"loa receiver claim {station}",
            f"--serial {claim.serial}",
            f"--code {claim.code}",
            "--folder /var/lib/loa-receiver",
        ),
        warnings=tuple(_warnings(current.config(), station)),
        fingerprint=signing.fingerprint(signing.PublicKey(claim.receiver_id, claim.public_key))
        if claim.public_key
        else "",
    )


def _is_online(receiver: Receiver, claim: Claim, now: Instant) -> bool:
    seen = receiver.presence
    return seen is not None and seen.heard_at >= (claim.claimed_at or 0) and seen.is_online(now)


def _outcome(session: Session, claim: Claim, now: Instant) -> Outcome | None:
    if claim.claimed_at is None or claim.state is State.WAITING:
        return None
    asked = tones.last(session, claim.receiver_id, claim.claimed_at)
    return tones.outcome(session, asked, now) if asked else None


def was_played(session: Session, claim: Claim, now: Instant) -> bool:
    """The box says that it sounded the last tone asked of it since it claimed its place."""
    outcome = _outcome(session, claim, now)
    return outcome is not None and outcome.stage is Stage.PLAYED


def _warnings(config: Config, station: str) -> list[str]:
    """What would keep a box on a pole from reaching us."""
    found: list[str] = []
    if is_local(urlsplit(station).hostname or ""):
        found.append(
            say(
                "Bạn đang mở trang bằng địa chỉ %(address)s, chỉ máy này hiểu. Trên máy khác, hãy thay bằng địa "
                "chỉ của đài trong mạng.",
                address=station,
            )
        )
    host = config.mqtt.advertise or config.broker_address[0]
    if is_local(host):
        found.append(
            say(
                "Đầu thu sẽ được bảo kết nối tới %(host)s, tức là chính nó. Đầu thu ở máy khác cần [mqtt] host và "
                "advertise trong config.toml.",
                host=host,
            )
        )
    return found


def is_local(host: str) -> bool:
    """Whether that name or address means the machine it is used on."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
