"""Text to comparable words: folding, tokens, stems and concepts."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from pipeline.claims import lexicon

_QUOTES = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'"}
    | dict.fromkeys('“”„‟«»‹›"', " ")
    | dict.fromkeys("‐‑‒", "-")
    | dict.fromkeys("–—", " , ")
)
_SPACE_IN_NUMBER = re.compile(
    r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}\b)"
    r"|(?<=\b\d) (?=\d{3}\b)|(?<=\b\d\d) (?=\d{3}\b)|(?<=\b\d{3}) (?=\d{3}\b)"
)
_DASHES = re.compile(r"--+| - ")
_SPACE = re.compile(r"\s+")
_CLITICS = (  # what must be there for it to match, in lower case, spares the search
    ("can", re.compile(r"\b([Cc])an't\b|\b([Cc])annot\b"), r"\1\2an not"),
    ("won't", re.compile(r"\b([Ww])on't\b"), r"\1ill not"),
    ("shan't", re.compile(r"\b([Ss])han't\b"), r"\1hall not"),
    ("n't", re.compile(r"n't\b"), " not"),
    ("'", re.compile(r"\b([A-Za-z]+)'(?:re|ve|ll|d|m|s)\b"), r"\1"),
    ("longer", re.compile(r"\b([Nn])o longer\b"), r"\1ot"),
    ("per cent", re.compile(r"\bper cent\b", re.IGNORECASE), "percent"),
    ("u.", re.compile(r"\bU\.\s?S\.(?:\s?A\.)?"), "USA "),
    ("u.", re.compile(r"\bU\.\s?K\."), "UK "),
    ("e.", re.compile(r"\bE\.\s?U\."), "EU "),
    ("us", re.compile(r"\bUS\b"), "USA"),
    ("states", re.compile(r"\bUnited States(?: of America)?\b"), "USA"),
    ("britain", re.compile(r"\bGreat Britain\b"), "UK"),
    ("kingdom", re.compile(r"\bUnited Kingdom\b"), "UK"),
    ("union", re.compile(r"\bEuropean Union\b"), "EU"),
    ("m.", re.compile(r"\b([ap])\.\s?m\.", re.IGNORECASE), r"\1m "),
)
_TOKEN = re.compile(
    r"[A-Z][A-Za-z]{0,2}-\d{1,3}[A-Z]{0,2}\b"  # F-16, S-300: a name, no quantity
    r"|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"  # 20,000  3.5  94
    r"|[^\W\d_]+(?:'[^\W\d_]+)?"
    r"|[$€£₽₴%]|[.,;:!?…]"
)
_SAYING = (
    r"(?:said|says|told|tells|added|adds|stressed|noted|vowed|warned|claimed|claims|"
    r"insisted|announced|stated|declared|argued|repeated|reiterated|explained|"
    r"emphasi[sz]ed|underlined|believes|believed|confirmed|pledged that|wrote)"
)
_BEFORE = re.compile(
    rf"^\s*(?:[A-Z][\w.'-]*(?: (?:von|van|der|de))?,? |the |[a-z]+ ){{0,4}}?"
    rf"(?:[A-Z][\w.'-]*|he|she|it|they|He|She|It|They|president|minister|ministry) "
    rf"(?:also |later |has |had |again )?{_SAYING}"
    rf"(?: (?:on|in) [A-Z]\w+)?(?: that\b|,|:)? (?=\S)"
)
_AFTER = re.compile(
    rf",? (?:(?:[A-Z][\w.'-]*|the|von|van|der|de|he|she|they|president|minister|"
    rf"[a-z]+) ){{1,5}}{_SAYING}(?: (?:on|in) [A-Z]\w+| (?:later|again))?[.]?\s*$"
)
_COLON = re.compile(r"^\s*[A-Z][\w'-]+(?: [A-Z][\w'-]+)?: (?=\S)")


def plain(text: str) -> str:
    """Straight apostrophes, no quotation marks, no contractions, single spaces."""
    text = _DASHES.sub(" , ", text)
    text = _SPACE_IN_NUMBER.sub(",", text)
    text = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    lower = text.lower()
    for needed, pattern, full in _CLITICS:
        if needed in lower:
            text = pattern.sub(full, text)
    return _SPACE.sub(" ", text).strip()


def unframed(text: str) -> str:
    """The words without a frame such as 'Putin said that …' or '…, the minister said'.

    A frame in the middle is kept. At least three words are left, else all are.
    """
    for pattern in (_BEFORE, _COLON):
        found = pattern.match(text)
        if found and len(text[found.end() :].split()) >= 3:
            text = text[found.end() :]
            break
    found = _AFTER.search(text)
    if found and found.group().startswith(","):
        before = text[: found.start()]
        if len(before.split()) >= 3:
            text = before
    return text


def tokens(text: str) -> list[str]:
    """Words, numbers, currency signs and clause marks, in order, case kept."""
    return _TOKEN.findall(text)


# --------------------------------------------------------------------------- stems


_IRREGULAR: dict[str, str] = {}
for _group in lexicon.IRREGULAR.split(";"):
    _forms = _group.split()
    for _form in _forms:
        _IRREGULAR.setdefault(_form, _forms[0])

_VOWEL = re.compile("[aeiouy]")
_LOST_E = ("at", "iz", "is", "v", "c", "g", "u")
_SUFFIXES = (
    "isation", "ization", "ation", "ition", "ement", "ment", "ness", "ance", "ence",
    "ion", "ive", "ise", "ize", "ful", "ate", "ant", "ent", "ery", "er", "or", "al",
)  # fmt: skip


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A light English stem of a lower-case word; forms of one word mostly share it."""
    word = _IRREGULAR.get(word, word)
    if len(word) <= 3:
        return word
    word = _without_plural(word)
    word = _IRREGULAR.get(word, word)
    word = _without_ending(word)
    word = _IRREGULAR.get(word, word)
    if word.endswith("ly") and len(word) > 5:
        word = word[:-2]
    if len(word) > 4:
        word = word.replace("our", "or")  # favourite, favorite
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            word = word[: -len(suffix)]
            break
    if word.endswith("e") and len(word) > 3:
        word = word[:-1]
    if word.endswith("y") and len(word) > 3:
        word = word[:-1] + "i"
    return word


