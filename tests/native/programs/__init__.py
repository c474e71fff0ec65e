"""Code that runs in the host process of the walker's tests: `serve` calls it."""
