"""Every sentence of every page in Vietnamese and in English, and neither language within the other's pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loa import languages
from loa.config import Config, Station, Web
from scheduler import leases, regulation
from tests import cast as usual
from tests import two_languages as reading
from tests.cast import NOON
from tests.two_languages import MARKED, ROOT
from tests.web import test_pages
from tests.web.conftest import broadcast as usual_broadcast
from web import i18n
from web.i18n import catalogue

NOT_YET: tuple[str, ...] = ()
"""Beginnings of the files that still have to be put in two languages. Must be empty in the end."""
NO_ENGLISH_YET: tuple[str, ...] = ()
"""Beginnings of the files whose sentences still wait for their English."""
PAGES_NOT_YET: tuple[str, ...] = ()
"""Families of pages (``schedules``) that still show the other language."""
TO_OTHERS = {
    "web/claiming.py": "what a receiver is answered, and shows to whoever sets it up",
    "web/serving.py": "what is said where the station was started",
}
"""Modules that speak to others than the readers of pages."""
AS_TYPED = {
    "web/areas.py": ("xã", "phường", "thôn", "tổ dân phố", "ấp", "khu phố"),  # levels, as data has them
    "web/groups.py": ("nhóm", "mã đầu thu"),  # the head of a file
    "web/i18n/__init__.py": ("Tiếng Việt",),  # each language by its own name
    "web/labels.py": ("Đài truyền thanh ",),  # how names of stations begin
    "web/recurrence_form.py": ("cuối", "rằm", "ngày", "mùng", "tháng", r"[\s,;]+|và",
                               r"(\d{1,2}|cuối|-1)\s*[/\-.]\s*(\d{1,2})"),  # what people type into the field
    "web/voices.py": ("giấy phép", "tệp khoá",  # sought in what a voice says of itself
                      "Đây là đài truyền thanh xã. Mời bà con họp thôn lúc bảy giờ ba mươi phút tối nay."),  # spoken
}  # fmt: skip
"""Vietnamese that is nobody's sentence, and why."""
SAME_IN_ENGLISH = re.compile(r"^[^a-zà-ỹ]*$|^(?:%\(\w+\)s|[\W\d_]|CSV|Loa|ms)*$", re.I)
"""Sentences of which nothing is left to say otherwise once their values are gone."""
ENGLISH = re.compile(
    r"\b(?:the|and|of|with|not|yet|this|that|from|are|was|is|no|receivers?|schedules?|broadcasts?|bulletins?|"
    r"approved?|cancel|save|change|next|back|search|none|null|undefined|error|draft|planned|sent)\b",
    re.I,
)
OWN_NAMES = re.compile("|".join(map(re.escape, languages.NAMES.values())))
"""Languages keep the names their speakers have for them."""
COMMAND = re.compile("“loa [a-z ]+”")
"""What is typed at the receiver."""
UNMARKED = re.compile(r"\b(?:xem|khi|xong|nghe|theo)\b", re.I)
"""Vietnamese words without a mark that our sentences use and names do not."""
EXAMPLES = (
    "Tết", "Hùng", "Vĩnh Phúc",  # names
    "Đài truyền thanh xã Mẫu", "Cột nhà văn hoá", "xã Mẫu", "tỉnh Mẫu",  # of a station
    "thôn Đông", "thôn Đông Hải", "Đông Hải",
    "nhà văn hóa", "thông báo", "trung bình", "hợp tác xã dịch vụ nông nghiệp", "mười hai tháng tư",  # what is spoken
    "bản tin", "giờ", "mã", "số máy", "tên", "thuộc", "có", "không", "nhiều nghĩa",  # written into files
    "ngày: Họp ngày nào", "giờ: Họp lúc mấy giờ", "nơi: Họp ở đâu", "chữ: Nội dung gì", "ngày", "nơi", "chữ",  # blanks
    "thôn", "xã", "phường", "tổ dân phố",  # levels of areas
    "Họp thôn",  # a template that comes with Loa
)  # fmt: skip
"""Vietnamese that English sentences name, as it is to be written or read."""
_EXAMPLES = re.compile(
    r"\b(?:" + "|".join(sorted(map(re.escape, EXAMPLES), key=len, reverse=True)) + r")\b"
)


def _waits(file: str) -> bool:
    return file.startswith(NOT_YET)


def _files(*places: str) -> list[str]:
    return sorted(
        file.relative_to(ROOT).as_posix() for place in places for file in ROOT.glob(place)
    )


def _folders() -> list[str]:
    inside = {str(Path(file).parent) for file in _files("web/templates/*/*.html")}
    return [*sorted(inside), *_files("web/templates/*.html")]


@pytest.mark.parametrize("place", _folders())
def test_it_says_nothing_in_a_template_but_through_a_translator(place):
    if _waits(place):
        pytest.skip(f"waits for {place}")
    sources = _files(f"{place}/*.html") if (ROOT / place).is_dir() else [place]
    bare = {file: reading.bare_in_template((ROOT / file).read_text()) for file in sources}
    assert not {file: found for file, found in bare.items() if found}


