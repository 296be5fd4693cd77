"""An alert's words: a subject, a plain text, and a payload for machines.

Everything stands as 'reported by'. What outlets wrote is text and stays text: control
and direction marks are taken out, and nothing of it is ever read as a template.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import DictLoader, Environment, StrictUndefined

from pipeline.model import (
    Act,
    AlertKind,
    ClaimState,
    RelationKind,
    Statement,
    Voice,
)

MAX_SUBJECT, MAX_WORDS, MAX_TITLE = 140, 600, 200

TEMPLATES: Mapping[str, str] = {
    "subject": "{{ outlet }} reports: {{ figure }} {{ act }} ({{ relation }}): {{ words }}",
    "body": """\
Reported by {{ outlet }}: {{ figure }} {{ act }}. {{ relation_sentence }}

{{ words }}

{{ said_how }}, published {{ reported_at }}{% if said_on %}, words of {{ said_on }}\
{% endif %}

{{ title }}
{{ link }}
{% if reasons %}
Why:
{% for reason in reasons %}  - {{ reason }}
{% endfor %}{% endif %}{% if earlier %}
Earlier, reported by {{ earlier.outlet }}, published {{ earlier.reported_at }}:
  {{ earlier.words }}
  {{ earlier.link }}
{% endif %}
Outlets in order of appearance ({{ n_independent }} independent):
{% for name, link in outlets %}  {{ loop.index }}. {{ name }}  {{ link }}
{% endfor %}
Confidence: {{ confidence }} (extraction {{ extraction }}, relation {{ score }})
Rule {{ rule }}, claim {{ claim_id }}. Reported, not verified.
""",
}
"""The text forms, by name; a user's own may take their place."""

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
    """What a channel sends. ``payload`` is JSON-able, its keys in a fixed order."""

    subject: str
    body: str
    payload: dict[str, object]


def message(
    state: ClaimState,
    *,
    rule: str,
    kind: AlertKind = AlertKind.ALERT,
    templates: Mapping[str, str] = TEMPLATES,
) -> Message:
    """The claim's state in words. ``templates`` needs ``subject`` and ``body``."""
    values = _values(state, rule)
    forms = _environment(tuple(sorted(templates.items())))
    subject = line(forms.get_template("subject").render(values), MAX_SUBJECT)
    body = forms.get_template("body").render(values)
    body = "".join(f"{row.rstrip()}\n" for row in body.rstrip().split("\n"))
    return Message(subject, body, payload(state, rule=rule, kind=kind))


def confidence(state: ClaimState) -> float:
    """The lower of two: that it was said so, and that its relation is the one named."""
    return min(state.statement.confidence, state.relation.score)


def payload(
    state: ClaimState, *, rule: str, kind: AlertKind = AlertKind.ALERT
) -> dict[str, object]:
    """The claim's state for machines: texts as reported, moments in ISO 8601."""
    relation = state.relation
    return {
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
    }


def line(text: str, most: int) -> str:
    """One line of at most so many characters, without control or direction marks."""
    kept = "".join(
        " " if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs") else c
        for c in text
    )
    kept = " ".join(kept.split())
    return kept if len(kept) <= most else kept[: most - 1].rstrip() + "…"


# ---------------------------------------------------------------------------- within


@lru_cache(maxsize=8)
def _environment(templates: tuple[tuple[str, str], ...]) -> Environment:
    return Environment(
        loader=DictLoader(dict(templates)),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )


def _values(state: ClaimState, rule: str) -> dict[str, object]:
    said, relation = state.statement, state.relation
    return {
        "figure": line(said.figure, MAX_TITLE),
        "act": _ACTS[said.act],
        "relation": str(relation.kind),
        "relation_sentence": _SENTENCES[relation.kind],
        "words": _words(said),
        "said_how": _VOICES[said.voice],
        "outlet": line(said.outlet, MAX_TITLE),
        "reported_at": f"{said.published_at:%Y-%m-%d %H:%M} UTC",
        "said_on": said.said_on.isoformat() if said.said_on else "",
        "title": line(said.title, MAX_TITLE),
        "link": _link(said.url),
        "reasons": [line(reason, MAX_TITLE) for reason in relation.reasons],
        "earlier": _earlier(state.earlier),
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


def _earlier(statement: Statement | None) -> dict[str, str] | None:
    if statement is None:
        return None
    return {
        "outlet": line(statement.outlet, MAX_TITLE),
        "reported_at": f"{statement.published_at:%Y-%m-%d %H:%M} UTC",
        "words": _words(statement),
        "link": _link(statement.url),
    }


def _words(statement: Statement) -> str:
    """Quotation marks around what is quoted in full only: the rest has its own."""
    words = line(statement.content, MAX_WORDS)
    return f"“{words}”" if statement.voice is Voice.DIRECT else words


def _link(url: str) -> str:
    """The address where it is one of the web; nothing else is passed on as a link."""
    url = line(url, 2000)
    safe = url.startswith(("http://", "https://")) and " " not in url
    return url if safe else "(no link)"


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
