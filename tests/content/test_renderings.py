from __future__ import annotations

import hashlib
import math
import shutil
import struct
import threading
import wave
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from content import bulletins, entries, mastering, recordings, renderings, uploads, voices
from content.bulletins import Bulletin, Draft
from content.corrections import Correction
from content.dictionary import Entry
from content.parts import Chime, Recorded, Text, Translation, spoken
from content.recordings import Recording, Rendering, RenderingState
from content.voices.base import Registry, VoiceFailed
from content.voices.espeak import Espeak
from loa import config
from loa.config import Config
from loa.database import Database
from loa.languages import KINH
from loa.times import after
from tests.cast import NOON, settle_in

DRAFT = Draft(title="Họp thôn", parts=spoken("Họp thôn lúc 7h30."))
RATE = 24_000


@pytest.fixture
def settings(tmp_path: Path) -> Config:
    return config.parse(b"", tmp_path / "config.toml")


@pytest.fixture
def sqlite(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    """For what asks the database nothing of its own."""
    shutil.copy(migrated_sqlite, tmp_path / "loa.db")
    opened = Database(f"sqlite:///{tmp_path / 'loa.db'}")
    yield opened
    opened.close()


def ask(database: Database, draft: Draft = DRAFT) -> int:
    with database.write() as session:
        bulletin = bulletins.write(session, settle_in(session).hoa, draft, NOON)
        recordings.queue(session, bulletin, NOON)
        return bulletin.id


def tone(settings: Config, seconds: float = 4, hertz: int = 440) -> str:
    """An upload; its name."""
    settings.uploads.mkdir(parents=True, exist_ok=True)
    path = settings.uploads / "arriving"
    count = round(seconds * RATE)
    samples = (
        round(9000 * math.sin(2 * math.pi * hertz * at / RATE) * abs(math.sin(at / 6000)))
        for at in range(count)
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(struct.pack(f"<{count}h", *samples))
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    path.rename(settings.uploads / sha)
    return sha


def junk(settings: Config) -> str:
    settings.uploads.mkdir(parents=True, exist_ok=True)
    (settings.uploads / ("f" * 64)).write_text("đây không phải âm thanh")
    return "f" * 64


def recording(database: Database, bulletin_id: int, language: str = KINH) -> Recording:
    with database.read() as session:
        sounds = bulletins.get(session, bulletin_id).sounds
        return session.get_one(Recording, sounds[language])


def failure(database: Database, bulletin_id: int) -> str:
    with database.read() as session:
        rendering = recordings.latest_rendering(session, bulletin_id)
        assert bulletins.get(session, bulletin_id).sounds == {}
    assert rendering is not None
    assert rendering.state == RenderingState.FAILED
    return rendering.error or ""


def make(database: Database, settings: Config, draft: Draft) -> int:
    bulletin_id = ask(database, draft)
    assert renderings.render_next(database, settings, lambda: NOON)
    return bulletin_id


# From words, recordings and chimes to the sound


def test_words_become_the_bulletins_sound(database: Database, settings: Config) -> None:
    bulletin_id = make(database, settings, DRAFT)
    assert not renderings.render_next(database, settings)
    made = recording(database, bulletin_id)
    assert made.spoken == "Họp thôn lúc bảy giờ ba mươi phút."
    assert made.voices == ["espeak"]
    assert made.notes == []
    assert 8_000 < made.ms < 16_000  # two chimes and two seconds of speech
    file = recordings.file(settings.recordings, made.sha256).read_bytes()
    assert hashlib.sha256(file).hexdigest() == made.sha256
    with database.read() as session:
        rendering = recordings.latest_rendering(session, bulletin_id)
    assert rendering is not None
    assert (rendering.state, rendering.percent) == (RenderingState.DONE, 100)


def test_a_bulletin_of_text_recording_and_chime_is_one_sound(
    sqlite: Database, settings: Config
) -> None:
    short = Recorded(upload=tone(settings), name="lời chủ tịch.wav", cuts=((1_000, 3_000),))
    mixed = (
        Text(body="Sau đây là lời chủ tịch xã."),
        Chime(),
        short,
        Text(body="Hết.", speed=110),
    )
    draft = Draft(title="A", parts=mixed, chimes=False)
    made = recording(sqlite, make(sqlite, settings, draft))
    assert made.spoken == "Sau đây là lời chủ tịch xã.\n\nHết."
    assert made.voices == ["espeak"]
    whole = msgspec.structs.replace(short, cuts=())
    longer = msgspec.structs.replace(draft, parts=(mixed[0], mixed[1], whole, mixed[3]))
    with sqlite.write() as session:
        bulletin = session.scalars(sa.select(Bulletin)).one()
        bulletins.edit(session, bulletin, bulletin.author, longer, NOON)
        recordings.queue(session, bulletin, NOON)
    assert renderings.render_next(sqlite, settings)
    assert recording(sqlite, bulletin.id).ms == pytest.approx(made.ms + 2_000, abs=100)


def test_a_translation_has_a_sound_of_its_own(sqlite: Database, settings: Config) -> None:
    tay = Translation(language="tyz", upload=tone(settings, 3), name="tày.wav")
    mong = Translation(language="hmn", upload=tone(settings, 5, 600), name="mông.wav")
    draft = Draft(title="A", parts=spoken("Họp thôn."), translations=(tay, mong), chimes=False)
    bulletin_id = make(sqlite, settings, draft)
    sounds = {code: recording(sqlite, bulletin_id, code) for code in (KINH, "tyz", "hmn")}
    assert len({sound.sha256 for sound in sounds.values()}) == 3
    assert sounds["tyz"].ms == pytest.approx(3_000, abs=400)
    assert sounds["hmn"].ms == pytest.approx(5_000, abs=400)
    assert (sounds["tyz"].spoken, sounds["tyz"].voices) == (None, [])
    assert sounds[KINH].spoken == "Họp thôn."


def test_music_keeps_its_loud_and_soft(sqlite: Database, settings: Config) -> None:
    upload = tone(settings)
    plain = Draft(title="A", parts=(Recorded(upload=upload, name="a.wav"),), chimes=False)
    music = Draft(
        title="A", parts=(Recorded(upload=upload, name="a.wav", music=True),), chimes=False
    )
    first = recording(sqlite, make(sqlite, settings, plain)).sha256
    with sqlite.write() as session:
        bulletin = session.scalars(sa.select(Bulletin)).one()
        assert bulletins.edit(session, bulletin, bulletin.author, music, NOON)
        recordings.queue(session, bulletin, NOON)
    assert renderings.render_next(sqlite, settings)
    assert recording(sqlite, bulletin.id).sha256 != first


def test_words_are_read_as_corrected_in_this_bulletin(sqlite: Database, settings: Config) -> None:
    said = Correction(start=14, end=18, written="XYZQ", spoken="ích y dét")
    draft = Draft(title="A", parts=(Text(body="Đề nghị tổ xe XYZQ đến.", corrections=(said,)),))
    assert recording(sqlite, make(sqlite, settings, draft)).spoken == "Đề nghị tổ xe ích y dét đến."


def test_words_are_read_as_the_commune_taught_them(sqlite: Database, settings: Config) -> None:
    bulletin_id = ask(sqlite, Draft(title="A", parts=spoken("Mời TXQ đến họp.")))
    with sqlite.write() as session:
        hoa = bulletins.get(session, bulletin_id).author
        entries.teach(session, hoa, Entry("TXQ", "tổ xung kích"), NOON)
    assert renderings.render_next(sqlite, settings)
    assert recording(sqlite, bulletin_id).spoken == "Mời tổ xung kích đến họp."


class Refusing:
    """An online voice on a day without a line."""

    name, label, offline = "online", "Giọng trên mạng", False

    def facts(self) -> tuple[str, ...]:
        return ()

    def trouble(self) -> str | None:
        return None

    def speak(self, *_: object, **__: object) -> None:
        raise VoiceFailed("Giọng trên mạng không trả lời.")


def test_a_voice_that_fails_is_replaced_and_the_bulletin_says_so(
    sqlite: Database, settings: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = Registry([Refusing(), Espeak()])
    monkeypatch.setattr(voices, "registry", lambda _: both)
    draft = Draft(title="A", parts=spoken("Họp thôn.", voice="online"))
    made = recording(sqlite, make(sqlite, settings, draft))
    assert made.voices == ["espeak"]
    assert any("Giọng trên mạng không trả lời." in note for note in made.notes)


# What cannot be made


def test_a_file_that_is_no_sound_fails_with_a_sentence(
    database: Database, settings: Config
) -> None:
    parts = (Recorded(upload=junk(settings), name="x.mp3"),)
    said = failure(database, make(database, settings, msgspec.structs.replace(DRAFT, parts=parts)))
    assert "Hãy" in said
    assert "Phần" not in said  # there is but one


def test_the_part_that_fails_is_named(sqlite: Database, settings: Config) -> None:
    parts = (Text(body="Một."), Chime(), Recorded(upload=junk(settings), name="x.mp3"))
    said = failure(sqlite, make(sqlite, settings, Draft(title="A", parts=parts)))
    assert said.startswith("Phần 3: ")


def test_the_translation_that_fails_is_named_and_nothing_is_half_made(
    sqlite: Database, settings: Config
) -> None:
    tay = Translation(language="tyz", upload=junk(settings), name="x.mp3")
    draft = Draft(title="A", parts=spoken("Họp thôn."), translations=(tay,))
    assert failure(sqlite, make(sqlite, settings, draft)).startswith("Bản tiếng Tày: ")
    assert not list(settings.work.glob("*"))
    assert (settings.uploads / tay.upload).exists()


def test_a_fault_of_ours_fails_with_a_sentence_and_is_logged(
    sqlite: Database, settings: Config, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    monkeypatch.setattr(mastering, "make", lambda *_, **__: 1 / 0)
    assert "tệp nhật ký" in failure(sqlite, make(sqlite, settings, DRAFT))
    assert "ZeroDivisionError" in caplog.text


# The queue


def test_a_sound_of_words_edited_meanwhile_is_not_taken(
    database: Database, settings: Config
) -> None:
    bulletin_id = ask(database)
    with database.write() as session:
        rendering = renderings.claim(session, NOON)
        bulletin = bulletins.get(session, bulletin_id)
    assert rendering is not None
    made = renderings._make(database, settings, rendering, bulletin, lambda: NOON)
    other = msgspec.structs.replace(DRAFT, parts=spoken("Hoãn họp."))
    with database.write() as session:
        bulletin = bulletins.get(session, bulletin_id)
        bulletins.edit(session, bulletin, bulletin.author, other, NOON)
        recordings.queue(session, bulletin, NOON)
    with database.write() as session:
        renderings._finish(session, rendering, made, NOON)
        assert bulletins.get(session, bulletin_id).sounds == {}
    assert renderings.render_next(database, settings)
    assert recording(database, bulletin_id).spoken == "Hoãn họp."


def test_a_claim_is_exclusive_until_its_worker_is_dead(database: Database) -> None:
    ask(database)
    with database.write() as session:
        assert renderings.claim(session, NOON)
        assert renderings.claim(session, NOON) is None
        assert renderings.claim(session, after(NOON, renderings.CLAIM)) is None
        assert renderings.claim(session, after(NOON, renderings.CLAIM + 1))


def test_asking_again_drops_what_still_waits(database: Database) -> None:
    bulletin_id = ask(database)
    with database.write() as session:
        recordings.queue(session, bulletins.get(session, bulletin_id), NOON)
        assert session.scalar(sa.select(sa.func.count()).select_from(Rendering)) == 1


def test_progress_goes_on_over_all_sounds_and_renews_the_claim(
    sqlite: Database, settings: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    tay = Translation(language="tyz", upload=tone(settings, 2), name="tày.wav")
    bulletin_id = ask(sqlite, msgspec.structs.replace(DRAFT, translations=(tay,)))
    seen: list[tuple[str, int, int]] = []
    moment = [NOON]

    class Watched(renderings._Progress):
        def __call__(self, step: str, percent: int) -> None:
            moment[0] = after(moment[0], 1_000)
            super().__call__(step, percent)
            with sqlite.read() as session:
                row = recordings.latest_rendering(session, bulletin_id)
                seen.append((row.step, row.percent, row.claimed_until - moment[0]))

    monkeypatch.setattr(renderings, "_Progress", Watched)
    assert renderings.render_next(sqlite, settings, lambda: moment[0])
    percents = [percent for _, percent, _ in seen]
    assert percents == sorted(percents)
    assert any(step.startswith("Bản tiếng Tày: ") and percent >= 50 for step, percent, _ in seen)
    assert {left for *_, left in seen} == {renderings.CLAIM}


# Killed between two steps


class Killed(BaseException):
    """The process ends here: nothing catches it, and nothing below it is tidied up."""


def kill_at(monkeypatch: pytest.MonkeyPatch, room: object, name: str) -> None:
    def die(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr(room, name, die)


@pytest.mark.parametrize(
    ("room", "step"),
    [(mastering, "make"), (renderings, "_finish"), (renderings, "_note_recording")],
    ids=["while-making", "before-it-is-noted", "while-it-is-noted"],
)
def test_what_a_killed_worker_had_begun_is_made_by_the_next(
    sqlite: Database, settings: Config, monkeypatch: pytest.MonkeyPatch, room: object, step: str
) -> None:
    upload = tone(settings, 2)
    original = (settings.uploads / upload).read_bytes()
    bulletin_id = ask(sqlite, Draft(title="A", parts=(Recorded(upload=upload, name="a.wav"),)))
    with monkeypatch.context() as patch:
        kill_at(patch, room, step)
        with pytest.raises(Killed):
            renderings.render_next(sqlite, settings, lambda: NOON)
    with sqlite.read() as session:
        assert bulletins.get(session, bulletin_id).sounds == {}
        assert recordings.latest_rendering(session, bulletin_id).state == RenderingState.RUNNING
    left_over = settings.work / "rendering-1"
    left_over.mkdir(parents=True, exist_ok=True)
    (left_over / "half.wav").write_bytes(b"RIFF")

    stop = threading.Event()
    made = renderings.render_next

    def once(*args: object) -> bool:
        assert not left_over.exists() or not list(left_over.iterdir())
        found = made(*args)
        stop.set()
        return found

    monkeypatch.setattr(renderings, "render_next", once)
    renderings.work(sqlite, settings, stop)
    assert recording(sqlite, bulletin_id).ms > 2_000
    assert not list(settings.work.glob("rendering-*"))
    assert (settings.uploads / upload).read_bytes() == original


# Previews


def sent(database: Database, name: str) -> None:
    with database.write() as session:
        uploads.note(session, [name], NOON)


def test_an_upload_can_be_heard_and_seen_before_it_is_cut(
    database: Database, settings: Config
) -> None:
    name = tone(settings, 4)
    sent(database, name)
    assert renderings.preview_next(database, settings, lambda: after(NOON, 5))
    assert not renderings.preview_next(database, settings)
    with database.read() as session:
        found = uploads.get(session, name)
    assert found is not None
    assert (found.examined_at, found.problem) == (after(NOON, 5), None)
    assert found.ms == pytest.approx(4_000, abs=60)
    assert len(found.peaks or ()) == 2_000
    assert found.head_ms is not None
    assert uploads.preview(settings, name).stat().st_size > 10_000


def test_an_upload_nobody_can_hear_says_why_and_is_not_tried_for_ever(
    sqlite: Database, settings: Config
) -> None:
    name = junk(settings)
    sent(sqlite, name)
    assert renderings.preview_next(sqlite, settings, lambda: NOON)
    assert not renderings.preview_next(sqlite, settings)
    with sqlite.read() as session:
        found = uploads.get(session, name)
    assert found is not None
    assert "Hãy" in (found.problem or "")
    assert found.ms is None
    assert not uploads.preview(settings, name).exists()


def test_a_preview_whose_worker_was_killed_is_made_by_the_next(
    sqlite: Database, settings: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = tone(settings, 2)
    sent(sqlite, name)
    with monkeypatch.context() as patch:
        kill_at(patch, mastering, "preview")
        with pytest.raises(Killed):
            renderings.preview_next(sqlite, settings)
    assert renderings.preview_next(sqlite, settings)
    assert uploads.preview(settings, name).exists()


def test_asking_for_a_sound_asks_for_the_previews_of_its_uploads(sqlite: Database) -> None:
    tay = Translation(language="tyz", upload="a" * 64, name="a.wav")
    mixed = (Text(body="Một."), Recorded(upload="b" * 64, name="b.wav"))
    ask(sqlite, Draft(title="A", parts=mixed, translations=(tay,)))
    with sqlite.read() as session:
        names = set(session.scalars(sa.select(uploads.Upload.sha256)))
    assert names == {"a" * 64, "b" * 64}


def test_a_bulletin_is_made_before_previews(sqlite: Database, settings: Config) -> None:
    """Somebody waits for the sound to submit it; a preview is only needed for cutting."""
    order: list[str] = []
    stop = threading.Event()

    def note(what: str, left: list[bool]) -> bool:
        order.append(what)
        if not left:
            stop.set()
            return False
        return left.pop()

    sounds, previews = [False, True], [True]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(renderings, "is_waiting", lambda *_: True)
        patch.setattr(renderings, "render_next", lambda *_: note("sound", sounds))
        patch.setattr(renderings, "preview_next", lambda *_: note("preview", previews))
        renderings.work(sqlite, settings, stop)
    assert order[:3] == ["sound", "sound", "preview"]


def test_an_emergency_goes_first_and_interrupts_what_is_being_made(
    sqlite: Database, settings: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordinary = ask(sqlite)
    real, urgent = mastering.make, []

    def make(*arguments, progress, **options):
        if not urgent:
            with sqlite.write() as session:
                hoa = bulletins.get(session, ordinary).author
                draft = msgspec.structs.replace(DRAFT, priority=bulletins.Priority.EMERGENCY)
                bulletin = bulletins.write(session, hoa, draft, NOON)
                recordings.queue(session, bulletin, NOON)
                urgent.append(bulletin.id)
        return real(*arguments, progress=progress, **options)

    monkeypatch.setattr(mastering, "make", make)
    assert renderings.render_next(sqlite, settings)
    assert sounds_of(sqlite, ordinary) == {}
    assert list(settings.work.glob("rendering-*")) == []
    assert renderings.render_next(sqlite, settings)
    assert sounds_of(sqlite, urgent[0])
    assert renderings.render_next(sqlite, settings)
    assert sounds_of(sqlite, ordinary)


def test_a_making_that_has_become_vain_is_given_up(
    sqlite: Database, settings: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask(sqlite)
    real = mastering.make

    def make(*arguments, progress, **options):
        with sqlite.write() as session:
            bulletin = bulletins.get(session, asked)
            bulletins.withdraw(session, bulletin, bulletin.author, NOON)
        return real(*arguments, progress=progress, **options)

    monkeypatch.setattr(mastering, "make", make)
    assert renderings.render_next(sqlite, settings)
    with sqlite.read() as session:
        assert recordings.latest_rendering(session, asked) is None
    assert not renderings.render_next(sqlite, settings)


def sounds_of(database: Database, bulletin_id: int) -> dict[str, str]:
    with database.read() as session:
        return bulletins.get(session, bulletin_id).sounds


def test_two_bulletins_of_one_sound_each_keep_their_own_notes(
    sqlite: Database, settings: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ask(sqlite)
    renderings.render_next(sqlite, settings)

    class Away(Espeak):
        name, offline = "gtts", False

        def speak(self, *_: object, **__: object) -> None:
            raise VoiceFailed("Mạng hỏng.")

    monkeypatch.setattr(voices, "registry", lambda _: Registry([Away(), Espeak()], "gtts"))
    with sqlite.write() as session:
        hoa = bulletins.get(session, first).author
        second = bulletins.write(session, hoa, DRAFT, NOON)
        recordings.queue(session, second, NOON)
    renderings.render_next(sqlite, settings)
    with sqlite.read() as session:
        notes = [
            recordings.as_made(
                session.get_one(Recording, str(bulletins.get(session, each).recording_sha)),
                recordings.latest_rendering(session, each),
                KINH,
            ).notes
            for each in (first, second.id)
        ]
    assert notes[0] == []
    assert "Mạng hỏng." in notes[1][0]
