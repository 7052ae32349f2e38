"""What was received, in SQLite: bounded in rows and bytes, the oldest given up first."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from otel_mlsec.cli.show import as_json
from otel_mlsec.emit import names
from otel_mlsec.emit.record import Record
from otel_mlsec.finding import Status

MOST: Final[Mapping[str, int]] = {"finding": 20_000, "span": 50_000, "score": 200_000, "gauge": 5_000}  # rows
LARGEST: Final = 256 << 20  # bytes of all
LONGEST: Final = 65_536  # characters of one document
TEXT: Final = 2_048  # characters of one field; the agent sends no longer ones
TRIM: Final = 256  # rows between two looks at the bounds
VERSION: Final = 1  # of the schema
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS finding (
  seq INTEGER PRIMARY KEY, id TEXT UNIQUE, key TEXT, time REAL, severity INTEGER, word TEXT, status TEXT, count INTEGER,
  body TEXT, trace TEXT, record TEXT);
CREATE INDEX IF NOT EXISTS finding_key ON finding (key);
CREATE INDEX IF NOT EXISTS finding_trace ON finding (trace);
CREATE TABLE IF NOT EXISTS incident (
  key TEXT PRIMARY KEY, first REAL, last REAL, severity INTEGER, word TEXT, worst TEXT, status TEXT, kind TEXT, title TEXT,
  model TEXT, version TEXT, detector TEXT, principal TEXT, service TEXT, records INTEGER,
  count INTEGER, body TEXT, trace TEXT, told REAL);
CREATE INDEX IF NOT EXISTS incident_last ON incident (last);
CREATE TABLE IF NOT EXISTS span (
  seq INTEGER PRIMARY KEY, trace TEXT, id TEXT, parent TEXT, name TEXT, service TEXT, start INTEGER, end INTEGER, error INTEGER,
  attributes TEXT, UNIQUE (trace, id));
CREATE TABLE IF NOT EXISTS score (
  seq INTEGER PRIMARY KEY, time REAL, instance TEXT, model TEXT, detector TEXT, feature TEXT, value REAL);
CREATE TABLE IF NOT EXISTS gauge (
  seq INTEGER PRIMARY KEY, instance TEXT, service TEXT, name TEXT, labels TEXT, value REAL, time REAL,
  UNIQUE (instance, name, labels));
"""
INCIDENT: Final = """
INSERT INTO incident VALUES (
  :key, :time, :time, :severity, :word, :word, :status, :kind, :title, :model, :version, :detector, :principal, :service, 1,
  :count, :body, :trace, :told)
ON CONFLICT (key) DO UPDATE SET
  worst = CASE WHEN excluded.severity > severity THEN excluded.word ELSE worst END, severity = max(severity, excluded.severity),
  first = min(first, excluded.first), records = records + 1, count = max(count, excluded.count),
  word = CASE WHEN excluded.last >= last THEN excluded.word ELSE word END,
  status = CASE WHEN excluded.last >= last THEN excluded.status ELSE status END,
  body = CASE WHEN excluded.last >= last THEN excluded.body ELSE body END,
  trace = CASE WHEN excluded.last >= last AND excluded.trace != '' THEN excluded.trace ELSE trace END,
  last = max(last, excluded.last)
"""