@pytest.mark.parametrize("file", _files("web/*.py", "web/i18n/*.py"))
def test_it_says_nothing_in_a_module_but_through_a_translator(file):
    if _waits(file):
        pytest.skip(f"waits for {file}")
    bare = [] if file in TO_OTHERS else reading.bare_in_module((ROOT / file).read_text())
    assert [text for text in bare if text not in AS_TYPED.get(file, ())] == []


@pytest.mark.parametrize("file", _files("web/static/js/*.js"))
def test_it_says_nothing_in_a_script_but_through_a_translator(file):
    if _waits(file):
        pytest.skip(f"waits for {file}")
    assert reading.bare_in_script((ROOT / file).read_text()) == []


def test_it_names_no_text_as_typed_that_is_gone():
    for file, texts in AS_TYPED.items():
        assert set(texts) <= set(reading.bare_in_module((ROOT / file).read_text())), file


# -- the catalogue --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def english():
    return catalogue.merged([i18n.catalogue_of("en")])


def test_it_has_every_sentence_in_english(english):
    lacking = {
        (message.locations[0][0], catalogue._texts(message.id)[0])
        for message in catalogue.missing(english)
    }
    waiting = {one for one in lacking if one[0].startswith(NO_ENGLISH_YET)}
    assert lacking - waiting == set()
    if waiting:
        pytest.skip(f"{len(waiting)} sentences wait for their English: {NO_ENGLISH_YET}")


def test_it_keeps_the_values_and_the_markup_of_a_sentence(english):
    assert [catalogue._texts(each.id)[0] for each in catalogue.unfaithful(english)] == []
    tag = re.compile(r"</?\w+[^>]*>")
    odd = [
        catalogue._texts(each.id)[0]
        for each in english
        if each.id
        for text in catalogue._texts(each.string)
        if text and sorted(tag.findall(text)) != sorted(tag.findall(catalogue._texts(each.id)[0]))
    ]
    assert odd == []


def test_it_has_no_vietnamese_for_english(english):
    same = [
        message.id
        for message in english
        if message.id
        for text in catalogue._texts(message.string)
        if MARKED.search(_EXAMPLES.sub("", re.sub(r'<(\w+) lang="vi">.*?</\1>', "", text)))
        or (text == catalogue._texts(message.id)[0] and not SAME_IN_ENGLISH.match(_bare(text)))
    ]
    assert same == []


def _bare(text: str) -> str:
    return re.sub(r"%\(\w+\)s|<[^>]*>", "", text)


# -- pages ----------------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path):
    return Config(folder=tmp_path, web=Web(upload_megabytes=1), station=Station(name="Station Mau"))


@pytest.fixture
def maker():
    """What fills the station, writing names without marks."""
    return reading.plainly(
        usual.add_receiver, usual.settle_in, usual.give_sound, usual.another_approver, usual.approve,
        usual.approved_bulletin, usual_broadcast, test_pages.fill,
    )  # fmt: skip


@pytest.fixture
def cast(database, maker):
    with database.write() as session:
        regulation.set_quiet(session, None, [regulation.parse_quiet("21:00-05:00")], NOON)
        leases.Claim().take(session, NOON, 0.0)
        return maker["settle_in"](session)


@pytest.fixture
def station(database, cast, maker):
    with database.write() as session:
        bulletin = maker["approved_bulletin"](session, cast)
    maker["broadcast"](database, cast, bulletin)
    maker["fill"](database, cast)


@pytest.fixture(params=["admin", "minh", "hoa"])
def someone(request):
    return request.getfixturevalue(request.param)


def _pages(app):
    """(endpoint, address) of those that are in two languages already."""
    found = [(endpoint, address) for endpoint, address, _ in test_pages.pages(app)]
    return [one for one in found if one[0].partition(".")[0] not in PAGES_NOT_YET]


def _words(client, address: str, language: str) -> list[str]:
    answer = client.get(address)
    if answer.location or "html" not in answer.content_type:
        return []  # nobody reads what only leads on
    page = reading.read(answer.text, language)
    return [OWN_NAMES.sub("", each) for each in (*page.words, *page.attributes)]


def test_it_shows_no_vietnamese_to_readers_of_english(app, someone, station):
    someone.set_cookie(i18n.COOKIE, "en")
    odd = {
        f"{endpoint}: {text}"
        for endpoint, address in _pages(app)
        for text in _words(someone, address, "en")
        if MARKED.search(_EXAMPLES.sub("", text)) or UNMARKED.search(text)
    }
    assert not odd, "\n".join(sorted(odd))


def test_it_shows_no_english_to_readers_of_vietnamese(app, someone, station):
    odd = {
        f"{endpoint}: {text}"
        for endpoint, address in _pages(app)
        for text in _words(someone, address, "vi")
        if ENGLISH.search(COMMAND.sub("", text.partition("=")[2] or text))
    }
    assert not odd, "\n".join(sorted(odd))
