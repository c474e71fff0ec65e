"""The commands of opsctl, one a file."""
