"""HTML to plain paragraphs, and what is no part of an article's text."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator

from lxml import etree  # type: ignore[import-untyped]
from lxml import html as lxml_html

_SKIPPED = {
    "script", "style", "noscript", "template", "head", "title", "meta", "link",
    "figure", "figcaption", "iframe", "object", "embed", "form", "button", "select",
    "textarea", "input", "nav", "aside", "svg", "math", "canvas", "audio", "video",
    "picture", "map", "dialog", "menu", "applet", "frameset", "noframes",
}  # fmt: skip
_BLOCKS = {
    "p", "div", "br", "hr", "li", "ul", "ol", "dl", "dt", "dd", "blockquote", "pre",
    "h1", "h2", "h3", "h4", "h5", "h6", "table", "tr", "td", "th", "tbody", "thead",
    "section", "article", "main", "header", "footer", "address", "center", "details",
    "summary", "caption",
}  # fmt: skip
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SHAPELESS = re.compile(r"[\W_]+")
_SCRIPT = re.compile(
    r"<(script|style)\b[^<>]{0,1000}>.{0,20000}?(?:</\1\s*>|\Z)", re.I | re.S
)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,1000}>|<!--.*?-->", re.S)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TAIL = 120  # characters in which a paragraph says that it goes on elsewhere
MAX_HTML = 1_000_000
MAX_PARAGRAPHS = 4_000

_MORE = (
    r"(?:(?:continue|keep)\s+reading|read\s+(?:more|on|(?:the\s+)?full\s+"
    r"(?:story|article|text|report))|full\s+(?:story|article)|more(?:\s+details)?|"
    r"learn\s+more|click\s+(?:here|to)[^.]{0,40})"
)
_MORE_END = re.compile(
    rf"(?:\s*(?:\[?(?:…|\.\.\.|&hellip;)\]?)|(?<=[.!?”\"'’»)]))\s*[\[(]?{_MORE}"
    r"[\s.:»→›>…\])]*$|\s*\[(?:…|\.\.\.)\]\s*$",
    re.I,
)
_CUT_OFF = re.compile(
    rf"(?:…|\.\.\.|\[(?:…|\.\.\.|\+\d+ chars)\])\s*$|{_MORE}[\s.:»→›>…\])]*$", re.I
)
_PROMO = re.compile(
    r"(?:"
    r"(?:read|see|watch|listen|view|find out|learn|discover|explore)(?:\s+(?:more|also|"
    r"next|now|on|here|live|this|it))?\s*(?::|>|»|→|\||—|–|-).*|"
    rf"{_MORE}\W*|"
    r"(?:also\s+(?:read|see|on|in)|more\s+(?:on|from|about|in)|related(?:\s+\w+)?|"
    r"recommended|trending|most\s+(?:read|popular|viewed)|don['’]t\s+miss|"
    r"up\s+next|you\s+(?:may|might)\s+also\s+like|in\s+case\s+you\s+missed\s+it|"
    r"editor['’]s\s+picks?|what\s+to\s+read\s+next|must\s+read)\b.{0,140}|"
    r"(?:please\s+)?(?:sign\s+up|subscribe|register|log\s+in|follow\s+(?:us|the|our|@)|"
    r"join\s+(?:us|our|the\s+conversation)|download\s+(?:the|our)|support\s+(?:us|our|"
    r"independent)|donate|become\s+a\s+(?:member|patron|subscriber|supporter)|"
    r"share\s+this|like\s+us|get\s+(?:the|our|all)\s+.{0,60}(?:newsletter|inbox|app|"
    r"briefing|alerts?)|get\s+in\s+touch|have\s+a\s+story)\b.{0,200}|"
    r"(?:share|save|comments?|print|e-?mail|tweet|facebook|twitter|whatsapp|telegram|"
    r"copy\s+link|bookmark|listen|live|advertisement|advertising|ad|sponsored|promoted|"
    r"loading|close|menu|search|skip\s+(?:ad|to\s+content)|back\s+to\s+top|key\s+events|"
    r"latest\s+(?:updates|news)|in\s+pictures|photo(?:s|\s+gallery)?|video|gallery|"
    r"tags?|topics?)(?:\s*\(?\d*\)?)\W*|"
    r"(?:tags?|topics?|categor(?:y|ies)|filed\s+under|keywords)\s*:.{0,200}|"
    r"the\s+post\s.{1,300}\s(?:appeared\s+first|first\s+appeared)\s+on\s.{1,100}|"
    r"(?:©|\(c\)|copyright\b).{0,200}|all\s+rights\s+reserved.{0,100}|"
    r".{0,150}\ball\s+rights\s+reserved\W*|"
    r"(?:this\s+(?:article|story|piece|text)\s+(?:was|has\s+been|is)\s+(?:originally|"
    r"first|re-?published|updated|produced)|originally\s+published|"
    r"reporting\s+by|editing\s+by|\((?:reporting|writing|editing|additional\s+"
    r"reporting)\s+by).{0,300}|"
    r"(?:photo|image|picture|video|graphic|illustration|credit|caption|source)s?"
    r"(?:\s+(?:by|credit|courtesy(?:\s+of)?))?\s*[:/©|].{0,200}|"
    r"\(?(?:ap|afp|reuters|epa|getty)\s+(?:photo|images?)\W.{0,200}|"
    r"(?:last\s+)?(?:updated|modified|published|posted)(?:\s+(?:at|on))?\s*:?\s*"
    r"[\d].{0,60}|"
    r"\d{1,2}[:.]\d\d\s*(?:[ap]\.?m\.?)?\s*(?:GMT|UTC|BST|C?EST|CET|EDT|ET|PT)?|"
    r"\d+\s*(?:minutes?|min|hours?|days?|h|m)\s+(?:ago|read)|"
    r"we\s+(?:and\s+our\s+partners\s+)?use\s+cookies\b.{0,300}|"
    r"[^\w\"'“‘«]{1,10}"
    r")",
    re.I | re.S,
)
_CREDIT_END = re.compile(
    r"(?:\((?:AP|Reuters|AFP|EPA)?\s*Photo\W[^)]{0,80}\)|\[[^\]]{0,60}(?:Getty|Reuters|"
    r"AFP|AP|EPA|Anadolu)[^\]]{0,60}\]|REUTERS/[\w .\-]{2,60}|"
    r"(?:Getty Images|AFP via Getty Images))\W*$"
)
_GOES_ON = ("…", "...", "hellip", "chars", "read", "full", "more", "click")
_ASCII_SHAPELESS = {code: None for code in range(128) if _SHAPELESS.match(chr(code))}
_SENTENCE_END = re.compile(r"[.!?…\"'”’»)]\s*$")


def plain(text: str) -> str:
    """One line: NFC, single spaces, no characters that nobody sees."""
    text = " ".join(text.split())
    if text.isascii() and text.isprintable():
        return text
    text = _CONTROL.sub("", text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", _UNSEEN.sub("", text))
    return " ".join(text.split())


def title_of(text: str) -> str:
    """A headline without markup; entities are undone twice, as feeds escape them."""
    for _ in range(2):
        if not _ENTITY.search(text):
            break
        text = html.unescape(text)
    text = _SCRIPT.sub(" ", text) if "<" in text else text
    return plain(_TAG.sub(" ", text))[:1_000] if "<" in text else plain(text)[:1_000]


def paragraphs(markup: str) -> list[str]:
    """The text of an HTML fragment, a paragraph an item, in order."""
    markup = _CONTROL.sub("", markup[:MAX_HTML])
    if "<" not in markup:
        lines = html.unescape(markup)
        if "<" not in lines or not _TAG.search(lines):
            return _cleaned(re.split(r"\n\s*\n|\r", lines))
        markup = lines  # markup that was escaped once too often
    try:
        root = lxml_html.document_fromstring(f"<body>{markup}</body>")
    except (etree.LxmlError, ValueError):
        return _cleaned(html.unescape(_TAG.sub("\n", markup)).split("\n"))
    return _cleaned(_lines(root))


def _cleaned(lines: Iterable[str]) -> list[str]:
    found = (plain(line) for line in lines)
    return [line for line in found if line][:MAX_PARAGRAPHS]


def _lines(root: etree._Element) -> Iterator[str]:
    """The text between block elements; without recursion, for any depth."""
    pieces: list[str] = []
    skipping: etree._Element | None = None
    for event, node in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        name = node.tag if isinstance(node.tag, str) else ""
        if event == "start" and skipping is None:
            if name in _SKIPPED:
                skipping = node
            elif name in _BLOCKS:
                yield "".join(pieces)
                pieces = []
            if skipping is None and node.text:
                pieces.append(node.text)
        elif event in ("end", "comment", "pi"):
            if skipping is node:
                skipping = None
            elif skipping is None and name in _BLOCKS:
                yield "".join(pieces)
                pieces = []
            if skipping is None and node is not root and node.tail:
                pieces.append(node.tail)
    yield "".join(pieces)


def body_of(lines: Iterable[str], title: str) -> list[str]:
    """The paragraphs of an article: no headline, no promotion, nothing twice."""
    kept: list[str] = []
    seen = {_shape(title)}
    for line in lines:
        if _may_go_on(line[-_TAIL:]):
            line = line[:-_TAIL] + _MORE_END.sub("", line[-_TAIL:])
        line = line.strip()
        shape = _shape(line)
        if not shape or shape in seen or is_promo(line):
            continue
        if len(shape) > 30:  # a short line may stand twice: 'He denied it.'
            seen.add(shape)
        kept.append(line)
    return kept


def is_promo(line: str) -> bool:
    """Whether a paragraph is furniture: promotion, caption, share bar, time stamp."""
    if len(line) > 400:
        return False
    if len(line) < 300 and _CREDIT_END.search(line[-_TAIL:]):
        return True
    return _PROMO.fullmatch(line) is not None


def is_cut_off(text: str) -> bool:
    """Whether a text says itself that it goes on elsewhere."""
    tail = text[-_TAIL:]
    return _may_go_on(tail) and _CUT_OFF.search(tail) is not None


def _may_go_on(tail: str) -> bool:
    """False only where neither of the two expressions can match; they are slow."""
    tail = tail.lower()
    return any(word in tail for word in _GOES_ON)


def ends_whole(text: str) -> bool:
    return _SENTENCE_END.search(text) is not None


def _shape(text: str) -> str:
    if text.isascii():
        return text.lower().translate(_ASCII_SHAPELESS)
    text = unicodedata.normalize("NFKC", text)
    return _SHAPELESS.sub("", text.casefold())
