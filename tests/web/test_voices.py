from __future__ import annotations

from dataclasses import dataclass

import pytest

from content import voices
from content.recordings import Recording
from content.voices.base import Registry
from loa.errors import ConfigError
from tests.web.conftest import words


@dataclass
class Fake:
    """A voice that is only looked at."""

    name: str
    offline: bool
    problem: str | None = None

    @property
    def label(self):
        return f"Giọng {self.name}"

    def facts(self):
        return (f"Giấy phép của {self.name}",)

    def trouble(self):
        return self.problem


@pytest.fixture
def two(monkeypatch):
    found = Registry([Fake("mây", offline=False, problem="Mất mạng."), Fake("máy", offline=True)])
    monkeypatch.setattr(voices, "registry", lambda _config: found)


def test_it_shows_each_voice_in_order_with_its_terms_and_troubles(lan, two):
    told = words(lan.get("/giong-doc"))
    first, second = told.index("Giọng mây"), told.index("Giọng máy")
    assert first < second
    assert (
        "mặc định cần mạng đang có trục trặc Mất mạng. Giấy phép, nguồn gốc Giấy phép của mây"
        in told
    )
    assert "không cần mạng đọc thay khi giọng cần mạng bị lỗi không thấy trục trặc" in told


def test_a_voice_stands_in_for_none_where_all_do_without_the_network(lan, monkeypatch):
    alone = Registry([Fake("máy", offline=True), Fake("khác", offline=True)])
    monkeypatch.setattr(voices, "registry", lambda _config: alone)
    assert "đọc thay khi" not in words(lan.get("/giong-doc"))


def test_it_lets_each_voice_be_heard_by_who_may_write(hoa, lan, two):
    page = hoa.get("/giong-doc").text
    assert page.count("data-listen") == 2
    assert "data-listen" not in lan.get("/giong-doc").text
    assert "giong=m%C3%A1y" in page


def test_it_says_to_the_admin_alone_how_to_add_a_voice(lan, admin, two, config):
    other = words(lan.get("/giong-doc"))
    assert "config.toml" not in other
    assert "hãy nhờ quản trị" in other
    told = words(admin.get("/giong-doc"))
    assert str(config.voice_files) in told
    assert "Mỗi giọng có giấy phép riêng" in told
    assert "[voice_api]" in told


def test_it_shows_a_wrong_setting_instead_of_failing(lan, monkeypatch):
    def refuse(_config):
        raise ConfigError("[content] voices có “x”, Loa không có giọng này.")

    monkeypatch.setattr(voices, "registry", refuse)
    assert "Loa không có giọng này." in words(lan.get("/giong-doc"))


def test_the_real_voices_can_be_looked_at(lan):
    assert "Giọng đọc" in words(lan.get("/giong-doc"))


def test_a_player_names_the_voice_as_people_call_it(lan, two, database, approved):
    with database.write() as session:
        session.get_one(Recording, approved.recording_sha).voices = ["máy", "đã gỡ"]
    assert "đọc bằng: Giọng máy, đã gỡ" in words(lan.get(f"/ban-tin/{approved.id}"))
