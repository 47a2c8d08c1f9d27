"""Days, weeks, months, quarters and years, in every way people write them."""

from __future__ import annotations

import pytest

from content import reading

CASES = {
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
    "từ 01/01/2024 - 31/12/2024": (
        "từ ngày mùng một tháng một năm hai nghìn không trăm hai mươi tư đến ngày ba mươi mốt"
        " tháng mười hai năm hai nghìn không trăm hai mươi tư"
    ),
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
    "ngày 3/2": "ngày mùng ba tháng hai",
    "ngày 03 tháng 02 năm 2024": "ngày mùng ba tháng hai năm hai nghìn không trăm hai mươi tư",
    "Ngày 01/01/2025": "Ngày mùng một tháng một năm hai nghìn không trăm hai mươi lăm",
    "hạn cuối 30/6/2025": "hạn cuối ngày ba mươi tháng sáu năm hai nghìn không trăm hai mươi lăm",
    "đến hết ngày 31/12": "đến hết ngày ba mươi mốt tháng mười hai",
    "trước 31/12/2025": "trước ngày ba mươi mốt tháng mười hai năm hai nghìn không trăm hai mươi lăm",
    "từ ngày 15/11 đến ngày 20/11/2025": (
        "từ ngày mười lăm tháng mười một đến ngày hai mươi tháng mười một năm hai nghìn không"
        " trăm hai mươi lăm"
    ),
    "từ 15-20/11": "từ ngày mười lăm đến hai mươi tháng mười một",
    "từ ngày 15-20/11/2025": "từ ngày mười lăm đến hai mươi tháng mười một năm hai nghìn không trăm hai mươi lăm",
    "từ 15/11-20/11": "từ ngày mười lăm tháng mười một đến ngày hai mươi tháng mười một",
    "từ 28/2 - 3/3": "từ ngày hai mươi tám tháng hai đến ngày mùng ba tháng ba",
    "từ ngày 28/02-03/03/2025": (
        "từ ngày hai mươi tám tháng hai đến ngày mùng ba tháng ba năm hai nghìn không trăm hai"
        " mươi lăm"
    ),
    "ngày 15, 16/11": "ngày mười lăm, mười sáu tháng mười một",
    "ngày 15,16/11": "ngày mười lăm, mười sáu tháng mười một",
    "các ngày 15, 16, 17/11": "các ngày mười lăm, mười sáu, mười bảy tháng mười một",
    "các ngày 15, 16 và 17/11/2025": (
        "các ngày mười lăm, mười sáu và mười bảy tháng mười một năm hai nghìn không trăm hai"
        " mươi lăm"
    ),
    "ngày 15 và 16/11": "ngày mười lăm và mười sáu tháng mười một",
    "ngày 15-16/11": "ngày mười lăm đến mười sáu tháng mười một",
    "ngày 5 và 6 tháng 10": "ngày mùng năm và mùng sáu tháng mười",
    "hai ngày 5-6/10": "hai ngày mùng năm đến mùng sáu tháng mười",
    "trong 2 ngày 15 và 16/11": "trong hai ngày mười lăm và mười sáu tháng mười một",
    "ngày 15 và ngày 16/11": "ngày mười lăm và ngày mười sáu tháng mười một",
    "tối ngày 14 rạng sáng 15/11": "tối ngày mười bốn rạng sáng ngày mười lăm tháng mười một",
    "đêm 14, rạng sáng 15/11": "đêm mười bốn, rạng sáng ngày mười lăm tháng mười một",
    "tháng 11-12": "tháng mười một đến tháng mười hai",
    "tháng 11/2025": "tháng mười một năm hai nghìn không trăm hai mươi lăm",
    "tháng 11, 12/2025": "tháng mười một, tháng mười hai năm hai nghìn không trăm hai mươi lăm",
    "tháng 11 và 12 năm 2025": "tháng mười một và mười hai năm hai nghìn không trăm hai mươi lăm",
    "tháng 11 và tháng 12": "tháng mười một và tháng mười hai",
    "từ tháng 4 đến tháng 6": "từ tháng tư đến tháng sáu",
    "từ tháng 4-6": "từ tháng tư đến tháng sáu",
    "tháng 01/2025": "tháng một năm hai nghìn không trăm hai mươi lăm",
    "tháng giêng, tháng 1, tháng 12": "tháng giêng, tháng một, tháng mười hai",
    "tháng 4 âm lịch": "tháng tư âm lịch",
    "mùng 10/3 âm lịch": "mùng mười tháng ba âm lịch",
    "10/3 ÂL": "ngày mùng mười tháng ba âm lịch",
    "ngày 15/8 âm lịch": "ngày mười lăm tháng tám âm lịch",
    "rằm tháng 8": "rằm tháng tám",
    "mùng 1, mùng 2 Tết": "mùng một, mùng hai Tết",
    "mùng 1-3 Tết": "mùng một đến mùng ba Tết",
    "từ mùng 1 đến mùng 3 Tết": "từ mùng một đến mùng ba Tết",
    "ngày 23 tháng Chạp": "ngày hai mươi ba tháng Chạp",
    "ngày 29 Tết": "ngày hai mươi chín Tết",
    "30 Tết": "ba mươi Tết",
    "8/3": "ngày mùng tám tháng ba",
    "ngày 8.3": "ngày mùng tám tháng ba",
    "ngày 8-3": "ngày mùng tám tháng ba",
    "kỷ niệm ngày 22/12": "kỷ niệm ngày hai mươi hai tháng mười hai",
    "kỷ niệm 80 năm Cách mạng tháng Tám và Quốc khánh 2/9": (
        "kỷ niệm tám mươi năm Cách mạng tháng Tám và Quốc khánh mùng hai tháng chín"
    ),
    "chào mừng 2/9": "chào mừng ngày mùng hai tháng chín",
    "nghỉ lễ 30/4-1/5": "nghỉ lễ ba mươi tháng tư và ngày mùng một tháng năm",
    "dịp 30/4 và 1/5": "dịp ba mươi tháng tư và ngày mùng một tháng năm",
    "lễ 30/4, 1/5": "lễ ba mươi tháng tư, ngày mùng một tháng năm",
    "ngày 27/7": "ngày hai mươi bảy tháng bảy",
    "Ngày Nhà giáo Việt Nam 20/11": "Ngày Nhà giáo Việt Nam ngày hai mươi tháng mười một",
    "Ngày Quốc tế Phụ nữ 8/3": "Ngày Quốc tế Phụ nữ ngày mùng tám tháng ba",
    "ngày Thương binh - Liệt sĩ 27/7": "ngày Thương binh, Liệt sĩ ngày hai mươi bảy tháng bảy",
    "năm học 2025-2026": "năm học hai nghìn không trăm hai mươi lăm, hai nghìn không trăm hai mươi sáu",
    "năm học 2025 - 2026": "năm học hai nghìn không trăm hai mươi lăm, hai nghìn không trăm hai mươi sáu",
    "giai đoạn 2021-2025": "giai đoạn hai nghìn không trăm hai mươi mốt đến hai nghìn không trăm hai mươi lăm",
    "giai đoạn 2021-2025, tầm nhìn 2030": (
        "giai đoạn hai nghìn không trăm hai mươi mốt đến hai nghìn không trăm hai mươi lăm, tầm"
        " nhìn hai nghìn không trăm ba mươi"
    ),
    "nhiệm kỳ 2025-2030": "nhiệm kỳ hai nghìn không trăm hai mươi lăm đến hai nghìn không trăm ba mươi",
    "nhiệm kỳ 2020 – 2025": "nhiệm kỳ hai nghìn không trăm hai mươi đến hai nghìn không trăm hai mươi lăm",
    "niên khóa 2022-2025": "niên khóa hai nghìn không trăm hai mươi hai, hai nghìn không trăm hai mươi lăm",
    "vụ đông xuân 2024-2025": "vụ đông xuân hai nghìn không trăm hai mươi tư đến hai nghìn không trăm hai mươi lăm",
    "năm 2024-2025": "năm hai nghìn không trăm hai mươi tư đến hai nghìn không trăm hai mươi lăm",
    "những năm 1960-1970": "những năm một nghìn chín trăm sáu mươi đến một nghìn chín trăm bảy mươi",
    "năm 1975": "năm một nghìn chín trăm bảy mươi lăm",
    "năm 2005": "năm hai nghìn không trăm lẻ năm",
    "năm 1945": "năm một nghìn chín trăm bốn mươi lăm",
    "thập niên 90": "thập niên chín mươi",
    "thế kỷ 21": "thế kỷ hai mươi mốt",
    "năm 2010": "năm hai nghìn không trăm mười",
    "quý I-II": "quý một đến hai",
    "quý I/2025": "quý một năm hai nghìn không trăm hai mươi lăm",
    "quý I và quý II năm 2025": "quý một và quý hai năm hai nghìn không trăm hai mươi lăm",
    "quý 1": "quý một",
    "quý IV/2024": "quý bốn năm hai nghìn không trăm hai mươi tư",
    "6 tháng đầu năm 2025": "sáu tháng đầu năm hai nghìn không trăm hai mươi lăm",
    "9 tháng": "chín tháng",
    "thứ tư, ngày 5/11/2025": "thứ tư, ngày mùng năm tháng mười một năm hai nghìn không trăm hai mươi lăm",
    "thứ 5 ngày 6/11": "thứ năm ngày mùng sáu tháng mười một",
    "thứ Năm (6/11)": "thứ Năm, ngày mùng sáu tháng mười một",
    "Chủ nhật, 9/11/2025": "Chủ nhật, ngày mùng chín tháng mười một năm hai nghìn không trăm hai mươi lăm",
    "chủ nhật 09-11-2025": "chủ nhật ngày mùng chín tháng mười một năm hai nghìn không trăm hai mươi lăm",
    "sáng thứ 7": "sáng thứ bảy",
    "chiều thứ 2 hàng tuần": "chiều thứ hai hàng tuần",
    "các ngày thứ 2, 4, 6": "các ngày thứ hai, thứ tư, thứ sáu",
    "thứ 3 và thứ 5": "thứ ba và thứ năm",
    "thứ hai đến thứ 6": "thứ hai đến thứ sáu",
    "từ thứ 2 đến thứ 6": "từ thứ hai đến thứ sáu",
    "thứ 2, 3, 4": "thứ hai, thứ ba, thứ tư",
    "thứ 2 & thứ 4": "thứ hai và thứ tư",
    "thứ 7, chủ nhật": "thứ bảy, chủ nhật",
    "2025-11-22": "ngày hai mươi hai tháng mười một năm hai nghìn không trăm hai mươi lăm",
    "22.11.2025": "ngày hai mươi hai tháng mười một năm hai nghìn không trăm hai mươi lăm",
    "ngày 22 - 11 - 2025": "ngày hai mươi hai tháng mười một năm hai nghìn không trăm hai mươi lăm",
    "22 / 11 / 2025": "ngày hai mươi hai tháng mười một năm hai nghìn không trăm hai mươi lăm",
    "ngày 1-1-2026": "ngày mùng một tháng một năm hai nghìn không trăm hai mươi sáu",
    "ngày 01.01.2026": "ngày mùng một tháng một năm hai nghìn không trăm hai mươi sáu",
    "ngày sinh 15/3/1990": "ngày sinh ngày mười lăm tháng ba năm một nghìn chín trăm chín mươi",
    "sinh ngày 02/9/1945": "sinh ngày mùng hai tháng chín năm một nghìn chín trăm bốn mươi lăm",
    "sinh năm 1958": "sinh năm một nghìn chín trăm năm mươi tám",
    "(1945-2025)": "một nghìn chín trăm bốn mươi lăm đến hai nghìn không trăm hai mươi lăm",
    "(1930 – 2025)": "một nghìn chín trăm ba mươi đến hai nghìn không trăm hai mươi lăm",
    "80 năm (1945-2025)": "tám mươi năm, một nghìn chín trăm bốn mươi lăm đến hai nghìn không trăm hai mươi lăm",
    "Nguyễn Văn Minh (1950-2020)": "Nguyễn Văn Minh, một nghìn chín trăm năm mươi đến hai nghìn không trăm hai mươi",
    "11/2025": "tháng mười một năm hai nghìn không trăm hai mươi lăm",
    "10-2024": "tháng mười năm hai nghìn không trăm hai mươi tư",
    "ngày 10 hằng tháng": "ngày mùng mười hằng tháng",
    "ngày 5 hàng tháng": "ngày mùng năm hàng tháng",
    "từ ngày 1 đến ngày 5 hằng tháng": "từ ngày mùng một đến ngày mùng năm hằng tháng",
    "từ ngày 01 đến ngày 10 hàng tháng": "từ ngày mùng một đến ngày mùng mười hàng tháng",
    "trước ngày 25 của tháng": "trước ngày hai mươi lăm của tháng",
    "ngày mùng 5": "ngày mùng năm",
    "ngày 7": "ngày mùng bảy",
    "trong ngày 7/5": "trong ngày mùng bảy tháng năm",
    "sáng mai, 16/11": "sáng mai, ngày mười sáu tháng mười một",
    "sáng nay (15/11)": "sáng nay, ngày mười lăm tháng mười một",
    "ngày 29/2/2024": "ngày hai mươi chín tháng hai năm hai nghìn không trăm hai mươi tư",
    "Tuần lễ từ 10 - 16/11": "Tuần lễ từ ngày mùng mười đến mười sáu tháng mười một",
    "từ ngày 9 đến 15/11/2025": (
        "từ ngày mùng chín đến mười lăm tháng mười một năm hai nghìn không trăm hai mươi lăm"
    ),
    "đợt 1 (1-15/12), đợt 2 (16-31/12)": (
        "đợt một, ngày mùng một đến mười lăm tháng mười hai, đợt hai, ngày mười sáu đến ba mươi"
        " mốt tháng mười hai"
    ),
    "sổ đỏ số BĐ 123456": "sổ đỏ số bê đê, một hai ba, bốn năm sáu",
    "sê-ri AB 123456": "sê-ri a bê, một hai ba, bốn năm sáu",
    "HA 140/90": "huyết áp một trăm bốn mươi trên chín mươi",
    "Bà con nào có nhu cầu đăng ký, liên hệ đ/c Lan theo số 0912345678 (trong giờ hành chính).": (
        "Bà con nào có nhu cầu đăng ký, liên hệ đồng chí Lan theo số không chín một hai, ba bốn"
        " năm, sáu bảy tám, trong giờ hành chính."
    ),
    "1.Mục đích 2.Yêu cầu": "một. Mục đích hai. Yêu cầu",
    "1.Thời gian:7h30": "một. Thời gian: bảy giờ ba mươi phút",
    "a.Đối tượng": "a. Đối tượng",
    "Hội nghị diễn ra từ 7h30 - 11h ngày 18,19/11": (
        "Hội nghị diễn ra từ bảy giờ ba mươi phút đến mười một giờ ngày mười tám, mười chín"
        " tháng mười một"
    ),
    "Nộp trước ngày 30-11-2025": "Nộp trước ngày ba mươi tháng mười một năm hai nghìn không trăm hai mươi lăm",
    "tháng 11-2025": "tháng mười một năm hai nghìn không trăm hai mươi lăm",
    "tháng 11.2025": "tháng mười một năm hai nghìn không trăm hai mươi lăm",
    "11.2025": "tháng mười một năm hai nghìn không trăm hai mươi lăm",
    "từ 1.1.2026": "từ ngày mùng một tháng một năm hai nghìn không trăm hai mươi sáu",
    "ngày 1.7.2025": "ngày mùng một tháng bảy năm hai nghìn không trăm hai mươi lăm",
    "ngày 20 - 11": "ngày hai mươi tháng mười một",
    "lễ 30-4, 1-5": "lễ ba mươi tháng tư, ngày mùng một tháng năm",
    "Cách mạng Tháng Tám (19/8/1945 - 19/8/2025)": (
        "Cách mạng Tháng Tám, ngày mười chín tháng tám năm một nghìn chín trăm bốn mươi lăm đến"
        " ngày mười chín tháng tám năm hai nghìn không trăm hai mươi lăm"
    ),
    "nhân kỷ niệm 95 năm Ngày thành lập Hội LHPN Việt Nam (20/10/1930 - 20/10/2025)": (
        "nhân kỷ niệm chín mươi lăm năm Ngày thành lập Hội liên hiệp phụ nữ Việt Nam, ngày hai"
        " mươi tháng mười năm một nghìn chín trăm ba mươi đến ngày hai mươi tháng mười năm hai"
        " nghìn không trăm hai mươi lăm"
    ),
    "Ngày thành lập QĐND Việt Nam (22/12/1944 – 22/12/2025)": (
        "Ngày thành lập quân đội nhân dân Việt Nam, ngày hai mươi hai tháng mười hai năm một"
        " nghìn chín trăm bốn mươi tư đến ngày hai mươi hai tháng mười hai năm hai nghìn không"
        " trăm hai mươi lăm"
    ),
    "(3/2/1930 - 3/2/2026)": "ngày mùng ba tháng hai năm một nghìn chín trăm ba mươi đến ngày mùng ba tháng hai năm"
    " hai nghìn không trăm hai mươi sáu",
    "kỷ niệm 50 năm (30/4/1975-30/4/2025)": (
        "kỷ niệm năm mươi năm, ngày ba mươi tháng tư năm một nghìn chín trăm bảy mươi lăm đến"
        " ngày ba mươi tháng tư năm hai nghìn không trăm hai mươi lăm"
    ),
    "mùng 5 tháng 5": "mùng năm tháng năm",
    "ngày 5 tháng 5 âm lịch": "ngày mùng năm tháng năm âm lịch",
    "15/7 ÂL": "ngày mười lăm tháng bảy âm lịch",
    "ngày 10/3 (âm lịch)": "ngày mùng mười tháng ba, âm lịch",
    "giỗ Tổ 10/3": "giỗ Tổ ngày mùng mười tháng ba",
    "Tết Đoan Ngọ 5/5": "Tết Đoan Ngọ ngày mùng năm tháng năm",
    "Tết Trung thu 15/8": "Tết Trung thu ngày mười lăm tháng tám",
    "23 tháng Chạp": "hai mươi ba tháng Chạp",
    "giao thừa 29/12 âm lịch": "giao thừa ngày hai mươi chín tháng mười hai âm lịch",
    "năm Ất Tỵ 2025": "năm Ất Tỵ hai nghìn không trăm hai mươi lăm",
    "xuân Bính Ngọ 2026": "xuân Bính Ngọ hai nghìn không trăm hai mươi sáu",
    "Tết Dương lịch 1/1": "Tết Dương lịch ngày mùng một tháng một",
    "Quốc tế Lao động 1/5": "Quốc tế Lao động ngày mùng một tháng năm",
    "Ngày Chuyển đổi số quốc gia 10/10": "Ngày Chuyển đổi số quốc gia ngày mùng mười tháng mười",
    "Ngày Toàn dân phòng cháy 4/10": "Ngày Toàn dân phòng cháy ngày mùng bốn tháng mười",
    "Ngày Pháp luật 9/11": "Ngày Pháp luật ngày mùng chín tháng mười một",
    "Ngày ASEAN 8/8": "Ngày a xê an ngày mùng tám tháng tám",
    "sáng ngày 20 và chiều ngày 21/11": "sáng ngày hai mươi và chiều ngày hai mươi mốt tháng mười một",
    "từ 20 giờ ngày 5/11 đến 4 giờ ngày 6/11": (
        "từ hai mươi giờ ngày mùng năm tháng mười một đến bốn giờ ngày mùng sáu tháng mười một"
    ),
    "20h/5/11": "hai mươi giờ ngày mùng năm tháng mười một",
    "20h ngày 5": "hai mươi giờ ngày mùng năm",
    "đêm 5/11 rạng sáng 6/11": "đêm ngày mùng năm tháng mười một rạng sáng ngày mùng sáu tháng mười một",
    "từ nay đến 30/11": "từ nay đến ngày ba mươi tháng mười một",
    "đến hết tháng 11/2025": "đến hết tháng mười một năm hai nghìn không trăm hai mươi lăm",
    "đến hết 15/12": "đến hết ngày mười lăm tháng mười hai",
    "chậm nhất 10/12": "chậm nhất ngày mùng mười tháng mười hai",
    "hạn chót: 25/11": "hạn chót: ngày hai mươi lăm tháng mười một",
    "trong 2 ngày 18-19/11": "trong hai ngày mười tám đến mười chín tháng mười một",
    "3 ngày, từ 18 đến 20/11": "ba ngày, từ ngày mười tám đến hai mươi tháng mười một",
    "ngày 18 đến 20/11": "ngày mười tám đến hai mươi tháng mười một",
    "từ 18/11 tới 20/11": "từ ngày mười tám tháng mười một tới ngày hai mươi tháng mười một",
    "18->20/11": "ngày mười tám đến hai mươi tháng mười một",
    "18~20/11": "ngày mười tám đến hai mươi tháng mười một",
    "khoảng 15-20/11": "khoảng ngày mười lăm đến hai mươi tháng mười một",
    "giữa tháng 11": "giữa tháng mười một",
    "đầu quý I/2026": "đầu quý một năm hai nghìn không trăm hai mươi sáu",
    "quý 4 năm 2025": "quý bốn năm hai nghìn không trăm hai mươi lăm",
    "Q4/2025": "quý bốn năm hai nghìn không trăm hai mươi lăm",
    "quý IV.2025": "quý bốn năm hai nghìn không trăm hai mươi lăm",
    "6 tháng cuối năm": "sáu tháng cuối năm",
    "2 năm 2024, 2025": "hai năm hai nghìn không trăm hai mươi tư, hai nghìn không trăm hai mươi lăm",
    "năm 2024, 2025": "năm hai nghìn không trăm hai mươi tư, hai nghìn không trăm hai mươi lăm",
    "các năm 2023, 2024, 2025": (
        "các năm hai nghìn không trăm hai mươi ba, hai nghìn không trăm hai mươi tư, hai nghìn"
        " không trăm hai mươi lăm"
    ),
    "năm 2026-2030": "năm hai nghìn không trăm hai mươi sáu đến hai nghìn không trăm ba mươi",
    "2021-2025": "hai nghìn không trăm hai mươi mốt đến hai nghìn không trăm hai mươi lăm",
    "1/2026": "tháng một năm hai nghìn không trăm hai mươi sáu",
    "ngày 1 tháng 1": "ngày mùng một tháng một",
    "ngày 04 tháng 04": "ngày mùng bốn tháng tư",
    "4/4": "ngày mùng bốn tháng tư",
    "ngày 4": "ngày mùng bốn",
    "tháng 4-2025": "tháng tư năm hai nghìn không trăm hai mươi lăm",
    "tháng 4 này": "tháng tư này",
    "tháng 4 tới": "tháng tư tới",
    "4 tháng": "bốn tháng",
    "tháng thứ 4": "tháng thứ tư",
    "tuần thứ 4": "tuần thứ tư",
    "thứ 4 hàng tuần": "thứ tư hàng tuần",
    "thứ 4, 5/11": "thứ tư, ngày mùng năm tháng mười một",
    "thứ tư 5/11": "thứ tư ngày mùng năm tháng mười một",
    "Thứ 2 đầu tuần": "Thứ hai đầu tuần",
    "từ thứ 2 - thứ 6": "từ thứ hai đến thứ sáu",
    "T2 - T7": "thứ hai đến thứ bảy",
    "từ T2-CN": "từ thứ hai đến chủ nhật",
}


@pytest.mark.parametrize(("written", "spoken"), CASES.items(), ids=CASES)
def test_it_says_what_a_listener_expects(written: str, spoken: str) -> None:
    said = reading.read(written)
    assert said.spoken == spoken
    assert said.warnings == ()


@pytest.mark.parametrize("spoken", CASES.values(), ids=CASES)
def test_what_was_said_is_not_changed_again(spoken: str) -> None:
    assert reading.read(spoken).spoken == spoken
