"""A small shop, as a host for the maintenance port. It has one leak."""
