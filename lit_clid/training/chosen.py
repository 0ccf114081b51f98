"""What of a network a recipe trains."""

from typing import Any

from lit_clid.config.options.training import FineTuneOptions
from lit_clid.models.families import Family
from lit_clid.models.lora import add_lora


def choose(network: Any, family: Family, options: FineTuneOptions, seed: int = 0) -> None:
    """Make what `options.train` names of a network want gradients, LoRA's factors added if need be.

    Raises:
        UserError: if the family has no such group.
    """
    family.check_group(options.train)
    if options.train == "lora":
        add_lora(network, family.lora, options.lora_rank, options.lora_alpha, seed)
    else:
        parts = family.groups[options.train]
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(any(part in name for part in parts))
    for name, parameter in network.named_parameters():
        if family.is_idle(network, name):  # processes would wait for its gradient
            parameter.requires_grad_(False)
    if options.gradient_checkpointing:
        network.enable_gradient_checkpointing()
