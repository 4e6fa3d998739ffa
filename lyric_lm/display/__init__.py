"""Pictures of a run, and the fonts that its characters need."""
