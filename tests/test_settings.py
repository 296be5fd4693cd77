"""What an operator sets: a slip of the pen is named, a secret stays one."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from pipeline.adapters.db.engine import Database
from pipeline.adapters.db.salvage import KEPT
from pipeline.adapters.secrets import secret_of
from pipeline.app import open_app
from pipeline.cli import cli
from pipeline.errors import ConfigError, StoreError
from pipeline.operations import passes


@pytest.fixture
def config(tmp_path, monkeypatch):
    for name in [n for n in os.environ if n.startswith("ONRECORD_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "config"
    folder.mkdir()
    return folder


def opened(config, **settings):
    return open_app(config=config, lake=str(config.parent / "lake"), **settings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('# x\n[alerts]\nwindow_hours = 3\n\n[fetch]\nworkers = "many"\n',
         r"settings\.toml:6: fetch\.workers: .*integer"),
        ("context_chars = -1\n", r"settings\.toml:1: context_chars: "),
        ("[fetch]\nworkres = 3\n", r"settings\.toml:2: fetch\.workres: "),
        ("[fetch\nworkers = 3\n", r"settings\.toml:1: not TOML"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named_with_its_line(config, text, said):
    (config / "settings.toml").write_text(text)

    with pytest.raises(ConfigError, match=said):
        opened(config)


def test_a_wrong_variable_is_named_as_one(config, monkeypatch):
    (config / "settings.toml").write_text("[fetch]\nworkers = 3\n")
    monkeypatch.setenv("ONRECORD_FETCH__WORKERS", "many")

    with pytest.raises(ConfigError, match="setting ONRECORD_FETCH__WORKERS: "):
        opened(config)


def test_a_variable_that_nothing_reads_is_refused(config, monkeypatch):
    monkeypatch.setenv("ONRECORD_LAEK", "data")

    with pytest.raises(ConfigError, match=r"ONRECORD_LAEK.*did you mean ONRECORD_LAKE"):
        opened(config)


def test_all_of_a_large_database_is_looked_over_once_a_day(config, monkeypatch):
    looked = []
    monkeypatch.setattr(Database, "check", lambda _, tables=(): looked.append(tables))
    app = opened(config)
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)

    for hours in (0, 1, 12):
        app._check(noon + timedelta(hours=hours))
    assert looked == [(), (), ()]  # a small one

    monkeypatch.setattr(passes, "QUICK", 0)
    for hours in (13, 36):
        app._check(noon + timedelta(hours=hours))
    assert looked[3:] == [KEPT, ()]


def test_a_variable_that_a_channel_names_is_read(config, monkeypatch):
    monkeypatch.setenv("ONRECORD_HOOK", "https://hook.example/")
    monkeypatch.setenv("ONRECORD_PORT", "8081")
    (config / "alerts.toml").write_text(
        '[[channels]]\nid = "a"\nkind = "webhook"\nurl_env = "ONRECORD_HOOK"\n'
    )

    app = opened(config)

    assert list(app.channels()) == ["a"]


def test_a_rule_without_any_channel_is_told_so_in_a_whole_sentence(config):
    (config / "alerts.toml").write_text('[[rules]]\nid = "a"\nchannels = ["nope"]\n')

    with pytest.raises(ConfigError, match=r"no channel 'nope'; there are none$"):
        opened(config).check_config()


@pytest.mark.parametrize(
    "text", ["ONRECORD_TOPIC=weather", 'alerts.toml: channels = ["nope"]']
)
def test_status_refuses_a_config_that_no_pass_could_use(config, text):
    env = {}
    if "=weather" in text:
        env["ONRECORD_TOPIC"] = "weather"
    else:
        (config / "alerts.toml").write_text('[[rules]]\nid="a"\nchannels=["nope"]\n')

    result = CliRunner().invoke(
        cli,
        ["status", "--config", str(config), "--lake", str(config.parent / "lake")],
        env=env,
    )

    assert result.exit_code == 2
    assert ("weather" in result.output) or ("no channel 'nope'" in result.output)


# --------------------------------------------------------------------------- secrets


def test_a_secret_is_read_from_a_file_that_is_the_operators_alone(tmp_path):
    file = tmp_path / "secret"
    file.write_text("hush\n")
    file.chmod(0o600)

    assert secret_of("TOKEN", {"TOKEN_FILE": str(file)}) == "hush"
    assert secret_of("TOKEN", {"TOKEN": "said", "TOKEN_FILE": str(file)}) == "said"
    assert secret_of("TOKEN", {}) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_secret_that_others_may_read_is_refused(tmp_path, mode):
    file = tmp_path / "secret"
    file.write_text("hush")
    file.chmod(mode)

    with pytest.raises(ConfigError, match="others may read it") as caught:
        secret_of("TOKEN", {"TOKEN_FILE": str(file)})
    assert "hush" not in str(caught.value)


def test_a_password_in_settings_that_others_may_read_is_refused(config):
    path = config / "settings.toml"
    path.write_text('database_url = "postgresql://a:hush@127.0.0.1/b"\n')
    path.chmod(0o644)

    with pytest.raises(ConfigError, match=r"settings\.toml: database_url holds a pass"):
        opened(config)
    path.chmod(0o600)
    assert "hush" not in repr(opened(config).settings)


# ----------------------------------------------------------------------------- paths


@pytest.mark.parametrize(
    "path",
    ["../out.jsonl", "/etc/passwd", "a/../../out", "tables/x", "state.sqlite", "."],
)
def test_a_channels_path_stays_in_the_lake(config, path):
    (config / "alerts.toml").write_text(
        f'[[channels]]\nid = "a"\nkind = "file"\npath = "{path}"\n'
    )

    with pytest.raises(ConfigError, match=r"alerts\.toml:4: .*within the lake"):
        opened(config).check_config()


def test_a_channels_path_does_not_leave_the_lake_by_a_link(config, tmp_path):
    (config / "alerts.toml").write_text(
        '[[channels]]\nid = "a"\nkind = "file"\npath = "out/alerts.jsonl"\n'
    )
    app = opened(config)
    (tmp_path / "lake" / "out").symlink_to(tmp_path)

    with pytest.raises(ConfigError, match="leads out of the lake"):
        app.channels()


@pytest.mark.parametrize("topic", ["../figures", "a/b", "/etc/passwd", "x.toml"])
def test_a_topic_is_a_file_of_the_config_folder(config, topic):
    with pytest.raises(ConfigError, match="not a topic id"):
        opened(config, topic=topic).check_config()


def test_folders_with_full_texts_are_their_owners_alone(config):
    opened(config)

    lake = config.parent / "lake"
    for name in ("archive", "work"):
        assert (lake / name).stat().st_mode & 0o077 == 0


def test_a_lake_that_cannot_be_is_named(config):
    with pytest.raises(StoreError, match="lake /dev/null/lake"):
        open_app(config=config, lake="/dev/null/lake")
