"""What came along with a pasted page: pointed at, and taken out where staff say so."""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content import debris
from content.debris import SuspiciousLine
from content.debris_signs import GLUED

# Real pasted pages lie beside the project on some machines; without them those tests do not run.
SAMPLES = sorted((Path(__file__).parents[3] / "shared" / "samples").glob("*.txt"))

# Of each sample: its lines that are debris, and those of the article of which only a piece goes.
DEBRIS = {
    "hai-phong-de-an-06": ([1, *range(11, 23)], []),
    "hai-phong-ke-hoach-104": ([1, 11, 13, *range(15, 23)], []),
    "hai-phong-nghi-dinh-47": ([1, 13, *range(15, 23)], []),
    "hau-giang-to-cong-nghe-so": ([13], [3, 7]),
    "quang-nam-ke-hoach-3604": ([3, 5, 22, 24, 26, 28, 29, 30], []),
}


def whole(number: int, line: str, reason: str, start: int) -> SuspiciousLine:
    return SuspiciousLine(number, line, reason, ((start, start + len(line)),))


def cut(text: str) -> list[str]:
    """The stretches that would be taken out."""
    return [text[a:b] for line in debris.suspicious_lines(text) for a, b in line.cuts]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_real_pages_show_all_their_debris_and_nothing_else(sample: Path) -> None:
    text = unicodedata.normalize("NFC", sample.read_text(encoding="utf-8"))
    lines, pieces = DEBRIS[sample.stem]
    found = debris.suspicious_lines(text)
    assert [line.number for line in found if cut_whole(text, line)] == lines
    assert [line.number for line in found if not cut_whole(text, line)] == pieces


def cut_whole(text: str, line: SuspiciousLine) -> bool:
    return [text[a:b] for a, b in line.cuts] == [line.line]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_cleaned_page_is_the_article_alone(sample: Path) -> None:
    text = sample.read_text(encoding="utf-8")
    clean = debris.without(text, debris.suspicious_lines(text))
    assert debris.suspicious_lines(clean) == ()
    assert len(clean) > len(text) / 2
    assert clean.endswith(".")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Lượt xem: 210", "Bộ đếm lượt xem của trang mạng"),
        ("• Hôm nay: 88", "Bộ đếm lượt xem của trang mạng"),
        ("Đang online: 7", "Bộ đếm lượt xem của trang mạng"),
        ("image banner", "Chỗ của hình ảnh hoặc quảng cáo"),
        ("QR CODE: Lịch tiêm chủng", "Phần giới thiệu của trang mạng"),
        ("Các tin liên quan", "Mục tin khác của trang mạng"),
        ("Xem thêm: Lịch tiêm", "Mục tin khác của trang mạng"),
        ("Bản in | A+ A A-", "Nút bấm của trang mạng"),
        ("Trang chủ » Tin tức", "Nút bấm của trang mạng"),
        ("12-KH-UBND.signed", "Tệp đính kèm"),
        ("Trang 2 / 9 1 2 3 ››", "Số trang"),
        ("1 2 3", "Chỉ có số, không có chữ"),
        ("(Nguồn: vidu.vn)", "Ghi nguồn, tác giả hoặc ảnh"),
        ("Thứ Tư, 06/11/2024 08:15 Gốc", "Giờ đăng bài"),
        ("05/06/2024 | 08:15 AM (GMT +7)", "Giờ đăng bài"),
        ("Nơi nhận:", "Phần ký và nơi nhận của văn bản"),
        ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Quốc hiệu, tiêu ngữ của văn bản"),
        ("Tất cả: 901Print", "Bộ đếm lượt xem của trang mạng"),
        ("Lượt  xem:   43", "Bộ đếm lượt xem của trang mạng"),
        ("210 lượt xem", "Bộ đếm lượt xem của trang mạng"),
        ("Chia sẻ Facebook Zalo", "Nút bấm của trang mạng"),
        ("Bình luận (0)", "Nút bấm của trang mạng"),
        ("0:00 / 3:25", "Nút bấm của trang mạng"),
        ("Nghe bài viết", "Nút bấm của trang mạng"),
        ("Từ khóa: họp thôn, tiêm chủng", "Mục tin khác của trang mạng"),
        ("Tin cùng chuyên mục", "Mục tin khác của trang mạng"),
        ("Trang trước | Trang sau", "Số trang"),
        ("Ảnh minh họa", "Chú thích ảnh"),
        ("Bài, ảnh: Hoa", "Ghi nguồn, tác giả hoặc ảnh"),
        ("© 2025 Cổng thông tin xã", "Phần giới thiệu của trang mạng"),
    ],
)
def test_it_points_at_page_debris(line: str, reason: str) -> None:
    text = f"Mời bà con dự họp thôn.\n{line}\nXin cảm ơn bà con."
    assert debris.suspicious_lines(text) == (whole(2, line, reason, 24),)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Họ và tên: ..........", "Còn chỗ để trống chưa điền"),
        ("Bà con ra đồng.Mời họp.", "Có hai chữ hoặc hai câu dính liền nhau"),
        ("Đọc báoĐẩy mạnh", "Có hai chữ hoặc hai câu dính liền nhau"),
        (
            "Hồ sơ gồm đơn, bản sao giấy khai sinh, ảnh, sổ hộ khẩu cũ, và bản kê khai theo mẫu"
            " don.docx mà cán bộ xã đã gửi cho các trưởng thôn từ tuần trước.",
            "Tệp đính kèm",
        ),
    ],
)
def test_where_a_person_has_to_look_nothing_is_to_be_taken_out(line: str, reason: str) -> None:
    text = f"Mời bà con dự họp thôn.\n{line}\nXin cảm ơn bà con."
    found = debris.suspicious_lines(text)
    assert found == (SuspiciousLine(2, line, reason),)
    assert debris.without(text, found) == text


