"""The sweep: which timesteps and draws tell members best on the shadow model, and a config that
uses them.
"""

from lit_clid.commands.sweep.choose import Choice, Losses, choose, read_losses
from lit_clid.commands.sweep.grid import Grid

__all__ = ["Choice", "Grid", "Losses", "choose", "read_losses"]
