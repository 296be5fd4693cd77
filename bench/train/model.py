"""The network: MiniLM with three more inputs, a cue head and a head that links.

``Tagger.encode`` reads windows; ``cue`` says of each piece whether a cue begins or goes
on there; ``link`` labels every piece of a window for one cue start each. ``flat`` is a
helper task (content and source whoever claims them) that only training uses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.torch import load_file
from torch import Tensor, nn

HIDDEN, HEADS, INNER = 384, 12, 1536
ALL = (0, 1, 2, 3, 4, 5)  # the layers of MiniLM
LINK, BILINEAR = 192, 96
LABELS = 6  # O, content begin/inside/end, source begin/inside
REACH = 160  # pieces to each side that have a distance of their own


def stored_small(table: Tensor) -> Tensor:
    """The embedding as the exported graph holds it: 8 bits, a scale for each row."""
    scale = table.abs().amax(dim=1, keepdim=True).clamp_min(1e-8) / 127
    return (table / scale).round().clamp(-127, 127) * scale


class Small(nn.Linear):
    """A linear layer that computes as the exported graph does in 8 bits, if told to.

    Weights have 7 bits and a scale for each output, so that no processor's 16-bit sums
    overflow; inputs have 8 bits and a scale and zero for each window. Gradients pass
    the rounding unchanged (straight-through: Bengio et al. 2013, arXiv 1308.3432).
    """

    small = False

    def forward(self, x: Tensor) -> Tensor:
        if not self.small:
            return super().forward(x)
        with torch.no_grad():
            step = self.weight.abs().amax(dim=1, keepdim=True).clamp_min(1e-8) / 63
            lost_w = (self.weight / step).round() * step - self.weight
            low = x.amin(dim=(1, 2), keepdim=True).clamp_max(0).float()
            high = x.amax(dim=(1, 2), keepdim=True).clamp_min(0).float()
            unit = (high - low).clamp_min(1e-8) / 255
            lost_x = ((x - low) / unit).round() * unit + low - x
        return F.linear(x + lost_x.to(x.dtype), self.weight + lost_w, self.bias)


class Block(nn.Module):
    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.qkv = Small(HIDDEN, 3 * HIDDEN)
        self.out = Small(HIDDEN, HIDDEN)
        self.norm1 = nn.LayerNorm(HIDDEN, eps=1e-12)
        self.up = Small(HIDDEN, INNER)
        self.down = Small(INNER, HIDDEN)
        self.norm2 = nn.LayerNorm(HIDDEN, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        batch, length, _ = x.shape
        q, k, v = (
            self.qkv(x)
            .view(batch, length, 3, HEADS, HIDDEN // HEADS)
            .permute(2, 0, 3, 1, 4)
        )
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        seen = seen.transpose(1, 2).reshape(batch, length, HIDDEN)
        x = self.norm1(x + self.out(seen))
        return self.norm2(x + self.dropout(self.down(F.gelu(self.up(x)))))


class Tagger(nn.Module):
    def __init__(self, dropout: float = 0.1, layers: Sequence[int] = ALL) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self.word = nn.Embedding(30522, HIDDEN)
        self.place = nn.Embedding(512, HIDDEN)
        self.case = nn.Embedding(4, HIDDEN)
        self.quote = nn.Embedding(3, HIDDEN)
        self.paragraph = nn.Embedding(2, HIDDEN)
        self.norm = nn.LayerNorm(HIDDEN, eps=1e-12)
        self.blocks = nn.ModuleList(Block(dropout) for _ in self.layers)
        self.dropout = nn.Dropout(dropout)
        self.cue = nn.Linear(HIDDEN, 3)
        self.flat = nn.Linear(HIDDEN, 5)
        self.piece_side = nn.Linear(HIDDEN, LINK)
        self.cue_side = nn.Linear(HIDDEN, LINK)
        self.distance = nn.Embedding(2 * REACH + 1, LINK)
        self.mix = nn.Conv1d(LINK, LINK, 3, padding=1)
        self.label = nn.Linear(LINK, LABELS)
        self.key = nn.Linear(HIDDEN, BILINEAR)
        self.query = nn.Linear(HIDDEN, LABELS * BILINEAR)
        for table in (self.case, self.quote, self.paragraph):
            nn.init.normal_(table.weight, std=0.01)
        nn.init.normal_(self.distance.weight, std=0.1)
        nn.init.normal_(self.query.weight, std=0.02)
        self.word.weight.requires_grad_(False)

    def load_minilm(self, path: Path) -> None:
        """Take over the weights of all-MiniLM-L6-v2 (its token type 0 goes into places)."""
        w = {k.removeprefix("bert."): v for k, v in load_file(str(path)).items()}
        e = "embeddings."
        with torch.no_grad():
            self.word.weight.copy_(stored_small(w[e + "word_embeddings.weight"]))
            kind = w[e + "token_type_embeddings.weight"][0]
            self.place.weight.copy_(w[e + "position_embeddings.weight"] + kind)
            self.norm.weight.copy_(w[e + "LayerNorm.weight"])
            self.norm.bias.copy_(w[e + "LayerNorm.bias"])
            for n, block in zip(self.layers, self.blocks, strict=True):
                a = f"encoder.layer.{n}."
                parts = [a + f"attention.self.{p}" for p in ("query", "key", "value")]
                for what in ("weight", "bias"):
                    getattr(block.qkv, what).copy_(
                        torch.cat([w[f"{p}.{what}"] for p in parts])
                    )
                    getattr(block.out, what).copy_(
                        w[a + f"attention.output.dense.{what}"]
                    )
                    getattr(block.norm1, what).copy_(
                        w[a + f"attention.output.LayerNorm.{what}"]
                    )
                    getattr(block.up, what).copy_(w[a + f"intermediate.dense.{what}"])
                    getattr(block.down, what).copy_(w[a + f"output.dense.{what}"])
                    getattr(block.norm2, what).copy_(w[a + f"output.LayerNorm.{what}"])

    def encode(self, rows: Tensor, lengths: Tensor) -> Tensor:
        """Rows (batch, length, 4) to states (batch, length, 384)."""
        length = rows.shape[1]
        at = torch.arange(length, device=rows.device)
        x = self.word(rows[..., 0]) + self.place(at) + self.case(rows[..., 1])
        x = x + self.quote(rows[..., 2]) + self.paragraph(rows[..., 3])
        x = self.dropout(self.norm(x))
        mask = (at[None] < lengths[:, None])[:, None, None, :]
        for block in self.blocks:
            x = block(x, mask)
        return x

    def link(self, states: Tensor, window: Tensor, start: Tensor) -> Tensor:
        """Logits (cues, length, 6) for the cues that begin at ``start`` of ``window``."""
        length = states.shape[1]
        own = states[window, start]
        away = torch.arange(length, device=states.device)[None] - start[:, None]
        z = self.piece_side(states)[window] + self.cue_side(own)[:, None]
        z = F.relu(z + self.distance(away.clamp(-REACH, REACH) + REACH))
        z = F.relu(z + self.mix(z.transpose(1, 2)).transpose(1, 2))
        query = self.query(own).view(-1, LABELS, BILINEAR)
        pair = torch.matmul(self.key(states)[window], query.transpose(1, 2))
        return self.label(z) + pair / math.sqrt(BILINEAR)
