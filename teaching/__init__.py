"""What a teacher needs, and students do not get."""
