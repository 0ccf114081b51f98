"""What each command says of itself; loads nothing, so that `--help` answers at once.

`{call}` stands for the words that started the command.
"""

INIT = """usage: {call} RECORDS [model=MODEL] [lora=FILE] [suspects=RECORDS] [out=FILE]

Look at a folder, file or hub id of records, and at a model, and write the configuration for them,
with what was found as comments. Without a model: the embedded base. With suspects, or with a LoRA
of somebody's on the model: the configuration of an audit alone.
example: {call} my-images model=stable-diffusion-v1-5/stable-diffusion-v1-5 out=mine.yaml"""

CHECK = """usage: {call} [config.yaml ...] [key=value ...]

Say which records play which part, and what training and audit would take on this machine: queries,
time for each phase, memory, disk. Some optimiser steps and calls are made and thrown away; with
check=true train and audit do the same, and with dry_run=true they say what they can without
loading a model.
example: {call} configs/folder.yaml data.path=my-images"""

TRAIN = """usage: {call} [config.yaml ...] [key=value ...]

Fine-tune `target.path` on the members of `role` (target or shadow) and export runs/NAME/ROLE as a
diffusers folder. Without a config: the embedded demo. Interrupted runs go on from their last
checkpoint. Defenses are further configs: configs/defenses/*.yaml, as many as wanted.
example: {call} configs/demo.yaml configs/defenses/crop_flip.yaml role=shadow name=mine"""

AUDIT = """usage: {call} [config.yaml ...] [key=value ...]

Audit runs/NAME/target, calibrated on runs/NAME/shadow and compared with the base it was tuned from,
or the models `audit.target`, `audit.shadow` and `audit.reference`. With scores=PATH (parquet or
CSV: id, member, signals; larger = more member-like) judge a table without any model. A pattern in
audit.target gauges several models: AUROC and held-out loss against their steps, in
runs/NAME/gauge.svg. Interrupted audits go on where they stopped.
example: {call} configs/demo.yaml attacks=[loss,clid_th] audit.batch_size=32"""

SWEEP = """usage: {call} [config.yaml ...] [key=value ...]

Ask runs/NAME/shadow about its records at every timestep of `sweep.t`, with `sweep.draws` draws of
noise each and one without, and write runs/NAME/sweep/attacks.yaml, the timesteps that told its
members best. The target is not asked.
example: {call} configs/demo.yaml"""

EXPERIMENT = """usage: {call} [config.yaml ...] [key=value ...]

Train every cell of `grid:` that is missing (defenses × seeds), audit it at its checkpoints and its
end, and write runs/NAME/comparison.html, .json, .md and figures. The same command goes on where it
stopped; a failed cell is reported and the others go on. Under torchrun or SLURM all processes work
on each cell; grid.part=k/n gives n jobs a share each.
example: {call} configs/demo.yaml configs/experiments/defenses.yaml grid.dry_run=true"""

JUDGE = """usage: {call} RUN|TABLE [headline=NAME] [baseline=NAME] [shadow_scores=FILE] [name=NAME]

Say again what a run's tables show, or judge a table from elsewhere (as audit with scores=TABLE
does) into runs/NAME, by default called like the table; no model is asked. `baseline` compares every
other attack with one of them on the same records, in RUN/versus-NAME.csv and .tex.
example: {call} runs/demo baseline=clid_th"""

COMPARE = """usage: {call} RUN RUN [RUN ...] [out=FOLDER]

Every attack's AUROC in several runs, and how it differs from that in the first, paired where the
runs are graded on the same records. `out` writes compare.csv, compare.md and compare.tex.
example: {call} runs/demo runs/careful out=tables"""

VERIFY = """usage: {call} RUN [scores=FILE] [shadow_scores=FILE]

Derive every value of RUN/report.json again from RUN/scores, or from the table that the report is
of, and say whether they agree; no model is asked.
example: {call} runs/demo"""

PUSH = """usage: {call} RUN to=OWNER/NAME [private=false] [model=true] [page=true]

Upload what an audit says to a model repository of the hub, which is made if there is none: the
card with the report in words and its figures as metadata, results.csv and the ROC. The repository
is private; a public one is refused unless private=false says that it may be. model=true uploads
RUN/target too, which can repeat what it was trained on; page=true uploads report.html and
report.json as they are, which name records and hold the configuration with its paths. A report
that names groups is pushed only so. The token is the hub's own (hf auth login, or HF_TOKEN).
example: {call} runs/demo to=me/critters model=true"""

LIST = """usage: {call} [attacks|defenses|families|rules]

Name what there is, one line each.
example: {call} attacks"""

EXPLAIN = """usage: {call} KEY [KEY ...] [config.yaml ...] [key=value ...]

Say what a key, or a section, means: its kind, its default, and which file or word of the
configuration sets it to what. Without a config: the embedded demo's.
example: {call} finetune.cache audit.rows"""
