"""What of a text is copied from another: an index, measures, and the tables that bar copying."""
