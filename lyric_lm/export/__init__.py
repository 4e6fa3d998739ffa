"""The model in other formats, each checked against the model before it is put in place."""

from lyric_lm.export.bundle import export_model

__all__ = ["export_model"]
