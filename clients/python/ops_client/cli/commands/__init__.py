"""The commands of opsctl, one per file."""
