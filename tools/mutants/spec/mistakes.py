# SPDX-License-Identifier: CC0-1.0
"""Reads the listed mistakes: changes of the reference's text.

Each line of a list has an `id`, the `rule` that the mistake breaks, the `file` of the reference, and the texts `old` and
`new`. `old` must occur exactly once in the file, or in the definition `in` if that is given. A mistake that needs several
changes has `also`, a list of further objects with `old`, `new` and perhaps `in`, for the same file.
"""

import ast
import json

from reference import parse, source


class Mistake:
    def __init__(self, record):
        self.id, self.rule, self.module = record["id"], record["rule"], record["file"].removesuffix(".py")
        self.changes = [record, *record.get("also", ())]
        self.lines, self.ranges = None, []

    def places(self):
        return [(self.module, line) for lines in self.ranges for line in lines]

    def apply(self):
        """The changed text. Remembers which lines of the original have changed."""
        text, spans, self.ranges = source(self.module), [], []
        definitions = {node.name: node for node in ast.parse(text).body if hasattr(node, "name")}
        starts = [0]
        for line in text.split("\n"):
            starts.append(starts[-1] + len(line) + 1)
        self.lines = ()
        for change in self.changes:
            first, last = 0, len(text)
            if "in" in change:
                node = definitions[change["in"]]
                first, last = starts[node.lineno - 1], starts[node.end_lineno]
            found = text.count(change["old"], first, last)
            if found != 1:
                raise ValueError(f"{change['old']!r} occurs {found} times in {change.get('in', self.module)}")
            at = text.index(change["old"], first, last)
            spans.append((at, at + len(change["old"]), change["new"]))
            line = text.count("\n", 0, at) + 1
            around = [node for node in definitions.values() if node.lineno <= line <= node.end_lineno]
            if around and isinstance(around[0], ast.FunctionDef):
                # Any case that enters the function: a change may add lines anywhere in it.
                self.ranges.append(range(around[0].lineno, around[0].end_lineno + 1))
            else:
                self.lines = None
        for start, end, new in sorted(spans, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def problem(self, reference):
        """Why the mistake does not apply, or None."""
        try:
            changed = compile(parse(self.apply(), self.module), self.module, "exec")
        except (ValueError, KeyError, SyntaxError) as error:
            return str(error)
        return "changes nothing" if changed == reference.code[self.module] else None

    def load(self, reference):
        code = compile(parse(self.apply(), self.module), f"{self.module}.py", "exec")
        return reference.load(self.module, code)


def read_mistakes(path):
    if not path.exists():
        return []
    return [Mistake(json.loads(line)) for line in path.read_text().splitlines() if line.strip()]
