"""An alert's words: a subject, the forms that channels show, a payload for machines.

Everything stands as 'reported by'. What outlets wrote is text and stays text: control
and direction marks are taken out, and nothing of it is ever read as a template.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import lru_cache

from jinja2 import (
    ChoiceLoader,
    DictLoader,
    Environment,
    PackageLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
)
from jinja2.sandbox import SandboxedEnvironment

from pipeline.model import (
    Act,
    Alert,
    AlertKind,
    ClaimState,
    Loss,
    RelationKind,
    Statement,
    Voice,
)

MAX_SUBJECT, MAX_WORDS, MAX_TITLE = 140, 600, 200

FORMS: Mapping[str, str] = {
    "subject": "subject.txt",
    "body": "body.txt",
    "html": "html.html",
    "slack": "slack.txt",
    "telegram": "telegram.html",
}
"""The forms of a message, and the file of each: a user's own may take their place."""

TEMPLATES: Mapping[str, str] = {}
"""The user's own forms: none."""

_ACTS = {
    Act.ASSERTS: "asserts",
    Act.DENIES: "denies",
    Act.THREATENS: "threatens",
    Act.PROMISES: "promises",
    Act.CALLS_FOR: "calls for",
    Act.ACCUSES: "accuses",
    Act.PREDICTS: "predicts",
    Act.OTHER: "says",
    Act.ATTITUDE: "is described",
}
_LABELS = {
    RelationKind.NEW: "New",
    RelationKind.CHANGED: "Changed",
    RelationKind.CONTRADICTS: "Contradicts",
    RelationKind.UNCERTAIN: "Perhaps new",
    RelationKind.REREPORTED: "Another report",
    RelationKind.REPEATED: "Said again",
}
_SENTENCES = {
    RelationKind.NEW: "Nothing like it is on record.",
    RelationKind.CHANGED: "It differs from an earlier statement.",
    RelationKind.CONTRADICTS: "It goes against an earlier statement.",
    RelationKind.UNCERTAIN: "It may be new: part of it was said before.",
    RelationKind.REREPORTED: "It is another report of words on record.",
    RelationKind.REPEATED: "It was said before on another occasion.",
}
_VOICES = {
    Voice.DIRECT: "Quoted in full",
    Voice.MIXED: "Quoted in part",
    Voice.INDIRECT: "In the outlet's words",
}


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel sends. ``payload`` is JSON-able, its keys in a fixed order.

    ``forms`` are the same words for channels that show marks: html, slack, telegram.
    """

    subject: str
    body: str
    payload: dict[str, object]
    forms: dict[str, str]


def message(
    state: ClaimState,
    *,
    rule: str,
    lost: Loss | None = None,
    site_url: str = "",
    templates: Mapping[str, str] = TEMPLATES,
) -> Message:
    """The claim's state in words; with ``lost``, that its ground is gone.

    ``templates`` are the user's own, by form; what they lack is ours. ``site_url`` is
    where the pages of the days stand, if anywhere.
    """
    values = _values(state, rule, lost, site_url)
    own = tuple(sorted(templates.items()))
    made = {form: _rendered(form, own, values) for form in FORMS}
    return Message(
        subject=line(made.pop("subject"), MAX_SUBJECT),
        body=made.pop("body"),
        payload=payload(state, rule=rule, lost=lost, site_url=site_url),
        forms=made,
    )


def together(members: Sequence[Alert], alert_id: str) -> Alert:
    """Several alerts of one rule as one message; one alone is itself.

    Its payload holds each one's id and payload, in the order given.
    """
    first = members[0]
    if len(members) == 1:
        return first
    forms = {form for alert in members for form in alert.forms}
    breaks = {"html": "\n<hr>\n"}
    subject = f"{len(members)} alerts ({first.rule_id}): " + "; ".join(
        dict.fromkeys(alert.figure for alert in members)
    )
    return replace(
        first,
        alert_id=alert_id,
        thread=None,
        subject=line(subject, MAX_SUBJECT),
        body=f"\n{'-' * 72}\n\n".join(
            f"{alert.subject}\n\n{alert.body}" for alert in members
        ),
        forms={
            form: breaks.get(form, "\n\n").join(
                alert.forms.get(form, alert.body) for alert in members
            )
            for form in sorted(forms)
        },
        payload={
            "type": "claim.digest",
            "version": 1,
            "rule": first.rule_id,
            "alerts": [
                {"alert_id": alert.alert_id, "data": dict(alert.payload)}
                for alert in members
            ],
        },
    )


def confidence(state: ClaimState) -> float:
    """The lower of two: that it was said so, and that its relation is the one named."""
    return min(state.statement.confidence, state.relation.score)


def payload(
    state: ClaimState, *, rule: str, lost: Loss | None = None, site_url: str = ""
) -> dict[str, object]:
    """The claim's state for machines: texts as reported, moments in ISO 8601."""
    relation = state.relation
    kind = AlertKind.RETRACTION if lost else AlertKind.ALERT
    made: dict[str, object] = {
        "type": f"claim.{kind}",
        "version": 1,
        "rule": rule,
        "claim_id": state.claim_id,
        "figure": {"id": state.statement.figure_id, "name": state.statement.figure},
        "relation": {
            "kind": str(relation.kind),
            "score": relation.score,
            "reasons": list(relation.reasons),
            "earlier_claim_id": relation.earlier_claim_id,
        },
        "statement": _statement(state.statement),
        "earlier": _statement(state.earlier) if state.earlier else None,
        "outlets": [
            {"name": name, "url": link or None} for name, link in _outlets(state)
        ],
        "n_independent": state.n_independent,
        "confidence": round(confidence(state), 4),
        "page": page_of(state, site_url) or None,
    }
    if lost:
        made["correction"] = {
            "id": lost.correction.correction_id,
            "kind": str(lost.correction.kind),
            "at": lost.correction.at.isoformat(),
            "now": _statement(lost.now) if lost.now else None,
        }
    return made


