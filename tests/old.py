"""The JSON of a run folder from before it carried a version, cut to what differs in kind."""

from typing import Any

MADE: dict[str, Any] = {
    "created": "2026-11-25T01:58:57+00:00",
    "commit": None,
    "python": "3.11.7",
    "platform": "Linux-x86_64",
    "device": "cpu",
    "packages": {"torch": "2.13.0+cpu", "lightning": "2.6.6"},
}
CONFIG: dict[str, Any] = {
    "name": "id",
    "target": {"path": "demo", "variant": None},
    "finetune": {"batch_size": 16, "min_snr_gamma": 5.0},
    "trainer": {"max_steps": 40, "accumulate_grad_batches": 2},
}
FACTS: dict[str, Any] = {
    "seed": 0,
    "role": "target",
    "split": "0fadfff2",
    "base": "354c8b72",
    "processes": 1,
    "data.resolution": None,
    "data.random_crop": False,
    "finetune.batch_size": 16,
    "finetune.min_snr_gamma": 5.0,
    "trainer.accumulate_grad_batches": 2,
    "defenses.random_resized_crop": "RandomResizedCrop",
    "defenses.random_resized_crop.scale": [0.8, 1.0],
}
NOTE: dict[str, Any] = {
    "facts": FACTS,
    "base": "/somewhere/lit_clid/demo/pipeline",
    "steps": 20,
    "val_loss": 0.125,
    "stopping": {
        "ended_by": "privacy budget",
        "ended_at": 40,
        "exported_from": 20,
        "val_loss": 0.125,
        "probe_auroc": 0.5625,
    },
    "privacy": {
        "epsilon": 7.5,
        "delta": 0.0625,
        "noise_multiplier": 2.0,
        "max_grad_norm": 1.0,
        "sample_rate": 0.5,
        "accountant": "rdp",
        "neighbours": "add or remove one member",
        "secret": False,
    },
    **MADE,
    "config": CONFIG,
}
CLAIMS: dict[str, Any] = {
    "seed": 0,
    "split": "0fadfff2",
    "importance": None,
    "resolution": 64,
    "model": "15bdf5b4",
    "precision": "32",
    "posterior": "mean",
    "attacks": {
        "loss": {"kind": "Loss", "condition": "caption", "t": [450], "draws": 1},
        "pfami": {"kind": "PFAMI", "condition": "caption", "crops": [0.95], "scale": "relative"},
    },
}
ATTACKS: dict[str, Any] = {
    "loss": {
        "title": "Loss",
        "columns": ["loss"],
        "rule": "first",
        "queries": 1,
        "backward": 0,
        "evaluated": 1,
    },
    "pfami": {
        "title": "PFAMI",
        "columns": ["pfami"],
        "rule": "first",
        "queries": 2,
        "backward": 0,
        "evaluated": 1,
    },
}
ABOUT: dict[str, Any] = {
    **MADE,
    "model": "/somewhere/runs/id/target",
    "skipped": ["a.png (row 1): empty caption"],
    "captions_cut_by_the_tokenizer": 0,
    "queries": {
        "records": 4,
        "per_record": 2,
        "per_record_one_by_one": 3,
        "backward_per_record": 0,
        "total": 8,
        "backward_total": 0,
    },
    "training": NOTE,
    "config": CONFIG,
    "claims": CLAIMS,
    "attacks": ATTACKS,
}
