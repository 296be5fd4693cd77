"""Settings: ``ONRECORD_...`` variables, over ``settings.toml``, over these defaults.

Read in ``open_app`` and nowhere else; below it, plain arguments.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from pipeline.model import BACKLOG_AFTER

DEFAULT_CONFIG = Path("config")
"""May be absent: the package's own files are then the config."""


class FetchSettings(BaseModel):
    """Bounds and manners of asking the web."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connect_seconds: float = Field(8.0, gt=0, le=60)
    read_seconds: float = Field(15.0, gt=0, le=120, description="silence allowed")
    total_seconds: float = Field(
        30.0, gt=0, le=300, description="one answer, all of it"
    )
    deadline_seconds: float = Field(
        480.0, gt=0, description="one round over all feeds; the rest is due next time"
    )
    workers: int = Field(16, ge=1, le=256, description="hosts asked at the same time")
    max_bytes: int = Field(10_000_000, gt=0, description="of one body, decompressed")
    max_wire_bytes: int = Field(5_000_000, gt=0, description="of one body, on the wire")
    max_redirects: int = Field(5, ge=0, le=20)
    max_entries: int = Field(60_000, ge=1, description="of one feed")
    max_field: int = Field(1_000_000, ge=1_000, description="characters of one field")
    max_depth: int = Field(
        200, ge=10, le=5_000, description="elements within each other, XML or HTML"
    )
    slowest_minutes: int = Field(
        60,
        ge=1,
        le=24 * 60,
        description="the most that ttl, max-age, silence slow down",
    )
    page_pause_seconds: float = Field(1.0, ge=0, description="between pages of a host")
    user_agent: str = "onrecord/0.1 (news research; set ONRECORD_FETCH__USER_AGENT)"
    everything: bool = Field(False, description="ask feeds that are not due, too")
    allow: tuple[str, ...] = Field(
        (), description="exact host:port pairs that the address guard lets through"
    )
    hosts: dict[str, str] = Field(
        default_factory=dict,
        description="fixed names answered elsewhere, as host = 'address:port'",
    )


class AlertSettings(BaseModel):
    """What keeps alerts quiet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quiet_first_days: int = Field(
        7, ge=0, description="no alert for a figure's first days on record; 0: none"
    )
    window_hours: int = Field(
        48, ge=1, le=24 * 14, description="claims looked at again"
    )
    templates: Path | None = Field(
        None, description="folder of templates that take the place of ours"
    )
    site_url: str = Field(
        "", pattern="^(https?://.*)?$", description="where the pages of LAKE/site stand"
    )


class Settings(BaseSettings):
    """Everything an operator sets. Unknown keys are refused, secrets never shown."""

    model_config = SettingsConfigDict(
        env_prefix="ONRECORD_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
    )

    config: Path = Field(DEFAULT_CONFIG, description="folder of the config files")
    lake: str = Field(
        "data",
        description="archive, working and public tables: a folder or s3://bucket/prefix",
    )
    lake_endpoint: str = Field(
        "", description="https address of an object store that is not Amazon's"
    )
    database_url: SecretStr | None = Field(
        None, description="SQLAlchemy URL; a SQLite file in the lake if absent"
    )
    model: str = Field("learned", pattern="^(rules|learned)$", description="extractor")
    nlp_model: str = Field("", description="spaCy package; the best installed if empty")
    topic: str = Field("ukraine-war", description="file in config/topics")
    archive_days: int = Field(
        0, ge=0, description="days that answers are kept; 0: for ever"
    )
    text_days: int = Field(
        0, ge=0, description="days that full texts are kept; 0: for ever"
    )
    context_chars: int = Field(200, ge=0, le=2000, description="published context")
    names: str = Field(
        "tracked", pattern="^(tracked|all)$", description="who is named in tables"
    )
    fetch: FetchSettings = FetchSettings()  # type: ignore[call-arg]
    alerts: AlertSettings = AlertSettings()  # type: ignore[call-arg]

    @field_validator("text_days")
    @classmethod
    def _long_enough(cls, days: int, info: ValidationInfo) -> int:
        """Not shorter than what later days still look back to, nor than the archive."""
        if 0 < days <= BACKLOG_AFTER.days:
            least = BACKLOG_AFTER.days + 1
            raise ValueError(f"{days}: 0 (for ever), or {least} days and more")
        archive = info.data.get("archive_days", 0)
        if days and archive > days:
            raise ValueError(
                f"{days}: archive_days is {archive}, and the archive holds the texts; "
                "make archive_days no longer, or leave it out"
            )
        return days

    @property
    def answer_days(self) -> int:
        """Days that answers are kept, which hold the texts; 0: for ever."""
        return self.archive_days or self.text_days

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        given = env_settings() | init_settings()
        toml = TomlConfigSettingsSource(settings_cls, settings_file(given))
        return init_settings, env_settings, toml


def settings_file(given: Mapping[str, Any]) -> Path:
    """``settings.toml`` lies in the config folder, so that one must be known first."""
    named = given.get("config") or os.environ.get("ONRECORD_CONFIG") or DEFAULT_CONFIG
    return Path(str(named)) / "settings.toml"
