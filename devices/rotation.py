"""New keys for old: offline roots, and the keys document they sign. What is in use says ``keyring``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from devices import keyring, messages, signing
from devices.keyring import KIND, ROLES
from devices.messages import Key, Keys, Root
from devices.signing import PrivateKey
from loa import files
from loa.config import Config
from loa.errors import DeviceError
from loa.times import DAY, HOUR, Instant, after

DAYS = 400
"""A year, and a month to remember it in: a station that forgets must not fall silent in the storm season."""
OVERLAP_DAYS = 14
SKEW = 1 * HOUR
"""A new key counts from a little before it was made: receivers' clocks differ."""
MOST_KEYS = 16


def make_roots(folder: Path, count: int) -> list[Path]:
    """Write that many new root keys into ``folder``, each a file to be kept offline. Raises DeviceError."""
    if not 1 <= count <= 8:
        raise DeviceError(f"Số khoá gốc {count} phải từ 1 đến 8.", field="count")
    made = []
    for _ in range(count):
        root = signing.generate("root")
        path = folder / f"{_root_name(root)}.key"
        files.create_once(path, signing.seed_text(root))
        made.append(path)
    return made


def load_root(path: Path) -> PrivateKey:
    """The root key in that file, under its own name. Raises DeviceError."""
    if not path.is_file():
        raise DeviceError(f"Không thấy tệp khoá gốc {path}. Hãy cắm ổ cất khoá rồi thử lại.")
    root = signing.key_at(path, "root")
    return PrivateKey(_root_name(root), root.seed)


def _root_name(root: PrivateKey) -> str:
    return f"root-{signing.fingerprint(root.public)}"


def check_can_begin(config: Config, need: int, count: int) -> None:
    """Raise DeviceError where ``begin`` would, before any root is made."""
    if keyring.published(config) is not None:
        raise DeviceError(
            "Đài đã có khoá gốc. Muốn thay, hãy chạy “loa keys rotate --root TỆP_CŨ --new-root TỆP_MỚI”."
        )
    _check_need(need, count)


def begin(config: Config, roots: Sequence[PrivateKey], need: int, now: Instant) -> Keys:
    """The first document: the keys the station has already, now under ``roots``. Raises DeviceError."""
    check_can_begin(config, need, len(roots))
    began = [keyring.first(config, role) for role in ROLES]
    keys = [_entry(one, Instant(0), after(now, DAYS * DAY)) for one in began]
    return _write(config, keys, _named(roots), need, roots, now, 0)


def rotate(
    config: Config,
    signers: Sequence[PrivateKey],
    now: Instant,
    *,
    days: int = DAYS,
    overlap_days: int = OVERLAP_DAYS,
    revoke: Iterable[str] = (),
    new_roots: Sequence[PrivateKey] = (),
    need: int | None = None,
) -> Keys:
    """New keys for both roles; older ones end after the overlap, ``revoke``d ones at once. Raises DeviceError.

    ``signers`` are the roots of today; ``new_roots``, when given, take their place and sign as well.
    """
    kept = keyring.published(config)
    if kept is None:
        raise DeviceError("Đài chưa có khoá gốc. Hãy chạy “loa keys root make THƯ_MỤC” trước.")
    _check_signers(kept, signers)
    _check_days(days, overlap_days)
    gone = _check_revoked(kept, revoke)
    old = [
        msgspec.structs.replace(one, until=min(one.until, now + overlap_days * DAY))
        for one in kept.keys
        if one.kid not in gone and one.until > now
    ]
    new = [_entry(_make(config, role), after(now, -SKEW), after(now, days * DAY)) for role in ROLES]
    roots = _named(new_roots) if new_roots else kept.roots
    wanted = need if need is not None else min(kept.need, len(roots))
    _check_need(wanted, len(roots))
    return _write(config, [*new, *old], roots, wanted, [*signers, *new_roots], now, kept.kv)


def _make(config: Config, role: str) -> PrivateKey:
    """A new key, its secret on the disk before any document names it."""
    key = signing.generate(role)
    kid = f"{role}-{signing.fingerprint(key.public)}"
    files.create_once(keyring.secret(config, kid), signing.seed_text(key))
    return PrivateKey(kid, key.seed, ROLES[role])


def _entry(key: PrivateKey, since: Instant, until: Instant) -> Key:
    return Key(key.public.kid, key.public.x, key.public.roles, since, until)


def _named(roots: Iterable[PrivateKey]) -> tuple[Root, ...]:
    return tuple(Root(one.public.kid, one.public.x) for one in roots)


def _write(
    config: Config, keys: Sequence[Key], roots: tuple[Root, ...], need: int,
    signers: Iterable[PrivateKey], now: Instant, before: int,
) -> Keys:  # fmt: skip
    made = Keys(v=1, kv=max(before + 1, now), iat=now, keys=tuple(keys), roots=roots, need=need)
    each = {one.public.x: one for one in signers}
    token = signing.sign_jointly(messages.encode(made), KIND, each.values())
    if len(token) > messages.MAX_KEYS_BYTES or len(made.keys) > MOST_KEYS:
        raise DeviceError(
            "Còn quá nhiều khoá cũ chưa hết hạn. Hãy thêm “--revoke MÃ_KHOÁ” cho những khoá không dùng nữa."
        )
    _replace(keyring.path(config), token)
    return made


def _replace(path: Path, content: bytes) -> None:
    """Whole or not at all: a document cut short would leave the station without keys."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)


def _check_signers(kept: Keys, signers: Sequence[PrivateKey]) -> None:
    known = {one.x for one in kept.roots}
    if len({one.public.x for one in signers} & known) < kept.need:
        names = ", ".join(one.kid for one in kept.roots)
        raise DeviceError(
            f"Cần {kept.need} tệp khoá gốc trong số: {names}. Hãy nêu đủ bằng --root.", field="root"
        )


def _check_need(need: int, count: int) -> None:
    if not 1 <= need <= count:
        raise DeviceError(
            f"Số chữ ký cần có ({need}) phải từ 1 đến số khoá gốc ({count}).", field="need"
        )


def _check_days(days: int, overlap_days: int) -> None:
    if not 1 <= days <= 3_650:
        raise DeviceError(f"Thời hạn {days} ngày phải từ 1 đến 3650.", field="days")
    if not 0 <= overlap_days <= 90:
        raise DeviceError(
            f"Thời gian gối nhau {overlap_days} ngày phải từ 0 đến 90.", field="overlap"
        )


def _check_revoked(kept: Keys, revoke: Iterable[str]) -> set[str]:
    gone = set(revoke)
    unknown = gone - {one.kid for one in kept.keys}
    if unknown:
        names = ", ".join(one.kid for one in kept.keys)
        raise DeviceError(
            f"Không có khoá “{min(unknown)}”. Các khoá đang có: {names}.", field="revoke"
        )
    return gone