def page_of(state: ClaimState, site_url: str) -> str:
    """Where the explorer opens the statement, with its claim over time; empty where no
    site is known."""
    if not site_url:
        return ""
    opened = state.statement.statement_id
    return f"{site_url.rstrip('/')}/explorer/index.html#s={opened}"


def line(text: str, most: int) -> str:
    """One line of at most so many characters, without control or direction marks."""
    kept = (
        text
        if text.isprintable()
        else "".join(
            " " if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs") else c
            for c in text
        )
    )
    kept = " ".join(kept.split())
    return kept if len(kept) <= most else kept[: most - 1].rstrip() + "…"


# ---------------------------------------------------------------------------- within


def _rendered(
    form: str, own: tuple[tuple[str, str], ...], values: Mapping[str, object]
) -> str:
    text = _environment(form, own).get_template(FORMS[form]).render(values)
    return "".join(f"{row.rstrip()}\n" for row in text.rstrip().split("\n"))


@lru_cache(maxsize=32)
def _environment(form: str, own: tuple[tuple[str, str], ...]) -> Environment:
    """Where a form is made: what it shows of the world is escaped as the form needs."""
    mine = {FORMS[name]: text for name, text in own if name in FORMS}
    return SandboxedEnvironment(
        loader=ChoiceLoader([DictLoader(mine), PackageLoader("pipeline.alerts")]),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=form in ("html", "telegram"),
        finalize=_for_slack if form == "slack" else None,
    )


def fault_of(form: str, text: str) -> tuple[int | None, str] | None:
    """What is wrong with a user's own form, with its line; None if nothing is.

    It is tried on a claim that has everything, and on its retraction.
    """
    environment = _environment(form, ((form, text),))
    try:
        template = environment.get_template(FORMS[form])
        for values in _samples():
            template.render(values)
    except TemplateSyntaxError as error:
        return error.lineno, f"not a template: {error.message}"
    except TemplateError as error:
        return None, f"not a template: {error}"
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        return None, f"not a template: {type(error).__name__}: {error}"
    return None


