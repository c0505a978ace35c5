"""For teachers: hand the project out, and grade what comes back. Run as `python -m teaching`."""
