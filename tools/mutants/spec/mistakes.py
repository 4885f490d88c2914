# SPDX-License-Identifier: CC0-1.0
"""Reads the listed mistakes: changes of the reference's text.

Each line of a list has an `id`, the `rule` that the mistake breaks, the `file` of the reference, and the texts `old` and
`new`. `old` must occur exactly once in the file, or in the definition `in` if that is given. A mistake that needs several
changes has `also`, a list of further objects with `old`, `new` and perhaps `in`, for the same file.
"""

import ast
import functools
import json

from reference import parse, source


@functools.cache
def text_of_module(module):
    return source(module)


@functools.cache
def definitions(module):
    """The top-level definitions by name: the nodes, and where their texts start and end."""
    text = text_of_module(module)
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    nodes = [node for node in ast.parse(text).body if hasattr(node, "name")]
    return {node.name: (node, starts[node.lineno - 1], starts[node.end_lineno]) for node in nodes}


class Mistake:
    def __init__(self, record):
        self.id, self.rule, self.module = record["id"], record["rule"], record["file"].removesuffix(".py")
        self.changes = [record, *record.get("also", ())]
        # The lines whose execution the change may alter; None if it is outside of functions.
        self.lines, self.ranges, self.functions = None, [], set()

    def places(self):
        return [(self.module, line) for lines in self.ranges for line in lines]

    def spans(self):
        """The changes as [(start, end, new text)], the last first. Raises ValueError if one does not apply."""
        text, known, spans = text_of_module(self.module), definitions(self.module), []
        for change in self.changes:
            where = change.get("in")
            if where is not None and where not in known:
                raise ValueError(f"there is no definition {where}")
            first, last = known[where][1:] if where else (0, len(text))
            found = text.count(change["old"], first, last)
            if found != 1:
                raise ValueError(f"{change['old']!r} occurs {found} times in {where or self.module}")
            at = text.index(change["old"], first, last)
            spans.append((at, at + len(change["old"]), change["new"]))
        return sorted(spans, reverse=True)

    def apply(self):
        """The changed text. Remembers which lines of the original may have another effect."""
        text, self.ranges, self.functions, self.lines = text_of_module(self.module), [], set(), ()
        for start, end, new in self.spans():
            around = [node for node, first, last in definitions(self.module).values() if first <= start < last]
            if around and isinstance(around[0], ast.FunctionDef):
                # Any case that enters the function: a change may add lines anywhere in it.
                self.ranges.append(range(around[0].lineno, around[0].end_lineno + 1))
                self.functions.add(around[0].name)
            else:
                self.lines = None
            text = text[:start] + new + text[end:]
        return text

    def problem(self):
        """Why the mistake does not apply, or None."""
        try:
            spans = self.spans()
            if all(change["old"] == change["new"] for change in self.changes):
                return "changes nothing"
            # Only the definitions that are changed are compiled, which is faster.
            text = text_of_module(self.module)
            bounds = [(first, last) for _, first, last in definitions(self.module).values()]
            for start, end, new in spans:
                text = text[:start] + new + text[end:]
            for first, last in bounds:
                inside = [span for span in spans if first <= span[0] < last]
                before = sum(len(new) - (end - start) for start, end, new in spans if start < first)
                grown = sum(len(new) - (end - start) for start, end, new in inside)
                if inside:
                    compile(text[first + before : last + before + grown], self.module, "exec")
        except (ValueError, SyntaxError) as error:
            return str(error)
        return None

    def load(self, reference):
        code = compile(parse(self.apply(), self.module), f"{self.module}.py", "exec")
        return reference.load(self.module, code, None if self.lines is None else self.functions)


def read_mistakes(path):
    if not path.exists():
        return []
    return [Mistake(json.loads(line)) for line in path.read_text().splitlines() if line.strip()]
