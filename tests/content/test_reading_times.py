"""Hours of the day and lengths of time."""

from __future__ import annotations

import pytest

from content import reading

CASES = {
    "lúc 7h30": "lúc bảy giờ ba mươi phút",
    "lúc 7g30": "lúc bảy giờ ba mươi phút",
    "lúc 7h30'": "lúc bảy giờ ba mươi phút",
    "lúc 09:50": "lúc chín giờ năm mươi phút",
    "09:50 AM": "chín giờ năm mươi phút sáng",
    "3:15 PM": "ba giờ mười lăm phút chiều",
    "7h00": "bảy giờ",
    "7h05": "bảy giờ năm phút",
    "0h": "không giờ",
    "5h-6h": "năm giờ đến sáu giờ",
    "5-6h": "năm đến sáu giờ",
    "13h30–16h30": "mười ba giờ ba mươi phút đến mười sáu giờ ba mươi phút",
    "từ 6h sáng-10h": "từ sáu giờ sáng đến mười giờ",
    "07 giờ 30 phút": "bảy giờ ba mươi phút",
    "08 giờ 00": "tám giờ",
    "lúc 7h 30 người dân": "lúc bảy giờ ba mươi người dân",
    "14/04/2020 23:07": "ngày mười bốn tháng tư năm hai nghìn không trăm hai mươi, hai mươi ba giờ bảy phút",
    "05/06/2024 | 08:15 AM (GMT +7)": (
        "ngày mùng năm tháng sáu năm hai nghìn không trăm hai mươi tư, tám giờ mười lăm phút"
        " sáng, giê em mờ tê cộng bảy"
    ),
    "8h00, ngày 08/6": "tám giờ, ngày mùng tám tháng sáu",
    "trực 24/7": "trực hai mươi tư trên bảy",
    "trực 24/24h": "trực hai mươi tư trên hai mươi tư giờ",
    "lúc 01h/12/10": "lúc một giờ ngày mười hai tháng mười",
    "lưu 72h": "lưu bảy mươi hai giờ",
    "lúc 7h": "lúc bảy giờ",
    "lúc 7h sáng": "lúc bảy giờ sáng",
    "từ 7h đến 11h": "từ bảy giờ đến mười một giờ",
    "từ 7h-11h": "từ bảy giờ đến mười một giờ",
    "từ 7h – 11h30": "từ bảy giờ đến mười một giờ ba mươi phút",
    "7h-11h và 13h-17h": "bảy giờ đến mười một giờ và mười ba giờ đến mười bảy giờ",
    "7h00-11h30": "bảy giờ đến mười một giờ ba mươi phút",
    "07h00’": "bảy giờ",
    "07h30p": "bảy giờ ba mươi phút",
    "7h30 phút": "bảy giờ ba mươi phút",
    "7h30ph": "bảy giờ ba mươi phút",
    "7:30": "bảy giờ ba mươi phút",
    "07:30 – 11:30": "bảy giờ ba mươi phút đến mười một giờ ba mươi phút",
    "19:00": "mười chín giờ",
    "vào lúc 19 giờ 30": "vào lúc mười chín giờ ba mươi",
    "lúc 19 giờ 30 phút ngày 15/11": "lúc mười chín giờ ba mươi phút ngày mười lăm tháng mười một",
    "lúc 19 giờ, ngày 15/11": "lúc mười chín giờ, ngày mười lăm tháng mười một",
    "lúc 7 giờ 5 phút": "lúc bảy giờ năm phút",
    "lúc 7 giờ rưỡi": "lúc bảy giờ rưỡi",
    "7 rưỡi": "bảy rưỡi",
    "8 giờ kém 15": "tám giờ kém mười lăm",
    "8h kém 15": "tám giờ kém mười lăm",
    "8h45'": "tám giờ bốn mươi lăm phút",
    "22h-5h sáng hôm sau": "hai mươi hai giờ đến năm giờ sáng hôm sau",
    "từ 22h hôm trước đến 5h hôm sau": "từ hai mươi hai giờ hôm trước đến năm giờ hôm sau",
    "0h00 ngày 1/1": "không giờ ngày mùng một tháng một",
    "00h00": "không giờ",
    "24h": "hai mươi tư giờ",
    "trong vòng 24h": "trong vòng hai mươi tư giờ",
    "trong 24h qua": "trong hai mươi tư giờ qua",
    "sau 48h": "sau bốn mươi tám giờ",
    "24/24 giờ": "hai mươi tư trên hai mươi tư giờ",
    "24/7": "hai mươi tư trên bảy",
    "7/7": "ngày mùng bảy tháng bảy",
    "trực 24/24": "trực hai mươi tư trên hai mươi tư",
    "5h - 6h": "năm giờ đến sáu giờ",
    "5h–6h": "năm giờ đến sáu giờ",
    "5 - 6 giờ": "năm đến sáu giờ",
    "5-6 giờ sáng": "năm đến sáu giờ sáng",
    "lúc 5h": "lúc năm giờ",
    "từ 17g30 đến 19g": "từ mười bảy giờ ba mươi phút đến mười chín giờ",
    "7g sáng": "bảy giờ sáng",
    "14h:30": "mười bốn giờ ba mươi phút",
    "14h.30": "mười bốn giờ ba mươi phút",
    "14:30:00": "mười bốn giờ ba mươi phút",
    "07h 30 phút": "bảy giờ ba mươi phút",
    "7 h 30": "bảy giờ ba mươi phút",
    "7H30": "bảy giờ ba mươi phút",
    "17H": "mười bảy giờ",
    "19h30-21h": "mười chín giờ ba mươi phút đến hai mươi mốt giờ",
    "19h30 - 21h00": "mười chín giờ ba mươi phút đến hai mươi mốt giờ",
    "từ 19h30 - 21h, ngày 15/11": "từ mười chín giờ ba mươi phút đến hai mươi mốt giờ, ngày mười lăm tháng mười một",
    "8h - 10h30 ngày 9/11": "tám giờ đến mười giờ ba mươi phút ngày mùng chín tháng mười một",
    "8h ngày 9/11/2025": "tám giờ ngày mùng chín tháng mười một năm hai nghìn không trăm hai mươi lăm",
    "7h30 sáng Chủ nhật (9/11)": "bảy giờ ba mươi phút sáng Chủ nhật, ngày mùng chín tháng mười một",
    "9h30 AM": "chín giờ ba mươi phút sáng",
    "1h30 chiều": "một giờ ba mươi phút chiều",
    "1 tiếng 30 phút": "một tiếng ba mươi phút",
    "2h15 phút": "hai giờ mười lăm phút",
    "90 phút": "chín mươi phút",
    "45'": "bốn mươi lăm phút",
    "phút thứ 88": "phút thứ tám mươi tám",
    "5 phút 30 giây": "năm phút ba mươi giây",
    "30s": "ba mươi giây",
    "30 giây": "ba mươi giây",
    "3'45''": "ba phút bốn mươi lăm giây",
    "10h/ngày": "mười giờ một ngày",
    "8h/ngày": "tám giờ một ngày",
    "8 giờ/ngày": "tám giờ một ngày",
    "ca 1: 6h-14h; ca 2: 14h-22h": "ca một: sáu giờ đến mười bốn giờ; ca hai: mười bốn giờ đến hai mươi hai giờ",
    "mất điện từ 7:00 đến 17:00": "mất điện từ bảy giờ đến mười bảy giờ",
    "cắt nước từ 8h00 đến 16h00 ngày 20/11/2025": (
        "cắt nước từ tám giờ đến mười sáu giờ ngày hai mươi tháng mười một năm hai nghìn không"
        " trăm hai mươi lăm"
    ),
    "phát lúc 5h00, 11h00 và 17h00": "phát lúc năm giờ, mười một giờ và mười bảy giờ",
    "từ 5:00-5:30": "từ năm giờ đến năm giờ ba mươi phút",
    "5h30-6h00 và 17h00-17h30": "năm giờ ba mươi phút đến sáu giờ và mười bảy giờ đến mười bảy giờ ba mươi phút",
    "từ 05 giờ 00 phút đến 06 giờ 00 phút": "từ năm giờ đến sáu giờ",
    "lúc 13 giờ 00 ngày 5/11": "lúc mười ba giờ ngày mùng năm tháng mười một",
    "hồi 4 giờ ngày 10/11": "hồi bốn giờ ngày mùng mười tháng mười một",
    "Hồi 04 giờ ngày 10/11, vị trí tâm bão ở vào khoảng 15,5 độ Vĩ Bắc; 113,2 độ Kinh Đông": (
        "Hồi bốn giờ ngày mùng mười tháng mười một, vị trí tâm bão ở vào khoảng mười lăm phẩy"
        " năm độ Vĩ Bắc; một trăm mười ba phẩy hai độ Kinh Đông"
    ),
    "sức gió mạnh nhất cấp 12-13 (118-149km/giờ), giật cấp 15": (
        "sức gió mạnh nhất cấp mười hai đến mười ba, một trăm mười tám đến một trăm bốn mươi"
        " chín ki-lô-mét trên giờ, giật cấp mười lăm"
    ),
    "trước 16h30": "trước mười sáu giờ ba mươi phút",
    "7h15'-8h00'": "bảy giờ mười lăm phút đến tám giờ",
    "thời gian: 7h30, thứ Bảy, ngày 15/11/2025": (
        "thời gian: bảy giờ ba mươi phút, thứ Bảy, ngày mười lăm tháng mười một năm hai nghìn"
        " không trăm hai mươi lăm"
    ),
    "2 ca/ngày": "hai ca một ngày",
    "lúc 6h 00": "lúc sáu giờ",
    "6h5": "sáu giờ năm phút",
    "6h05": "sáu giờ năm phút",
    "6h5'": "sáu giờ năm phút",
    "8h35–9h": "tám giờ ba mươi lăm phút đến chín giờ",
}


@pytest.mark.parametrize(("written", "spoken"), CASES.items(), ids=CASES)
def test_it_says_what_a_listener_expects(written: str, spoken: str) -> None:
    said = reading.read(written)
    assert said.spoken == spoken
    assert said.warnings == ()


@pytest.mark.parametrize("spoken", CASES.values(), ids=CASES)
def test_what_was_said_is_not_changed_again(spoken: str) -> None:
    assert reading.read(spoken).spoken == spoken
