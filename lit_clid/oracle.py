"""The oracle: one batch of records' questions to one model, asked once each, counted, and answered per record.

A question is (t, condition, draw): ε is the record's noise for that draw, z_t = α_t·z_0 + σ_t·ε, and the answer is
‖ε_θ(z_t, t, c) − ε‖² averaged over the latent's elements. Equal draws give equal ε under every condition, so
differences between conditions are paired.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lit_clid.captions import CAPTION, Condition, leave_one_out
from lit_clid.diffusion import Target, as_steps, diffuse, mean_square
from lit_clid.randomness import noise


@dataclass(frozen=True)
class Records:
    """A batch to ask about.

    Args:
        ids: B record ids.
        images: (B, 3, H, W) in [−1, 1].
        captions: B captions.
        importance: word importances per record from a column of the user's, or None to derive them.
    """

    ids: tuple[str, ...]
    images: Tensor
    captions: tuple[str, ...]
    importance: tuple[tuple[float, ...] | None, ...] | None = None


@dataclass(frozen=True)
class Question:
    """The error at timestep t under `condition`; questions with equal `draw` share their noise."""

    t: int
    condition: Condition = CAPTION
    draw: str = ""

    @property
    def noise_name(self) -> str:
        """The noise stream: one per timestep and draw, never per condition."""
        return f"t={self.t}/{self.draw}"


@dataclass
class Count:
    """Queries per record: `asked` as if the attack ran alone, `evaluated` what the shared run computed for it."""

    asked: int = 0
    evaluated: int = 0


@dataclass
class Oracle:
    """Answers about one batch. A record's answer depends on (model, record, seed) alone.

    Args:
        target: the model.
        records: the batch.
        seed: of all noise.
        sample_latents: draw z_0 from the VAE's posterior, with noise keyed by the record, instead of taking its mean.
    """

    target: Target
    records: Records
    seed: int = 0
    sample_latents: bool = False
    _answers: dict[Question, Tensor] = field(default_factory=dict)
    _embeddings: dict[Condition, Tensor] = field(default_factory=dict)
    _draws: dict[str, Tensor] = field(default_factory=dict)
    _latents: Tensor | None = None
    _importance: list[Sequence[float]] | None = None
    _asked: set[object] = field(default_factory=set)
    _evaluated: int = 0

    @property
    def latents(self) -> Tensor:
        """z_0 (B, C, h, w), encoded once."""
        if self._latents is None:
            shape = self.target.latent_shape(self.records.images)
            draw = noise(self.seed, self.records.ids, "posterior", shape) if self.sample_latents else None
            self._latents = self.target.encode(self.records.images, draw)
        return self._latents

    def error(self, t: int, condition: Condition = CAPTION, draw: str = "") -> Tensor:
        """One question's answer (B,) float32."""
        return self.errors([Question(t, condition, draw)])[:, 0]

    def errors(self, questions: Sequence[Question]) -> Tensor:
        """Answers (B, Q) float32; those not asked before are evaluated together."""
        self._asked |= set(questions)
        new = [q for q in dict.fromkeys(questions) if q not in self._answers]
        if new:
            self._answers |= dict(zip(new, self._evaluate(new).unbind(1), strict=True))
        return torch.stack([self._answers[q] for q in questions], dim=1)

    def eps(self, z: Tensor, t: int, condition: Condition = CAPTION) -> Tensor:
        """ε_θ(z, t, c) (B, C, h, w), for attacks whose answers feed further questions: one query each, kept nowhere."""
        self._asked.add(object())
        self._evaluated += 1
        return self.target.eps(z, as_steps(t, z), self.embedding(condition))

    def count(self) -> Count:
        """Queries since the last call, then start again; memoised answers stay."""
        count = Count(len(self._asked), self._evaluated)
        self._asked, self._evaluated = set(), 0
        return count

    def embedding(self, condition: Condition) -> Tensor:
        """Text embeddings (B, L, D) of `condition`, embedded once."""
        if condition not in self._embeddings:
            self._embeddings[condition] = self._embed(condition)
        return self._embeddings[condition]

    def _evaluate(self, questions: Sequence[Question]) -> Tensor:
        """Ask as many questions per call as the target takes rows: (B, Q)."""
        each = max(1, self.target.rows // len(self.records.ids))
        parts = [self._evaluate_together(questions[k : k + each]) for k in range(0, len(questions), each)]
        self._evaluated += len(questions)
        return torch.cat(parts, dim=1)

    def _evaluate_together(self, questions: Sequence[Question]) -> Tensor:
        """Stack the questions into one call: (B, Q)."""
        z_0 = self.latents
        eps = torch.cat([self._noise(q.noise_name) for q in questions])
        t = torch.cat([as_steps(q.t, z_0) for q in questions])
        z_t = diffuse(z_0.repeat(len(questions), 1, 1, 1), eps, *self.target.schedule(t))
        condition = torch.cat([self.embedding(q.condition) for q in questions])
        return mean_square(self.target.eps(z_t, t, condition) - eps).view(len(questions), -1).T

    def _noise(self, name: str) -> Tensor:
        """ε (B, C, h, w) of the draw called `name`, drawn once."""
        if name not in self._draws:
            z_0 = self.latents
            self._draws[name] = noise(self.seed, self.records.ids, name, z_0.shape[1:]).to(z_0.device)
        return self._draws[name]

    def _embed(self, condition: Condition) -> Tensor:
        importance = self._word_importance() if condition.needs_importance else [None] * len(self.records.ids)
        pairs = zip(self.records.captions, importance, strict=True)
        if condition.noise_rate:
            base = self.embedding(CAPTION)
            z = noise(self.seed, self.records.ids, f"embedding/{condition.noise_rate}", base.shape[1:]).to(base)
            return base + condition.noise_rate * base.flatten(1).std(1)[:, None, None] * z
        return self.target.embed([condition.text(caption, words, self.target.end_token) for caption, words in pairs])

    def _word_importance(self) -> list[Sequence[float]]:
        """Importance of every word: the user's, or how far the caption's embedding moves when the word is left out.

        Each record is embedded on its own, so that no other record of the batch can tip a close call.
        """
        if self._importance is None:
            given = self.records.importance or (None,) * len(self.records.ids)
            self._importance = [
                self._derived_importance(caption) if words is None else words
                for caption, words in zip(self.records.captions, given, strict=True)
            ]
        return self._importance

    def _derived_importance(self, caption: str) -> list[float]:
        vectors = self.target.pooled(leave_one_out(caption))
        moved: list[float] = (vectors[1:] - vectors[0]).norm(dim=1).tolist()
        return moved
