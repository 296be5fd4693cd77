"""What ``make run`` prints at its end, read from the published tables alone."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

MOST_FIGURES = 15


def load(lake: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(lake / "tables" / name)


def summary(lake: Path) -> str:
    """Fetched, statements by figure, what is new, alerts, and where the tables lie."""
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    health, articles = load(lake, "feed_health"), load(lake, "articles")
    statements, links = load(lake, "statements"), load(lake, "claim_links")
    alerts = load(lake, "alerts")
    console.print(
        f"\n[bold]Fetched[/bold]  {len(health)} polls of {health.feed_id.nunique()} feeds, "
        f"{len(articles)} articles (revisions counted), {len(statements)} statements of "
        f"{statements.figure_id.nunique()} figures, "
        f"{int(statements.about_topic.sum())} about the war"
    )
    console.print(_by_figure(statements[statements.about_topic], links))
    console.print(_new(statements, links, alerts))
    console.print(f"[bold]Alerts[/bold]   {len(alerts)}, in {lake / 'alerts.jsonl'}")
    for day, count in alerts.groupby(alerts.created_at.dt.date).size().items():
        console.print(f"         {day}  {count}")
    console.print(f"[bold]Tables[/bold]   {lake / 'tables'}/<table>/date=YYYY-MM-DD/")
    console.print(f'         pd.read_parquet("{lake}/tables/statements")')
    pages = sorted((lake / "site").glob("*.html"))
    if pages:
        console.print(f"[bold]Pages[/bold]    {pages[-1]}")
    explorer = lake / "site" / "explorer" / "index.html"
    if explorer.exists():
        console.print(f"[bold]Explorer[/bold] {explorer}")
    return console.export_text()


def _by_figure(statements: pd.DataFrame, links: pd.DataFrame) -> Table:
    joined = statements.merge(links[["statement_id", "relation"]], on="statement_id")
    counts = joined.pivot_table(
        index="figure", columns="relation", values="statement_id", aggfunc="count"
    )
    counts = counts.fillna(0).astype(int)
    counts["all"] = counts.sum(axis=1)
    shown = counts.sort_values("all", ascending=False).head(MOST_FIGURES)
    title = "Statements about the war, by figure"
    if len(shown) < len(counts):
        title += f" (the {len(shown)} with most of {len(counts)})"
    table = Table(title=title, box=None, title_justify="left")
    table.add_column("figure")
    for column in counts.columns:
        table.add_column(str(column), justify="right")
    for figure, row in shown.iterrows():
        table.add_row(str(figure), *[str(value) for value in row])
    return table


def _new(statements: pd.DataFrame, links: pd.DataFrame, alerts: pd.DataFrame) -> Table:
    told = alerts.merge(
        statements[["statement_id", "content", "outlet"]], on="statement_id"
    )
    told = told.merge(links[["statement_id", "reasons"]], on="statement_id")
    told = told.sort_values(["created_at", "alert_id"], kind="stable")
    kinds = told[told.relation != "new"].head(8)
    news = told[told.relation == "new"].tail(8)
    shown = pd.concat([kinds, news])
    title = f"What is new ({len(shown)} of {len(told)} alerts)"
    table = Table(title=title, box=None, title_justify="left")
    for name in ("relation", "figure", "words", "outlet", "why"):
        table.add_column(name, overflow="fold")
    for row in shown.itertuples():
        words = row.content if len(row.content) < 90 else row.content[:88] + "…"
        table.add_row(row.relation, row.figure, words, row.outlet, row.reasons[:60])
    return table
