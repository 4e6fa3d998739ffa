"""The settings of a training: frozen dataclasses, their checks, the recipe. Nothing heavy is imported."""
