"""Where a training is logged: files of the run, and services if they are asked for."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import loggers as lightning

from lit_clid.errors import UserError

PACKAGES = {"wandb": "wandb", "mlflow": "mlflow"}
"""What is installed for the loggers that need more than is here."""


def make_loggers(names: Sequence[str], folder: Path) -> list[Any]:
    """Lightning's loggers by their names.

    Args:
        names: of "csv", "tensorboard", "wandb" and "mlflow".
        folder: of the role's logs; services are told the run's name and the role by it.

    Raises:
        UserError: if the package of one is missing.
    """
    run, role = folder.parent.parent.name, folder.name
    own = f"sqlite:///{(folder / 'mlflow.db').resolve()}"
    made: list[Any] = []
    for name in names:
        try:
            if name == "csv":
                made.append(lightning.CSVLogger(folder, name="csv"))
            elif name == "tensorboard":
                made.append(lightning.TensorBoardLogger(folder, name="tensorboard"))
            elif name == "wandb":
                made.append(
                    lightning.WandbLogger(name=f"{run}-{role}", project="lit-clid", save_dir=folder)
                )
            else:
                folder.mkdir(parents=True, exist_ok=True)  # of its database
                made.append(
                    lightning.MLFlowLogger(
                        experiment_name="lit-clid",
                        run_name=f"{run}-{role}",
                        tracking_uri=os.environ.get("MLFLOW_TRACKING_URI", own),
                    )
                )
        except ModuleNotFoundError as error:
            package = PACKAGES.get(name, name)
            raise UserError(
                f"finetune.loggers: {name} needs a package ({error.name or package}): pip install "
                f"{package}"
            ) from None
    return made