def _samples() -> list[dict[str, object]]:
    """The values that a template may use, full and bare."""
    words = [Piece("We will "), Piece("send", True), Piece(" 300")]
    earlier = {
        "act": "denies",
        "outlet": "The Herald",
        "reported_at": "2026-03-01 12:30 UTC",
        "words": "We will not send 300",
        "pieces": words,
        "marked": "We *will not send* 300",
        "link": "https://herald.example/0",
        "url": "https://herald.example/0",
    }
    full: dict[str, object] = {
        "figure": "Ada Example",
        "act": "promises",
        "relation": "changed",
        "label": _LABELS[RelationKind.CHANGED],
        "relation_sentence": _SENTENCES[RelationKind.CHANGED],
        "words": "We will send 300",
        "said_how": _VOICES[Voice.DIRECT],
        "outlet": "The Herald",
        "reported_at": "2026-03-02 12:30 UTC",
        "said_on": "2026-03-02",
        "title": "300 to be sent",
        "link": "https://herald.example/1",
        "url": "https://herald.example/1",
        "page": "https://site.example/explorer/index.html#s=1",
        "pieces": words,
        "marked": "We will *send* 300",
        "lost": {"sentence": "The report was edited.", "now": "We may send 300"},
        "reasons": ["denied earlier, affirmed now: send"],
        "earlier": earlier,
        "outlets": [("The Herald", "https://herald.example/1")],
        "n_independent": 1,
        "confidence": "0.80",
        "extraction": "0.80",
        "score": "0.80",
        "rule": "sample",
        "claim_id": "1",
    }
    bare: dict[str, object] = {
        "lost": None,
        "earlier": None,
        "reasons": [],
        "url": "",
        "page": "",
    }
    return [full, full | bare | {"said_on": "", "marked": ""}]


_SLACK_MARKS = str.maketrans({"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ"})
_EMOJI = re.compile(r":(?=[a-z0-9_+\-]*[a-z][a-z0-9_+\-]*:)", re.IGNORECASE)


def _for_slack(value: object) -> object:
    """Text that Slack shows as it is (docs.slack.dev, Formatting message text).

    Three characters have entities. Those that make text bold, struck or code have no
    escape, nor has the name of an emoji: look-alikes stand for them, but in addresses.
    """
    if not isinstance(value, str):
        return value
    if not _url(value):
        value = _EMOJI.sub("∶", value.translate(_SLACK_MARKS))
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _values(
    state: ClaimState, rule: str, lost: Loss | None, site_url: str
) -> dict[str, object]:
    said, relation = state.statement, state.relation
    was = _words(state.earlier) if state.earlier else ""
    before, now = pieces(was, _words(said)) if was else ([], [Piece(_words(said))])
    return {
        "figure": line(said.figure, MAX_TITLE),
        "act": _ACTS[said.act],
        "relation": str(relation.kind),
        "label": _LABELS[relation.kind],
        "relation_sentence": _SENTENCES[relation.kind],
        "words": _words(said),
        "said_how": _VOICES[said.voice],
        "outlet": line(said.outlet, MAX_TITLE),
        "reported_at": f"{said.published_at:%Y-%m-%d %H:%M} UTC",
        "said_on": said.said_on.isoformat() if said.said_on else "",
        "title": line(said.title, MAX_TITLE),
        "link": _link(said.url),
        "url": _url(said.url),
        "page": page_of(state, site_url),
        "pieces": now,
        "marked": _marked(now) if before else "",
        "lost": _lost(lost),
        "reasons": [line(reason, MAX_TITLE) for reason in relation.reasons],
        "earlier": _earlier(state.earlier, before),
        "outlets": _outlets(state),
        "n_independent": state.n_independent,
        "confidence": f"{confidence(state):.2f}",
        "extraction": f"{said.confidence:.2f}",
        "score": f"{relation.score:.2f}",
        "rule": line(rule, MAX_TITLE),
        "claim_id": state.claim_id,
    }


def _outlets(state: ClaimState) -> list[tuple[str, str]]:
    """Names with links, in order of appearance; of the first the link is always known."""
    said = state.statement
    names = state.outlets or (said.outlet,)
    links = dict(zip(names, state.links, strict=False))
    links.setdefault(said.outlet, said.url)
    return [
        (line(name, MAX_TITLE), _link(links[name]) if name in links else "")
        for name in names
    ]


