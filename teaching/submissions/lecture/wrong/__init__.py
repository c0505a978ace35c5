"""Wrong submissions, a module for each file of the lecture; in the order of its passages."""
