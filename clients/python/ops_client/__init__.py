"""Typed clients of the ops_service maintenance port."""
