"""A replay answers what its table has, and says what it has not."""

import numpy as np
import pytest
from sweeps import losses

from lit_clid.auditing.attacks import PFAMI, PIA, SimA
from lit_clid.auditing.questions import STILL, Question
from lit_clid.auditing.replay import Replay


def test_a_replay_answers_losses_only() -> None:
    replay = Replay(losses(400).cells)
    for attack, message in ((SimA((100,)), "clean latent"), (PIA(100), "clean latent")):
        with pytest.raises(ValueError, match=message):
            attack.signal(replay)
    with pytest.raises(ValueError, match="views of the image"):
        PFAMI((100,)).signal(replay)


@pytest.mark.parametrize(
    ("question", "named"),
    [
        (Question(401), "t = 401, draw 0"),
        (Question(400, draw="2"), "t = 400, draw 2"),
        (Question(200, draw=STILL), "t = 200, draw still"),
    ],
)
def test_a_question_off_the_table_is_named(question: Question, named: str) -> None:
    table = {(200, "", "caption"): np.ones(1), **losses(400).cells}
    del table[200, STILL, "caption"]
    with pytest.raises(ValueError, match=f"^asks for {named}, which the table does not have$"):
        Replay(table).errors([Question(300), question])
