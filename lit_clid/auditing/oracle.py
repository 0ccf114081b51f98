"""The oracle: one batch of records' questions, answered per record.

Equal draws give equal ε under every condition and view, so that differences between answers are
paired. `ModelOracle` asks a model, each question once; `ledger` counts, `replay` reads a table.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lit_clid.auditing.conditions import CAPTION, Condition, Given
from lit_clid.auditing.importance import Importance
from lit_clid.auditing.questions import STILL, Batch, Question
from lit_clid.auditing.views import WHOLE, View
from lit_clid.models.diffusion import diffuse, mean_square
from lit_clid.models.embedding import Embedding, cat
from lit_clid.models.gradients import GradientNorms
from lit_clid.models.levels import alpha_sigma, as_steps
from lit_clid.models.target import Target
from lit_clid.randomness import noise

TOGETHER = 8
"""Most questions that share a look at a text."""


class Oracle(ABC):
    """What attacks may ask about a batch of B records."""

    @property
    @abstractmethod
    def latents(self) -> Tensor:
        """z_0 (B, C, h, w) of the whole images."""

    @abstractmethod
    def errors(self, questions: Sequence[Question]) -> Tensor:
        """‖ε_θ(z_t, t, c) − ε‖² (B, Q) float32 for each question."""

    @abstractmethod
    def clean(self, t: int, condition: Condition = CAPTION) -> Tensor:
        """ε_θ(z_0, t, c) (B, C, h, w) on the latent without noise."""

    @abstractmethod
    def eps(self, z: Tensor, t: int, condition: Condition = CAPTION) -> Tensor:
        """ε_θ(z, t, c) (B, C, h, w), for attacks whose answers feed further questions."""

    @abstractmethod
    def noise(self, t: int, draw: str = "") -> Tensor:
        """ε (B, C, h, w), one stream per record, t and draw, never per condition."""

    @abstractmethod
    def gradient_norms(
        self, t: Sequence[int], condition: Condition, backward: int
    ) -> GradientNorms:
        """Norms of the gradients of the record's errors at each t, and of their mean's.

        Args:
            t: T timesteps, one draw of ε each.
            condition: c.
            backward: backward passes per record that the attack needs when it runs alone.
        """

    def error(self, t: int, condition: Condition = CAPTION, draw: str = "") -> Tensor:
        """One question's answer (B,) float32."""
        return self.errors([Question(t, condition, draw)])[:, 0]

    def schedule(self, t: int) -> tuple[Tensor, Tensor]:
        """α_t and σ_t, each (B,)."""
        return alpha_sigma(as_steps(t, self.latents))


