# Generated from _async/__init__.py by tools/generate_sync_client.py. Do not edit.
"""The client."""
