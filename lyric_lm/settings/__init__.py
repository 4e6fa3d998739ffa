"""The settings of a training: frozen dataclasses, their checks, the recipe. Nothing heavy is imported."""

from lyric_lm.settings.config import (
    CorpusConfig,
    DashboardConfig,
    ModelConfig,
    OptimizerConfig,
    ReportConfig,
    RunConfig,
    SamplingConfig,
    TrainConfig,
)
from lyric_lm.settings.recipe import generalize

__all__ = [
    "CorpusConfig",
    "DashboardConfig",
    "ModelConfig",
    "OptimizerConfig",
    "ReportConfig",
    "RunConfig",
    "SamplingConfig",
    "TrainConfig",
    "generalize",
]
