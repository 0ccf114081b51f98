"""Defense-evaluation experiments: defenses × seeds × checkpoints × attacks.

`lit-clid experiment` trains what is missing, audits it, and compares.
"""
