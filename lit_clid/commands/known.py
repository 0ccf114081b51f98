"""Attacks and defenses by name, those of plug-ins too."""

from lit_clid.auditing.attacks import ATTACKS, Attack
from lit_clid.plugins import Plugged
from lit_clid.training.defenses import DEFENSES, Defense

KNOWN_ATTACKS = Plugged(ATTACKS, "attack", Attack)
KNOWN_DEFENSES = Plugged(DEFENSES, "defense", Defense)
