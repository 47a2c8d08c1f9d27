"""What debris of a web page looks like, line by line and inside a line, and what staff are told of it."""

from __future__ import annotations

import re

from loa.words import say

CODE = say("Còn mã của trang mạng")
COUNTER = say("Bộ đếm lượt xem của trang mạng")
PICTURE = say("Chỗ của hình ảnh hoặc quảng cáo")
SELF = say("Phần giới thiệu của trang mạng")
OTHERS = say("Mục tin khác của trang mạng")
BUTTON = say("Nút bấm của trang mạng")
CAPTION = say("Chú thích ảnh")
_POSTED_AT = say("Giờ đăng bài")
PAPER = say("Mở đầu bằng tên báo")
SOURCE = say("Ghi nguồn, tác giả hoặc ảnh")
AGAIN = say("Có câu đã nói ở trên")
GLUED = say("Có hai chữ hoặc hai câu dính liền nhau")
BLANK = say("Còn chỗ để trống chưa điền")
AUTHOR = say("Có thể là tên tác giả")

_WEEKDAY = r"(?:thứ (?:hai|ba|tư|năm|sáu|bảy|\d)|chủ nhật)"
_POSTED = (
    rf"^(?:\W*+(?:{_WEEKDAY}|ngày|ngày đăng|cập nhật|đăng lúc|GMT ?\+ ?7|AM|PM"
    r"|\d{1,2}[/-]\d{1,2}[/-]\d{4}|\d{1,2}:\d\d(?::\d\d)?)){2,12}+\W*+(?:gốc\W*)?$"
)
_ABBREVIATION = (
    r"^\s*\([A-ZĐ]{2,10}(?:\.[A-Z]{2,4})?\)\s*[-–]|^\s*(?:TTO|PLO|VOV\.VN|TTXVN|SGGPO|NDO)\s*[-–]"
)

# Looked for in each line; the first that matches gives the reason. Case counts only for the papers.
SIGNS = tuple(
    (re.compile(pattern, 0 if pattern is _ABBREVIATION else re.IGNORECASE), reason)
    for pattern, reason in (
        (r"<[a-z/!][^<>]{0,200}>|&(?:nbsp|amp|quot|lt|gt|#\d{1,5});|\{\{|javascript:", CODE),
        (
            r"^\W*(?:tổng )?(?:số )?lượt (?:xem|truy cập|đọc|thích|tải|người xem)\W*[\d.,]*\W*$"
            r"|\b(?:số )?lượt (?:xem|truy cập|đọc|thích) ?: ?[\d.,]*$"
            r"|\bđang (?:online|truy cập)\b ?:|^\W*(?:đang online|khách online|đã (?:xem|đọc))\W*[\d.,]*\W*$"
            r"|^\W*thống kê truy cập|^\W*(?:hôm nay|hôm qua|(?:trong )?tuần(?: này| trước)?"
            r"|(?:trong )?tháng(?: này| trước)?|tất cả|tổng(?: số)?(?: cộng)?(?: lượt)?(?: truy cập)?)"
            r" ?: ?[\d.,]+\W*$|^\W*\d[\d.,]* (?:lượt xem|lượt thích|bình luận|views?)\W*$",
            COUNTER,
        ),
        (
            r"^\W*(?:image|banner|advertisement|quảng cáo|logo|slideshow|video clip)\b.{0,30}$"
            r"|^\W*image (?:banner|advert)",
            PICTURE,
        ),
        (
            r"^\W*(?:mã )?QR ?code\b|^\W*fanpage\b|chúng tôi trên mạng xã hội|^\W*(?:tiện ích thông tin"
            r"|nguồn tin|liên kết (?:web|website|trang)|thư viện (?:ảnh|video)|đường dây nóng|sơ đồ trang"
            r"|menu|danh mục|giới thiệu|tin tức|đăng nhập|đăng ký|tìm kiếm|liên hệ|hỏi đáp)\W*$"
            r"|^\W*(?:©|copyright\b|bản quyền (?:thuộc|©)|designed by|thiết kế bởi|ghi rõ nguồn\b)",
            SELF,
        ),
        (
            r"^\W*(?:các |những )?(?:tin|bài|tin tức|bài viết|văn bản|tin bài) (?:liên quan|khác|nổi bật"
            r"|mới|mới nhất|đã đưa|mới hơn|cũ hơn|cùng chuyên mục|cùng chủ đề|xem nhiều|đọc nhiều)\W*$"
            r"|^\W*xem theo ngày\b|^\W*(?:xem nhiều|đọc nhiều|có thể bạn quan tâm|xem tất cả)"
            r"|^\W*(?:đọc|xem) (?:thêm|tiếp)|^\W*(?:tags?|từ khóa|từ khoá|chuyên mục|chủ đề) ?:",
            OTHERS,
        ),
        (
            r"^\W*(?:print|bản in|in trang|in bài(?: viết)?)\b|\bA\+ ?\|? ?A\b"
            r"|^\W*trang chủ\b.*[>»›/]|^\W*(?:nghe|đọc) bài viết\W*$|^\W*cỡ chữ\b.{0,20}$"
            r"|^\W*\d{1,2}:\d\d ?/ ?\d{1,2}:\d\d\W*$|^\W*(?:giọng (?:nam|nữ)|tốc độ đọc)\b.{0,20}$"
            r"|^\W*(?:chia sẻ|bình luận|gửi email|lưu bài|trang chủ|quay lại|trở về|trở lại|góp ý|in|email"
            r"|(?:về|lên|trở về) đầu trang|tweet|like|theo dõi|gửi (?:bình luận|ý kiến)|ý kiến bạn đọc"
            r"|đánh giá(?: bài viết)?|facebook|twitter|zalo)"
            r"(?:\W+(?:\d+|facebook|twitter|zalo|email|tweet|like|in|print))*\W*$",
            BUTTON,
        ),
        (
            r"^\W*(?:file|tệp|tài liệu|văn bản)\b.{0,20}đính kèm|\btải (?:về |xuống )?tại đây"
            r"|\.signed\b|\.(?:pdf|docx?|xlsx?|zip|rar)\b",
            say("Tệp đính kèm"),
        ),
        (
            r"^\W*trang ?\d+ ?/ ?\d+|^\W*(?:trang )?(?:trước|sau|tiếp|đầu|cuối)? ?[‹›«»]{1,2}"
            r"|^\W*trang (?:trước|sau|tiếp|đầu|cuối)(?:\W+trang (?:trước|sau|tiếp|đầu|cuối))*\W*$",
            say("Số trang"),
        ),
        (r"^[\d\s|/.,›»‹«•-]+$", say("Chỉ có số, không có chữ")),
        (
            r"^\W*(?:nguồn|nguồn tin|nguồn ảnh|ảnh|ảnh minh h[oọ]a|ảnh chụp màn hình|theo|tác giả"
            r"|người đăng|người viết|biên tập|tin, ảnh|bài, ảnh|bài và ảnh|tin và ảnh) ?:",
            SOURCE,
        ),
        (r"^\W*ảnh minh h[oọ]a\W*$|\(ảnh:[^)]{0,80}\)|\bảnh: [^.]{0,60}$", CAPTION),
        (_POSTED, _POSTED_AT),
        (_ABBREVIATION, PAPER),
        (
            r"^\W*(?:nơi nhận\b|lưu ?:|như (?:trên|kính gửi)\b)|^\W*\(đã ký\)|^\W*(?:TM|KT|TL|TUQ)\.",
            say("Phần ký và nơi nhận của văn bản"),
        ),
        (
            r"^\W*cộng hòa xã hội chủ nghĩa việt nam\W*$"
            r"|^\W*độc lập ?[-–] ?tự do ?[-–] ?hạnh phúc\W*$",
            say("Quốc hiệu, tiêu ngữ của văn bản"),
        ),
        (r"\.{4,}|…{2,}|_{3,}", BLANK),
    )
)

