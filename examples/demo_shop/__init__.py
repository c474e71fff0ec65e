"""A small shop that hosts the maintenance port. It has one leak."""
