"""Steps from one number of the database's schema to the next, forward only.

Each is plain SQL that SQLite and PostgreSQL both take, run together with its new number in
one transaction: a kill leaves the old schema or the new one. What is a cache is not
converted but marked stale: the next pass makes it again from the archive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pipeline.errors import DamagedError

SCHEMA = 6

STEPS: Mapping[int, Sequence[str]] = {
    1: (
        "ALTER TABLE feed_states ADD COLUMN ttl_minutes INTEGER",
        "ALTER TABLE feed_states ADD COLUMN quiet_hours TEXT NOT NULL DEFAULT '0'",
        "DROP TABLE article_bands",  # another kind of band: `read` makes them again
        "UPDATE progress SET stale = true WHERE step = 'read'",
    ),
    2: (
        "ALTER TABLE progress ADD COLUMN marks INTEGER NOT NULL DEFAULT 0",
        "DROP TABLE IF EXISTS article_bands",  # wire_bands has a row a partition
        "DROP TABLE record_terms",  # another key; record_said has the features
        "UPDATE progress SET stale = true WHERE step IN ('read', 'match')",
    ),
    3: (
        "DROP TABLE IF EXISTS record_terms",  # both have whole numbers for keys
        "DROP TABLE IF EXISTS record_said",
        "DROP INDEX ix_record_figure_id",  # record_figure tells the first of each
        "UPDATE progress SET stale = true WHERE step = 'match'",
    ),
    4: (
        "DROP TABLE IF EXISTS record_terms",  # places are in the fold's order
        "DROP TABLE IF EXISTS record_said",  # has the vector
        "UPDATE progress SET stale = true WHERE step = 'match'",
    ),
    5: (),  # entries_read is new; an entry that is not in it is read the long way, once
}
"""What leads from the number to the next. Tables that are new are made on opening."""


def migrate(db: Connection, where: str) -> int:
    """Bring a database to this version's schema; how many steps that took.

    The connection's transaction must hold the write lock. DamagedError where the number
    is of a later version, or none at all.
    """
    found = str(db.scalar(sa.text("SELECT value FROM about WHERE key = 'schema'")))
    if not found.isdigit() or not min(STEPS) <= int(found) <= SCHEMA:
        raise DamagedError(
            where,
            f"schema {found}, this version reads {min(STEPS)} to {SCHEMA}; "
            "install the version that wrote it, or start a new database "
            "and run onrecord rebuild",
        )
    for number in range(int(found), SCHEMA):
        for statement in STEPS[number]:
            db.execute(sa.text(statement))
    if int(found) < SCHEMA:
        db.execute(
            sa.text("UPDATE about SET value = :new WHERE key = 'schema'"),
            {"new": str(SCHEMA)},
        )
    return SCHEMA - int(found)
