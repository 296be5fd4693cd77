"""A mistake in a config file is named with its file, line and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.adapters.config import ConfigFolder
from pipeline.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]


def test_the_shipped_config_is_whole():
    folder = ConfigFolder(ROOT / "config")

    assert len(folder.feeds()) >= 30
    figures = folder.figures()
    assert sum(figure.kind == "person" for figure in figures) >= 60
    assert sum(figure.kind == "institution" for figure in figures) >= 15
    assert len({feed.country for feed in folder.feeds()}) >= 10
    assert folder.offices().titles
    assert folder.cues().verbs
    assert folder.topic("ukraine-war").strong
    rules, channels = folder.alerts()
    assert rules
    assert channels


def test_what_a_folder_lacks_comes_from_the_package(tmp_path):
    (tmp_path / "feeds.toml").write_text(
        '[[feeds]]\nid = "a"\nurl = "http://a.example/"\n'
    )
    folder = ConfigFolder(tmp_path)

    assert [feed.id for feed in folder.feeds()] == ["a"]
    assert folder.feeds()[0].outlet == "a.example"
    assert folder.figures()


FEED = '[[feeds]]\nid = "a"\nurl = "http://a.example/"\n\n'


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        ("feeds", FEED + '[[feeds]]\nid = "b"\nkind = "blog"\nurl = "http://b.example/"\n',
         7, "'independent', 'public', 'state-funded', 'state' or 'official'"),
        ("feeds", FEED + FEED, 6, "'a' is there twice"),
        ("feeds", FEED + '[[feeds]]\nid = "b"\nurl = "ftp://b.example/"\n', 7, "http"),
        ("feeds", FEED + '[[feeds]]\nid = "b"\nulr = "http://b.example/"\n', 5, "url"),
        ("feeds", FEED + "[[feeds]\n", 5, "not TOML"),
        ("figures", '[[figures]]\nid = "Q1"\nname = "A"\nkind = "ghost"\n', 4,
         "'person' or 'institution'"),
        ("figures", '[[figures]]\nid = "Q1"\nname = "A"\nkind = "person"\n'
         'speaks_for = "Q2"\n', 5, "no figure 'Q2'"),
        ("offices", '[[titles]]\nid = "t"\nforms = ["t"]\nbasis = "king"\n', 4, "hos"),
        ("alerts", '[[channels]]\nid = "c"\nkind = "file"\npath = "a"\n\n[[rules]]\n'
         'id = "r"\nchannels = ["d"]\n', 8, "no channel 'd'"),
        ("alerts", '[[channels]]\nid = "c"\nkind = "file"\npath = "a"\n\n[[rules]]\n'
         'id = "r"\nchannels = ["c"]\nrelations = ["old"]\n', 9, "contradicts"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_line_and_what_is_allowed(
    tmp_path, name, text, line, said
):
    path = tmp_path / f"{name}.toml"
    path.write_text(text)
    folder = ConfigFolder(tmp_path)

    with pytest.raises(ConfigError) as caught:
        getattr(folder, name)()

    assert str(caught.value).startswith(f"{path}:{line}: "), str(caught.value)
    assert said in str(caught.value)


def test_a_topic_that_is_not_there_lists_those_there_are(tmp_path):
    with pytest.raises(ConfigError, match=r"baltic-energy\.toml, ukraine-war\.toml"):
        ConfigFolder(tmp_path).topic("moon")


def test_a_topic_id_cannot_leave_the_folder(tmp_path):
    with pytest.raises(ConfigError, match="not a topic id"):
        ConfigFolder(tmp_path).topic("../secrets")
