"""The watch that runs without a caller, its history, and what it does by rule."""
