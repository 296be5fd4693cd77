"""From a source as written to the speaker: a figure, somebody else, a body, a group."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from spacy.tokens import Doc, Token

from pipeline.model import Attribution, Figure, FigureKind, MentionKind, Span, Speaker
from pipeline.statements.cast import Cast, Member
from pipeline.statements.coreference import GENDERED, PRONOUNS, Antecedents, clashes
from pipeline.statements.figures import FigureIndex, Mention, fold

_AND = re.compile(r"\b(?:and|&)\b")
_APART = re.compile(
    r"\b(?:spokes\w+|aides?|allies|advisers?|officials?|with|for|about)\b|['’]s\b"
)
_BOTH = re.compile(
    r"(?:the )?(?:two|both|pair)(?:(?: of)?(?: the)?(?: \w+){0,2}? "
    r"(?P<noun>men|women|leaders|politicians|presidents|ministers|chancellors))?$|they$",
    re.IGNORECASE,
)
_MEN = {"men": "he", "women": "she"}
_NEAR = 600
"""Code points within which 'they' goes on with those who spoke jointly."""
_THINGS = frozenset(
    {
        "administration",
        "agency",
        "analysis",
        "army",
        "article",
        "authority",
        "body",
        "broadcaster",
        "campaign",
        "channel",
        "committee",
        "company",
        "commission",
        "council",
        "court",
        "department",
        "document",
        "embassy",
        "filing",
        "government",
        "group",
        "headline",
        "institute",
        "law",
        "lawsuit",
        "letter",
        "magazine",
        "ministry",
        "movement",
        "network",
        "newspaper",
        "office",
        "organisation",
        "organization",
        "outlet",
        "paper",
        "party",
        "plan",
        "poll",
        "post",
        "press",
        "release",
        "report",
        "resolution",
        "service",
        "site",
        "station",
        "statement",
        "story",
        "study",
        "survey",
        "team",
        "think-tank",
        "tweet",
        "union",
        "video",
        "website",
    }
)
"""Nouns that a cue may have for its source and that are no person."""
_MILITARY = frozenset({"defence", "defense", "staff", "army", "forces"})
"""Words in the name of a body that 'the military' means where it was named before."""
_JOINED = frozenset({"appos", "compound", "flat", "nmod", "dep"})
_ARTICLES = ("the ", "a ", "an ", "The ", "A ", "An ")


@dataclass(frozen=True, slots=True)
class Recognition:
    """What is needed to tell who a source is."""

    doc: Doc
    text: str
    cast: Cast
    index: FigureIndex
    antecedents: Antecedents

    def speakers(self, found: Attribution, previous: Speaker | None) -> list[Speaker]:
        """The speakers of an attribution: one, or each of those joined by 'and'.

        Without a source the previous speaker goes on. A source nobody recognises keeps
        its own words as the name.
        """
        if found.source is None:
            return [self._going_on(found, previous)]
        joint = self._joint(found.source)
        if joint:
            for member in reversed(joint):
                self.antecedents.said(found.source.end, member)
            self.antecedents.together = joint
            self.antecedents.joined_at = found.source.end
            return [
                _speaker(member, found.source, MentionKind.NAME) for member in joint
            ]
        both = self._both(found.source)
        if both:
            for member in both:
                self.antecedents.said(found.source.end, member)
            self.antecedents.together = both
            self.antecedents.joined_at = found.source.end
            return [_speaker(member, found.source, MentionKind.ROLE) for member in both]
        return [self._one(found.source, self._root(found.source), found.content)]

    def _both(self, source: Span) -> list[Member]:
        """``the two presidents``, ``both leaders``, ``they``: the two who are meant.

        Those who spoke jointly before; without them the two persons mentioned last who
        fit the noun, tracked or holders of an office. Empty where there are none.
        """
        found = _BOTH.match(source.of(self.text))
        if found is None:
            return []
        together = self.antecedents.together
        near = source.start - self.antecedents.joined_at <= _NEAR
        if together and (near or found["noun"]):
            return together
        noun = (found["noun"] or "").lower()
        if not noun:
            return []
        ids = {
            title.id
            for title in self.index.offices.titles
            if any(fold(form).split()[-1] == noun[:-1] for form in title.forms)
        }

        def fits(member: Member) -> bool:
            if noun in _MEN:
                return member.pronoun == _MEN[noun]
            if member.figure is None and not member.leader:
                return False
            return not ids or bool(ids & (member.titles | member.former))

        return list(self.antecedents.last_two(source.start, fits) or ())

    def _going_on(self, found: Attribution, previous: Speaker | None) -> Speaker:
        member = self.antecedents.last_speaker(found.content[0].start)
        near = self.antecedents.spoke_near(found.content[0].start)
        if member is None or not (found.method.startswith("quoted") or near):
            return Speaker(
                name="", figure_id=None, wikidata=None, leader=False,
                mention=None, mention_kind=MentionKind.NONE,
            )  # fmt: skip
        return _speaker(member, None, MentionKind.NONE)

    def _root(self, span: Span) -> Token | None:
        first, last = self._tokens(span)
        tokens = [t for t in self.doc[first:last] if not t.is_punct and not t.is_space]
        for token in tokens:
            if not first <= token.head.i < last or token.head == token:
                return token
        return tokens[0] if tokens else None

    def _tokens(self, span: Span) -> tuple[int, int]:
        key = _idx
        return bisect_left(self.doc, span.start, key=key), bisect_left(
            self.doc, span.end, key=key
        )

    def _joint(self, span: Span) -> list[Member]:
        """Tracked persons whom the source joins by 'and'; empty unless two or more."""
        people = [
            (place, member)
            for place, member in self.cast.over(self._with_conjuncts(span))
            if member.kind is MentionKind.NAME and member.figure is not None
        ]
        joined: list[Member] = []
        for (one, first), (two, second) in pairwise(people):
            between = self.text[one.end : two.start]
            if not _AND.search(between) or _APART.search(between):
                return []
            joined += [first] if not joined else []
            joined.append(second)
        if joined and _APART.search(self.text[span.start : people[0][0].start]):
            return []
        return list({id(member): member for member in joined}.values())

    def _with_conjuncts(self, span: Span) -> Span:
        """The source with the names that 'and' joins to it: the tagger may mark but one."""
        root = self._root(span)
        if root is None or root.pos_ != "PROPN":
            return span
        joined = [t for t in root.conjuncts if t.pos_ == "PROPN"]
        start = min([span.start, *(t.left_edge.idx for t in joined if t.i < root.i)])
        end = max([span.end, *(t.idx + len(t) for t in joined if t.i > root.i)])
        return span if "\n" in self.text[start:end] else Span(start, end)

    def _one(
        self, span: Span, root: Token | None, said: Sequence[Span] = ()
    ) -> Speaker:
        if root is None:
            return self._as_written(span)
        if root.lower_ in PRONOUNS and root.pos_ in ("PRON", "DET"):
            member = self.antecedents.of_pronoun(root.lower_, root.idx, said)
            if member is not None:
                self.antecedents.said(span.end, member)
                return _speaker(member, span, MentionKind.PRONOUN)
            return self._as_written(span, MentionKind.PRONOUN)
        member = self._named(span, root)
        if member is not None:
            self.antecedents.said(span.end, member)
            kind = member.kind if member.kind is MentionKind.BODY else MentionKind.NAME
            return _speaker(member, span, kind)
        figure, member = self._counterpart(span, root) or self._role(span, root)
        if figure is not None:
            member = self._member_of(figure)
            self.antecedents.said(span.end, member)
            body = figure.kind is FigureKind.INSTITUTION
            return _speaker(
                member, span, MentionKind.BODY if body else MentionKind.ROLE
            )
        if member is not None:
            self.antecedents.said(span.end, member)
            self.antecedents.mentioned(span, member)
            return _speaker(member, span, MentionKind.ROLE)
        place = self._place(root)
        if (
            place is not None
            and place.place is not None
            and place.place.kind == "country"
        ):
            member = self._government(place)
            self.antecedents.said(span.end, member)
            return _speaker(member, span, MentionKind.GROUP)
        speaker = self._as_written(span)
        stranger = self._stranger(speaker.name, root)
        if stranger is not None:
            self.antecedents.said(span.end, stranger)
            self.antecedents.mentioned(span, stranger)
        return speaker

    def _stranger(self, name: str, root: Token) -> Member | None:
        """Somebody without a name, or a body that nobody tracks, as a pronoun may mean it.

        'The candidate' is a stranger only if the text has said 'a candidate' before: else
        it is somebody whom it has named.
        """
        if root.pos_ not in ("NOUN", "PROPN"):
            return None
        word = fold(root.lemma_)
        plural = root.tag_ in ("NNS", "NNPS") or any(
            t.dep_ == "conj" for t in root.rights
        )
        definite = any(t.lower_ in ("the", "this", "that") for t in root.lefts)
        for member in reversed(self.cast.members):
            if member.figure is not None:
                continue
            if member.name == name or (definite and member.stranger == word):
                return member
        if plural or root.ent_type_ in ("ORG", "GPE", "NORP") or word in _THINGS:
            kind, pronoun = MentionKind.GROUP, "they" if plural else "it"
        else:
            if definite and root.pos_ == "NOUN":
                return None
            kind, pronoun = MentionKind.NAME, GENDERED.get(word, "")
        member = Member(name=name, kind=kind, pronoun=pronoun, stranger=word)
        self.cast.members.append(member)
        return member

    def _named(self, span: Span, root: Token) -> Member | None:
        """The member whose name is the head of the source, or stands in apposition."""
        for place, member in self.cast.over(span):
            i = bisect_left(self.doc, place.end, key=_idx) - 1
            token = self.doc[max(i, 0)]
            if place.start <= root.idx < place.end:
                return member
            for _ in range(5):
                if token == root:
                    return member
                if token.dep_ in _JOINED and token.head != token:
                    if (
                        token.dep_ in ("nmod", "compound")
                        and token.i < token.head.i
                        and (not place.start <= token.head.idx < place.end)
                    ):
                        break  # 'Putin spokesman'
                    token = token.head
                else:
                    break
        return self._first_of(span) or self._last_of(span)

    def _first_of(self, span: Span) -> Member | None:
        """``X and other members of his administration``: the one whom it names first."""
        for place, member in self.cast.over(span):
            if member.figure is None or _APART.search(
                self.text[span.start : place.start]
            ):
                return None
            follows = self.text[place.end : span.end].split()
            return member if follows[:1] == ["and"] else None
        return None

    def _counterpart(self, span: Span, root: Token) -> tuple[Figure, None] | None:
        """``his Slovak counterpart``: who holds there what the last one named holds."""
        if root.lower_ not in ("counterpart", "colleague"):
            return None
        place = next(
            (
                m.place
                for m in self.cast.places
                if m.place is not None and span.start <= m.span.start < root.idx
            ),
            None,
        )
        spoke = self.antecedents.last_speaker(root.idx)
        if place is None or spoke is None:
            return None
        held = {
            figure.id: figure
            for title in spoke.titles
            if (figure := self.index.holder(title, place.name, self.cast.on))
            is not None
        }
        return (next(iter(held.values())), None) if len(held) == 1 else None

    def _last_of(self, span: Span) -> Member | None:
        """``Head of the Council X``, ``Earlier President X``: a name that ends the source
        is whom it means, however it was parsed, unless a preposition hands it over."""
        people = self.cast.over(span)
        if not people or people[-1][1].kind is not MentionKind.NAME:
            return None
        place, member = people[-1]
        if self.text[place.end : span.end].strip(" ,"):
            return None
        before = self.text[span.start : place.start]
        if _APART.search(before) or _AND.search(before):
            return None
        first, last = self._tokens(Span(span.start, place.start))
        words = self.doc[first:last]
        handed = max((n for n, t in enumerate(words, 1) if t.pos_ == "ADP"), default=0)
        titled = before.split()[-1:] and self.index.ends_title(before.split()[-1])
        if handed and (handed == len(words) or titled):
            return None  # 'an aide to President X'
        return member

    def _role(self, span: Span, root: Token) -> tuple[Figure | None, Member | None]:
        """The holder of the office that the source names, or who was called so before."""
        new = any(t.lower_ in ("a", "an", "another") for t in root.lefts)
        for role in self.cast.roles:
            if role.span.start <= root.idx < role.span.end:
                if role.figure is not None:
                    return role.figure, None
                return None, None if new else self._called(role, root)
            if role.span.start > root.idx:
                break
        if root.pos_ in ("NOUN", "PROPN"):
            words = frozenset(
                fold(t.lemma_) for t in root.lefts if t.pos_ in ("NOUN", "ADJ")
            )
            definite = any(t.lower_ in ("the", "this", "that") for t in root.lefts)
            if definite or root.pos_ == "NOUN" or root.i > root.left_edge.i:
                body = self._body_called(span, root)
                if body is not None:
                    return None, body
            if definite and not any(t.dep_ == "prep" for t in root.rights):
                return None, self.antecedents.of_noun(
                    fold(root.lemma_),
                    words,
                    root.idx,
                    frozenset(
                        fold(t.text)
                        for t in self.doc[root.left_edge.i : root.i]
                        if t.pos_ in ("PROPN", "ADJ") and t.text[:1].isupper()
                    ),
                )
        return None, None

    def _called(self, role: Mention, root: Token) -> Member | None:
        """Who holds the title among those named: the latest with it, of that place."""
        best: tuple[bool, bool, int, Member] | None = None
        spoke = {id(member) for _, member in self.antecedents.speakers}
        for span, member in self.cast.named:
            if span.start > root.idx and best is not None:
                break
            held = member.former if role.former else member.titles
            if role.title is not None and role.title.id not in held:
                continue
            if clashes(root.lower_, member):
                continue
            if role.title is None and not role.leads:
                continue
            if role.place is not None and role.place.name not in member.places:
                continue
            quoted = self.antecedents.quoted(span.start)
            rank = (id(member) in spoke, not quoted, span.start, member)
            if best is None or rank[:3] >= best[:3]:
                best = rank
        if best is not None:
            return best[3]
        if role.place is not None:
            return None
        basis = role.title.basis if role.title is not None else "other"

        def fits(member: Member) -> bool:  # 'the prime minister' is no foreign minister
            return basis == "other" or any(
                self.index.basis(title) == basis for title in member.titles
            )

        return self.antecedents.of_noun(
            fold(root.lemma_), frozenset(), root.idx, fits=fits
        )

    def _body_called(self, span: Span, root: Token) -> Member | None:
        """``the defence ministry`` after ``Russia's defence ministry``: the same tail.

        A title may say it before the text does.
        """
        tail = [
            fold(t.text) for t in self.doc[root.left_edge.i : root.i + 1] if t.is_alpha
        ]
        if tail and tail[0] == "the":
            tail = tail[1:]
        if not tail:
            return None
        best = None
        title_end = self.text.find("\n")
        for place, member in self.cast.named:
            if member.kind is not MentionKind.BODY:
                continue
            if place.start >= root.idx and (best or root.idx > title_end):
                break
            words = [fold(w) for w in place.of(self.text).split()]
            if tail == ["military"] and _MILITARY & {*words}:
                if best is not None and best is not member:
                    return None  # both sides have one
                best = member
            elif words[-len(tail) :] == tail:
                best = member
        return best

    def _place(self, root: Token) -> Mention | None:
        for mention in self.cast.places:
            if mention.span.start <= root.idx < mention.span.end:
                adjective = mention.ambiguous and root.pos_ == "ADJ"
                return None if adjective else mention
        return None

    def _government(self, mention: Mention) -> Member:
        assert mention.place is not None
        name = f"{mention.place.name} (government)"
        for member in self.cast.members:
            if member.name == name:
                return member
        member = Member(name=name, kind=MentionKind.GROUP, pronoun="it")
        self.cast.members.append(member)
        return member

    def _member_of(self, figure: Figure) -> Member:
        for member in self.cast.members:
            if member.figure is figure:
                return member
        person = figure.kind is FigureKind.PERSON
        member = Member(
            name=figure.name,
            kind=MentionKind.NAME if person else MentionKind.BODY,
            figure=figure,
            pronoun=figure.pronoun,
            leader=True,
        )
        self.cast.members.append(member)
        return member

    def _as_written(self, span: Span, kind: MentionKind = MentionKind.GROUP) -> Speaker:
        name = " ".join(span.of(self.text).split())
        for article in _ARTICLES:
            if name.startswith(article):
                name = name[len(article) :]
                break
        return Speaker(
            name=name, figure_id=None, wikidata=None, leader=False, mention=span,
            mention_kind=kind,
        )  # fmt: skip


def _idx(token: Token) -> int:
    return token.idx


def _speaker(member: Member, span: Span | None, kind: MentionKind) -> Speaker:
    figure = member.figure
    return Speaker(
        name=figure.name if figure else member.name,
        figure_id=figure.id if figure else None,
        wikidata=figure.wikidata if figure else None,
        leader=member.leader,
        mention=span,
        mention_kind=kind,
    )
