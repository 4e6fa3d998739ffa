"""Where a training runs: a frozen dataclass whose fields are flags. Imports nothing heavy."""

import dataclasses
import re
from typing import Literal


@dataclasses.dataclass(frozen=True)
class DeviceConfig:
    """What it runs on."""

    # let devices share each batch: this machine's, or those of the cluster in TF_CONFIG; None: one device
    strategy: Literal["mirrored", "multiworker"] | None = None
    devices: tuple[str, ...] = ()  # this machine's that take part, as GPU:0 GPU:1; none named: all its GPUs

    def __post_init__(self) -> None:
        for name in self.devices:
            if not re.fullmatch(r"(CPU|GPU):\d{1,3}", name) or self.devices.count(name) > 1:
                raise ValueError(
                    "`devices` must name devices as GPU:0 or CPU:1, each of them once. Received: "
                    f"devices={' '.join(self.devices)}"
                )
        if self.devices and self.strategy != "mirrored":
            raise ValueError(
                "`devices` needs strategy=mirrored; a worker of a cluster uses all GPUs that "
                f"CUDA_VISIBLE_DEVICES leaves it. Received: strategy={self.strategy}"
            )