def _without_plural(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _without_ending(word: str) -> str:
    for ending in ("ing", "ed"):
        base = word[: -len(ending)]
        if word.endswith(ending) and len(base) >= 3 and _VOWEL.search(base):
            if base in _IRREGULAR:
                return base
            if len(base) > 3 and base[-1] == base[-2] and base[-1] in "bdgmnprt":
                return base[:-1]
            return base + "e" if base.endswith(_LOST_E) else base
    return word


# ------------------------------------------------------------------------ concepts


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it is compared: the concept it stands for, and how much it weighs."""

    text: str  # as written
    stem: str
    concept: str
    weight: float
    name: bool = False
    place: bool = False


def _concept_table() -> dict[str, str]:
    table: dict[str, str] = {}
    for line in lexicon.SYNONYMS.strip().splitlines():
        words = line.split()
        for word in words:
            parts = tuple(stem(part) for part in word.split("-"))
            table.setdefault("-".join(parts), stem(words[0]))
    return table


CONCEPTS = _concept_table()
CAPITALS = {
    word: "@" + line.split(":")[0]
    for line in lexicon.CAPITALS.strip().splitlines()
    for word in line.split(":")[1].split()
}
PLACES = frozenset(lexicon.PLACES.split())
FUNCTION = frozenset(lexicon.FUNCTION_WORDS.split())
LIGHT = frozenset(stem(word) for word in lexicon.LIGHT_WORDS.split())
COMMON = frozenset(stem(word) for word in lexicon.COMMON_WORDS.split())
_LIGHT_CONCEPTS = frozenset(CONCEPTS[base] for base in LIGHT if base in CONCEPTS)
_COMMON_CONCEPTS = frozenset(CONCEPTS.get(base, base) for base in COMMON)
_LIGHT_WEIGHT, _COUNTRY_WEIGHT, _COMMON_WEIGHT = 0.33, 0.5, 0.67


def concept(word: str) -> str:
    """The concept of a lower-case word: a country, a group of synonyms, or its stem."""
    country = CAPITALS.get(word)
    if country is not None:
        return country
    base = stem(word)
    return CONCEPTS.get(base, base)


def opposite(one: str, other: str) -> bool:
    """Whether two concepts are each other's opposites."""
    return (one, other) in _OPPOSITES


_OPPOSITES = frozenset(
    pair
    for line in lexicon.ANTONYMS.strip().splitlines()
    for a, b in [line.split()]
    for pair in ((concept(a), concept(b)), (concept(b), concept(a)))
)
OPPOSED = frozenset(one for one, _ in _OPPOSITES)


@lru_cache(maxsize=65536)
def name_key(word: str) -> str:
    """A name without the differences of transliteration: Zelenskyy is Zelensky."""
    word = "".join(
        c
        for c in unicodedata.normalize("NFKD", word.casefold())
        if not unicodedata.combining(c)
    )
    for written, kept in (
        ("yy", "i"), ("iy", "i"), ("ij", "i"), ("yi", "i"), ("y", "i"), ("j", "i"),
        ("w", "v"), ("kh", "h"), ("ph", "f"), ("ii", "i"), ("ie", "e"),
        ("ae", "e"), ("ai", "e"),
    ):  # fmt: skip
        word = word.replace(written, kept)
    return re.sub(r"(.)\1", r"\1", word)


@lru_cache(maxsize=65536)
def as_word(token: str, *, starts: bool) -> Word:
    """``starts`` says that the token opens a sentence: its capital says nothing."""
    lower = token.casefold()
    if lower in FUNCTION and token != "US":
        return Word(token, lower, lower, 0.0)
    country = CAPITALS.get(lower)
    if country is not None:
        return Word(token, lower, country, _COUNTRY_WEIGHT, name=True, place=True)
    if lower in lexicon.MONTHS and token[0].isupper():
        return Word(token, lower, f"month {lexicon.MONTHS[lower]}", _LIGHT_WEIGHT)
    base = stem(lower)
    capital = token[0].isupper()
    if lower in PLACES:
        return Word(token, base, "#" + name_key(lower), 1.0, name=True, place=True)
    shouted = token.isupper() and len(token) > 5
    common = starts or shouted or base in CONCEPTS or base in LIGHT
    if capital and not common:
        return Word(token, base, "#" + name_key(lower), 1.0, name=True)
    meaning = CONCEPTS.get(base, base)
    return Word(token, base, meaning, _weight(base, meaning))


def _weight(base: str, meaning: str) -> float:
    """A synonym weighs no more than the lightest word of its group."""
    if base in LIGHT or meaning in _LIGHT_CONCEPTS:
        return _LIGHT_WEIGHT
    return _COMMON_WEIGHT if meaning in _COMMON_CONCEPTS else 1.0