# Debris that stands in a line beside sentences; these know capitals from small letters.
INSIDE = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        (r"</?[A-Za-z!][^<>]{0,200}>|&(?:nbsp|amp|quot|lt|gt|#\d{1,5});", CODE),
        (
            r"^\W*(?:Print\s+)?(?:Thứ [\w]{1,4}|Chủ nhật),? ?(?:ngày )?\d{1,2}[/-]\d{1,2}[/-]\d{4}"
            r"[ ,|-]{0,3}\d{1,2}:\d\d(?: ?[AP]M)?(?: ?\(GMT ?\+ ?7\))?(?:\s+Gốc)?\s*(?:\||-)?\s*",
            _POSTED_AT,
        ),
        (rf"(?:{_ABBREVIATION})\s*", PAPER),
        (
            r"(?:(?<=[.!?…)”\"\w])|^)\s?(?:Số l|L)ượt (?:xem|truy cập|đọc|thích) ?: ?\d[\d.,]*\s?",
            COUNTER,
        ),
        (
            r"(?<=[.!?…)”\"])\s?(?:Đọc|Xem) (?:thêm|tiếp)(?:\s*$|\s*(?::|>>|»).*$)"
            r"|(?<=[a-zà-ỹ.!?…])(?:(?:Đọc|Xem) (?:thêm|tiếp)|Tin (?:liên quan|khác))\b.*$",
            OTHERS,
        ),
        (
            r"(?<=[\w.!?…])(?:Print|Bản in|In trang|Chia sẻ|Quay lại|Về đầu trang)\s*$"
            r"|\s?(?<!\w)A\+ ?\|? ?A\b(?: ?\|? ?A-)?",
            BUTTON,
        ),
        (
            r"\s?\((?:[Ảả]nh|[Nn]guồn(?: ảnh)?|Ảnh minh họa|Video|Clip|Đồ họa) ?:[^()]{0,80}\)"
            r"|\s?\(Ảnh minh h[oọ]a\)|(?<=[.!?”\"]) ?(?:Ảnh|Tin, ảnh|Bài, ảnh): [^.]{0,60}\.?$",
            CAPTION,
        ),
        (r"(?<=[.!?”\"]) ?\((?:Theo|Nguồn) [A-ZĐ][^()]{1,40}\)\.?\s*$", SOURCE),
    )
)
