"""Submissions that measure the student tests: wrong ones to catch, and right ones to accept.

`right/` has whole files that keep the contract but are written otherwise. `wrong/` has a module for
each file of the assignment: its entries differ from the model solution in one idea each, and break
what the file's docstrings promise in a way that shows when the code runs.
"""

from typing import NamedTuple


class Wrong(NamedTuple):
    """One wrong submission, made from the model solution.

    Attributes:
        name: unique among those of its file.
        idea: what is wrong, or what the student believes.
        changes: (old, new), replaced in order; each old passage is there exactly once.
        beyond: it keeps the contract, and lacks only what is beyond.
    """

    name: str
    idea: str
    changes: list[tuple[str, str]]
    beyond: bool = False

    def applied_to(self, source: str) -> str:
        """The model solution's source with the changes.

        Raises:
            ValueError: a passage to be changed is not there exactly once.
        """
        for old, new in self.changes:
            if (count := source.count(old)) != 1:
                raise ValueError(
                    f"{self.name}: the model solution has this {count} times, not once: {old!r}"
                )
            source = source.replace(old, new)
        return source
