"""The wiring: settings to adapters. The only place that knows them all.

An adapter is imported when it is asked for, since each brings a large library: a command
loads what it uses.
"""

from __future__ import annotations

import json
import os
from functools import cache, cached_property, partial
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import unidata_version

from pydantic import SecretStr

from pipeline.adapters.config import ChannelConfig, ConfigFolder
from pipeline.adapters.secrets import secret_of
from pipeline.errors import BrokenDatabaseError, ConfigError, InputError, StoreError
from pipeline.model import AlertRule, Bounds, Feed
from pipeline.settings import DEFAULT_CONFIG, Settings

if TYPE_CHECKING:
    from pipeline.adapters.archive import WarcArchive
    from pipeline.adapters.bucket import BucketStore
    from pipeline.adapters.db.engine import Database
    from pipeline.adapters.db.feed_states import DbFeedStates
    from pipeline.adapters.db.outbox import DbOutbox
    from pipeline.adapters.db.progress import DbNotes, DbProgress, DbRuns
    from pipeline.adapters.db.record import DbRecord
    from pipeline.adapters.db.seen import DbSeen
    from pipeline.adapters.http import HttpFetcher
    from pipeline.adapters.judgements import JudgementFile
    from pipeline.adapters.lake import ParquetLake
    from pipeline.batch import Extractor
    from pipeline.claims.meaning import Meaning
    from pipeline.ports import Channel
    from pipeline.statements.figures import FigureIndex

BOUNDS = ("max_entries", "max_field", "max_depth")
"""The bounds on what is read of a document; the others are of the way to it."""

DATABASE_URL = "ONRECORD_DATABASE_URL"
MODEL = Path(str(files("pipeline"))) / "statements" / "model"
MATCHER = Path(str(files("pipeline"))) / "claims" / "model"


