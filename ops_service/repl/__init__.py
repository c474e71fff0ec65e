"""Runs code from a caller: compile, run, capture output, bound everything.

A caller who may evaluate controls the process. The bounds here limit accidents and
are not a sandbox. Knows neither gRPC nor protobuf.
"""
