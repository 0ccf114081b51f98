"""The gauge of a run's own training, on the members and hold-outs of its split."""

from lightning import LightningModule

from lit_clid.commands.gauge.callback import Gauge
from lit_clid.commands.gauge.measure import Measure
from lit_clid.commands.reading import Settings
from lit_clid.data.split import Split
from lit_clid.models.target import Target
from lit_clid.training.averaging import averaging
from lit_clid.training.module import FineTune
from lit_clid.training.preparation import Members


def gauge_of(config: Settings, split: Split) -> Gauge | None:
    """What `gauge:` asks for: the (averaged) weights that are validated and exported.

    Raises:
        UserError: for an attack that cannot be asked in training.
    """
    options, role = config.gauge, config.role
    if options.every is None:
        return None
    measure = Measure(options.attack, options.probe, config.seed)
    measure.check("gauge")
    name = "gauge-training" if role == "target" else f"gauge-training-{role}"
    return Gauge(
        Members(split, config.data, role),
        measure,
        options.every,
        _target,
        "trained" if averaging(config.finetune) is None else "averaged",
        config.folder / name,
    )


def _target(module: LightningModule) -> Target:
    assert isinstance(module, FineTune)
    return module.target
