"""What every call passes before a servicer sees it."""
