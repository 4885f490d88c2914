# SPDX-License-Identifier: CC0-1.0
"""Which lines of the reference each case executes. A mutant can only change the cases that execute what it changes."""

import sys

import vectors
from reference import MODULES, STEPS


class Coverage:
    """The lines of each case, and its number of steps; the unchanged reference runs every case twice."""

    def __init__(self, reference, cases):
        self.by_line = {}
        self.all = set(range(len(cases)))
        self.trees = reference.trees
        modules = reference.load()
        files = {f"{name}.py": name for name in MODULES}
        for number, case in enumerate(cases):
            # The first run fills the caches, so that the slow functions are not traced.
            case.steps = 10**9
            verdict = case.run(modules)
            if case.differs(verdict):
                raise SystemExit(f"the reference does not agree with {case.name}: {verdict}, not {case.expected}")
            lines = set()

            def trace(frame, event, _):
                name = files.get(frame.f_code.co_filename)
                if name is None:
                    return None
                lines.add((name, frame.f_lineno))
                return trace

            sys.settrace(trace)
            try:
                case.run(modules)
            finally:
                sys.settrace(None)
            case.steps = STEPS.taken * vectors.STEPS_TIMES + vectors.STEPS_MORE
            for line in lines:
                self.by_line.setdefault(line, set()).add(number)

    def reached(self, mutant):
        """The numbers of the cases that execute a line of the mutant's; all, if it changes what is outside of functions."""
        if mutant.lines is None:
            return self.all
        reached = set()
        for module, line in mutant.places():
            reached |= self.by_line.get((module, line), set())
        return reached


