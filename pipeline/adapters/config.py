"""The config folder: TOML files to frozen values, mistakes named by file and line.

What a folder lacks comes from the defaults that the package carries.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from pipeline.adapters.mail import checked_address
from pipeline.alerts.render import FORMS, fault_of
from pipeline.alerts.rules import rules_from
from pipeline.errors import ConfigError
from pipeline.model import AlertRule, Feed, Figure, FigureKind, Office
from pipeline.statements.lexicon import Cues, Offices, Topic

Value = TypeVar("Value")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Feed(_Strict):
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    url: str
    outlet: str = ""
    country: str = ""
    kind: Literal["independent", "public", "state-funded", "state", "official"] = (
        "independent"
    )
    language: str = "en"
    every_minutes: int = Field(15, ge=1, le=1440)

    @field_validator("url")
    @classmethod
    def _http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an http or https address is expected")
        return url


class _Office(_Strict):
    title: str
    of: str = ""
    since: date | None = None
    until: date | None = None
    leads: bool = False
    also: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> _Office:
        if self.since and self.until and self.until <= self.since:
            raise ValueError(f"until {self.until} is not after since {self.since}")
        return self


class _Figure(_Strict):
    id: str = Field(pattern=r"^(Q[0-9]+|x-[a-z0-9-]+)$")
    name: str = Field(min_length=1)
    kind: Literal["person", "institution"]
    wikidata: str | None = Field(None, pattern=r"^Q[0-9]+$")
    names: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    pronoun: Literal["", "he", "she", "they", "it"] = ""
    country: str = ""
    speaks_for: str | None = None
    unchecked: bool = False
    offices: tuple[_Office, ...] = ()


class ChannelConfig(_Strict):
    """A way out for alerts."""

    id: str
    kind: Literal["file", "webhook", "email", "apprise", "atom"]
    path: str | None = None
    url: str | None = None
    url_env: str | None = None
    secret_env: str | None = None
    form: Literal["json", "text", "html", "slack", "telegram"] = "json"
    chat: str | None = None
    host: str | None = None
    port: int | None = Field(None, ge=1, le=65535)
    tls: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    sender: str | None = None
    recipients: tuple[str, ...] = ()
    ca_file: str | None = None

    @field_validator("sender", "recipients")
    @classmethod
    def _addresses(cls, given: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for address in (given,) if isinstance(given, str) else given:
            checked_address(address)
        return given

    @field_validator("path")
    @classmethod
    def _in_the_lake(cls, path: str | None) -> str | None:
        """Relative, without ``..``, and not where the lake keeps its own."""
        parts = PurePosixPath(path or "").parts
        if path is not None and (
            not parts or ".." in parts or parts[0] == "/" or parts[0].startswith(_OURS)
        ):
            raise ValueError(
                f"{path!r}: a path within the lake's folder is expected, and none of "
                f"its own: {', '.join(_OURS)}"
            )
        return path

    @model_validator(mode="after")
    def _whole(self) -> ChannelConfig:
        has = {name for name in type(self).model_fields if getattr(self, name)}
        for names in _NEEDED[self.kind]:
            if not has & {*names}:
                raise ValueError(f"a {self.kind} channel needs {' or '.join(names)}")
        if self.form == "telegram" and self.kind == "webhook" and not self.chat:
            raise ValueError("the form telegram needs chat")
        return self


_OURS = (
    "archive",
    "work",
    "tables",
    "state.sqlite",
    "state.kept.sqlite",
    "judgements.jsonl",
)

_NEEDED: Mapping[str, Sequence[tuple[str, ...]]] = {
    "file": [("path",)],
    "webhook": [("url", "url_env")],
    "email": [("host",), ("sender",), ("recipients",)],
    "apprise": [("url", "url_env")],
    "atom": [],
}


class ConfigFolder:
    """A folder of config files over the package's defaults."""

    def __init__(self, folder: Path, *, needed: bool = True) -> None:
        """``needed``: the folder was named by somebody, so it must be there."""
        self.folder = folder
        if needed and not folder.is_dir():
            raise ConfigError(
                folder,
                None,
                "no such folder; name one with --config or ONRECORD_CONFIG",
            )

    def feeds(self) -> list[Feed]:
        """feeds.toml: at least ``id`` and ``url`` each; ids are unique."""
        source = self._source("feeds.toml")
        feeds = source.items("feeds", _Feed)
        source.unique("feeds", [feed.id for feed in feeds])
        return [
            Feed(**feed.model_dump() | {"outlet": feed.outlet or _host(feed.url)})
            for feed in feeds
        ]

    def figures(self) -> list[Figure]:
        """figures.toml; ids are unique, ``speaks_for`` names one of them."""
        source = self._source("figures.toml")
        figures = source.items("figures", _Figure)
        source.unique("figures", [figure.id for figure in figures])
        known = {figure.id for figure in figures}
        for nth, figure in enumerate(figures):
            if figure.speaks_for and figure.speaks_for not in known:
                raise source.error(
                    ("figures", nth, "speaks_for"), f"no figure {figure.speaks_for!r}"
                )
        return [_figure(figure) for figure in figures]

    def offices(self) -> Offices:
        return self._source("offices.toml").make(Offices.from_dict)

    def cues(self) -> Cues:
        return self._source("cues.toml").make(Cues.from_dict)

    def topic(self, topic_id: str) -> Topic:
        """topics/<id>.toml; ConfigError lists those there are."""
        if not re.fullmatch(r"[a-z0-9-]+", topic_id):
            raise ConfigError(
                self.folder / "topics", None, f"not a topic id: {topic_id!r}"
            )
        return self._source(f"topics/{topic_id}.toml").make(Topic.from_dict)

    def alerts(
        self, topic_id: str | None = None
    ) -> tuple[list[AlertRule], list[ChannelConfig]]:
        """alerts.toml: rules, and the channels that they name.

        The figures that a rule names are tracked; its topics are the topic's, if given.
        """
        source = self._source("alerts.toml")
        channels = source.items("channels", ChannelConfig)
        source.unique("channels", [channel.id for channel in channels])
        known = {channel.id for channel in channels}
        rules = source.make(rules_from)
        for nth, rule in enumerate(rules):
            for channel in rule.channels:
                if channel not in known:
                    raise source.error(
                        ("rules", nth, "channels"),
                        f"no channel {channel!r}; {there_are(known)}",
                    )
        self._named(rules, topic_id, source)
        return rules, channels

    def _named(
        self, rules: Sequence[AlertRule], topic_id: str | None, source: _Source
    ) -> None:
        """ConfigError where a rule names a figure or topic that there is not."""
        if not any(rule.figures or rule.topics for rule in rules):
            return
        figures = {figure.id for figure in self.figures()}
        topics: set[str] = set()
        if topic_id is not None:
            topic = self.topic(topic_id)
            topics = {topic.id, *(one.id for one in topic.subtopics)}
        for nth, rule in enumerate(rules):
            for figure in rule.figures:
                if figure not in figures:
                    raise source.error(
                        ("rules", nth, "figures"),
                        f"no figure {figure!r} in figures.toml",
                    )
            for one in rule.topics:
                if topics and one not in topics:
                    raise source.error(
                        ("rules", nth, "topics"),
                        f"no topic {one!r}; {there_are(topics)}",
                    )

    def alert_templates(self, folder: Path | None) -> dict[str, str]:
        """The user's own forms of a message, by form; each is tried on a sample.

        ConfigError names file and line, and the files there may be.
        """
        if folder is None:
            return {}
        if not folder.is_dir():
            raise ConfigError(folder, None, "no such folder of templates")
        names = {file: form for form, file in FORMS.items()}
        found: dict[str, str] = {}
        for path in sorted(p for p in folder.iterdir() if not p.name.startswith(".")):
            if path.name not in names:
                raise ConfigError(
                    path, None, f"no such template; there may be {', '.join(names)}"
                )
            form, text = names[path.name], _read(path)
            if fault := fault_of(form, text):
                raise ConfigError(path, *fault)
            found[form] = text
        return found

    def _source(self, name: str) -> _Source:
        path = self.folder / name
        if path.is_file():
            return _Source(path, _read(path))
        default = _defaults().joinpath(*name.split("/"))
        if not default.is_file():
            there = sorted(
                entry.name
                for entry in _defaults().joinpath(*name.split("/")[:-1]).iterdir()
                if entry.name.endswith(".toml")
            )
            raise ConfigError(path, None, f"no such file; there are {', '.join(there)}")
        return _Source(Path(name), default.read_text("utf-8"))


