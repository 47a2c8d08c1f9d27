"""Page debris: lines that came along when a text was pasted from a web page, and would be spoken.

Only reports; whether a line goes is for staff to decide.
"""

from __future__ import annotations

import re
import unicodedata

import msgspec

_LONG_ENOUGH_TO_REPEAT = 30  # characters


class SuspiciousLine(msgspec.Struct, frozen=True):
    """Line `number` (from 1) of the pasted text and, in Vietnamese, why it hardly belongs to it."""

    number: int
    line: str
    reason: str


_NEWSPAPER = (
    r"^\s*\([A-ZĐ]{2,10}(?:\.[A-Z]{2,4})?\)\s*[-–]|^\s*(?:TTO|PLO|VOV\.VN|TTXVN|SGGPO)\s*[-–]"
)
_POSTED = (
    r"^(?:\W*+(?:thứ (?:hai|ba|tư|năm|sáu|bảy|\d)|chủ nhật|ngày|cập nhật|đăng lúc|GMT ?\+ ?7|AM|PM"
    r"|\d{1,2}[/-]\d{1,2}[/-]\d{4}|\d{1,2}:\d\d(?::\d\d)?)){2,12}+\W*+(?:gốc\W*)?$"
)

# Looked for in each line; the first that matches gives the reason.
_SIGNS = tuple(
    (re.compile(pattern, 0 if pattern is _NEWSPAPER else re.IGNORECASE), reason)
    for pattern, reason in (
        (
            r"<[a-z/!][^<>]{0,200}>|&(?:nbsp|amp|quot|lt|gt|#\d{1,5});|\{\{|javascript:",
            "Còn mã của trang mạng",
        ),
        (
            r"\b(?:số )?lượt (?:xem|truy cập|đọc|thích) ?:? ?[\d.]*$|\bđang (?:online|truy cập)\b"
            r"|^\W*thống kê truy cập|^\W*(?:hôm nay|hôm qua|(?:trong )?tuần(?: này)?"
            r"|(?:trong )?tháng(?: này)?|tất cả|tổng(?: số)?(?: cộng)?(?: truy cập)?) ?: ?[\d.,]+\W*$",
            "Bộ đếm lượt xem của trang mạng",
        ),
        (
            r"^\W*(?:image|banner|advertisement|quảng cáo|logo)\b.{0,30}$|^\W*image (?:banner|advert)",
            "Chỗ của hình ảnh hoặc quảng cáo",
        ),
        (
            r"^\W*(?:mã )?QR ?code\b|^\W*fanpage\b|chúng tôi trên mạng xã hội|^\W*tiện ích thông tin\W*$"
            r"|^\W*nguồn tin\W*$",
            "Phần giới thiệu của trang mạng",
        ),
        (
            r"^\W*(?:các |những )?(?:tin|bài|tin tức|bài viết|văn bản|tin bài) (?:liên quan|khác|nổi bật"
            r"|mới|mới nhất|đã đưa|mới hơn|cũ hơn|cùng chuyên mục|xem nhiều)\W*$|^\W*xem theo ngày\b"
            r"|^\W*(?:xem nhiều|đọc nhiều|có thể bạn quan tâm)|^\W*(?:đọc|xem) (?:thêm|tiếp)",
            "Mục tin khác của trang mạng",
        ),
        (
            r"^\W*(?:print|bản in|in trang|in bài)\b|\bA\+ ?\|? ?A\b|^\W*trang chủ\b.*[>»›/]"
            r"|^\W*(?:chia sẻ|bình luận|gửi email|lưu bài|trang chủ|quay lại|về đầu trang|góp ý)\W*$",
            "Nút bấm của trang mạng",
        ),
        (
            r"^\W*(?:file|tệp|tài liệu|văn bản)\b.{0,20}đính kèm|\btải (?:về |xuống )?tại đây"
            r"|\.signed\b|\.(?:pdf|docx?|xlsx?|zip|rar)\b",
            "Tệp đính kèm",
        ),
        (
            r"^\W*trang ?\d+ ?/ ?\d+|^\W*(?:trang )?(?:trước|sau|tiếp|đầu|cuối)? ?[‹›«»]{1,2}",
            "Số trang",
        ),
        (r"^[\d\s|/.,›»‹«•-]+$", "Chỉ có số, không có chữ"),
        (
            r"^\W*(?:nguồn|ảnh|ảnh minh h[oọ]a|ảnh chụp màn hình|theo|tác giả|người đăng|biên tập) ?:",
            "Ghi nguồn, tác giả hoặc ảnh",
        ),
        (r"\(ảnh:[^)]{0,80}\)|\bảnh: [^.]{0,60}$", "Chú thích ảnh"),
        (_POSTED, "Giờ đăng bài"),
        (_NEWSPAPER, "Mở đầu bằng tên báo"),
        (
            r"^\W*(?:nơi nhận\b|lưu ?:|như (?:trên|kính gửi)\b)|^\W*\(đã ký\)|^\W*(?:TM|KT|TL|TUQ)\.",
            "Phần ký và nơi nhận của văn bản",
        ),
        (
            r"^\W*cộng hòa xã hội chủ nghĩa việt nam\W*$"
            r"|^\W*độc lập ?[-–] ?tự do ?[-–] ?hạnh phúc\W*$",
            "Quốc hiệu, tiêu ngữ của văn bản",
        ),
        (r"\.{4,}|…{2,}|_{3,}", "Còn chỗ để trống chưa điền"),
    )
)

