"""The oracle: one batch of records' questions to one model, asked once each, counted, and answered
per record.

A question is (t, condition, draw, view): ε is the record's noise for that draw, z_0 the latent of
that view of its image, z_t = α_t·z_0 + σ_t·ε, and the answer is ‖ε_θ(z_t, t, c) − ε‖² averaged over
the latent's elements. Equal draws give equal ε under every condition and view, so differences
between them are paired.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lit_clid.auditing.conditions import CAPTION, Condition, Given, leave_one_out
from lit_clid.auditing.views import WHOLE, View
from lit_clid.models.diffusion import Target, as_steps, diffuse, mean_square
from lit_clid.models.gradients import GradientNorms
from lit_clid.randomness import noise

STILL = "still"
"""The draw ε = 0: z_t = α_t·z_0, the mean of q(z_t | z_0)."""


def draw_names(count: int) -> tuple[str, ...]:
    """Names of `count` independent draws of ε at one t; the first is the one that all attacks
    share.

    Raises:
        ValueError: if there is none.
    """
    if count < 1:
        raise ValueError(f"draws = {count} must be at least 1")
    return ("", *map(str, range(1, count)))


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
    """The error at timestep t under `condition`; questions with equal t and `draw` share their
    noise.
    """

    t: int
    condition: Condition = CAPTION
    draw: str = ""
    view: View = WHOLE


@dataclass
class Count:
    """Queries per record: `asked` as if the attack ran alone, `evaluated` what the shared run
    computed for it.

    `backward_asked` and `backward_evaluated` count backward passes of one row in the same way.
    """

    asked: int = 0
    evaluated: int = 0
    backward_asked: int = 0
    backward_evaluated: int = 0


@dataclass
class Oracle:
    """Answers about one batch. A record's answer depends on (model, record, seed) alone.

    Args:
        target: the model.
        records: the batch.
        seed: of all noise.
        sample_latents: draw z_0 from the VAE's posterior, with noise keyed by the record, instead
            of taking its mean.
    """

    target: Target
    records: Records
    seed: int = 0
    sample_latents: bool = False
    _answers: dict[Question, Tensor] = field(default_factory=dict)
    _clean: dict[tuple[int, Condition], Tensor] = field(default_factory=dict)
    _gradients: dict[tuple[Question, ...], GradientNorms] = field(default_factory=dict)
    _embeddings: dict[Condition, Tensor] = field(default_factory=dict)
    _draws: dict[tuple[int, str], Tensor] = field(default_factory=dict)
    _latents: dict[View, Tensor] = field(default_factory=dict)
    _importance: list[Sequence[float]] | None = None
    _asked: set[object] = field(default_factory=set)
    _count: Count = field(default_factory=Count)

    @property
    def latents(self) -> Tensor:
        """z_0 (B, C, h, w) of the whole images."""
        return self.view(WHOLE)

    def view(self, view: View) -> Tensor:
        """z_0 (B, C, h, w) of a view of the images, encoded once."""
        if view not in self._latents:
            shape = self.target.latent_shape(self.records.images)
            draw = (
                noise(self.seed, self.records.ids, "posterior", shape)
                if self.sample_latents
                else None
            )
            self._latents[view] = self.target.encode(view.apply(self.records.images), draw)
        return self._latents[view]

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

    def clean(self, t: int, condition: Condition = CAPTION) -> Tensor:
        """ε_θ(z_0, t, c) (B, C, h, w) on the latent without noise, evaluated once."""
        self._asked.add(("clean", t, condition))
        if (t, condition) not in self._clean:
            self._clean[t, condition] = self._predict(self.latents, t, condition)
        return self._clean[t, condition]

    def eps(self, z: Tensor, t: int, condition: Condition = CAPTION) -> Tensor:
        """ε_θ(z, t, c) (B, C, h, w), for attacks whose answers feed further questions: one query
        each, kept nowhere.
        """
        self._asked.add(object())
        return self._predict(z, t, condition)

    def noise(self, t: int, draw: str = "") -> Tensor:
        """ε (B, C, h, w), one stream per record, timestep and draw, never per condition; drawn
        once.
        """
        z_0 = self.latents
        if draw == STILL:
            return torch.zeros_like(z_0)
        if (t, draw) not in self._draws:
            self._draws[t, draw] = noise(
                self.seed, self.records.ids, f"t={t}/{draw}", z_0.shape[1:]
            ).to(z_0.device)
        return self._draws[t, draw]

    def schedule(self, t: int) -> tuple[Tensor, Tensor]:
        """α_t and σ_t, each (B,)."""
        return self.target.schedule(as_steps(t, self.latents))

    def gradient_norms(
        self, t: Sequence[int], condition: Condition, backward: int
    ) -> GradientNorms:
        """Norms of the gradients of the record's errors at each t, and of the gradient of their
        mean.

        Args:
            backward: backward passes per record that the attack needs when it runs alone.
        """
        questions = tuple(Question(step, condition) for step in t)
        self._asked |= {("gradient", question) for question in questions}
        self._count.backward_asked += backward
        if questions not in self._gradients:
            self._gradients[questions] = self._differentiate(questions)
            self._count.evaluated += len(questions)
            self._count.backward_evaluated += len(questions)
        return self._gradients[questions]

    def count(self) -> Count:
        """Queries since the last call, then start again; memoised answers stay."""
        count, self._count = self._count, Count()
        count.asked, self._asked = len(self._asked), set()
        return count

    def embedding(self, condition: Condition) -> Tensor:
        """Text embeddings (B, L, D) of `condition`, embedded once."""
        if condition not in self._embeddings:
            self._embeddings[condition] = self._embed(condition)
        return self._embeddings[condition]

    def _predict(self, z: Tensor, t: int, condition: Condition) -> Tensor:
        self._count.evaluated += 1
        return self.target.eps(z, as_steps(t, z), self.embedding(condition))

    def _evaluate(self, questions: Sequence[Question]) -> Tensor:
        """Ask as many questions per call as the target takes rows: (B, Q)."""
        each = max(1, self.target.rows // len(self.records.ids))
        parts = [
            self._evaluate_together(questions[k : k + each]) for k in range(0, len(questions), each)
        ]
        self._count.evaluated += len(questions)
        return torch.cat(parts, dim=1)

    def _evaluate_together(self, questions: Sequence[Question]) -> Tensor:
        """Stack the questions into one call: (B, Q)."""
        z_t, t, condition, eps = (
            torch.cat(parts) for parts in zip(*map(self._ask, questions), strict=True)
        )
        return mean_square(self.target.eps(z_t, t, condition) - eps).view(len(questions), -1).T

    def _differentiate(self, questions: Sequence[Question]) -> GradientNorms:
        """The same rows, ordered record by record."""
        z_t, t, condition, eps = (
            torch.stack(parts, dim=1).flatten(0, 1)
            for parts in zip(*map(self._ask, questions), strict=True)
        )
        return self.target.gradient_norms(z_t, t, condition, eps, len(questions))

    def _ask(self, question: Question) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """z_t, t, condition and ε of one question, each with B rows."""
        z_0, eps = self.view(question.view), self.noise(question.t, question.draw)
        t = as_steps(question.t, z_0)
        return (
            diffuse(z_0, eps, *self.target.schedule(t)),
            t,
            self.embedding(question.condition),
            eps,
        )

    def _embed(self, condition: Condition) -> Tensor:
        if condition.noise_rate:
            base = self.embedding(CAPTION if condition.given is None else Given(condition.given))
            z = noise(
                self.seed, self.records.ids, f"embedding/{condition.noise_rate}", base.shape[1:]
            ).to(base)
            return base + condition.noise_rate * base.flatten(1).std(1)[:, None, None] * z
        texts = zip(self.records.captions, self._importances(condition), strict=True)
        return self.target.embed(
            [condition.text(caption, words, self.target.end_token) for caption, words in texts]
        )

    def _importances(self, condition: Condition) -> Sequence[Sequence[float] | None]:
        """Importance of every word that `condition` may mask, per record."""
        if not condition.needs_importance:
            return [None] * len(self.records.ids)
        if condition.given is not None:
            return [self._derived_importance(condition.given)] * len(self.records.ids)
        return self._word_importance()

    def _word_importance(self) -> list[Sequence[float]]:
        """Importance of every word: the user's, or how far the caption's embedding moves when the
        word is left out.

        Each record is embedded on its own, so that no other record of the batch can tip a close
        call.
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
