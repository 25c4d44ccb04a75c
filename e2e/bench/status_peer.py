"""The summary of `GET /api/v1/status` as one would write it with Flask and SQLite: a peer for the benchmark.

    status_peer.py SOURCE STACKS TARGET      copies jobs and snapshots of a store into tables of its own
    PEER_DATABASE=TARGET PEER_BACKUP_DIR=DIR gunicorn status_peer:app

Columns instead of JSON, an index for every question, one connection a thread, WAL: as quick as plain SQL gets.
"""

import hashlib
import os
import sqlite3
import sys
import threading
from datetime import datetime, timezone

TOKEN = "a-token-of-the-peer"

SCHEMA = """
CREATE TABLE tokens (hash TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE stacks (name TEXT PRIMARY KEY, running INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE jobs (id TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, stack TEXT, is_dry_run INTEGER NOT NULL,
  queued_at TEXT, started_at TEXT, finished_at TEXT, stopped_ms INTEGER, bytes_stored INTEGER, error TEXT) WITHOUT ROWID;
CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE INDEX jobs_by_success ON jobs (kind, is_dry_run, state, finished_at);
CREATE TABLE snapshots (id TEXT PRIMARY KEY, stack TEXT NOT NULL, size_bytes INTEGER NOT NULL, is_complete INTEGER NOT NULL,
  removed_at TEXT) WITHOUT ROWID;
CREATE INDEX snapshots_present ON snapshots (stack, is_complete, size_bytes, removed_at) WHERE removed_at IS NULL;
"""

COLUMNS = "id, kind, state, stack, queued_at, started_at, finished_at, stopped_ms, bytes_stored, error"


def import_store(source, stacks, target):
    db = sqlite3.connect(target)
    db.executescript("PRAGMA journal_mode = WAL;" + SCHEMA)
    db.execute("INSERT INTO tokens VALUES (?, 'bench')", (hashlib.sha256(TOKEN.encode()).hexdigest(),))
    db.executemany("INSERT INTO stacks VALUES (?, 0)", [(name,) for name in os.listdir(stacks)])
    db.execute("ATTACH ? AS store", (source,))
    db.execute(
        "INSERT INTO jobs SELECT id, kind, state, stack, is_dry_run, queued_at, started_at, finished_at, stopped_ms,"
        " bytes_stored, error FROM store.jobs"
    )
    db.execute("INSERT INTO snapshots SELECT id, stack, size_bytes, is_complete, removed_at FROM store.snapshots")
    db.commit()


def moment(text):
    """A time of the store as the API tells it: UTC with milliseconds."""
    if text is None:
        return None
    at = datetime.fromisoformat(text.replace(" ", "T")).astimezone(timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def make_app():
    from flask import Flask, abort, jsonify, request

    app = Flask(__name__)
    local = threading.local()
    directory = os.environ["PEER_BACKUP_DIR"]

    def connection():
        if not hasattr(local, "db"):
            local.db = sqlite3.connect(os.environ["PEER_DATABASE"])
            local.db.row_factory = sqlite3.Row
        return local.db

    def check_token(db):
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        digest = hashlib.sha256(secret.encode()).hexdigest()
        if scheme != "Bearer" or db.execute("SELECT 1 FROM tokens WHERE hash = ?", (digest,)).fetchone() is None:
            abort(401)

    def summary_of(row):
        job = dict(row)
        for name in ("queued_at", "started_at", "finished_at"):
            job[name] = moment(job[name])
        return job

    @app.get("/constant")
    def constant():
        return jsonify({"status": "ok"})

    @app.get("/api/v1/status")
    def status():
        db = connection()
        check_token(db)
        found, running = db.execute("SELECT COUNT(*), SUM(running) FROM stacks").fetchone()
        (protected,) = db.execute(
            "SELECT COUNT(*) FROM stacks WHERE EXISTS (SELECT 1 FROM snapshots WHERE stack = name AND is_complete = 1"
            " AND removed_at IS NULL)"
        ).fetchone()
        (last_success,) = db.execute(
            "SELECT MAX(finished_at) FROM jobs WHERE kind = 'backup' AND is_dry_run = 0 AND state = 'succeeded'"
        ).fetchone()
        (stored,) = db.execute("SELECT SUM(size_bytes) FROM snapshots WHERE removed_at IS NULL").fetchone()
        at_work = db.execute(f"SELECT {COLUMNS} FROM jobs INDEXED BY jobs_by_state WHERE state IN ('queued', 'running') ORDER BY id").fetchall()
        last = db.execute(
            f"SELECT {COLUMNS} FROM jobs WHERE state NOT IN ('queued', 'running') ORDER BY id DESC LIMIT 10"
        ).fetchall()
        disk = os.statvfs(directory)
        return jsonify(
            {
                "at": moment(datetime.now(timezone.utc).isoformat()),
                "stacks": {"found": found, "running": running or 0, "protected": protected, "overdue": 0},
                "running_jobs": [summary_of(row) for row in at_work],
                "last_results": [summary_of(row) for row in last],
                "next_runs": [],
                "last_success_at": moment(last_success),
                "bytes_stored": stored or 0,
                "backup_disk": {"path": directory, "free_bytes": disk.f_bavail * disk.f_frsize},
                "warnings": [],
            }
        )

    return app


if __name__ == "__main__":
    import_store(*sys.argv[1:])
else:
    app = make_app()