class Parts:
    """What the operations need, of settings. What is not used is never opened."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.config = ConfigFolder(
            settings.config, needed=settings.config != DEFAULT_CONFIG
        )
        if "://" not in settings.lake:
            _rooms(Path(settings.lake))

    @cached_property
    def bucket(self) -> BucketStore | None:
        """Where the lake is, unless that is a folder."""
        from pipeline.adapters.bucket import BucketStore

        if "://" not in self.settings.lake:
            return None
        return BucketStore(self.settings.lake, endpoint=self.settings.lake_endpoint)

    @cached_property
    def lake(self) -> ParquetLake:
        from pipeline.adapters.lake import LocalLake, ParquetLake

        if self.bucket is not None:
            return ParquetLake(self.bucket)
        return LocalLake(Path(self.settings.lake))

    @cached_property
    def archive(self) -> WarcArchive:
        from pipeline.adapters.archive import WarcArchive

        return WarcArchive(self.lake.store)

    @property
    def _database_url(self) -> str:
        given = self.settings.database_url or secret_of(DATABASE_URL, os.environ)
        if isinstance(given, str):
            given = SecretStr(given)
        if self.bucket is not None and given is None:
            raise InputError(
                "setting ONRECORD_DATABASE_URL",
                f"is needed where the lake is no folder ({self.settings.lake})",
            )
        path = (Path(self.settings.lake) / "state.sqlite").absolute()
        return given.get_secret_value() if given else f"sqlite:///{path}"

    @property
    def has_database(self) -> bool:
        """Whether there is one already: a copy of a lake may come without."""
        from pipeline.adapters.db.engine import sqlite_file

        if self.bucket is not None:
            given = self.settings.database_url or secret_of(DATABASE_URL, os.environ)
            return given is not None
        file = sqlite_file(self._database_url)
        return file is None or file.exists()

    @cached_property
    def database(self) -> Database:
        from pipeline.adapters.db.engine import Database, sqlite_file
        from pipeline.adapters.db.salvage import copy_of

        file = sqlite_file(self._database_url)
        if file is not None and copy_of(file).exists() and not file.exists():
            raise BrokenDatabaseError(str(file), "it is gone; run onrecord salvage")
        return Database(self._database_url)

    @cached_property
    def progress(self) -> DbProgress:
        from pipeline.adapters.db.progress import DbProgress
        from pipeline.steps import FOLDS

        return DbProgress(self.database, FOLDS)

    @property
    def feed_states(self) -> DbFeedStates:
        from pipeline.adapters.db.feed_states import DbFeedStates

        return DbFeedStates(self.database)

    @property
    def seen(self) -> DbSeen:
        from pipeline.adapters.db.seen import DbSeen

        return DbSeen(self.database)

    @property
    def record(self) -> DbRecord:
        from pipeline.adapters.db.record import DbRecord

        return DbRecord(self.database)

    @property
    def outbox(self) -> DbOutbox:
        from pipeline.adapters.db.outbox import DbOutbox

        return DbOutbox(self.database)

    @property
    def runs(self) -> DbRuns:
        from pipeline.adapters.db.progress import DbRuns

        return DbRuns(self.database)

    @property
    def notes(self) -> DbNotes:
        from pipeline.adapters.db.progress import DbNotes

        return DbNotes(self.database)

    @cached_property
    def feeds(self) -> list[Feed]:
        return self.config.feeds()

    @cached_property
    def figures(self) -> FigureIndex:
        from pipeline.statements.figures import FigureIndex

        return FigureIndex(self.config.figures(), self.config.offices())

    @cached_property
    def fetcher(self) -> HttpFetcher:
        from pipeline.adapters.http import HttpFetcher

        fetch = self.settings.fetch
        return HttpFetcher(
            **fetch.model_dump(
                exclude={"allow", "hosts", "slowest_minutes", "everything", *BOUNDS}
            ),
            allow=frozenset(fetch.allow),
            hosts=fetch.hosts,
        )

    @cached_property
    def bounds(self) -> Bounds:
        return Bounds(**self.settings.fetch.model_dump(include=set(BOUNDS)))

    @cached_property
    def extractor(self) -> Extractor:
        from pipeline.adapters.nlp import open_nlp, version_of
        from pipeline.adapters.tagger import open_tagger
        from pipeline.batch import Extractor
        from pipeline.statements.learned import attributions

        nlp = open_nlp(self.settings.nlp_model)
        version, tagger = version_of(nlp), None
        if self.settings.model == "learned":
            encoder = open_tagger(MODEL)
            version += f" {encoder.version}"
            tagger = partial(attributions, encoder=encoder)
        return Extractor(
            nlp=nlp,
            figures=self.figures,
            topic=self.config.topic(self.settings.topic),
            cues=self.config.cues(),
            version=version,
            context_chars=self.settings.context_chars,
            tagger=tagger,
        )

    @cached_property
    def meaning(self) -> Meaning:
        return open_meaning()

    @cached_property
    def reader(self) -> str:
        """Names the code that makes drafts of entries: its bytes, and what it rests on."""
        whole = sha256(f"{unidata_version} {version('lxml')}".encode())
        package = Path(__file__).parent
        for path in (package / "ids.py", *sorted((package / "articles").glob("*.py"))):
            whole.update(path.read_bytes())
        return whole.hexdigest()

    @property
    def matcher_version(self) -> str:
        from pipeline.claims.compare import MATCHER_VERSION

        return f"{MATCHER_VERSION} {network_at(MATCHER)}"

    @cached_property
    def _alerts(self) -> tuple[list[AlertRule], list[ChannelConfig]]:
        return self.config.alerts(self.settings.topic)

    @property
    def rules(self) -> list[AlertRule]:
        return self._alerts[0]

    @property
    def configured_channels(self) -> list[ChannelConfig]:
        return self._alerts[1]

    @cached_property
    def templates(self) -> dict[str, str]:
        return self.config.alert_templates(self.settings.alerts.templates)

    @cached_property
    def judgements(self) -> JudgementFile:
        from pipeline.adapters.judgements import JudgementFile

        return JudgementFile(self.lake.store)

    def channels(self) -> dict[str, Channel]:
        from pipeline.adapters.notify import open_channels

        try:
            made = open_channels(
                self.configured_channels,
                folder=self.bucket or Path(self.settings.lake),
                environment=os.environ,
            )
        except ValueError as error:
            raise ConfigError("alerts.toml", None, str(error)) from error
        return {channel.id: channel for channel in made}

    def check_config(self) -> None:
        """ConfigError where a pass would meet one: topic, rules, channels."""
        self.config.topic(self.settings.topic)
        _ = self._alerts

    def close(self) -> None:
        if "database" in self.__dict__:
            self.database.close()


@cache
def open_meaning() -> Meaning:
    """The network that the package carries, once a process; it keeps what it has read."""
    from pipeline.adapters.matcher import open_matcher

    return open_matcher(MATCHER, MODEL / "tokenizer.json")


def network_at(folder: Path) -> str:
    """The first digits of a network's digest, without opening it."""
    meta = json.loads((folder / "meta.json").read_text("utf-8"))
    return str(meta["sha256"][:8])


def _rooms(root: Path) -> None:
    """The lake's folders; those with full texts are nobody's but their owner's."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        for name in ("archive", "work"):
            if not (root / name).is_dir():
                (root / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(f"lake {root}", str(error)) from error
