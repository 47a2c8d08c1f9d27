"""``loa bench fleet``: a station and thousands of receivers on this machine, beside what the machine can do at most."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec

from content import bulletins
from content.bulletins import Priority
from devices import trust
from devices.benches import ceilings
from devices.benches.fleet import Order
from devices.link import LinkSettings, Urgency
from devices.messages import BLOCK_BYTES, UP_TOPICS, block_topic
from loa import times
from loa.benches.ground import SOUND_BYTES, Cost, Ground, Poles, wait_until
from loa.times import HOUR, Instant, after, local
from scheduler import alert_consent, alert_orders, alerts, schedules
from scheduler.alert_orders import Order as AlertOrder
from scheduler.dispatcher import PLAN_TYPE
from scheduler.schedules import Kind, Rule
from scheduler.targets import Where

LISTENERS = 200
"""Receivers that ask for one sound at once."""
FEW = 20
FLOOD_ENTRIES = 20
FEW_ENTRIES = 5
PARTS = ("plans", "idle", "emergency", "evidence", "audio", "storm", "memory")
WITH_CEILING = frozenset({"plans", "idle", "emergency", "evidence", "audio"})
"""That of evidence and rest: how many signatures a core checks in a second, 11,400 where their goals were set."""
A_PERCENT = 114
"""Signatures checked there in a hundredth of a second."""
IDLE_SECONDS = 30.0
QUIET_SECONDS = 75.0
"""Until every receiver has said with a heartbeat what it did last: from then on it says nothing new."""
PLAN_BYTES = 600
"""Before they are signed."""


class Figure(msgspec.Struct):
    """One line of what was found, beside the ceiling measured in the same run and the goal."""

    what: str
    value: float
    unit: str
    ceiling: float | None = None
    goal: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.ceiling if self.ceiling else None

    def __str__(self) -> str:
        words = f"{self.what}: {self.value:,.3g} {self.unit}"
        if self.ceiling and self.ratio:
            words += f"; mức trần {self.ceiling:,.3g} {self.unit}, tỉ lệ {self.ratio:.2f}"
        return words + (f" (mục tiêu {self.goal})" if self.goal else "")


def measure(count: int, database_url: str = "", only: Collection[str] = PARTS) -> Iterator[Figure]:
    """Each figure of these parts as soon as it is known. Raises LoaError when something never comes."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="loa-bench-"))
        ground = stack.enter_context(closing(Ground(Path(folder), count, database_url)))
        ceiling = None
        if WITH_CEILING & set(only):
            with ground.broker_alone(), ground.fleet() as poles:
                poles.connect()
                ceiling = _Ceilings(ground, poles)
                yield from ceiling.figures()
        with ground.station() as cost, ground.fleet() as poles:
            yield from _Station(ground, poles, cost, ceiling).figures(only)


