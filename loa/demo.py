"""The sample commune of ``loa serve --demo``: made once, in an empty database, and clearly marked as such."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from content import bulletins, recordings, renderings
from content.bulletins import Bulletin, Draft, Priority
from content.parts import spoken
from devices import areas, receivers, trust
from devices.areas import Area
from devices.receiver import identity
from loa import audit, staff, times
from loa.config import Config
from loa.database import Database
from loa.errors import ContentError
from loa.staff import Role, Staff
from loa.times import HOUR, SECOND, Instant, after, local
from scheduler import regulation, schedules
from scheduler.regulation import QuietHours
from scheduler.schedules import Kind, Rule

FIRST_BROADCAST = 60 * SECOND
CAST = (
    ("hoa", "Hoa", Role.EDITOR, "người soạn"),
    ("minh", "Minh", Role.APPROVER, "người duyệt"),
    (
        "duyet2",
        "Người duyệt thứ hai",
        Role.APPROVER,
        "người duyệt; bản tin khẩn cấp cần hai người duyệt",
    ),
    ("vanhanh", "Trực vận hành", Role.OPERATOR, "người vận hành"),
    ("quantri", "Quản trị đài", Role.ADMIN, "quản trị"),
)
VILLAGES = (
    (
        "Đông",
        412,
        20.9671,
        105.7712,
        (("mp-dong-1", "Cột nhà văn hoá"), ("mp-dong-2", "Cột cổng chợ")),
    ),
    (
        "Đoài",
        356,
        20.9645,
        105.7634,
        (("mp-doai-1", "Cột đình làng"), ("mp-doai-2", "Cột trạm bơm")),
    ),
    ("Bãi", 187, 20.9590, 105.7801, (("mp-bai-1", "Cột bến đò"),)),
)
HELLO = Draft(
    title="Chào mừng đến với Loa",
    parts=spoken("Đây là bản tin mẫu của xã. Bà con nghe rõ thì loa đã sẵn sàng."),
    field=1,
)
OTHERS = (
    Draft(
        title="Lịch thu gom rác tuần này",
        parts=spoken(
            "Ủy ban nhân dân xã thông báo lịch thu gom rác thải sinh hoạt.\n\n"
            "Thôn Đông và thôn Đoài: thứ Hai, thứ Năm, từ 17h30 đến 18h30. Thôn Bãi: thứ Ba, thứ Sáu, từ 6h đến 7h.\n\n"
            "Đề nghị bà con để rác đúng nơi quy định, không để rác ra đường trước giờ thu gom."
        ),
        field=4,
    ),
    Draft(
        title="Tiêm phòng dại cho chó, mèo",
        parts=spoken(
            "Trạm thú y tổ chức tiêm phòng bệnh dại cho đàn chó, mèo từ ngày 01/12 đến 03/12 tại nhà văn hoá các thôn, "
            "buổi sáng từ 7h30 đến 10h30. Kinh phí tiêm 20.000đ/con, hộ nghèo được miễn.\n\n"
            "Chi tiết xin liên hệ số điện thoại 0912 345 678."
        ),
        field=5,
        priority=Priority.PRIORITY,
    ),
    Draft(
        title="Lịch cắt điện sửa chữa đường dây",
        parts=spoken(
            "Điện lực thông báo ngừng cấp điện để sửa chữa đường dây 22 kV từ 8h00 đến 11h30 Chủ nhật tại thôn Bãi. "
            "Bà con chủ động kế hoạch sinh hoạt, sản xuất."
        ),
        field=2,
    ),
)


def simulated_folder(config: Config) -> Path:
    """Where the virtual receivers keep what a real one keeps on its own disk."""
    return config.data / "simulated"


def make(config: Config, database: Database) -> bool:
    """Fill an empty database with the sample commune and print its passwords; False when it is not empty."""
    with database.read() as session:
        if session.scalar(sa.select(sa.func.count()).select_from(Staff)):
            return False
    print("Đang tạo xã mẫu…", flush=True)
    with database.write() as session:
        passwords = _people(session, times.now())
        commune = _places(session, config, times.now())
        drafts = _bulletins(session, times.now())
    while renderings.render_next(database, config):
        pass
    with database.write() as session:
        _schedule(session, config, drafts, commune, times.now())
    _print(passwords)
    return True


def sample_quiet(now: Instant, config: Config) -> QuietHours:
    """The default quiet hours, or, when these are near, a span of six hours that begins four hours from now.

    The sample must sound whenever it is tried, by night too, without weakening the rule it shows.
    """
    usual = QuietHours(time(21), time(5))
    if regulation.breach([usual], now, after(now, 3 * HOUR), config.zone) is None:
        return usual
    begins = local(after(now, 4 * HOUR), config.zone).replace(minute=0, second=0, microsecond=0)
    return QuietHours(begins.time(), (begins + timedelta(hours=6)).time())


def _people(session: Session, now: Instant) -> dict[str, str]:
    passwords = {}
    for login, name, role, _ in CAST:
        passwords[login] = staff.new_password()
        staff.add(
            session,
            login=login,
            name=name,
            role=role,
            password=passwords[login],
            now=now,
            by="demo",
        )
    return passwords


def _places(session: Session, config: Config, now: Instant) -> Area:
    commune = areas.add(
        session, name="Mẫu", level="xã", now=now, by="demo", lat=20.9640, lon=105.7715
    )
    for name, households, lat, lon, boxes in VILLAGES:
        village = areas.add(
            session,
            name=name,
            level="thôn",
            parent=commune,
            households=households,
            lat=lat,
            lon=lon,
            now=now,
            by="demo",
        )
        for number, (rid, place) in enumerate(boxes):
            folder = simulated_folder(config) / rid
            password = staff.new_password()
            public_key = identity.create(folder, rid)
            receivers.add(
                session, id=rid, name=place, area=village, public_key=public_key, password=password, simulated=True,
                households=households // len(boxes), lat=lat + 0.001 * number, lon=lon + 0.001 * number,
                now=now, by="demo",
            )  # fmt: skip
            (folder / identity.STATION).write_bytes(trust.station_json(config, rid, password))
    quiet = sample_quiet(now, config)
    if regulation.quiet_at(session, now) != (quiet,):
        regulation.set_quiet(session, None, [quiet], now)
    return commune


def _bulletins(session: Session, now: Instant) -> list[Bulletin]:
    hoa = _staff(session, "hoa")
    written = [bulletins.write(session, hoa, draft, now) for draft in (HELLO, *OTHERS)]
    for bulletin in written:
        recordings.queue(session, bulletin, now)
    return written


def _schedule(
    session: Session, config: Config, drafts: list[Bulletin], commune: Area, now: Instant
) -> None:
    """The first sounds in a minute, the second each day; the third waits for its approver, the fourth is a draft."""
    hoa, minh = _staff(session, "hoa"), _staff(session, "minh")
    hello, daily, waiting, _ = [bulletins.get(session, bulletin.id) for bulletin in drafts]
    for bulletin in (hello, daily, waiting):
        rendering = recordings.latest_rendering(session, bulletin.id)
        if bulletin.recording_sha is None:
            raise ContentError(
                f"Không tạo được bản tin mẫu: {rendering.error if rendering else 'chưa rõ'}"
            )
        bulletins.submit(session, bulletin, hoa, now)
    for bulletin in (hello, daily):
        bulletins.approve(session, bulletin, minh, bulletin.sounds.values(), now)
    soon = local(after(now, FIRST_BROADCAST), config.zone)
    once = Rule(kind=Kind.ONCE, at=soon.time(), start_date=soon.date(), area_ids=(commune.id,))
    schedules.add(session, hello, hoa, once, now=now, zone=config.zone)
    # Each day from tomorrow at the next full hour: the quiet hours begin three hours from now at the soonest.
    hour = local(after(now, HOUR), config.zone).replace(minute=0, second=0, microsecond=0)
    every_day = Rule(
        kind=Kind.DAILY,
        at=hour.time(),
        start_date=hour.date() + timedelta(days=1),
        area_ids=(commune.id,),
    )
    schedules.add(session, daily, hoa, every_day, now=now, zone=config.zone)
    audit.append(session, now, "demo", "demo.made")


def _staff(session: Session, login: str) -> Staff:
    return session.scalars(sa.select(Staff).where(Staff.login == login)).one()


def _print(passwords: dict[str, str]) -> None:
    print("\nXã mẫu đã sẵn sàng. Tài khoản (mật khẩu chỉ in ra lần này):")
    for login, _, _, role in CAST:
        print(f"  {login:<8} {passwords[login]}   {role}")
    print(
        "Năm đầu thu mô phỏng đang chạy trên máy này; lượt phát đầu tiên bắt đầu sau khoảng một phút nữa.\n",
        flush=True,
    )
