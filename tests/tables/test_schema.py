"""The published schema only grows: what was once published stays, as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.tables.schemas import TABLES

GOLD = Path(__file__).parents[1] / "gold" / "schema.json"


def published() -> dict[str, list[list[object]]]:
    return {
        table.name: [[f.name, str(f.type), f.nullable] for f in table.fields]
        for table in TABLES.values()
    }


def test_no_column_is_removed_retyped_or_moved(update_gold):
    """A column is added at the end of its table: then ``--update-gold``."""
    if update_gold:
        rows = {
            name: "[\n  " + ",\n  ".join(json.dumps(c) for c in columns) + "\n ]"
            for name, columns in published().items()
        }
        lines = ",\n".join(f' "{name}": {text}' for name, text in rows.items())
        GOLD.write_text("{\n" + lines + "\n}\n", "utf-8")
    frozen, now = json.loads(GOLD.read_text("utf-8")), published()

    for name, columns in frozen.items():
        assert name in now, f"table {name} is gone"
        assert now[name][: len(columns)] == columns, f"table {name} changed"
    assert now == frozen, "columns or tables were added: --update-gold, CHANGELOG.md"


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_what_the_registry_says_of_a_table_names_its_columns(table):
    names = {field.name for field in table.fields}
    named = {*table.key, *table.sort, *table.refers, *table.within}
    named |= {column for pair in table.ordered for column in pair}

    assert named <= names
    assert table.group is None or table.order[0][0] == table.group
    for target in (*table.refers.values(), *table.within.values()):
        there, column = target.split(".")
        assert column in {field.name for field in TABLES[there].fields}
    kinds = {str(field.type) for field in table.fields}
    assert kinds <= {"string", "int64", "double", "bool", "timestamp[us, tz=UTC]"}
