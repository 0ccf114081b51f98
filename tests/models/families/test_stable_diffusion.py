from pathlib import Path

from lit_clid.models.load import load_target


def test_the_end_token_is_one_token(pipeline_folder: Path) -> None:
    tokenizer = load_target(str(pipeline_folder)).pipeline.tokenizer
    assert (
        len(tokenizer("a red").input_ids)
        == len(tokenizer(f"a {tokenizer.eos_token}").input_ids)
        == 4
    )
