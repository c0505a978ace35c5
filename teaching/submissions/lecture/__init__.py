"""Submissions for the lecture's files, `scene_recog/lecture/`.

`wrong/` has a module for each file, as for the assignment. A file in `right/<file>/` has some
functions of this file, written otherwise; they are put behind those of the model solution.
"""
