"""Importance of a caption's words: the user's, or how far the embedding moves without the word.

The paper's own word-importance files were never released; this choice asks no denoiser query.
"""

from collections.abc import Sequence

from lit_clid.auditing.conditions import Condition, leave_one_out
from lit_clid.auditing.questions import Batch
from lit_clid.models.target import Target


class Importance:
    """Importance of the words of a batch's captions, derived once and only if it is asked for.

    Each record is embedded on its own, so that no other record of the batch can tip a close call.
    """

    def __init__(self, target: Target, batch: Batch) -> None:
        self._target, self._batch = target, batch
        self._own: list[Sequence[float]] | None = None

    def of(self, condition: Condition) -> Sequence[Sequence[float] | None]:
        """A number for every word that `condition` may mask, per record; None if it masks none."""
        records = len(self._batch.ids)
        if not condition.needs_importance:
            return [None] * records
        if condition.given is not None:
            return [self._derived(condition.given)] * records
        if self._own is None:
            given = self._batch.importance or (None,) * records
            pairs = zip(self._batch.captions, given, strict=True)
            self._own = [self._derived(text) if words is None else words for text, words in pairs]
        return self._own

    def _derived(self, caption: str) -> list[float]:
        """‖e(c) − e(c without the word)‖₂ of the pooled embedding e."""
        vectors = self._target.pooled(leave_one_out(caption))
        moved: list[float] = (vectors[1:] - vectors[0]).norm(dim=1).tolist()
        return moved
