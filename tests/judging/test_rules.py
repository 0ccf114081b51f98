"""Rules against their equations."""

import numpy as np
from sklearn.metrics import roc_auc_score
from tables import clid_columns

from lit_clid.judging.rules import RobustMix


def test_robust_mix_is_its_equation() -> None:
    columns, member = clid_columns(0, 1.0)
    rule = RobustMix().fit(columns, member)
    parts = np.stack([columns[:, :2].mean(1), columns[:, 2]], 1)
    q25, q50, q75 = np.percentile(parts, [25, 50, 75], axis=0)
    scaled = (parts - q50) / (q75 - q25)
    np.testing.assert_allclose(
        rule.score(columns), rule.alpha * scaled[:, 0] + (1 - rule.alpha) * scaled[:, 1]
    )
    best = max(
        range(11),
        key=lambda k: roc_auc_score(member, k / 10 * scaled[:, 0] + (1 - k / 10) * scaled[:, 1]),
    )
    assert rule.alpha == best / 10
