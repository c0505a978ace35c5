"""Grading: the tests run here, and the student's code answers them from a sandbox."""
