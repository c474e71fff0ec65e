"""Runs code that a caller sent: compile, run, capture output, bound everything.

Whoever may evaluate controls the process; the bounds here keep accidents
small and are no sandbox. Knows neither gRPC nor protobuf.
"""
