"""A replay: answers from a sweep's table of losses instead of a model's.

The table (`losses.Grid`) has ℓ_{t,draw}(c) under the caption and under the empty caption; every
other condition than the caption is answered with the empty caption's, a proxy.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from lit_clid.auditing.conditions import CAPTION, Condition
from lit_clid.auditing.oracle import Oracle
from lit_clid.auditing.questions import Question
from lit_clid.auditing.views import WHOLE
from lit_clid.models.gradients import GradientNorms

Asked = tuple[int, str, str]
"""(t, draw, "caption" or "empty")."""


class Replay(Oracle):
    """Answers about the N records of a table, in float64.

    Args:
        losses: (t, draw, condition) → ℓ (N,).

    Raises:
        ValueError: for a question that the table does not answer: any but those about its losses.
            The attack is the text's subject.
    """

    def __init__(self, losses: Mapping[Asked, np.ndarray]) -> None:
        self._losses = losses

    def errors(self, questions: Sequence[Question]) -> Tensor:
        answers = [torch.from_numpy(self._loss(question)) for question in questions]
        return torch.stack(answers, dim=1)

    def _loss(self, question: Question) -> np.ndarray:
        if question.view != WHOLE:
            raise ValueError("asks about views of the image, which a table of losses cannot answer")
        condition = "caption" if question.condition == CAPTION else "empty"
        asked = question.t, question.draw, condition
        if asked not in self._losses:
            where = f"t = {question.t}, draw {question.draw or 0}"
            raise ValueError(f"asks for {where}, which the table does not have")
        return self._losses[asked]

    @property
    def latents(self) -> Tensor:
        raise self._no("latents")

    def clean(self, t: int, condition: Condition = CAPTION) -> Tensor:
        raise self._no("answers on the clean latent")

    def eps(self, z: Tensor, t: int, condition: Condition = CAPTION) -> Tensor:
        raise self._no("answers to latents of its own")

    def noise(self, t: int, draw: str = "") -> Tensor:
        raise self._no("noise")

    def gradient_norms(
        self, t: Sequence[int], condition: Condition, backward: int
    ) -> GradientNorms:
        raise self._no("gradients")

    def _no(self, what: str) -> ValueError:
        return ValueError(f"needs {what}, which a table of losses cannot answer")
