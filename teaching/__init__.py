"""For teachers: hand out the project, and grade submissions. Run as `python -m teaching`."""
