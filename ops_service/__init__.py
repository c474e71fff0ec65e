"""A private maintenance port inside a running Python process."""
