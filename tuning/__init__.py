"""Searches over the model's settings with KerasTuner."""

__all__: list[str] = []
