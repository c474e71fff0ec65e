"""The checks that every call passes before a servicer sees it."""