@dataclass
class ModelOracle(Oracle):
    """Asks a model. A record's answer depends on (model, record, seed) alone.

    Args:
        target: the model.
        batch: the records.
        seed: of all noise.
        sample_latents: draw z_0 from the VAE's posterior, with noise keyed by the record, instead
            of taking its mean.
    """

    target: Target
    batch: Batch
    seed: int = 0
    sample_latents: bool = False
    _answers: dict[Question, Tensor] = field(default_factory=dict)
    _clean: dict[tuple[int, Condition], Tensor] = field(default_factory=dict)
    _gradients: dict[tuple[Question, ...], GradientNorms] = field(default_factory=dict)
    _embeddings: dict[Condition, Embedding] = field(default_factory=dict)
    _draws: dict[tuple[int, str], Tensor] = field(default_factory=dict)
    _latents: dict[View, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._importance = Importance(self.target, self.batch)

    @property
    def latents(self) -> Tensor:
        return self.view(WHOLE)

    def view(self, view: View) -> Tensor:
        """z_0 (B, C, h, w) of a view of the images, encoded once."""
        if view not in self._latents:
            self._latents[view] = self._encode(view)
        return self._latents[view]

    def _encode(self, view: View) -> Tensor:
        """The same, unless a model with the same latent space was shown the batch before."""
        memory, ids = self.target.memory, self.batch.ids
        if memory is None:
            return self._encode_now(view)
        drawn = self.seed if self.sample_latents else None
        device = self.target.device
        told = (self.target.kin["latent space"], view, tuple(self.batch.images.shape), drawn)
        lasting = None
        if self.batch.hashes is not None:  # what does not draw does not depend on names
            lasting = (*told, device.type, self.batch.hashes, ids if self.sample_latents else ())
        latents = memory.latents((*told, ids), lasting, lambda: self._encode_now(view).cpu())
        return latents.to(device)

    def _encode_now(self, view: View) -> Tensor:
        images = self.batch.images
        shape = self.target.latent_shape(images)
        sampled = self.sample_latents
        draw = noise(self.seed, self.batch.ids, "posterior", shape) if sampled else None
        return self.target.encode(view.apply(images), draw)

    def errors(self, questions: Sequence[Question]) -> Tensor:
        new = [question for question in dict.fromkeys(questions) if question not in self._answers]
        if new:
            self._answers |= dict(zip(new, self._evaluate(new).unbind(1), strict=True))
        return torch.stack([self._answers[question] for question in questions], dim=1)

    def clean(self, t: int, condition: Condition = CAPTION) -> Tensor:
        if (t, condition) not in self._clean:
            self._clean[t, condition] = self.eps(self.latents, t, condition)
        return self._clean[t, condition]

    def eps(self, z: Tensor, t: int, condition: Condition = CAPTION) -> Tensor:
        return self.target.eps(z, as_steps(t, z), self.embedding(condition))

    def noise(self, t: int, draw: str = "") -> Tensor:
        z_0 = self.latents
        if draw == STILL:
            return torch.zeros_like(z_0)
        if (t, draw) not in self._draws:
            eps = noise(self.seed, self.batch.ids, f"t={t}/{draw}", z_0.shape[1:])
            self._draws[t, draw] = eps.to(z_0.device)
        return self._draws[t, draw]

    def gradient_norms(
        self, t: Sequence[int], condition: Condition, backward: int
    ) -> GradientNorms:
        questions = tuple(Question(step, condition) for step in t)
        if questions not in self._gradients:
            self._gradients[questions] = self._differentiate(questions)
        return self._gradients[questions]

    def embedding(self, condition: Condition) -> Embedding:
        """The embedding (B rows) of `condition`, made once."""
        if condition not in self._embeddings:
            self._embeddings[condition] = self._embed(condition)
        return self._embeddings[condition]

    def under(self, rows: Sequence[int], captions: Sequence[str]) -> "ModelOracle":
        """The same about some of the rows under other captions.

        What no caption changes is not asked again.
        """
        batch = self.batch
        some = Batch(tuple(batch.ids[k] for k in rows), batch.images[rows], tuple(captions))
        found = ModelOracle(self.target, some, self.seed, self.sample_latents)
        found._draws = {key: eps[rows] for key, eps in self._draws.items()}
        found._latents = {view: z_0[rows] for view, z_0 in self._latents.items()}
        for question, answer in self._answers.items():
            if not question.condition.needs_caption:
                found._answers[question] = answer[rows]
        for (t, condition), eps in self._clean.items():
            if not condition.needs_caption:
                found._clean[t, condition] = eps[rows]
        for asked, norms in self._gradients.items():
            if not asked[0].condition.needs_caption:
                found._gradients[asked] = GradientNorms(norms.each[rows], norms.mean[rows])
        return found

    def _evaluate(self, questions: Sequence[Question]) -> Tensor:
        """Ask about as many groups of questions per call as the target takes rows: (B, Q)."""
        answers: dict[Question, Tensor] = {}
        groups = _groups(questions) if self.target.shares_texts else [[q] for q in questions]
        for size in sorted({len(group) for group in groups}):
            equal = [group for group in groups if len(group) == size]
            each = max(1, self.target.rows // (size * len(self.batch.ids)))
            for k in range(0, len(equal), each):
                answers |= self._evaluate_together(equal[k : k + each])
        return torch.stack([answers[question] for question in questions], dim=1)

    def _evaluate_together(self, groups: Sequence[Sequence[Question]]) -> dict[Question, Tensor]:
        """Stack groups of equally many questions, each about one condition, into one call."""
        asked = [self._woven(group) for group in groups]
        z_t, t, noises = (torch.cat(parts) for parts in zip(*asked, strict=True))
        told = cat([self.embedding(group[0].condition) for group in groups])
        errors = mean_square(self.target.eps(z_t, t, told) - noises)
        columns = errors.view(len(groups), -1, len(groups[0])).transpose(1, 2).flatten(0, 1)
        return dict(zip([question for group in groups for question in group], columns, strict=True))

    def _differentiate(self, questions: Sequence[Question]) -> GradientNorms:
        z_t, t, noises = self._woven(questions)
        told = self.embedding(questions[0].condition).repeated(len(questions))
        return self.target.white_box().norms(z_t, t, told, noises, len(questions))

    def _woven(self, questions: Sequence[Question]) -> tuple[Tensor, ...]:
        """z_t, t and ε of B·Q rows, ordered record by record."""
        asked = [self.rows(question) for question in questions]
        z_t, t, _, noises = zip(*asked, strict=True)
        return tuple(torch.stack(part, dim=1).flatten(0, 1) for part in (z_t, t, noises))

    def rows(self, question: Question) -> tuple[Tensor, Tensor, Embedding, Tensor]:
        """z_t, t, embedding and ε of one question, each with B rows."""
        z_0, eps = self.view(question.view), self.noise(question.t, question.draw)
        t = as_steps(question.t, z_0)
        return diffuse(z_0, eps, *alpha_sigma(t)), t, self.embedding(question.condition), eps

    def _embed(self, condition: Condition) -> Embedding:
        if condition.noise_rate:
            return self._noised(condition)
        importances = self._importance.of(condition)
        pairs = list(zip(self.batch.captions, importances, strict=True))
        wordings: list[list[str]] = []
        for mask in self.target.mask_tokens:
            wordings.append([condition.text(caption, words, mask) for caption, words in pairs])
        return self.target.embed(*wordings)

    def _noised(self, condition: Condition) -> Embedding:
        """The caption's embedding, each of its tensors noised by a stream of its own."""
        rate = condition.noise_rate
        base = CAPTION if condition.given is None else Given(condition.given)

        def draw(name: str, shape: torch.Size) -> Tensor:
            stream = f"embedding/{rate}" if name == "tokens" else f"embedding/{rate}/{name}"
            return noise(self.seed, self.batch.ids, stream, shape[1:])

        return self.embedding(base).noised(rate, draw)


def _groups(questions: Sequence[Question]) -> list[list[Question]]:
    """Questions about one condition side by side, at most `TOGETHER`."""
    by_condition: dict[Condition, list[Question]] = {}
    for question in questions:
        by_condition.setdefault(question.condition, []).append(question)
    return [
        each[k : k + TOGETHER]
        for each in by_condition.values()
        for k in range(0, len(each), TOGETHER)
    ]