class _Ceilings:
    """What the machine, the broker and a bare database can do, with the same number of receivers."""

    def __init__(self, ground: Ground, poles: Poles) -> None:
        self._ground, self._poles = ground, poles
        self.sign = ceilings.middle(lambda: ceilings.sign_seconds(ground.count))
        self.verify = ceilings.middle(lambda: ceilings.verify_seconds(ground.count))
        settings = LinkSettings(
            host="127.0.0.1", port=ground.port, client_id=ground.config.mqtt.username,
            username=ground.config.mqtt.username, password=trust.broker_password(ground.config), version="5",
            subscriptions=((UP_TOPICS, 1),),
        )  # fmt: skip
        with ceilings.Loop(settings, ground.folder) as loop:
            key = trust.station_keys(ground.config, times.now()).plan
            token = key.sign(bytes(PLAN_BYTES), PLAN_TYPE)
            self.publish = ceilings.middle(lambda: loop.publish_seconds(ground.rids, token))
            self.round = ceilings.middle(lambda: loop.round_seconds(ground.rids, token))
            self.spread = self._spread(loop)

    def _spread(self, loop: ceilings.Loop) -> float:
        """Seconds for the broker alone to give one sound to LISTENERS receivers."""
        sha, blocks = "c" * 64, -(-SOUND_BYTES // BLOCK_BYTES)
        poles = min(LISTENERS, self._ground.count)
        size = blocks * BLOCK_BYTES
        self._poles.tell(Order(do="fetch", poles=poles, sha=sha, size=size))
        began = time.perf_counter()
        for number in range(blocks):
            loop.send(block_topic(sha, number), bytes(BLOCK_BYTES), Urgency.AUDIO)
        wait_until(lambda: self._poles.stats().fetched >= poles, "audio ceiling")
        return time.perf_counter() - began

    def figures(self) -> Iterator[Figure]:
        yield Figure("Trần: ký", self.sign, "s")
        yield Figure("Trần: kiểm chữ ký", self.verify, "s")
        yield Figure("Trần: gửi mỗi đầu thu một bản tin MQTT, được trả lời", self.publish, "s")
        yield Figure("Trần: vòng gửi, kiểm, ký trả lời, ghi SQLite FULL", self.round, "s")
        yield Figure(f"Trần: mosquitto phát một âm thanh cho {LISTENERS} đầu thu", self.spread, "s")


class _Station:
    """The product, with signatures, journals and durability on."""

    def __init__(self, ground: Ground, poles: Poles, cost: Cost, ceiling: _Ceilings | None) -> None:
        self._ground, self._poles, self._cost, self._ceiling = ground, poles, cost, ceiling

    def figures(self, only: Collection[str]) -> Iterator[Figure]:
        """Those of the parts asked for; all receivers connect in any case."""
        parts = {
            "plans": self._plans, "idle": self._idle, "emergency": self._emergency,
            "evidence": self._evidence, "audio": self._audio, "storm": self._power_cut,
        }  # fmt: skip
        begun = times.now()
        self._poles.tell(Order(do="beat"))
        before = self._settled()
        yield from self._storm("Kết nối lần đầu", begun)
        for name, part in parts.items():
            if name in only:
                yield from part()
        if "memory" in only:
            yield from self._memory(before)

    def _power_cut(self) -> Iterator[Figure]:
        self._poles.tell(Order(do="drop"))
        yield from self._storm("Mất điện cả tỉnh rồi có lại", times.now())

    def _memory(self, before: float) -> Iterator[Figure]:
        grown = self._cost.megabytes("run") - before
        yield Figure(
            f"Bộ nhớ tiến trình run, thêm so với lúc có {FEW} đầu thu", grown, "MB", goal="≤ 20 MB"
        )
        yield Figure("  trên mỗi đầu thu", grown * 1e3 / self._ground.count, "kB", goal="≤ 2 kB")

    def _settled(self) -> float:
        """Megabytes of the process ``run`` when it has a few receivers to care for."""
        self._poles.connect(FEW)
        wait_until(lambda: self._poles.stats().plans >= min(FEW, self._ground.count), "few plans")
        return self._cost.megabytes("run")

    def _storm(self, what: str, since: Instant) -> Iterator[Figure]:
        """All connect at once; until the station holds of each a presence not older than ``since``."""
        began = times.now()
        connected = self._poles.connect()
        heard = "select count(*) from presences where online and heard_at >= :since"
        more = wait_until(
            lambda: self._ground.count_of(heard, since=since) >= self._ground.count, "presence"
        )
        yield Figure(f"{what}: mọi đầu thu đã vào", connected, "s")
        yield Figure(f"{what}: đài biết đúng tất cả", connected + more, "s", goal="≤ 60 s")
        wait_until(lambda: self._poles.stats().plans >= self._ground.count, "first plans")
        yield Figure(f"{what}: mọi đầu thu có kế hoạch", (times.now() - began) / 1e3, "s")

    def _schedule(self, bulletin_id: int, at: Instant) -> tuple[float, int]:
        """Have everybody play it then; (seconds since the epoch of the commit, the schedule's id)."""
        with self._ground.database.write() as session:
            bulletin, who = bulletins.get(session, bulletin_id), self._ground.approver(session)
            wall = local(at, self._ground.config.zone)
            rule = Rule(
                kind=Kind.ONCE, at=wall.time().replace(microsecond=0), start_date=wall.date(),
                area_ids=(self._ground.commune,),
            )  # fmt: skip
            found = schedules.add(
                session, bulletin, who, rule, now=times.now(), zone=self._ground.config.zone
            ).id
        return time.time(), found

    def _prepare(self, bulletin_id: int) -> int:
        """An alert for everybody, for which a second person is waited for; returns its id."""
        with self._ground.database.write() as session:
            now = times.now()
            order = AlertOrder(
                where=Where((self._ground.commune,)), expires_at=after(now, 2 * HOUR),
                bulletin=bulletins.get(session, bulletin_id),
            )  # fmt: skip
            who = self._ground.editor(session)
            return alert_orders.prepare(session, who, order, now, self._ground.config.zone).id

    def _all_told(self, plans_before: int) -> bool:
        """Whether every receiver has taken a plan since then, and neither side has more to say of it.

        The receivers are asked: a plan bears the moment at which its tick began, which may lie before what it names.
        """
        stats = self._poles.stats()
        return (
            stats.plans >= plans_before + self._ground.count
            and not stats.unsent
            and not self._ground.count_of("select count(*) from outbox where published_at is null")
        )

    def _agree(self, alert_id: int) -> float:
        """Be the second person; seconds since the epoch of the commit."""
        with self._ground.database.write() as session:
            alert = alerts.get(session, alert_id)
            alert_consent.agree(
                session, alert, self._ground.approver(session), alert.bulletin.sounds.values(),
                times.now(), self._ground.config.zone, emergency_approvers=1,
            )  # fmt: skip
        return time.time()

    def _all_accepted(self, source: str, its_id: int) -> bool:
        """Whether every receiver has accepted the broadcast of that source: a column of its own, and an id.

        Those served last are looked at first: to count ten thousand fifty times a second would take a tenth of the
        machine from what is measured.
        """
        its = f"broadcast_id = (select max(id) from broadcasts where {source} = :id)"  # noqa: S608 - no value
        is_open = self._ground.count_of(
            f"select count(*) from (select 1 from deliveries where {its} and accepted_at is null "  # noqa: S608 - no value
            "order by receiver_id desc limit 1) as waiting",
            id=its_id,
        )
        return not is_open and self._ground.count <= self._ground.count_of(
            f"select count(*) from deliveries where {its} and accepted_at is not null",  # noqa: S608 - no value
            id=its_id,
        )

    def _plans(self) -> Iterator[Figure]:
        bulletin = self._ground.bulletin(Priority.NORMAL)
        pressed, schedule = self._schedule(bulletin, after(times.now(), 2 * HOUR))
        self._ground.wait_committed(lambda: self._all_accepted("schedule_id", schedule), "accepted")
        took = time.time() - pressed
        last = self._ground.count_of("select max(published_at) from outbox") / 1e3 - pressed
        ceiling = self._ceiling.publish + self._ceiling.sign if self._ceiling else None
        yield Figure("Kế hoạch mới cho tất cả: lập, ký, ghi, gửi", last, "s", ceiling, "≤ 2,5 lần")
        yield Figure("  đến khi “đã nhận lệnh” cuối cùng được ghi", took, "s")

    def _idle(self) -> Iterator[Figure]:
        time.sleep(QUIET_SECONDS)
        roles = ("run", "mosquitto")
        before = {role: self._cost.cpu_seconds(role) for role in roles}
        time.sleep(IDLE_SECONDS)
        for role in roles:
            spent = (self._cost.cpu_seconds(role) - before[role]) / IDLE_SECONDS * 100
            goal, ceiling = "", None
            if role == "run":
                goal = "< 1 % với 2.000 đầu thu; < 1 lần"
                c = self._ceiling
                ceiling = A_PERCENT * 100 * c.verify / self._ground.count if c else None
            yield Figure(
                f"Nghỉ, mỗi đầu thu một nhịp mỗi phút: {role}", spent, "% một nhân", ceiling, goal
            )

    def _emergency(self) -> Iterator[Figure]:
        """As people order one: it is prepared, its sound is sent ahead, and then the second person agrees."""
        bulletin, plans = self._ground.bulletin(Priority.EMERGENCY), self._poles.stats().plans
        alert = self._prepare(bulletin)
        wait_until(lambda: self._all_told(plans), "plans that name the sound")
        pressed = self._agree(alert)
        self._ground.wait_committed(lambda: self._all_accepted("alert_id", alert), "emergency")
        took = time.time() - pressed
        c = self._ceiling
        ceiling = c.round + c.sign + c.verify if c else None
        yield Figure("Khẩn cấp: bấm đến “đã nhận lệnh” cuối cùng", took, "s", ceiling, "≤ 2 lần")

    def _evidence(self) -> Iterator[Figure]:
        wait_until(self._has_all_evidence, "the journals so far")
        large, _ = self._flood(FLOOD_ENTRIES, FLOOD_ENTRIES)
        _, small = self._flood(FEW_ENTRIES, 1)
        c = self._ceiling
        checked = self._ground.count / c.verify if c else None
        yield Figure(
            f"Dồn nhật ký, gói {FLOOD_ENTRIES} mục: mục mỗi giây", large, "mục/s", checked, "≥ 40.000; ≥ 3,5 lần"
        )  # fmt: skip
        yield Figure(
            "Dồn nhật ký, gói một mục: gói đã ký mỗi giây", small, "gói/s", checked, "≥ 4.000; ≥ 0,35 lần"
        )  # fmt: skip

    def _has_all_evidence(self) -> bool:
        return self._poles.stats().unsent == 0

    def _flood(self, entries: int, most: int) -> tuple[float, float]:
        """Entries and batches a second, when each has written and signed so many before."""
        self._poles.tell(Order(do="write", entries=entries, most=most))
        before = self._poles.stats()
        began = time.perf_counter()
        self._poles.tell(Order(do="flood"))
        wait_until(self._has_all_evidence, "evidence")
        took = time.perf_counter() - began
        now = self._poles.stats()
        return (now.acked - before.acked) / took, (now.batches - before.batches) / took

    def _audio(self) -> Iterator[Figure]:
        bulletin = self._ground.bulletin(Priority.NORMAL)
        poles = min(LISTENERS, self._ground.count)
        before = self._poles.stats()
        began = time.perf_counter()
        sha = self._ground.sound_of(bulletin)
        self._poles.tell(Order(do="fetch", poles=poles, sha=sha, size=SOUND_BYTES))
        wait_until(lambda: self._poles.stats().fetched >= before.fetched + poles, "audio")
        took = time.perf_counter() - began
        after_ = self._poles.stats()
        blocks = -(-SOUND_BYTES // BLOCK_BYTES)
        ceiling = self._ceiling.spread if self._ceiling else None
        yield Figure(f"1,8 MB đến {poles} đầu thu", took, "s", ceiling, "≤ 3 lần")
        heard = (after_.heard - before.heard) / blocks
        yield Figure("  mỗi khối được phát trung bình", heard, "lần", goal="≤ 1,2")
