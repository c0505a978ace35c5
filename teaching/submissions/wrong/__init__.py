"""Wrong submissions, a module for each file of the assignment; in the order of its passages."""
