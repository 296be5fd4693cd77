"""The alert rules that people write, checked: pure, ValueErrors only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.model import Act, AlertRule, RelationKind

RELATIONS = tuple(
    str(kind)
    for kind in (
        RelationKind.NEW,
        RelationKind.CHANGED,
        RelationKind.CONTRADICTS,
        RelationKind.UNCERTAIN,
    )
)
"""What can open a claim. A claim that is only told again opens none."""

DEFAULT_RELATIONS = AlertRule(id="", channels=()).relations

ACTS = tuple(str(act) for act in Act)
OUTLET_KINDS = ("independent", "public", "state", "official")

_RULE_KEYS = (
    "id",
    "channels",
    "figures",
    "topics",
    "acts",
    "relations",
    "min_confidence",
    "min_independent",
    "outlet_kinds",
    "enabled",
    "time_zone",
    "quiet_hours",
    "cooldown_minutes",
    "digest",
)
LONGEST_COOLDOWN = 7 * 24 * 60


def rules_from(mapping: Mapping[str, object]) -> list[AlertRule]:
    """The rules of ``[[rules]]`` in order.

    ValueError names the rule, the key and what is allowed: unknown keys and values, an
    id given twice, no channel. Whether a channel exists is for the reader of the file
    to say, who knows them.
    """
    for key in mapping:
        if key not in ("rules", "channels"):
            raise ValueError(f"{key}: no such key; allowed: rules, channels")
    rules: list[AlertRule] = []
    for place, raw in enumerate(_tables(mapping, "rules"), start=1):
        where = _where("rules", raw, place)
        _only(raw, _RULE_KEYS, where)
        rule = AlertRule(
            id=_text(raw, "id", where),
            channels=_texts(raw, "channels", where),
            figures=_texts(raw, "figures", where),
            topics=_texts(raw, "topics", where),
            acts=_texts(raw, "acts", where, allowed=ACTS),
            relations=_texts(raw, "relations", where, allowed=RELATIONS)
            or DEFAULT_RELATIONS,
            min_confidence=_number(raw, "min_confidence", where, 0.0, 0.0, 1.0),
            min_independent=int(
                _number(raw, "min_independent", where, 1, 1, 1000, whole=True)
            ),
            outlet_kinds=_texts(raw, "outlet_kinds", where, allowed=OUTLET_KINDS),
            enabled=_flag(raw, "enabled", where, default=True),
            time_zone=_zone(raw, "time_zone", where),
            quiet_hours=_hours(raw, "quiet_hours", where),
            cooldown=timedelta(
                minutes=_number(
                    raw, "cooldown_minutes", where, 0, 0, LONGEST_COOLDOWN, whole=True
                )
            ),
            digest_at=tuple(
                sorted(
                    {
                        _clock(text, "digest", where)
                        for text in _texts(raw, "digest", where)
                    }
                )
            ),
        )
        if not rule.channels:
            raise ValueError(f"{where}.channels: at least one is wanted")
        if rule.id in {other.id for other in rules}:
            raise ValueError(f"{where}.id: given twice: {rule.id!r}")
        rules.append(rule)
    return rules


# --------------------------------------------------------------- reading one value


def _tables(mapping: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    raw = mapping.get(key, [])
    if not isinstance(raw, Sequence) or not all(isinstance(r, Mapping) for r in raw):
        raise ValueError(f"{key}: a list of tables is wanted: [[{key}]]")
    return list(raw)


def _where(key: str, raw: Mapping[str, object], place: int) -> str:
    return f"{key}[{raw.get('id') or place}]"


def _only(raw: Mapping[str, object], keys: Sequence[str], where: str) -> None:
    for key in raw:
        if key not in keys:
            raise ValueError(f"{where}.{key}: no such key; allowed: {_list(keys)}")


def _text(raw: Mapping[str, object], key: str, where: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where}.{key}: a text is wanted")
    return value


def _texts(
    raw: Mapping[str, object],
    key: str,
    where: str,
    *,
    allowed: Sequence[str] | None = None,
) -> tuple[str, ...]:
    value = raw.get(key, [])
    if not isinstance(value, list | tuple) or not all(
        isinstance(item, str) for item in value
    ):
        raise ValueError(f"{where}.{key}: a list of texts is wanted")
    for item in value:
        if allowed is not None and item not in allowed:
            raise ValueError(f"{where}.{key}: {item!r} is none of {_list(allowed)}")
    return tuple(value)


def _number(
    raw: Mapping[str, object],
    key: str,
    where: str,
    default: float,
    least: float,
    most: float,
    *,
    whole: bool = False,
) -> float:
    value = raw.get(key, default)
    right = isinstance(value, int if whole else int | float)
    if isinstance(value, bool) or not right or not least <= value <= most:  # type: ignore[operator]
        kind = "a whole number" if whole else "a number"
        raise ValueError(f"{where}.{key}: {kind} from {least:g} to {most:g} is wanted")
    return float(value)  # type: ignore[arg-type]


def _flag(raw: Mapping[str, object], key: str, where: str, *, default: bool) -> bool:
    value = raw.get(key, default)
    if not isinstance(value, bool):
        raise ValueError(f"{where}.{key}: true or false is wanted")
    return value


def _zone(raw: Mapping[str, object], key: str, where: str) -> str:
    name = _text(raw, key, where) if key in raw else "UTC"
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"{where}.{key}: no time zone {name!r}; write Europe/London, say"
        ) from error
    return name


def _hours(raw: Mapping[str, object], key: str, where: str) -> tuple[time, time] | None:
    if key not in raw:
        return None
    begin, dash, end = _text(raw, key, where).partition("-")
    if not dash:
        raise ValueError(f'{where}.{key}: two times are wanted: "22:00-07:00"')
    hours = _clock(begin, key, where), _clock(end, key, where)
    if hours[0] == hours[1]:
        raise ValueError(f"{where}.{key}: from and to are the same")
    return hours


def _clock(text: str, key: str, where: str) -> time:
    """A time of day as people write it: 7:00, 07:30."""
    try:
        hour, minute = text.strip().split(":")
        return time(int(hour), int(minute))
    except ValueError as error:
        raise ValueError(
            f"{where}.{key}: {text.strip()!r} is no time of day; write 07:30"
        ) from error


def _list(allowed: Sequence[str]) -> str:
    return ", ".join(allowed)
