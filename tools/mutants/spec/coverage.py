# SPDX-License-Identifier: CC0-1.0
"""Which lines of the reference each case executes. A mutant can only change the cases that execute what it changes."""

import sys
import time

import vectors
from reference import CACHED, MODULES, STEPS


class Coverage:
    """The lines of each case, its number of steps and its time; the unchanged reference runs every case twice."""

    def __init__(self, reference, cases):
        self.by_line = {}
        self.all = set(range(len(cases)))
        self.trees = reference.trees
        modules = reference.load()
        behind = lines_behind_caches(reference)
        files = {f"{name}.py": name for name in MODULES}
        for number, case in enumerate(cases):
            # The first run fills the caches, so that the slow functions are not traced. What they execute is known.
            case.steps = 10**9
            reference.called.clear()
            verdict = case.run(modules)
            if case.differs(verdict):
                raise SystemExit(f"the reference does not agree with {case.name}: {verdict}, not {case.expected}")
            lines = {line for name in reference.called for line in behind[name]}

            def trace(frame, event, _):
                name = files.get(frame.f_code.co_filename)
                if name is None:
                    return None
                lines.add((name, frame.f_lineno))
                return trace

            began = time.perf_counter()
            sys.settrace(trace)
            try:
                case.run(modules)
            finally:
                sys.settrace(None)
            case.seconds = time.perf_counter() - began
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


def lines_behind_caches(reference):
    """The lines of the definitions that each cached function depends on."""
    behind = {}
    for module, functions in CACHED.items():
        nodes = {node.name: node for node in reference.trees[module].body if hasattr(node, "name")}
        for name, needed in functions.items():
            spans = [range(nodes[part].lineno, nodes[part].end_lineno + 1) for part in needed]
            behind[name] = {(module, line) for span in spans for line in span}
    return behind
