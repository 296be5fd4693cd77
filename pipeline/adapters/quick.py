"""The same parse in half the time: three parts of a spaCy pipeline computed otherwise.

spaCy 3.8 loses most of its time on three things that have nothing to do with what it
knows. Its matrix products come from a build without vector instructions (``blis`` 1.3
names its kernels 'generic'); the recogniser's greedy search takes and drops Python's lock
for every move of every token; and the attribute ruler tries its 180 patterns on every
token anew. Here the products are NumPy's, the search computes the scores of all tokens at
once, and what the patterns say of a kind of token is remembered. Weights and rules are the
model's own, and so are the answers (``tests/adapters/test_nlp.py`` compares them).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.matcher import Matcher
from spacy.pipeline import AttributeRuler, EntityRecognizer
from spacy.tokens import Doc, Span
from spacy.tokens._retokenize import set_token_attrs
from thinc.api import Model, NumpyOps
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

ENTITIES, ATTRIBUTES = "onrecord_entities", "onrecord_attributes"

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


def quickened(nlp: Language) -> Language:
    """The pipeline with what can be computed sooner in place of spaCy's own, in place.

    A component of another make than the models of spaCy 3 have is left as it is.
    NumPy's products take one thread from here on: processes share the work, not threads.
    """
    threadpool_limits(limits=1, user_api="blas")
    products = Products()
    for _, component in nlp.components:
        if isinstance(model := getattr(component, "model", None), Model):
            for node in model.walk():
                node.ops = products
    for name, component in list(nlp.pipeline):
        if isinstance(component, EntityRecognizer) and Entities.fits(component):
            _replace(nlp, name, ENTITIES)
        elif isinstance(component, AttributeRuler):
            _replace(nlp, name, ATTRIBUTES)
    return nlp


def _replace(nlp: Language, name: str, factory: str) -> None:
    nlp.add_pipe(factory, before=name, config={"of": name})
    nlp.disable_pipe(name)


class Products(NumpyOps):  # type: ignore[misc]
    """thinc's operations with NumPy's matrix product."""

    def gemm(
        self,
        x: Floats,
        y: Floats,
        out: Floats | None = None,
        trans1: bool = False,
        trans2: bool = False,
    ) -> Floats:
        product: Floats = np.matmul(x.T if trans1 else x, y.T if trans2 else y, out=out)
        return product


class _Component(ABC):
    """What spaCy asks of a component, over ``annotate``."""

    @abstractmethod
    def annotate(self, docs: Sequence[Doc]) -> None:
        """Set the component's annotations of these."""

    def __call__(self, doc: Doc) -> Doc:
        self.annotate([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        rest = iter(stream)
        while docs := list(islice(rest, batch_size)):
            self.annotate(docs)
            yield from docs


@Language.factory(ENTITIES, assigns=["doc.ents"], default_config={"of": "ner"})
class Entities(_Component):
    """The greedy search of a trained ``EntityRecognizer``, for texts without entities yet.

    Outside an entity a move's score hangs on its token alone, so these are one product
    for all tokens; within one, only going on and ending are compared.
    """

    def __init__(self, nlp: Language, name: str, of: str) -> None:
        ner = nlp.get_pipe(of)
        model = ner.model  # type: ignore[attr-defined]
        lower, upper = model.get_ref("lower"), model.get_ref("upper")
        self._tokens = model.get_ref("tok2vec")
        self._ops = model.ops
        features, width = lower.get_dim("nF"), lower.get_dim("nO") * lower.get_dim("nP")
        self._pieces = lower.get_dim("nP")
        self._lower = lower.get_param("W").reshape(features * width, -1)
        self._pad = lower.get_param("pad").reshape(features, width)
        self._bias = lower.get_param("b").reshape(width)
        self._upper, self._upper_bias = upper.get_param("W"), upper.get_param("b")
        self._moves = {name: at for at, name in enumerate(_moves(ner))}
        self._names = list(self._moves)
        self._outside = np.array([name == "O" for name in self._names])
        self._begins = np.array([name.startswith("B-") for name in self._names])
        self._units = np.array(
            [name.startswith("U-") and len(name) > 2 for name in self._names]
        )

    @staticmethod
    def fits(ner: Any) -> bool:
        """Is it the greedy search over three features with a layer on top?"""
        model = ner.model
        return (
            ner.cfg.get("beam_width") == 1
            and not model.attrs.get("unseen_classes")
            and model.attrs.get("has_upper", False)
            and model.get_ref("lower").get_dim("nF") == 3
            and model.get_ref("lower").get_dim("nP") >= 2
        )

    def annotate(self, docs: Sequence[Doc]) -> None:
        docs = [doc for doc in docs if len(doc)]
        if not docs:
            return
        vectors = self._tokens.predict(docs)
        own = self._ops.gemm(vectors, self._lower, trans2=True)
        own = own.reshape(len(vectors), *self._pad.shape)
        reaches = np.concatenate([_reaches(doc) for doc in docs])
        spaces = np.concatenate([doc.to_array("IS_SPACE") > 0 for doc in docs])
        hidden = self._hidden(own[:, 0] + self._pad[1] + self._pad[2])
        scores = self._ops.gemm(hidden, self._upper, trans2=True) + self._upper_bias
        words = ~spaces[:, None]
        valid = (
            self._outside
            | (self._units & words)
            | (self._begins & words & reaches[:, None])
        )
        moves = np.where(valid, scores, -np.inf).argmax(axis=1)
        spans = self._spans(own, moves, reaches)
        begin = 0
        for doc in docs:
            end = begin + len(doc)
            mine = [(a - begin, b - begin, x) for a, b, x in spans if begin <= a < end]
            doc.set_ents([Span(doc, *span) for span in mine], default="outside")
            begin = end

    def _hidden(self, summed: Floats) -> Floats:
        pieces = (summed + self._bias).reshape(len(summed), -1, self._pieces)
        return np.asarray(pieces.max(axis=2), dtype=np.float32)

    def _spans(
        self, own: Floats, moves: NDArray[np.int64], reaches: Flags
    ) -> list[tuple[int, int, str]]:
        found = []
        free = 0
        for start in np.flatnonzero(~self._outside[moves]).tolist():
            if start < free:
                continue
            kind, _, label = self._names[moves[start]].partition("-")
            free = start + 1
            while kind != "L" and kind != "U":
                kind = self._goes_on(own, start, free, label, bool(reaches[free]))
                free += 1
            found.append((start, free, label))
        return found

    def _goes_on(self, own: Floats, start: int, at: int, label: str, can: bool) -> str:
        if not can:
            return "L"
        summed = own[at, 0] + own[start, 1] + own[at - 1, 2]
        rows = [self._moves[f"I-{label}"], self._moves[f"L-{label}"]]
        hidden = self._hidden(summed[None])[0]
        inside, last = self._upper[rows] @ hidden + self._upper_bias[rows]
        return "I" if inside >= last else "L"


def _moves(ner: Any) -> list[str]:
    """The names of a recogniser's moves, in the order of its scores."""
    return [ner.moves.get_class_name(at) for at in range(ner.moves.n_moves)]


def _reaches(doc: Doc) -> Flags:
    """For each token: may an entity go on behind it? Not over a sentence's end."""
    starts = doc.to_array("SENT_START") == 1
    return np.asarray(np.append(~starts[1:], False), dtype=np.bool_)


@Language.factory(
    ATTRIBUTES,
    assigns=["token.pos", "token.morph"],
    default_config={"of": "attribute_ruler"},
)
class Attributes(_Component):
    """An ``AttributeRuler`` that remembers what its patterns of one token say.

    Such a pattern can see only what is in KEY, so tokens alike in that get alike.
    """

    KEY: ClassVar[list[int | str]] = ["TAG", "LOWER", "DEP", "IS_SPACE"]
    MOST = 500_000  # kinds of token that are remembered

    def __init__(self, nlp: Language, name: str, of: str) -> None:
        ruler: Any = nlp.get_pipe(of)
        self._attrs, self._indices = ruler.attrs, ruler.indices
        self._single = Matcher(nlp.vocab, validate=False)
        self._others = Matcher(nlp.vocab, validate=False)
        for at, rule in enumerate(ruler.patterns):
            for pattern in rule["patterns"]:
                alone = len(pattern) == 1 and set(pattern[0]) <= set(self.KEY)
                matcher = self._single if alone else self._others
                matcher.add(f"{at}/{len(matcher)}", [pattern])
        self._strings = nlp.vocab.strings
        self._known: dict[tuple[int, ...], tuple[int, ...]] = {}
        self._merged: dict[tuple[int, ...], dict[Any, Any]] = {}

    def annotate(self, docs: Sequence[Doc]) -> None:
        for doc in docs:
            rules = self._of_each(doc)
            for rule, start, end in self._found(self._others, doc):
                at = range(start, end)[self._indices[rule]]
                rules[at] = tuple(sorted((*rules[at], rule)))
            for token, names in zip(doc, rules, strict=True):
                if names:
                    set_token_attrs(token, self._together(names))

    def _of_each(self, doc: Doc) -> list[tuple[int, ...]]:
        """The rules of one token that hold for each token, in their order."""
        rules = []
        for at, kind in enumerate(map(tuple, doc.to_array(self.KEY).tolist())):
            known = self._known.get(kind)
            if known is None:
                if len(self._known) >= self.MOST:
                    self._known.clear()
                found = self._found(self._single, doc[at : at + 1])
                known = tuple(sorted({rule for rule, _, _ in found}))
                self._known[kind] = known
            rules.append(known)
        return rules

    def _found(self, matcher: Matcher, where: Doc | Span) -> list[tuple[int, int, int]]:
        matches = matcher(where, allow_missing=True)
        return [
            (int(self._strings[key].partition("/")[0]), start, end)
            for key, start, end in matches
        ]

    def _together(self, rules: tuple[int, ...]) -> dict[Any, Any]:
        """What the rules set; of two that set the same, the later one."""
        if rules not in self._merged:
            self._merged[rules] = {
                name: value
                for rule in rules
                for name, value in self._attrs[rule].items()
            }
        return self._merged[rules]