def there_are(names: Iterable[str]) -> str:
    """What may be chosen, in words."""
    listed = ", ".join(sorted(names))
    return f"there are {listed}" if listed else "there are none"


def checked_settings(path: Path) -> None:
    """ConfigError with the line, where settings.toml is no TOML."""
    if path.is_file():
        _Source(path, _read(path))


def at_setting(path: Path, place: Sequence[str], reason: str) -> ConfigError:
    """What is wrong with a setting, with its line in settings.toml."""
    return _Source(path, _read(path)).error(place, f"{'.'.join(place)}: {reason}")


def _defaults() -> Traversable:
    """The config folder that came with the package; in a checkout, the one beside it."""
    package = files("pipeline")
    packed = package.joinpath("defaults")
    if packed.is_dir():
        return packed
    return Path(str(package)).parent / "config"


def _figure(figure: _Figure) -> Figure:
    values = figure.model_dump(exclude={"unchecked", "offices", "kind", "names"})
    return Figure(
        **values,
        kind=FigureKind(figure.kind),
        names=tuple(dict.fromkeys((figure.name, *figure.names))),
        offices=tuple(Office(**office.model_dump()) for office in figure.offices),
    )


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(path, None, str(error)) from error


class _Source:
    """One TOML file: its values, and where in it a value stands."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.lines = text.splitlines()
        try:
            self.values: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"at line (\d+)", str(error))
            line = int(found.group(1)) if found else len(self.lines)
            raise ConfigError(path, line, f"not TOML: {error}") from error

    def items(self, table: str, kind: type[Value]) -> list[Value]:
        """``[[table]]`` as values of a pydantic model."""
        found = self.values.get(table, [])
        if not isinstance(found, list):
            raise self.error((table,), f"an array of tables [[{table}]] is expected")
        made = []
        for nth, item in enumerate(found):
            try:
                made.append(kind(**item))
            except ValidationError as error:
                first = error.errors()[0]
                place = ".".join(str(part) for part in first["loc"])
                allowed = list(getattr(kind, "model_fields", {}))
                hint = (
                    f"; known keys are {', '.join(allowed)}"
                    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1
                    else ""
                )
                raise self.error(
                    (table, nth, *first["loc"]), f"{place}: {first['msg']}{hint}"
                ) from error
        return made

    def make(self, maker: Callable[[Mapping[str, Any]], Value]) -> Value:
        """The whole file as one value; a ValueError of the maker gets its line."""
        try:
            return maker(self.values)
        except ValueError as error:
            found = re.match(r"(\w+)\[([^\]]*)\](?:\.(\w+))?", str(error))
            if not found:
                found_key = re.match(r"(?:\w+\.)*(\w+)", str(error))
                key = found_key.group(1) if found_key else ""
                raise ConfigError(self.path, self._key(0, key), str(error)) from error
            table, name, key = found.groups()
            place = (table, self._nth(table, name), *([key] if key else []))
            raise self.error(place, str(error)) from error

    def unique(self, table: str, ids: Sequence[str]) -> None:
        """ConfigError at the second of two items with one id."""
        seen: set[str] = set()
        for nth, item in enumerate(ids):
            if item in seen:
                raise self.error((table, nth, "id"), f"id: {item!r} is there twice")
            seen.add(item)

    def error(self, place: Sequence[str | int], reason: str) -> ConfigError:
        """With the line of ``("feeds", 3, "kind")``, or of the nearest thing around it."""
        line: int | None = None
        start = 0
        for part, nth in zip(place, [*place[1:], None], strict=True):
            if isinstance(part, str) and isinstance(nth, int):
                start = self._header(part, nth, start) or start
                line = start or line
            elif isinstance(part, str):
                line = self._key(start, part) or line
                start = (line or start) if nth is not None else start
        return ConfigError(self.path, line, reason)

    def _header(self, table: str, nth: int, after: int) -> int | None:
        header = re.compile(rf"\s*\[\[(?:\w+\.)*{re.escape(table)}\]\]")
        found = [
            n
            for n, text in enumerate(self.lines, 1)
            if n > after and header.match(text)
        ]
        return found[nth] if nth < len(found) else None

    def _key(self, after: int, key: str) -> int | None:
        pattern = re.compile(rf"\s*(?:\[.*\b)?{re.escape(key)}\b\s*(?:=|\])")
        for n, text in enumerate(self.lines[after:], after + 1):
            if after and text.lstrip().startswith("[["):
                return None
            if pattern.match(text):
                return n
        return None

    def _nth(self, table: str, name: str) -> int:
        items = self.values.get(table, [])
        for nth, item in enumerate(items if isinstance(items, list) else []):
            if isinstance(item, Mapping) and name in (
                item.get("id"), item.get("lemma"), item.get("name"), str(nth),
            ):  # fmt: skip
                return nth
        return 0