_SENTENCE_END = re.compile(r"[.!?…]+")


def _glued(line: str) -> bool:
    """Two words or sentences run together: "thêmĐẩy", "số.Mục"."""
    for at in range(1, len(line) - 1):
        left, char, right = line[at - 1], line[at], line[at + 1]
        if char in ".!?" and left.islower() and right.isupper():
            return True
        # "VNeID", "iPhone", "YouTube" are names, but no Vietnamese letter with a mark stands in those.
        if left.islower() and char.isupper() and right.islower() and not _ascii_word(line, at):
            return True
        if left.isdigit() and char.isupper() and right.islower():
            return True
    return False


def _ascii_word(line: str, at: int) -> bool:
    start = end = at
    while start > 0 and line[start - 1].isalpha():
        start -= 1
    while end < len(line) and line[end].isalpha():
        end += 1
    return line[start:end].isascii()


def _byline(line: str, *, last_lines: bool) -> bool:
    """A name alone near the end: two to four words, each with a capital."""
    words = line.split()
    return (
        last_lines
        and 2 <= len(words) <= 4
        and all(word.isalpha() and word.istitle() for word in words)
    )


def _sentences(line: str) -> list[str]:
    return [
        sentence
        for part in _SENTENCE_END.split(line)
        if len(sentence := " ".join(part.split()).casefold()) >= _LONG_ENOUGH_TO_REPEAT
    ]


def _reason(line: str, *, last_lines: bool) -> str | None:
    for pattern, reason in _SIGNS:
        if pattern.search(line):
            return reason
    if _byline(line, last_lines=last_lines):
        return "Có thể là tên tác giả"
    return None


def suspicious_lines(text: str) -> tuple[SuspiciousLine, ...]:
    """Lines of a pasted text that look like the web page around it, or say something twice."""
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").split("\n")
    seen: set[str] = set()
    found: list[SuspiciousLine] = []
    for number, raw in enumerate(lines, start=1):
        line = raw.strip()
        if not line:
            continue
        reason = _reason(line, last_lines=number > len(lines) * 2 // 3)
        sentences = _sentences(line)
        if reason is None and (
            len(set(sentences)) < len(sentences) or seen.intersection(sentences)
        ):
            reason = "Có câu đã nói ở trên"
        if reason is None and _glued(line):
            reason = "Có hai chữ hoặc hai câu dính liền nhau"
        seen.update(sentences)
        if reason is not None:
            found.append(SuspiciousLine(number, line, reason))
    return tuple(found)
