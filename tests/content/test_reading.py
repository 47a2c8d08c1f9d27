"""What staff write, and what the loudspeaker says."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from content import numbers, reading
from content.dictionary import Dictionary, Entry, shipped
from content.syllables import is_syllable, split_plain

# Real pasted pages lie beside the project on some machines; without them those tests do not run.
SAMPLES = sorted((Path(__file__).parents[3] / "shared" / "samples").glob("*.txt"))

DOCUMENTS = {
    "thực hiện 47/2020/NĐ-CP": "thực hiện nghị định bốn mươi bảy năm hai nghìn không trăm hai mươi của Chính phủ",
    "Nghị định 47/2020/NĐ-CP": "Nghị định bốn mươi bảy năm hai nghìn không trăm hai mươi của Chính phủ",
    "NĐ 49/2024/NĐ-CP": "nghị định bốn mươi chín năm hai nghìn không trăm hai mươi tư của Chính phủ",
    "Nghị định số 15/2020/NĐ-CP ngày 03/02/2020 của Chính phủ": "Nghị định số mười lăm năm hai nghìn không trăm"
    " hai mươi ngày mùng ba tháng hai năm hai nghìn không trăm hai mươi của Chính phủ",
    "Quyết định số 8/QĐ-TTg, ngày 4/4/2021 của Thủ tướng": "Quyết định số tám, ngày mùng bốn tháng tư"
    " năm hai nghìn không trăm hai mươi mốt của Thủ tướng",
    "Quyết định số 35/QĐ-UBND ngày 12 tháng 5 năm 2023 của UBND tỉnh": "Quyết định số ba mươi lăm ngày mười hai"
    " tháng năm năm hai nghìn không trăm hai mươi ba của ủy ban nhân dân tỉnh",
    "Kế hoạch 104/KH-UBND": "Kế hoạch một trăm lẻ bốn của ủy ban nhân dân",
    "triển khai 104/KH-UBND": "triển khai kế hoạch một trăm lẻ bốn của ủy ban nhân dân",
    "Kế hoạch triển khai 13/2023/NĐ-CP": "Kế hoạch triển khai nghị định mười ba năm hai nghìn không trăm"
    " hai mươi ba của Chính phủ",
    "Công văn số 650/BTTTT-TTCS": "Công văn số sáu trăm năm mươi của Bộ Thông tin và Truyền thông",
    "Công văn số 77/UBND-VX": "Công văn số bảy mươi bảy của ủy ban nhân dân",
    "Kế hoạch số 9/KH-STTTT": "Kế hoạch số chín của Sở Thông tin và Truyền thông",
    "Đề án 06/CP": "Đề án không sáu của Chính phủ",
    "Chỉ thị 05-CT/TW": "Chỉ thị không năm của Trung ương",
    "Nghị quyết số 18-NQ/TW": "Nghị quyết số mười tám của Trung ương",
    "Hướng dẫn 12-HD/BTGTW": "Hướng dẫn mười hai của Ban Tuyên giáo Trung ương",
    "Kết luận số 7-KL/ĐU": "Kết luận số bảy của đảng ủy",
    "Luật Đất đai số 31/2024/QH15": "Luật Đất đai số ba mươi mốt năm hai nghìn không trăm hai mươi tư"
    " của Quốc hội khóa mười lăm",
    "Thông tư liên tịch số 5/2015/TTLT-BTC-BNV": "Thông tư liên tịch số năm năm hai nghìn không trăm mười lăm"
    " của Bộ Tài chính và Bộ Nội vụ",
    "TT 39/2020/TT-BTTTT": "thông tư ba mươi chín năm hai nghìn không trăm hai mươi của Bộ Thông tin và Truyền thông",
    "TT 39": "thông tư ba mươi chín",
    "CT số 05": "chỉ thị số không năm",
    "Nghị định 49/2024": "Nghị định bốn mươi chín năm hai nghìn không trăm hai mươi tư",
    "theo QĐ-TTg mới ban hành": "theo quyết định của Thủ tướng Chính phủ mới ban hành",
    "Thông báo số 12A/TB-UBND": "Thông báo số mười hai a của ủy ban nhân dân",
}

DATES = {
    "ngày 16/6/2021": "ngày mười sáu tháng sáu năm hai nghìn không trăm hai mươi mốt",
    "họp 16/6/2021": "họp ngày mười sáu tháng sáu năm hai nghìn không trăm hai mươi mốt",
    "ngày 16-6-2021": "ngày mười sáu tháng sáu năm hai nghìn không trăm hai mươi mốt",
    "ngày 16.6.2021": "ngày mười sáu tháng sáu năm hai nghìn không trăm hai mươi mốt",
    "2021-06-16": "ngày mười sáu tháng sáu năm hai nghìn không trăm hai mươi mốt",
    "NGÀY 02/9": "NGÀY mùng hai tháng chín",
    "ngày 5 tháng 4 năm 2020": "ngày mùng năm tháng tư năm hai nghìn không trăm hai mươi",
    "ngày 16 tháng 6": "ngày mười sáu tháng sáu",
    "sáng 1/6": "sáng ngày mùng một tháng sáu",
    "từ 01/6 đến 05/6": "từ ngày mùng một tháng sáu đến ngày mùng năm tháng sáu",
    "từ 01/01/2024 - 31/12/2024": "từ ngày mùng một tháng một năm hai nghìn không trăm hai mươi tư"
    " đến ngày ba mươi mốt tháng mười hai năm hai nghìn không trăm hai mươi tư",
    "01/6-05/6": "ngày mùng một tháng sáu đến ngày mùng năm tháng sáu",
    "từ 15-20/8": "từ ngày mười lăm đến hai mươi tháng tám",
    "ngày 5, 6/8": "ngày mùng năm, mùng sáu tháng tám",
    "từ ngày 5 đến 8 tháng 6": "từ ngày mùng năm đến mùng tám tháng sáu",
    "từ ngày 5-10 tháng 6": "từ ngày mùng năm đến mùng mười tháng sáu",
    "ngày 20-10": "ngày hai mươi tháng mười",
    "Ngày Phụ nữ Việt Nam 20.10": "Ngày Phụ nữ Việt Nam ngày hai mươi tháng mười",
    "ngày 20/10, 20/11 và 8/3": "ngày hai mươi tháng mười, ngày hai mươi tháng mười một và ngày mùng tám tháng ba",
    "nghỉ lễ 30/4 - 1/5": "nghỉ lễ ba mươi tháng tư và ngày mùng một tháng năm",
    "Quốc khánh 2/9": "Quốc khánh mùng hai tháng chín",
    "đường 30/4": "đường ba mươi tháng tư",
    "10/3 âm lịch": "ngày mùng mười tháng ba âm lịch",
    "mùng 5/5": "mùng năm tháng năm",
    "mùng 1 Tết": "mùng một Tết",
    "rằm tháng 7": "rằm tháng bảy",
    "tháng 4/2020": "tháng tư năm hai nghìn không trăm hai mươi",
    "tháng 04": "tháng tư",
    "tháng 7-8/2024": "tháng bảy đến tháng tám năm hai nghìn không trăm hai mươi tư",
    "tháng 4, 5, 6": "tháng tư, năm, sáu",
    "họp dân 5/2024": "họp dân tháng năm năm hai nghìn không trăm hai mươi tư",
    "6 tháng đầu năm": "sáu tháng đầu năm",
    "mỗi tháng 4 lần": "mỗi tháng bốn lần",
    "uống mỗi ngày 2 viên": "uống mỗi ngày hai viên",
    "Thứ 4 tuần này": "Thứ tư tuần này",
    "thứ 2, thứ 6": "thứ hai, thứ sáu",
    "thứ 2,4,6 hằng tuần": "thứ hai, thứ tư, thứ sáu hằng tuần",
    "từ thứ 2-6": "từ thứ hai đến thứ sáu",
    "Thứ 2 - Thứ 7": "Thứ hai đến thứ bảy",
    "T2-T6": "thứ hai đến thứ sáu",
    "lần thứ 4": "lần thứ tư",
    "đứng thứ 1": "đứng thứ nhất",
    "giai đoạn 2021 – 2025": "giai đoạn hai nghìn không trăm hai mươi mốt đến hai nghìn không trăm hai mươi lăm",
    "giai đoạn 2022- 2025": "giai đoạn hai nghìn không trăm hai mươi hai đến hai nghìn không trăm hai mươi lăm",
    "năm học 2023-2024": "năm học hai nghìn không trăm hai mươi ba, hai nghìn không trăm hai mươi tư",
    "từ 1975-nay": "từ một nghìn chín trăm bảy mươi lăm đến nay",
}

TIMES = {
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
    "05/06/2024 | 08:15 AM (GMT +7)": "ngày mùng năm tháng sáu năm hai nghìn không trăm hai mươi tư,"
    " tám giờ mười lăm phút sáng, giê em mờ tê cộng bảy",
    "8h00, ngày 08/6": "tám giờ, ngày mùng tám tháng sáu",
    "trực 24/7": "trực hai mươi tư trên bảy",
    "trực 24/24h": "trực hai mươi tư trên hai mươi tư giờ",
    "lúc 01h/12/10": "lúc một giờ ngày mười hai tháng mười",
    "lưu 72h": "lưu bảy mươi hai giờ",
}

NUMBERS = {
    "0 đồng": "không đồng",
    "15 hộ, 21 hộ, 24 hộ, 105 hộ": "mười lăm hộ, hai mươi mốt hộ, hai mươi tư hộ, một trăm lẻ năm hộ",
    "2005 người": "hai nghìn không trăm lẻ năm người",
    "10.000 cây": "mười nghìn cây",
    "1.500.000 đồng": "một triệu năm trăm nghìn đồng",
    "1.500.000đ": "một triệu năm trăm nghìn đồng",
    "2.000.000.015 đồng": "hai tỷ không trăm mười lăm đồng",
    "1,5 tỷ đồng": "một phẩy năm tỷ đồng",
    "2.5 triệu đồng": "hai phẩy năm triệu đồng",
    "1.234,56 tấn": "một nghìn hai trăm ba mươi tư phẩy năm mươi sáu tấn",
    "38,05": "ba mươi tám phẩy không năm",
    "công nghiệp 4.0": "công nghiệp bốn chấm không",
    "50k": "năm mươi nghìn",
    "1tr2": "một triệu hai",
    "$50": "năm mươi đô la",
    "50 USD": "năm mươi đô la Mỹ",
    "50.000đ/kg": "năm mươi nghìn đồng một ki-lô-gam",
    "50.000 đồng/kg": "năm mươi nghìn đồng một ki-lô-gam",
    "20.000đ/hộ/tháng": "hai mươi nghìn đồng một hộ một tháng",
    "90.000đ/m2": "chín mươi nghìn đồng một mét vuông",
    "lãi suất 6,6%/năm": "lãi suất sáu phẩy sáu phần trăm một năm",
    "20 bình/ha": "hai mươi bình một héc-ta",
    "118-149km/giờ": "một trăm mười tám đến một trăm bốn mươi chín ki-lô-mét trên giờ",
    "4,5% x 2.000đ = 90đ": "bốn phẩy năm phần trăm nhân hai nghìn đồng bằng chín mươi đồng",
    "3 lần/ngày": "ba lần một ngày",
    "5 tấn/ha": "năm tấn một héc-ta",
    "70%": "bảy mươi phần trăm",
    "5-10%": "năm đến mười phần trăm",
    "60km/h": "sáu mươi ki-lô-mét trên giờ",
    "dài 2,5 km, rộng 5m": "dài hai phẩy năm ki-lô-mét, rộng năm mét",
    "1.200m² hoặc 1.200 m2": "một nghìn hai trăm mét vuông hoặc một nghìn hai trăm mét vuông",
    "tính theo m2 và kg": "tính theo mét vuông và ki-lô-gam",
    "điện 220V": "điện hai trăm hai mươi vôn",
    "sân 20x40m": "sân hai mươi nhân bốn mươi mét",
    "½ lít": "một phần hai lít",
    "38,5°C": "ba mươi tám phẩy năm độ xê",
    "25-30oC": "hai mươi lăm đến ba mươi độ xê",
    "-5°C": "âm năm độ xê",
    "rét -2 độ C": "rét âm hai độ xê",
    "từ -2 đến 3°C": "từ âm hai đến ba độ xê",
    "-5 hộ nghèo": "năm hộ nghèo",
    "2-3 tháng": "hai đến ba tháng",
    "10-15 người": "mười đến mười lăm người",
    "200.000-300.000đ": "hai trăm nghìn đến ba trăm nghìn đồng",
    "cấp 10 - 11": "cấp mười đến mười một",
    "05 hộ nghèo": "năm hộ nghèo",
    "05 kg gạo": "năm ki-lô-gam gạo",
    "Đề án 06": "Đề án không sáu",
    "thôn 1,2,3": "thôn một, hai, ba",
    "tăng 1,5 lần": "tăng một phẩy năm lần",
    ">60 tuổi": "trên sáu mươi tuổi",
    "≥18 tuổi": "từ mười tám tuổi",
    "từ 18->60 tuổi": "từ mười tám đến sáu mươi tuổi",
    "2/3 số hộ": "hai phần ba số hộ",
    "đạt 2/3": "đạt hai phần ba",
    "1/4 diện tích": "một phần bốn diện tích",
    "19/19 tiêu chí": "mười chín trên mười chín tiêu chí",
    "sáng 8/12 thôn họp": "sáng ngày mùng tám tháng mười hai thôn họp",
    "8/12 thôn đã họp": "tám trên mười hai thôn đã họp",
    "huyết áp 120/80": "huyết áp một trăm hai mươi trên tám mươi",
    "Trang 1 / 3": "Trang một trên ba",
    "tỷ số 2-1": "tỷ số hai một",
    "tỷ lệ 3:1": "tỷ lệ ba trên một",
}

CODES = {
    "gọi 0912 345 678": "gọi không chín một hai, ba bốn năm, sáu bảy tám",
    "gọi 0912345678": "gọi không chín một hai, ba bốn năm, sáu bảy tám",
    "090 123 4567": "không chín không, một hai ba, bốn năm sáu bảy",
    "(024) 3825 1234": "không hai bốn, ba tám hai năm, một hai ba bốn",
    "+84 912 345 678": "cộng tám bốn, chín một hai, ba bốn năm, sáu bảy tám",
    "0912.345.678 - 0987.654.321": "không chín một hai, ba bốn năm, sáu bảy tám,"
    " không chín tám bảy, sáu năm bốn, ba hai một",
    "hotline 1900 1234": "hotline một chín không không, một hai ba bốn",
    "gọi 113, 114 hoặc 115": "gọi một một ba, một một bốn hoặc một một năm",
    "tổng đài 1022": "tổng đài một không hai hai",
    "số CCCD 001234567890": "số căn cước công dân không không một, hai ba bốn, năm sáu bảy, tám chín không",
    "STK 1234567890123": "số tài khoản một hai ba, bốn năm sáu, bảy tám chín, không một hai ba",
    "xe 43A-123.45": "xe bốn ba a, một hai ba, bốn năm",
    "biển số 29-H1 678.90": "biển số hai chín hát một, sáu bảy tám, chín không",
    "ngõ 5/3": "ngõ năm trên ba",
    "số nhà 12/4": "số nhà mười hai trên bốn",
    "hẻm 123/45/6": "hẻm một trăm hai mươi ba trên bốn mươi lăm trên sáu",
    "số 12/4 đường Bờ Kè": "số mười hai trên bốn đường Bờ Kè",
    "lớp 9/2": "lớp chín trên hai",
    "QL10": "quốc lộ mười",
    "ĐT605": "đường tỉnh sáu trăm lẻ năm",
    "đường ĐH.05": "đường huyện không năm",
    "Km12+300": "ki-lô-mét mười hai cộng ba trăm",
    "SN 1965": "sinh năm một nghìn chín trăm sáu mươi lăm",
}

WORDS = {
    "THÔNG BÁO": "THÔNG BÁO",
    "LỊCH CẮT ĐIỆN THÔN HÒA BÌNH": "LỊCH CẮT ĐIỆN THÔN HÒA BÌNH",
    "XỬ PHẠT VI PHẠM, GIÁ XI MĂNG": "XỬ PHẠT VI PHẠM, GIÁ XI MĂNG",
    "CA NGỢI QUÊ HƯƠNG": "CA NGỢI QUÊ HƯƠNG",
    "CA xã": "công an xã",
    "UBND xã": "ủy ban nhân dân xã",
    "ubnd xã": "ủy ban nhân dân xã",
    "UBND-HĐND": "ủy ban nhân dân, hội đồng nhân dân",
    "PCCC&CNCH": "phòng cháy chữa cháy và cứu nạn cứu hộ",
    "TDP3": "tổ dân phố ba",
    "TP.HCM": "Thành phố Hồ Chí Minh",
    "TP. Hải Phòng": "thành phố Hải Phòng",
    "TP.Hải Phòng": "thành phố Hải Phòng",
    "P.5, Q.1": "phường năm, quận một",
    "P. Hải Châu, T. Quảng Nam": "phường Hải Châu, tỉnh Quảng Nam",
    "ông Nguyễn T. Hải": "ông Nguyễn tê. Hải",
    "Đ/c Lan": "đồng chí Lan",
    "đ/c Lan": "đồng chí Lan",
    "P.Giám đốc": "phó giám đốc",
    "ThS. Lan và PGS.TS Minh": "thạc sĩ Lan và phó giáo sư tiến sĩ Minh",
    "v.v.": "vân vân.",
    "Quý III/2022": "Quý ba năm hai nghìn không trăm hai mươi hai",
    "quý I, II và III/2024": "quý một, hai và ba năm hai nghìn không trăm hai mươi tư",
    "quý 4/2023": "quý bốn năm hai nghìn không trăm hai mươi ba",
    "Đại hội XIII": "Đại hội mười ba",
    "Chương IV": "Chương bốn",
    "lần thứ IV": "lần thứ tư",
    "thế kỷ XXI": "thế kỷ hai mươi mốt",
    "báo động III": "báo động ba",
    "II. NỘI DUNG": "hai. NỘI DUNG",
    "H5N1": "hát năm en nờ một",
    "GMT+7": "giê em mờ tê cộng bảy",
    "COVID-19": "cô vít mười chín",
    "5G": "năm giê",
    "3G/4G": "ba giê trên bốn giê",
    "VNeID": "vê en nờ e i đê",
    "vitamin C": "vitamin xê",
    "tổ 3B": "tổ ba bê",
    "lớp 9A1": "lớp chín A một",
    "F0": "ép không",
}

MARKS = {
    "chuyển đổi số.Mục tiêu": "chuyển đổi số. Mục tiêu",
    "đạt 70%.UBND xã": "đạt bảy mươi phần trăm. Ủy ban nhân dân xã",
    "Đã xong. 5 hộ": "Đã xong. Năm hộ",
    "xã,phường": "xã, phường",
    "cổng/trang": "cổng, trang",
    "Họp (tại đình) nhé": "Họp, tại đình, nhé",
    "Họp (tại đình).": "Họp, tại đình.",
    "viễn thông – tin học": "viễn thông, tin học",
    "in-tơ-nét": "in-tơ-nét",
    "- Thành phần: 05 đồng chí": "Thành phần: năm đồng chí",
    "• Tin vui": "Tin vui",
    "1. Thời gian": "một. Thời gian",
    "1.1. Mục tiêu": "một chấm một. Mục tiêu",
    "b) Nội dung": "bê, Nội dung",
    "khoản 2, điểm b": "khoản hai, điểm bê",
    "điện & nước": "điện và nước",
    "www.haiphong.gov.vn": "hai phong chấm gốp chấm vê en nờ",
    "xem https://haiphong.gov.vn/.": "xem hai phong chấm gốp chấm vê en nờ.",
    "hoa@gmail.com": "hoa a còng gờ meo chấm com",
    "ngày\u00a05/6": "ngày\u00a0mùng năm tháng sáu",
    "phư\u00adờng": "phường",
    "QÐ-TTg": "quyết định của Thủ tướng Chính phủ",
    "２０２４": "hai nghìn không trăm hai mươi tư",
}

CASES = {**DOCUMENTS, **DATES, **TIMES, **NUMBERS, **CODES, **WORDS, **MARKS}

# Written, said, and a word the warning must hold: what a person has to look at.
DOUBTFUL = [
    ("phát 2/3", "phát hai phần ba", "phân số"),
    ("họp 5/8", "họp ngày mùng năm tháng tám", "ngày tháng"),
    ("ngày 8-9", "ngày mùng tám tháng chín", "ngày tháng"),
    ("họp 20.10", "họp ngày hai mươi tháng mười", "ngày tháng"),
    ("12/4 Nguyễn Trãi", "mười hai trên bốn Nguyễn Trãi", "số nhà"),
    ("giá 1.1200", "giá một chấm một hai không không", "nhiều cách"),
    ("giá 1,500 đồng", "giá một nghìn năm trăm đồng", "nhiều cách"),
    ("giá 50.000đ/cp", "giá năm mươi nghìn đồng một xê pê", "đơn vị"),
    ("Thôn 3: 2-0", "Thôn ba: hai, không", "tỷ số"),
    ("từ 10-5", "từ mười đến năm", "giảm dần"),
    ("số 12345678901", "số một hai ba bốn, năm sáu bảy, tám chín không một", "từng chữ số"),
    ("Kế hoạch 12/KH-XYZ", "Kế hoạch mười hai của ích i dài dét", "XYZ"),
    ("Số: ....../KH-UBND", "Số: kế hoạch của ủy ban nhân dân", "chưa có số"),
    ("tổ XYZ", "tổ ích i dài dét", "XYZ"),
    ("tổ công tác FACEBUK", "tổ công tác facebuk", "nước ngoài"),
    (
        "ngày 31/02/2024",
        "ngày ba mươi mốt tháng hai năm hai nghìn không trăm hai mươi tư",
        "không có trong lịch",
    ),
    ("ngày 16/6/21", "ngày mười sáu tháng sáu năm hai nghìn không trăm hai mươi mốt", "2021"),
    (
        "thứ Hai, ngày 16/6/2021",
        "thứ Hai, ngày mười sáu tháng sáu năm hai nghìn không trăm hai mươi mốt",
        "thứ Tư",
    ),
    ("khai mạc XIII", "khai mạc mười ba", "La Mã"),
    ("BCH", "ban chấp hành", "ban chỉ huy"),
    ("https://vidu.vn/a/b/c/d/trang-rat-dai.html", "vi du chấm vê en nờ", "vidu.vn"),
    ("Ông/Bà: ..........", "Ông, Bà: …", "để trống"),
]


@pytest.mark.parametrize(("written", "spoken"), CASES.items(), ids=CASES)
def test_it_says_what_a_listener_expects(written: str, spoken: str) -> None:
    said = reading.read(written)
    assert said.spoken == spoken
    assert said.warnings == ()


@pytest.mark.parametrize(("written", "spoken", "word"), DOUBTFUL)
def test_it_guesses_and_says_that_it_guessed(written: str, spoken: str, word: str) -> None:
    said = reading.read(written)
    assert said.spoken == spoken
    assert any(word in str(span.warning) for span in said.warnings)


def test_it_marks_each_change_with_its_place_and_rule() -> None:
    said = reading.read("UBND xã họp lúc 7h30 ngày 5/6.")
    assert [(s.written, s.spoken, s.rule) for s in said.spans] == [
        ("UBND", "ủy ban nhân dân", "dictionary"),
        ("7h30", "bảy giờ ba mươi phút", "time"),
        ("5/6", "mùng năm tháng sáu", "date"),
    ]
    assert said.written[said.spans[1].start : said.spans[1].end] == "7h30"


def test_it_keeps_lines_and_paragraphs() -> None:
    assert reading.read("Họp 5/6.\n\nNghỉ 6/6.\nHết.").spoken == (
        "Họp ngày mùng năm tháng sáu.\n\nNghỉ ngày mùng sáu tháng sáu.\nHết."
    )


def test_it_composes_letters_first() -> None:
    written = unicodedata.normalize("NFD", "phường họp ngày 5/6")
    said = reading.read(written)
    assert said.written == "phường họp ngày 5/6"
    assert said.spoken == "phường họp ngày mùng năm tháng sáu"


def test_the_communes_own_words_win() -> None:
    own = shipped().with_own([Entry("CA", "ca trực"), Entry("XYZ", "tổ xung kích")])
    assert reading.read("CA và XYZ", own).spoken == "ca trực và tổ xung kích"
    assert reading.read("CA và XYZ", own).warnings == ()


def test_an_empty_dictionary_leaves_acronyms_to_letters() -> None:
    assert reading.read("UBND", Dictionary(())).spoken == "u bê en nờ dê"


def test_empty_text_is_silent() -> None:
    assert reading.read("") == reading.Reading("", "", ())


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "không"),
        (10, "mười"),
        (15, "mười lăm"),
        (21, "hai mươi mốt"),
        (44, "bốn mươi tư"),
        (101, "một trăm lẻ một"),
        (115, "một trăm mười lăm"),
        (1001, "một nghìn không trăm lẻ một"),
        (1_000_005, "một triệu không trăm lẻ năm"),
        (1_005_000_000, "một tỷ không trăm lẻ năm triệu"),
        (10**12, "một nghìn tỷ"),
    ],
)
def test_number_words(value: int, words: str) -> None:
    assert numbers.integer(value) == words


@pytest.mark.parametrize(
    "word", ["THÔNG", "BÁO", "GIẾNG", "gì", "QUỲNH", "quốc", "UỶ", "ủy", "khuya", "NGHIÊNG"]
)
def test_words_are_syllables(word: str) -> None:
    assert is_syllable(word)


@pytest.mark.parametrize("word", ["UBND", "CAT", "HIV", "VNPT", "ASEAN", "kg", "NGI", "KA", ""])
def test_acronyms_are_no_syllables(word: str) -> None:
    assert not is_syllable(word)


def test_addresses_are_cut_into_syllables() -> None:
    assert split_plain("tuyentruyen") == ("tuyen", "truyen")
    assert split_plain("bttt") == ("b", "t", "t", "t")


def assert_consistent(said: reading.Reading) -> None:
    at = spoken_at = 0
    for span in said.spans:
        assert said.written[at : span.start] == said.spoken[spoken_at : span.spoken_start]
        assert said.written[span.start : span.end] == span.written
        assert said.spoken[span.spoken_start : span.spoken_end] == span.spoken
        assert at <= span.start < span.end
        at, spoken_at = span.end, span.spoken_end
    assert said.written[at:] == said.spoken[spoken_at:]


SHARDS = """
0 1 5 10 12 47 104 2020 2024 1.500 38,5 / - – . , : ; ( ) [ % °C đ kg m2 h g ngày tháng thứ quý ngõ số
UBND NĐ-CP KH- QĐ TP. P. III IV X T2 @ a.vn http:// + = < > & # * _ … .... ½ ² ① Ⅲ ٣ ４ Ð ' “ 😀
"""
UNSEEN = ["\n", "\r\n", "\t", "\u200b", "\u00ad", "\ue000", "\ufffd", "e\u0301"]
PIECES = st.sampled_from([*CASES, *SHARDS.split(), *UNSEEN])
TEXTS = st.lists(st.tuples(PIECES, st.sampled_from(["", " ", "\n"])), max_size=12).map(
    lambda pieces: "".join(a + b for a, b in pieces)
)


@given(st.one_of(st.text(max_size=80), TEXTS))
@example("đồng/²Ⅲ")
@example("1:11:11:1")
@settings(deadline=None, max_examples=300)
def test_whatever_is_written_can_be_said(text: str) -> None:
    said = reading.read(text)
    assert said.written == unicodedata.normalize("NFC", text)
    assert_consistent(said)
    assert not any(char.isdigit() for char in said.spoken)
    assert said.spoken.count("\n") == said.written.count("\n")
    assert all(span.warning is None or span.warning.endswith(".") for span in said.spans)
    reading.suspicious_lines(text)


@pytest.mark.parametrize("spoken", CASES.values(), ids=CASES)
def test_what_was_said_is_not_changed_again(spoken: str) -> None:
    assert reading.read(spoken).spoken == spoken


HOSTILE = "1 1. 1/ 1- 1:1 1h 1đ/ a. a- a@ A- 1/A- X UBND- 47/2020/NĐ- ( . … _ - ² http://"


@pytest.mark.parametrize("piece", [*HOSTILE.split(), " ", "0 ", "- 1", "I, ", "ngày 1 và ", "\n-"])
def test_a_hostile_text_does_not_hold_the_station_up(piece: str) -> None:
    text = (piece * 30_000)[:30_000]
    started = time.perf_counter()
    reading.read(text)
    reading.suspicious_lines(text)
    assert time.perf_counter() - started < 5  # usually 0.05 to 0.6 s; a busy machine gets room


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_real_pages_leave_no_digit_and_no_slash(sample: Path) -> None:
    said = reading.read(sample.read_text(encoding="utf-8"))
    assert_consistent(said)
    assert not any(char.isdigit() or char in "/%|" for char in said.spoken)
    assert said.warnings == ()
    assert reading.read(said.spoken).spoken == said.spoken


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_real_pages_show_their_debris(sample: Path) -> None:
    text = sample.read_text(encoding="utf-8")
    found = reading.suspicious_lines(text)
    assert len(found) >= 3
    in_the_body = {line.reason for line in found if len(line.line) > 200}
    assert in_the_body <= {"Có câu đã nói ở trên", "Mở đầu bằng tên báo"}


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
        ("Bà con ra đồng. (Ảnh: Lan)", "Chú thích ảnh"),
        ("Thứ Tư, 06/11/2024 08:15 Gốc", "Giờ đăng bài"),
        ("05/06/2024 | 08:15 AM (GMT +7)", "Giờ đăng bài"),
        ("(PLVN) - Bà con ra đồng.", "Mở đầu bằng tên báo"),
        ("Nơi nhận:", "Phần ký và nơi nhận của văn bản"),
        ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Quốc hiệu, tiêu ngữ của văn bản"),
        ("Họ và tên: ..........", "Còn chỗ để trống chưa điền"),
        ("Bà con ra đồng.Mời họp.", "Có hai chữ hoặc hai câu dính liền nhau"),
        ("Đọc báoĐẩy mạnh", "Có hai chữ hoặc hai câu dính liền nhau"),
        ("Tất cả: 901Print", "Có hai chữ hoặc hai câu dính liền nhau"),
        ("<b>Chào</b>", "Còn mã của trang mạng"),
    ],
)
def test_it_points_at_page_debris(line: str, reason: str) -> None:
    text = f"Mời bà con dự họp thôn.\n{line}\nXin cảm ơn bà con."
    assert reading.suspicious_lines(text) == (reading.SuspiciousLine(2, line, reason),)


def test_it_points_at_what_is_said_twice_and_at_a_name_alone() -> None:
    again = "Bà con mang theo căn cước công dân khi đến khám bệnh"
    found = reading.suspicious_lines(f"{again}.\nTrạm mở cửa cả ngày.\n{again}.\nPhương Lan")
    assert [(line.number, line.reason) for line in found] == [
        (3, "Có câu đã nói ở trên"),
        (4, "Có thể là tên tác giả"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Các văn bản liên quan đã được gửi tới bà con.",
        "Hôm nay: bà con nghỉ.",
        "Mời bà con tải về ứng dụng VNeID trên điện thoại.",
        "Quay lại với bản tin thời tiết.",
        "Thứ Bảy này, thôn họp lúc 7h30.",
        "Kính mời ông bà Nguyễn Văn Lan tới dự họp tại iPhone Center.",
    ],
)
def test_it_leaves_honest_lines_alone(line: str) -> None:
    assert reading.suspicious_lines(f"{line}\nXin cảm ơn bà con.") == ()
