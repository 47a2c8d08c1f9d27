"""A web server of its own for ``loa bench pages``: the station's pages at a given time, or one bare page beside them.

``python -m loa.benches.page_server CONFIG NOW [--bare]`` prints its port and serves until its input ends.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import msgspec
import sqlalchemy as sa
from flask import Flask, request

from loa import config as configs
from loa.config import Config
from loa.database import Database
from loa.times import Instant
from scheduler.broadcasts import Broadcast
from web import serving

_PAGE = """<!doctype html><html lang="vi"><head><meta charset="utf-8"><title>Loa</title></head><body><table>
{% for row in rows %}<tr><td>{{ row.id }}</td><td>{{ row.title }}</td><td>{{ row.starts_at }}</td><td>{{ row.ms }}</td>
<td>{{ row.author }}</td></tr>
{% endfor %}</table></body></html>"""


def bare(database: Database) -> Flask:
    """``/?queries=5&rows=200``: so many questions, so many rows altogether, one row of the page for each."""
    app = Flask(__name__)
    page = app.jinja_env.from_string(_PAGE)
    columns = (Broadcast.id, Broadcast.title, Broadcast.starts_at, Broadcast.ms, Broadcast.author)

    @app.get("/")
    def show() -> str:
        queries, rows = (int(request.args[name]) for name in ("queries", "rows"))
        share, more = divmod(rows, queries)
        with database.read() as session:
            found = [
                row
                for number in range(queries)
                for row in session.execute(sa.select(*columns).limit(share + (number < more)))
            ]
        return page.render(rows=found)

    return app


def main() -> None:
    path, now = Path(sys.argv[1]), Instant(int(sys.argv[2]))
    config = configs.load(path)
    database = Database(config.database_url)
    stop = threading.Event()
    threading.Thread(target=_until_told, args=(stop,), daemon=True).start()
    serve(config, database, now, stop, "--bare" in sys.argv)
    database.close()


def serve(
    config: Config, database: Database, now: Instant, stop: threading.Event, is_bare: bool
) -> None:
    config = msgspec.structs.replace(config, web=msgspec.structs.replace(config.web, port=0))
    if is_bare:
        serving.answer(bare(database), config, stop, ready=_say_port)
    else:
        serving.serve(config, database, stop, clock=lambda: now, ready=_say_port, alone=True)


def _say_port(port: int) -> None:
    print(port, flush=True)


def _until_told(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


if __name__ == "__main__":
    main()
