"""Writing on from a prefix: `generate`, its samplers and the rules they obey."""
