"""One app: every operation over the parts of one environment's settings."""

from __future__ import annotations

import os
from difflib import get_close_matches
from tomllib import TOMLDecodeError
from typing import Any

from pydantic import ValidationError

from pipeline.adapters.config import at_setting, checked_settings
from pipeline.adapters.secrets import refuse_readable
from pipeline.errors import ConfigError
from pipeline.operations.days import Days
from pipeline.operations.editors import Editors
from pipeline.operations.questions import Questions
from pipeline.operations.upkeep import Upkeep
from pipeline.operations.watch import Watch
from pipeline.settings import Settings, settings_file
from pipeline.wiring import DATABASE_URL


class App(Days, Upkeep, Watch, Editors, Questions):
    """The steps, and all else that a command or a task asks for."""


def open_app(**overrides: Any) -> App:
    """The app of the environment's settings; ``overrides`` take their place.

    ConfigError names the setting that is wrong, and where it stands.
    """
    given = {k: v for k, v in overrides.items() if v is not None}
    try:
        settings = Settings(**given)
    except TOMLDecodeError as error:
        checked_settings(settings_file(given))  # it names the line
        raise ConfigError(settings_file(given), None, str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = [str(part) for part in first["loc"]]
        name = "ONRECORD_" + "__".join(place).upper()
        if not (place[0] in given or any(n.startswith(name) for n in _variables())):
            raise at_setting(settings_file(given), place, first["msg"]) from error
        raise ConfigError(f"setting {name}", None, first["msg"]) from error
    elsewhere = DATABASE_URL in _variables() or "database_url" in given
    if settings.database_url is not None and not elsewhere:
        url, path = settings.database_url.get_secret_value(), settings_file(given)
        if ":" in url.partition("@")[0].partition("://")[2] and path.is_file():
            refuse_readable(path, "database_url holds a password")
    app = App(settings)
    _refuse_unknown(app)
    return app


OTHERS = frozenset(
    {f"{DATABASE_URL}_FILE", "ONRECORD_SCHEDULE", "ONRECORD_PORT", "ONRECORD_POOL"}
)
"""Variables that are no settings: a secret's file; what DAGs and ``make live`` read."""


def _variables() -> list[str]:
    return sorted(n.upper() for n in os.environ if n.upper().startswith("ONRECORD_"))


def _refuse_unknown(app: App) -> None:
    """ConfigError for a variable of ours that nothing reads: it is a slip of the pen."""
    known = {f"ONRECORD_{name.upper()}" for name in Settings.model_fields} | OTHERS
    unknown = [name for name in _variables() if name.split("__")[0] not in known]
    if unknown:  # a channel's secret may be called so
        channels = app.config.alerts(app.settings.topic)[1]
        named = {n.upper() for c in channels for n in (c.url_env, c.secret_env) if n}
        named |= {f"{name}_FILE" for name in named}
        unknown = [name for name in unknown if name not in named]
    if unknown:
        near = get_close_matches(unknown[0], sorted(known), n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(
            f"variable {unknown[0]}",
            None,
            f"no such setting; {hint}docs/operate.md lists them",
        )
