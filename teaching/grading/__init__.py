"""Grading: the tests run here, and the student's code runs in a sandbox."""
