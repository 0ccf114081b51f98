"""The audit loop: `Auditor` answers batches in `trainer.predict` and leaves one shard of signals per batch.

A rerun asks only about the records that have no shard yet; `audit` merges the shards once all ranks are done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor

from lit_clid.attacks import Attack, column_names
from lit_clid.data import ROLES, CaptionedImages, Split
from lit_clid.diffusion import Target
from lit_clid.errors import UserError, few
from lit_clid.oracle import Count, Oracle, Records
from lit_clid.provenance import provenance, refuse_changes
from lit_clid.rules import RULES
from lit_clid.scores import NOTE, Scores, merge, read_json, write_json, write_shard
from lit_clid.targets import PRECISIONS, check_target, locate
from lit_clid.targets.stable_diffusion import StableDiffusion
from lit_clid.trainer import make_trainer

CLAIMS = "claims.json"


@dataclass(frozen=True)
class AuditOptions:
    """How a model is asked.

    Args:
        target, shadow: models to audit, folders or hub ids; null means the run's own, and no shadow if there is none.
        batch_size: records per batch; never changes a score.
        rows: most rows per call of the denoiser; never changes a score.
        precision: of the denoiser, "32", "bf16" or "16"; errors are always taken in float32.
        posterior: "mean" of the VAE's posterior, or a "sample" of it with noise keyed by the record.
        channels_last, compile: how the denoiser runs.
    """

    target: str | None = None
    shadow: str | None = None
    batch_size: int = 64
    rows: int = 64
    precision: str = "32"
    posterior: str = "mean"
    channels_last: bool = True
    compile: bool = False

    def __post_init__(self) -> None:
        for key, value, allowed in (
            ("precision", self.precision, PRECISIONS),
            ("posterior", self.posterior, ("mean", "sample")),
        ):
            if value not in allowed:
                raise UserError(f"audit.{key}: {value!r} is not one of {', '.join(allowed)}")
        if self.batch_size < 1 or self.rows < 1:
            raise UserError("audit.batch_size, audit.rows: must be at least 1")


class Auditor(L.LightningModule):
    """Ask one model all attacks' questions about each batch.

    Args:
        target: the model under audit.
        attacks: by name.
        seed: of all noise.
        folder: where shards go.
        sample_latents: sample the VAE's posterior instead of taking its mean.
    """

    def __init__(
        self, target: StableDiffusion, attacks: Mapping[str, Attack], seed: int, folder: Path, sample_latents: bool
    ) -> None:
        super().__init__()
        self.target, self.attacks, self.seed, self.folder = target, attacks, seed, folder
        self.sample_latents = sample_latents
        self._broken: list[str] = []

    def on_predict_start(self) -> None:
        """TF32 rounds float32 convolutions to ten bits, differently for each batch shape; an audit wants float32."""
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        self.target.to(self.device)

    def predict_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        records = Records(tuple(batch["id"]), batch["image"], tuple(batch["caption"]), tuple(batch["importance"]))
        oracle = Oracle(self.target, records, self.seed, self.sample_latents)
        signals: dict[str, Tensor] = {}
        for name, attack in self.attacks.items():
            columns = attack.signal(oracle).double().cpu().unbind(1)
            signals |= dict(zip(column_names(name, attack), columns, strict=True))
        kept = self._finite(signals, records.ids)
        if kept:
            rows = {column: values[kept].numpy() for column, values in signals.items()}
            write_shard(self.folder, [records.ids[k] for k in kept], batch["member"].cpu().numpy()[kept], rows)

    def _finite(self, signals: Mapping[str, Tensor], ids: Sequence[str]) -> list[int]:
        """Rows without NaN or infinity; the others are remembered for the end, when all else is safe on disk."""
        good = torch.stack([torch.isfinite(values) for values in signals.values()])
        self._broken += [ids[k] for k in (~good.all(0)).nonzero().flatten().tolist()]
        kept: list[int] = good.all(0).nonzero().flatten().tolist()
        return kept

    def on_predict_epoch_end(self) -> None:
        """Every rank learns what any of them met, so that all end alike."""
        broken = [self._broken]
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            broken = [[] for _ in range(torch.distributed.get_world_size())]
            torch.distributed.all_gather_object(broken, self._broken)
        found = [name for rank in broken for name in rank]
        if found:
            raise UserError(
                f"the model answers NaN or infinity about {len(found)} records: {few(found, 5)}; look at them or, if "
                f"the denoiser runs in half precision, delete {self.folder} and set audit.precision=32; the rest "
                "is kept"
            )


class _Silent(Target):
    """Answers zeros without a network: for counting what the attacks ask."""

    timesteps, end_token, rows = 1000, "", 64

    def latent_shape(self, images: Tensor) -> tuple[int, int, int]:
        return 1, 1, 1

    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        return torch.zeros(len(images), 1, 1, 1)

    def embed(self, captions: Sequence[str]) -> Tensor:
        return torch.zeros(len(captions), 1, 2)

    def pooled(self, captions: Sequence[str]) -> Tensor:
        return torch.zeros(len(captions), 1)

    def eps(self, z_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        return torch.zeros_like(z_t)

    def schedule(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return torch.ones(len(t)), torch.ones(len(t))


def count_queries(attacks: Mapping[str, Attack]) -> dict[str, Count]:
    """Queries per record of each attack: as if it ran alone (`asked`), and sharing answers (`evaluated`)."""
    oracle = Oracle(_Silent(), Records(("a",), torch.zeros(1, 3, 1, 1), ("a caption of six short words",)))
    counts = {}
    for name, attack in attacks.items():
        attack.signal(oracle)
        counts[name] = oracle.count()
    return counts


def check_attacks(attacks: Mapping[str, Attack], timesteps: int) -> None:
    """Refuse, before any query, attacks that this model or this machine cannot serve."""
    for name, attack in attacks.items():
        RULES[attack.rule].check()
        try:
            attack.check(timesteps)
        except ValueError as error:
            raise UserError(f"attacks.{name}: {error}") from None


def describe_attacks(attacks: Mapping[str, Attack]) -> dict[str, Any]:
    """What the judgement needs to know of each attack: title, columns, rule and queries."""
    counts = count_queries(attacks)
    return {
        name: {
            "title": attack.title,
            "columns": list(column_names(name, attack)),
            "rule": attack.rule,
            "queries": counts[name].asked,
        }
        for name, attack in attacks.items()
    }


@dataclass(frozen=True)
class Claims:
    """What a table of signals was made with; a table is never filled up under other claims."""

    seed: int
    split: str
    importance: str | None
    resolution: int
    model: str
    precision: str
    posterior: str
    attacks: dict[str, Any]


def claim(
    target: StableDiffusion, split: Split, attacks: Mapping[str, Attack], options: AuditOptions, seed: int, side: int
) -> Claims:
    """State what the signals will be made with."""
    specs = {name: {"kind": type(attack).__name__, **_plain(attack)} for name, attack in attacks.items()}
    return Claims(
        seed, split.fingerprint, split.importance, side, target.fingerprint, options.precision, options.posterior, specs
    )


def _plain(attack: Attack) -> dict[str, Any]:
    """The attack's fields as JSON would give them back."""
    fields: dict[str, Any] = asdict(attack)  # type: ignore[call-overload]
    return {key: list(value) if isinstance(value, tuple) else value for key, value in fields.items()}