@pytest.mark.parametrize(
    ("line", "pieces", "left"),
    [
        ("(PLVN) - Bà con ra đồng.", ["(PLVN) - "], "Bà con ra đồng."),
        ("VOV.VN - Bà con ra đồng.", ["VOV.VN - "], "Bà con ra đồng."),
        ("Bà con ra đồng. (Ảnh: Lan)", [" (Ảnh: Lan)"], "Bà con ra đồng."),
        ("Bà con ra đồng. Ảnh: Lan", [" Ảnh: Lan"], "Bà con ra đồng."),
        ("Bà con (ảnh: Lan) ra đồng.", [" (ảnh: Lan)"], "Bà con ra đồng."),
        ("Bà con ra đồng. (Theo Báo Mới)", [" (Theo Báo Mới)"], "Bà con ra đồng."),
        ("Mời bà con dự họp.Lượt xem: 210", ["Lượt xem: 210"], "Mời bà con dự họp."),
        ("Mời bà con. Xem thêm: Lịch tiêm", [" Xem thêm: Lịch tiêm"], "Mời bà con."),
        ("không dùng tiền mặtĐọc thêm", ["Đọc thêm"], "không dùng tiền mặt"),
        ("Mời bà con dự họp.Print", ["Print"], "Mời bà con dự họp."),
        (
            "Print Thứ Ba, 14/04/2020 23:07 Gốc Xã họp dân.",
            ["Print Thứ Ba, 14/04/2020 23:07 Gốc "],
            "Xã họp dân.",
        ),
        ("<p>Chào bà con</p>", ["<p>", "</p>"], "Chào bà con"),
        ("Chào&nbsp;bà con", ["&nbsp;"], "Chào bà con"),
    ],
)
def test_of_a_sentence_only_the_debris_in_it_goes(line: str, pieces: list[str], left: str) -> None:
    text = f"Kính thưa bà con.\n{line}\nXin cảm ơn bà con."
    found = debris.suspicious_lines(text)
    assert [line.number for line in found] == [2]
    assert cut(text) == pieces
    assert debris.without(text, found) == f"Kính thưa bà con.\n{left}\nXin cảm ơn bà con."


def test_it_takes_out_only_what_staff_chose() -> None:
    text = "image banner\n\nMời bà con dự họp.\n\nLượt xem: 9\n\nTin khác"
    found = debris.suspicious_lines(text)
    assert [line.number for line in found] == [1, 5, 7]
    assert debris.without(text, ()) == text
    assert debris.without(text, found[1:]) == "image banner\n\nMời bà con dự họp."
    assert debris.without(text, found) == "Mời bà con dự họp."


