"""What may be said of records whose membership nobody knows: the suspects, beside hold-outs.

Under the null hypothesis a suspect is exchangeable with the hold-outs. All functions take scores,
larger = more member-like, and know nothing of models or tables.
"""
