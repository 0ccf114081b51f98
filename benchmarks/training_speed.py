"""How much faster is training than a plain loop of its kind? `python benchmarks/training_speed.py`.

The plain loop does what the text-to-image example of diffusers does at every step: images through
the VAE, captions through the text encoder, a draw of noise and t, the loss, a clipped AdamW step.
Ours trains the same parameters of the same model on the same records, through Lightning, with
latents and embeddings kept. Both are timed over the same number of steps, ours with all it does
before the first one; the ratio is of one run, rounds taken in turn.
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch

from lit_clid.commands.reading import Settings, read
from lit_clid.commands.splits import split_of
from lit_clid.commands.trainings import plan_training
from lit_clid.data.module import CaptionedImages
from lit_clid.models.load import load_target
from lit_clid.training.chosen import choose
from lit_clid.training.facts import training_facts
from lit_clid.training.preparation import Members, prepare


def plain(config: Settings, steps: int) -> float:
    """Seconds of the plain loop."""
    split = split_of(config, "demo")
    target = load_target("demo", channels_last=False)
    pipe, options = target.pipeline, config.finetune
    choose(pipe.unet, target.family, options)
    trained = [p for p in pipe.unet.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, options.learning_rate)
    size, side = options.batch_size, target.side(None)
    data = CaptionedImages(split, config.data, "target", seed=0, side=side, batch_size=size)
    records, dice = data.members, torch.Generator().manual_seed(0)
    pipe.unet.train()
    start = time.perf_counter()
    for _ in range(steps):
        rows = torch.randint(len(records), (size,), generator=dice).tolist()
        images, captions = records.images(rows), [records.caption(row) for row in rows]
        with torch.no_grad():
            z_0 = pipe.vae.encode(images).latent_dist.sample() * pipe.vae.config.scaling_factor
            told = pipe.tokenizer(
                captions, padding="max_length", truncation=True, max_length=77, return_tensors="pt"
            )
            condition = pipe.text_encoder(told.input_ids)[0]
        eps, t = torch.randn_like(z_0), torch.randint(0, 1000, (size,))
        output = pipe.unet(pipe.scheduler.add_noise(z_0, eps, t), t, condition).sample
        loss = torch.nn.functional.mse_loss(output, eps)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return time.perf_counter() - start


def ours(config: Settings) -> float:
    """Seconds of our own training, from its first look at the records to its last step."""
    split = split_of(config, "demo")
    target = load_target("demo", channels_last=False)
    plan = plan_training(config, split, config.trainer)
    facts = training_facts(config, split.fingerprint, target.fingerprint, 1)
    start = time.perf_counter()
    members = Members(split, config.data, "target")
    ready = prepare(target, members, config.finetune, config.seed, facts, defenses=plan.defenses)
    plan.trainer.fit(ready.module, ready.data)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    ratios: list[float] = []
    for number in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            words = [f"runs={Path(folder)}", f"trainer.max_steps={arguments.steps}"]
            words += ["finetune.samples=0", "trainer.enable_progress_bar=false"]
            words += [f"finetune.validate_every={10 * arguments.steps}"]
            config = read(words)
            slow, fast = plain(config, arguments.steps), ours(config)
        ratios.append(slow / fast)
        each = [f"{1000 * seconds / arguments.steps:.1f}" for seconds in (slow, fast)]
        print(f"round {number}: plain {each[0]} ms a step, ours {each[1]}: {ratios[-1]:.2f} ×")
    ratios.sort()
    middle = ratios[len(ratios) // 2]
    print(f"ratio {middle:.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}), {arguments.rounds} rounds")


if __name__ == "__main__":
    main()