def test_it_points_at_what_is_said_twice_and_at_a_name_alone() -> None:
    again = "Bà con mang theo căn cước công dân khi đến khám bệnh"
    found = debris.suspicious_lines(f"{again}.\nTrạm mở cửa cả ngày.\n{again}.\nPhương Lan")
    assert [(line.number, line.reason) for line in found] == [
        (3, "Có câu đã nói ở trên"),
        (4, "Có thể là tên tác giả"),
    ]
    assert cut(f"{again}. {again}!\nXin cảm ơn bà con.") == [f" {again}!"]


def test_it_points_at_a_caption_that_comes_again() -> None:
    text = "Bà con ra đồng làm mùa\nXã họp dân.\nBà con ra đồng làm mùa\nXin cảm ơn."
    assert debris.suspicious_lines(text) == (
        whole(3, "Bà con ra đồng làm mùa", "Có câu đã nói ở trên", 35),
    )


@pytest.mark.parametrize(
    "line",
    [
        "Các văn bản liên quan đã được gửi tới bà con.",
        "Hôm nay: bà con nghỉ.",
        "Mời bà con tải về ứng dụng VNeID trên điện thoại.",
        "Quay lại với bản tin thời tiết.",
        "Thứ Bảy này, thôn họp lúc 7h30.",
        "Kính mời ông bà Nguyễn Văn Lan tới dự họp tại iPhone Center.",
        "Bà con muốn biết rõ xin đọc thêm trên bảng tin. Xem thêm tại nhà văn hóa.",
        "Cổng thông tin của xã có 210 lượt xem mỗi ngày.",
        "Đường dây nóng: 0912 345 678",
        "Liên hệ: đồng chí Lan",
        "Chia sẻ khó khăn với bà con vùng lũ.",
        "Trang 5 của sổ theo dõi ghi rõ từng hộ.",
        "Danh mục thuốc gồm ba loại.",
        "Bà con nộp hồ sơ (theo mẫu) tại trụ sở.",
    ],
)
def test_it_leaves_honest_lines_alone(line: str) -> None:
    assert debris.suspicious_lines(f"{line}\nXin cảm ơn bà con.") == ()


PIECES = [
    "Lượt xem: 9", "(Ảnh: Lan)", "Đọc thêm", "<p>", "&nbsp;", "Bà con.", "(PLVN) - ", "Print", " ",
    "\n", "\r\n", "Thứ Ba, 14/04/2020 23:07", "A+ A", "....", "e\u0301", "\u00a0", "Tin khác",
]  # fmt: skip


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=12).map("".join))
@settings(deadline=None)
def test_cuts_lie_in_their_lines_and_do_not_overlap(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    found = debris.suspicious_lines(text)
    cuts = [cut for line in found for cut in line.cuts]
    assert cuts == sorted(cuts)
    assert all(a[1] <= b[0] for a, b in pairwise(cuts))
    assert all(composed[a:b] and composed[a:b] in line.line for line in found for a, b in line.cuts)
    assert len(debris.without(text, found)) <= len(composed)


def test_long_runs_of_capitals_are_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each letter of "aBaBaB…" is a place where two words might be glued together."""
    looked: list[int] = []
    real = debris._in_ascii_words

    def counted(line: str) -> list[bool]:
        looked.append(len(line))
        return real(line)

    monkeypatch.setattr(debris, "_in_ascii_words", counted)
    assert debris.suspicious_lines("aB" * 15_000) == ()
    assert looked == [30_000]
    found = debris.suspicious_lines("aB" * 15_000 + "ế")
    assert [line.reason for line in found] == [GLUED]


@pytest.mark.parametrize(
    ("line", "glued"),
    [
        ("Tải ứng dụng VNeID về máy", False),
        ("Mở YouTube rồi xem thêmĐẩy mạnh", True),
        ("số1Hai", True),
        ("máy iPhone và bàPhó chủ tịch", True),
        ("xem số.Mục lục", True),
        ("áo-iPhone", False),
    ],
)
def test_only_words_with_a_mark_are_glued_together(line: str, glued: bool) -> None:
    assert [found.reason for found in debris.suspicious_lines(line)] == [GLUED] * glued