class Store:
    """For any number of threads; one works at a time.

    Args:
        path: of the database, which only its owner may read; None: in a temporary file that goes with the process.

    Raises:
        sqlite3.Error: the file is no database, or one of something else.
        OSError: it cannot be written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        if path is not None:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._database = sqlite3.connect(path or "", check_same_thread=False, isolation_level=None)
        try:
            self._database.row_factory = sqlite3.Row
            self._ours()
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL" if path else "synchronous = OFF", "secure_delete = OFF"):
                self._database.execute(f"PRAGMA {pragma}")
            self._database.executescript(f"{SCHEMA} PRAGMA user_version = {VERSION};")
        except BaseException:
            self._database.close()
            raise
        self._untrimmed = 0
        self.version = 0  # grows with whatever changes

    def _ours(self) -> None:
        [tables] = self._database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables and self._number("user_version") != VERSION:
            raise sqlite3.DatabaseError("it is of another program, or of another version of this one")

    def _number(self, pragma: str) -> int:
        return self._database.execute(f"PRAGMA {pragma}").fetchone()[0]

    @contextmanager
    def _writing(self, rows: int) -> Generator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")
            self.version += 1
            self._untrimmed += rows
            if self._untrimmed >= TRIM:
                self._trim()

    def ask(self, question: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(row) for row in self._database.execute(question, values)]

    def findings(self, records: Sequence[Record]) -> None:
        """One that has come before, by its id, is not another."""
        with self._writing(len(records)) as database:
            for record in records:
                row = _finding(record)
                new = database.execute(
                    "INSERT OR IGNORE INTO finding (id, key, time, severity, word, status, count, body, trace, record)"
                    " VALUES (:id, :key, :time, :severity, :word, :status, :count, :body, :trace, :record)",
                    row,
                )
                if new.rowcount:
                    database.execute(INCIDENT, row)

    def spans(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """trace, id, parent, name, service, start and end in ns since the epoch, error, attributes as JSON."""
        with self._writing(len(rows)) as database:
            database.executemany(
                "INSERT OR REPLACE INTO span (trace, id, parent, name, service, start, end, error, attributes)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def scores(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """time in s since the epoch, instance, model, detector, feature, value."""
        with self._writing(len(rows)) as database:
            database.executemany(
                "INSERT INTO score (time, instance, model, detector, feature, value) VALUES (?, ?, ?, ?, ?, ?)", rows
            )

    def gauges(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """instance, service, name, labels as JSON, value, time, and whether the value is to be added to what is there."""
        with self._writing(len(rows)) as database:
            database.executemany(
                "INSERT INTO gauge (instance, service, name, labels, value, time) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                " ON CONFLICT (instance, name, labels) DO UPDATE SET"
                " value = CASE WHEN ?7 THEN value + excluded.value ELSE excluded.value END, time = excluded.time",
                rows,
            )

    def _trim(self) -> None:
        self._untrimmed = 0
        for table, most in MOST.items():
            self._database.execute(
                f"DELETE FROM {table} WHERE seq <= (SELECT seq FROM {table} ORDER BY seq DESC LIMIT 1 OFFSET ?)",
                (most,),
            )
        self._forget()
        while self._size() > LARGEST:
            for table in MOST:
                self._database.execute(
                    f"DELETE FROM {table} WHERE seq <= (SELECT min(seq) + (max(seq) - min(seq)) / 10 FROM {table})"
                )
            self._forget()

    def _forget(self) -> None:
        """Incidents of which no record is left."""
        self._database.execute("DELETE FROM incident WHERE NOT EXISTS (SELECT 1 FROM finding WHERE finding.key = incident.key)")

    def _size(self) -> int:
        """Bytes that are in use: what is given up is written over, and the file stays as large as it was."""
        return (self._number("page_count") - self._number("freelist_count")) * self._number("page_size")

    def close(self) -> None:
        with self._lock:
            self._database.close()


def _finding(record: Record) -> dict[str, Any]:
    count = record.attributes.get(names.FINDING_COUNT)
    key = record.text(names.FINDING_DEDUP_KEY) or record.text(names.FINDING_ID)
    row: dict[str, Any] = {
        "id": record.text(names.FINDING_ID) or f"{record.time_ns}-{key}-{record.body[:64]}",
        "key": key or "unknown",
        "time": record.time,
        "severity": record.severity,
        "word": record.text(names.FINDING_SEVERITY),
        "status": record.text(names.FINDING_STATUS) or Status.NEW.value,
        "kind": record.text(names.FINDING_TYPE),
        "title": record.text(names.FINDING_TITLE) or record.text(names.FINDING_TYPE) or "Finding",
        "model": record.text(names.MODEL_NAME),
        "version": record.text(names.MODEL_VERSION),
        "detector": record.text(names.RULE_NAME),
        "principal": _principal(record),
        "told": record.observed_ns / 1e9 or record.time,
        "service": str(record.resource.get("service.name") or ""),
        "count": count if isinstance(count, int) and abs(count) < 2**63 else 0,
        "body": record.body,
        "trace": record.trace_id,
        "record": _bounded(as_json(record)),
    }
    return {name: value[:TEXT] if isinstance(value, str) and name != "record" else value for name, value in row.items()}


def _principal(record: Record) -> str:
    """Nobody's, of a change in all traffic: there it is whose row came last."""
    return "" if record.text(names.RULE_NAME).startswith("drift/") else record.text(names.USER_HASH)


def _bounded(document: str) -> str:
    return document if len(document) <= LONGEST else json.dumps({"attributes": {}, "too_long": len(document)})
