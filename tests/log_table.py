"""The broadcast log's CSV as the product writes it, read back."""

from __future__ import annotations

import csv
import io

from sqlalchemy.orm import Session

from scheduler.exports import csv_file
from scheduler.exports.tables import Table
from scheduler.reporting import log
from scheduler.reports import LogFilter
from tests.cast import ZONE


def table(session: Session, wanted: LogFilter) -> list[dict[str, str]]:
    """A row for each delivery the filter means, by the titles of its columns."""
    out = io.StringIO()
    csv_file.write(Table("log", "Nhật ký phát", log.COLUMNS, log.rows(session, wanted)), out, ZONE)
    return list(csv.DictReader(io.StringIO(out.getvalue())))
