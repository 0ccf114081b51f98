"""Defense-evaluation experiments: defenses × seeds × checkpoints × attacks.

`python -m lit_clid.experiment` trains what is missing, audits it, and compares.
"""