def _lost(lost: Loss | None) -> dict[str, str] | None:
    if lost is None:
        return None
    withdrawn = lost.now is None
    return {
        "sentence": "The words were taken out of the report."
        if withdrawn
        else "The report was edited.",
        "now": "" if lost.now is None else _words(lost.now),
    }


def _earlier(
    statement: Statement | None, marked: Sequence[Piece]
) -> dict[str, object] | None:
    if statement is None:
        return None
    return {
        "act": _ACTS[statement.act],
        "outlet": line(statement.outlet, MAX_TITLE),
        "reported_at": f"{statement.published_at:%Y-%m-%d %H:%M} UTC",
        "words": _words(statement),
        "pieces": marked,
        "marked": _marked(marked),
        "link": _link(statement.url),
        "url": _url(statement.url),
    }


def _words(statement: Statement) -> str:
    """Quotation marks around what is quoted in full only: the rest has its own."""
    words = line(statement.content, MAX_WORDS)
    return f"“{words}”" if statement.voice is Voice.DIRECT else words


def _link(url: str) -> str:
    """The address where it is one of the web; nothing else is passed on as a link."""
    return _url(url) or "(no link)"


def _url(url: str) -> str:
    url = line(url, 2000)
    safe = url.startswith(("http://", "https://")) and not set(url) & set(' <>"|\\')
    return url if safe else ""


# ----------------------------------------------------------------- what changed, marked

ALIKE = 0.4
"""Share of common words (Ratcliff and Obershelp 1988) from which marks help a reader."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words; ``differs`` says that the other side has others there."""

    text: str
    differs: bool = False


def pieces(before: str, after: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in pieces, whole and in order; unmarked where they have little in common."""
    a, b = re.split(r"(?<=\s)", before), re.split(r"(?<=\s)", after)
    matcher = SequenceMatcher(None, _bare(a), _bare(b), autojunk=False)
    if matcher.ratio() < ALIKE:
        return [Piece(before)], [Piece(after)]
    codes = matcher.get_opcodes()
    left = [("".join(a[i:j]), tag != "equal") for tag, i, j, _, _ in codes]
    right = [("".join(b[k:m]), tag != "equal") for tag, _, _, k, m in codes]
    return _trimmed(left), _trimmed(right)


def _trimmed(runs: Sequence[tuple[str, bool]]) -> list[Piece]:
    """The runs that are not empty; a blank at the end of a mark stands after it."""
    found: list[Piece] = []
    for text, differs in runs:
        words = text.rstrip() if differs else text
        for part, marked in ((words, differs), (text[len(words) :], False)):
            if part and found and not marked and not found[-1].differs:
                found[-1] = Piece(found[-1].text + part)
            elif part:
                found.append(Piece(part, marked))
    return found


def _bare(words: Sequence[str]) -> list[str]:
    return [word.strip(" .,;:!?“”\"'").casefold() for word in words]


def _marked(found: Sequence[Piece]) -> str:
    """The words with asterisks around what differs; empty where nothing does, or where
    the words have asterisks of their own."""
    if not any(piece.differs for piece in found) or any("*" in p.text for p in found):
        return ""
    return "".join(
        f"*{piece.text}*" if piece.differs else piece.text for piece in found
    )


def _statement(statement: Statement) -> dict[str, object]:
    return {
        "id": statement.statement_id,
        "words": statement.content,
        "voice": str(statement.voice),
        "act": str(statement.act),
        "cue": statement.cue,
        "topics": list(statement.subtopics),
        "said_on": statement.said_on.isoformat() if statement.said_on else None,
        "published_at": statement.published_at.isoformat(),
        "first_seen_at": statement.first_seen_at.isoformat(),
        "outlet": statement.outlet,
        "outlet_kind": statement.outlet_kind,
        "country": statement.country,
        "title": statement.title,
        "url": statement.url,
        "language": statement.language,
        "confidence": statement.confidence,
    }
