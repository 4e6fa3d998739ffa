"""Run folders: what a training leaves behind, each file complete or absent."""