def finished_scores(path: Path, claims: Claims) -> Scores | None:
    """The table at `path` if it is complete; UserError if it, or the shards beside it, were made otherwise."""
    shards = shard_folder(path)
    if list(shards.glob("*.parquet")) and not (shards / CLAIMS).is_file():
        raise UserError(f"{shards}: shards of unknown making ({CLAIMS} is missing); delete the folder")
    for file in (shards / CLAIMS, path.with_suffix(".json")):
        if file.is_file():
            found = read_json(file)
            refuse_changes(_short(found.get("claims", found)), _short(asdict(claims)), str(file))
    return Scores.load(path) if path.is_file() else None


def _short(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Claims for comparison and messages: attacks by name, so that the line stays readable."""
    flat = {key: value for key, value in claims.items() if key != "attacks"}
    return {**flat, "attacks": sorted(claims["attacks"]), **{f"attacks.{n}": v for n, v in claims["attacks"].items()}}


def shard_folder(path: Path) -> Path:
    """Where the shards of the table `path` lie until they are merged."""
    return path.with_name(f"{path.stem}.shards")


def find_models(folder: Path, options: AuditOptions) -> dict[str, str]:
    """The models to audit by role: those named in `options`, else the run's own; there may be no shadow.

    Raises:
        UserError: if there is no target, a model lacks a part, or target and shadow were made by different recipes.
    """
    models = {}
    for role, named in (("target", options.target), ("shadow", options.shadow)):
        if named is not None:
            models[role] = named
        elif (folder / role / "model_index.json").is_file():
            models[role] = str(folder / role)
    if "target" not in models:
        raise UserError(
            f"{folder / 'target'}: no trained target; run train.py with the same config first, or name a model with "
            "audit.target=FOLDER or a hub id"
        )
    for model in models.values():
        check_target(model)
    notes = {role: read_note(model) for role, model in models.items()}
    if all(notes.get(role) for role in ROLES):
        recipes = [{k: v for k, v in notes[role]["facts"].items() if k != "role"} for role in ROLES]
        refuse_changes(recipes[1], recipes[0], f"shadow {models['shadow']}, compared with target {models['target']}")
    return models


def read_note(model: str) -> dict[str, Any]:
    """What train.py wrote beside the model it exported; empty for a model from elsewhere."""
    note = Path(locate(model)) / NOTE
    return dict(read_json(note)) if note.is_file() else {}


def check_split(models: Mapping[str, str], split: Split) -> None:
    """Refuse models that train.py made on another split, or for another role, than they are audited on."""
    for role, model in models.items():
        split.require(role)
        facts = read_note(model).get("facts")
        if facts:
            made = {"split": facts["split"], "role": facts["role"]}
            refuse_changes(made, {"split": split.fingerprint, "role": role}, model)


def announce(role: str, model: str, attacks: Mapping[str, Attack], pending: int, finished: int) -> str:
    """How many queries the audit of one model will make."""
    counts = count_queries(attacks)
    each = sum(count.evaluated for count in counts.values())
    alone = sum(count.asked for count in counts.values())
    done = f" ({finished} records were finished before)" if finished else ""
    shared = f"; asked one by one the {len(counts)} attacks would make {alone} per record" if alone > each else ""
    return f"{role} {model}: {pending} records × {each} queries = {pending * each:,} queries{done}{shared}"


def audit(
    target: StableDiffusion,
    split: Split,
    data: CaptionedImages,
    attacks: Mapping[str, Attack],
    claims: Claims,
    path: Path,
    trainer: L.Trainer,
    facts: Mapping[str, Any],
) -> Scores | None:
    """Ask about every pending record of `data`, merge the shards into the table `path`; None on ranks other than zero.

    Args:
        facts: added to the provenance beside versions, claims and attacks.
    """
    shards = shard_folder(path)
    if trainer.is_global_zero:
        write_json(shards / CLAIMS, asdict(claims))
    if 0 < len(data.audited) < trainer.world_size:
        raise UserError(
            f"{len(data.audited)} records are left for {trainer.world_size} processes; finish with trainer.devices=1"
        )
    if len(data.audited):
        module = Auditor(target, attacks, claims.seed, shards, claims.posterior == "sample")
        trainer.predict(module, data, return_predictions=False)
        trainer.strategy.barrier()
    if not trainer.is_global_zero:
        return None
    expected = {entry.id: entry.member for entry in split.of(data.role)}
    about = {**provenance(str(target.device)), **facts, "claims": asdict(claims), "attacks": describe_attacks(attacks)}
    scores = merge(shards, expected, about, str(path))
    scores.save(path)
    for file in [*shards.glob("*.parquet"), shards / CLAIMS]:
        file.unlink()
    shards.rmdir()
    return scores


def build_trainer(trainer: Mapping[str, Any], role: str) -> L.Trainer:
    """A trainer for `predict` with the user's accelerator, devices and strategy; the rest belongs to training."""
    kept = ("accelerator", "strategy", "devices", "num_nodes", "plugins", "enable_progress_bar")
    options = {key: value for key, value in trainer.items() if key in kept}
    fixed = {"logger": False, "enable_checkpointing": False, "enable_model_summary": False}
    return make_trainer({**options, **fixed}, f"auditing {role}")
