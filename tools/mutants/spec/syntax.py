# SPDX-License-Identifier: CC0-1.0
"""Makes wrong versions of a module from its syntax tree, one small change at a time."""

import ast

from reference import STEP_NAME

# What a comparison is replaced with.
COMPARISONS = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq, ast.GtE, ast.LtE), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip
ARITHMETIC = {
    ast.Sub: (ast.Add,), ast.Mult: (ast.Add,), ast.FloorDiv: (ast.Mod,), ast.Mod: (ast.FloorDiv,),
    ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,), ast.LShift: (ast.RShift,), ast.RShift: (ast.LShift,),
}  # fmt: skip
DROPPABLE = (ast.Expr, ast.AugAssign, ast.Raise, ast.Delete, ast.Continue, ast.Break)


class Mutant:
    """A change of a module's tree that can be made and undone."""

    def __init__(self, module, function, change, lines, make, undo):
        self.module, self.function, self.change, self.lines = module, function, change, lines
        self.make, self.undo = make, undo
        self.id = f"{module}.{function}: {change}"

    def places(self):
        return [(self.module, line) for line in self.lines]

    def load(self, reference):
        """A copy of the reference with this change."""
        self.make()
        try:
            code = compile(reference.trees[self.module], f"{self.module}.py", "exec")
        finally:
            self.undo()
        return reference.load(self.module, code, None if self.lines is None else {self.function})


def text_of(node):
    return " ".join(ast.unparse(node).split())


def is_text(node):
    """True for an expression statement that only documents, and for the call that counts steps."""
    if not isinstance(node, ast.Expr):
        return False
    called = isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name)
    return isinstance(node.value, ast.Constant) or called and node.value.func.id == STEP_NAME


class Mutator:
    """Collects the mutants of the parts of a module that `wanted` names.

    `wanted(function)` is asked with the name of a top-level definition, or with the target of a top-level assignment.
    `skipped(statement)` is asked with the text of each statement.
    """

    def __init__(self, module, tree, wanted, skipped):
        self.module, self.skipped = module, skipped
        self.mutants, self.function, self.lines = [], "", None
        for node in tree.body:
            name = self.name_of(node)
            if name and wanted(name):
                self.function = name
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    self.block(node.body)
                else:
                    # Everything may depend on a constant.
                    self.lines = None
                    self.expressions(node)

    @staticmethod
    def name_of(node):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            return node.name
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            return node.targets[0].id
        return None

    def add(self, change, make, undo):
        self.mutants.append(Mutant(self.module, self.function, change, self.lines, make, undo))

    def replace(self, owner, field, new, change=None):
        """A mutant in which a field of a node, or an element of a list, is another node."""
        listed = isinstance(owner, list)
        old = owner[field] if listed else getattr(owner, field)
        if isinstance(new, ast.AST) and isinstance(old, ast.AST):
            ast.copy_location(new, old)
            ast.fix_missing_locations(new)
            change = change or f"`{text_of(old)}` -> `{text_of(new)}`"
            if change == f"`{text_of(old)}` -> `{text_of(old)}`":
                # Both operands of a sum are the same.
                return

        def put(value):
            if listed:
                owner[field] = value
            else:
                setattr(owner, field, value)

        self.add(change, lambda: put(new), lambda: put(old))

    # Statements.

    def block(self, body):
        for number, node in enumerate(body):
            if is_text(node) or isinstance(node, ast.Pass | ast.Assert):
                continue
            if isinstance(node, ast.FunctionDef):
                self.block(node.body)
                continue
            self.lines = range(node.lineno, node.end_lineno + 1)
            whole = text_of(node)
            if self.skipped(whole):
                continue
            self.statement(body, number, node)
            for inner in ("body", "orelse", "finalbody"):
                if not isinstance(node, ast.IfExp) and isinstance(getattr(node, inner, None), list):
                    self.block(getattr(node, inner))
            for handler in getattr(node, "handlers", ()):
                self.block(handler.body)

    def statement(self, body, number, node):
        short = text_of(node)
        short = short if len(short) <= 90 else short[:87] + "..."
        plain = isinstance(node, ast.If) and not node.orelse
        stored = isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name | ast.Tuple)
        if isinstance(node, DROPPABLE) or plain or stored:
            self.replace(body, number, ast.copy_location(ast.Pass(), node), f"without `{short}`")
            self.swap_with_next(body, number, node, short)
        if isinstance(node, ast.If | ast.While):
            self.replace(node, "test", ast.UnaryOp(ast.Not(), node.test))
            for value in (True, False) if isinstance(node, ast.If) else (False,):
                self.replace(node, "test", ast.Constant(value), f"`if {text_of(node.test)}` is always {value}")
        # The expressions of the statement itself; inner statements have their turn later.
        for field, value in ast.iter_fields(node):
            if field not in ("body", "orelse", "finalbody", "handlers"):
                self.inside(node, field, value)

    def swap_with_next(self, body, number, node, short):
        if number + 1 >= len(body):
            return
        after = body[number + 1]
        if isinstance(after, DROPPABLE + (ast.Assign, ast.If)) and not isinstance(node, ast.Raise | ast.Continue | ast.Break):
            def exchange():
                body[number], body[number + 1] = body[number + 1], body[number]

            short_after = text_of(after)[:60]
            if not self.skipped(text_of(after)):
                self.add(f"`{short}` after `{short_after}`", exchange, exchange)

    # Expressions.

    def inside(self, owner, field, value):
        if isinstance(value, list):
            for number, element in enumerate(value):
                if isinstance(element, ast.AST):
                    self.expression(value, number, element)
        elif isinstance(value, ast.AST):
            self.expression(owner, field, value)

    def expressions(self, node):
        for field, value in ast.iter_fields(node):
            self.inside(node, field, value)

    def expression(self, owner, field, node):
        kind = type(node).__name__
        change = getattr(self, f"of_{kind}", None)
        if change:
            change(owner, field, node)
        if kind not in ("JoinedStr", "Attribute"):
            self.expressions(node)
        elif kind == "Attribute":
            self.inside(node, "value", node.value)

    def of_Compare(self, owner, field, node):
        for number, operator in enumerate(node.ops):
            for other in COMPARISONS[type(operator)]:
                before = text_of(node)
                node.ops[number] = other()
                after = text_of(node)
                node.ops[number] = operator
                self.replace(node.ops, number, other(), f"`{before}` -> `{after}`")

    def of_Constant(self, owner, field, node):
        value = node.value
        if isinstance(value, bool):
            self.replace(owner, field, ast.Constant(not value))
        elif isinstance(value, int):
            where = text_of(owner) if isinstance(owner, ast.AST) else ""
            for other in (value + 1, value - 1):
                self.replace(owner, field, ast.Constant(other), f"`{value:#x}` -> `{other:#x}` in `{where[:60]}`")
        elif isinstance(value, bytes):
            for other in (value + b"\0", value[:-1] + bytes([value[-1] ^ 1]) if value else b"\1"):
                self.replace(owner, field, ast.Constant(other))

    def of_BoolOp(self, owner, field, node):
        other = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        self.replace(owner, field, ast.BoolOp(other, node.values))
        for number in range(len(node.values)):
            rest = [value for place, value in enumerate(node.values) if place != number]
            self.replace(owner, field, rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest))

    def of_UnaryOp(self, owner, field, node):
        if isinstance(node.op, ast.Not | ast.Invert):
            self.replace(owner, field, node.operand)

    def of_IfExp(self, owner, field, node):
        self.replace(owner, field, node.body)
        self.replace(owner, field, node.orelse)

    def of_BinOp(self, owner, field, node):
        for other in ARITHMETIC.get(type(node.op), ()):
            self.replace(owner, field, ast.BinOp(node.left, other(), node.right))
        if isinstance(node.op, ast.Add):
            numbers = (part for part in ast.walk(node) if isinstance(part, ast.Constant))
            if any(isinstance(part.value, int) for part in numbers) and not self.joins_bytes(node):
                self.replace(owner, field, ast.BinOp(node.left, ast.Sub(), node.right))
            else:
                self.replace(owner, field, node.left)
                self.replace(owner, field, node.right)
                self.replace(owner, field, ast.BinOp(node.right, ast.Add(), node.left))

    @staticmethod
    def joins_bytes(node):
        """True if the sum has a part that is bytes: a call that serializes, or a constant."""
        parts = [part for part in ast.walk(node) if isinstance(part, ast.Call | ast.Constant)]
        calls = {text_of(part.func) for part in parts if isinstance(part, ast.Call)}
        return bool(calls & {"le", "sized", "bytes", "compact_size", "push"}) or any(
            isinstance(part.value, bytes) for part in parts if isinstance(part, ast.Constant)
        )

    def of_Call(self, owner, field, node):
        name = text_of(node.func)
        if name in ("require", "ScriptError", "range"):
            return
        for number in range(len(node.args) - 1):
            left, right = node.args[number], node.args[number + 1]
            swapped = [*node.args[:number], right, left, *node.args[number + 2 :]]
            if not isinstance(left, ast.Starred) and not isinstance(right, ast.Starred):
                self.replace(owner, field, ast.Call(node.func, swapped, node.keywords))
        if len(node.args) > 1 and text_of(node.args[-1]) != "'big'":
            self.replace(owner, field, ast.Call(node.func, node.args[:-1], node.keywords))
        if len(node.args) == 1 and not node.keywords and name in ("sha256", "hash256", "sized", "le", "any", "all"):
            # The function is left out: what it is applied to is used as it is.
            self.replace(owner, field, node.args[0])

    def of_Slice(self, owner, field, node):
        for end in ("lower", "upper"):
            bound = getattr(node, end)
            if bound is None:
                continue
            for operator in (ast.Add(), ast.Sub()):
                self.replace(node, end, ast.BinOp(bound, operator, ast.Constant(1)))
            other = {"lower": node.lower, "upper": node.upper, "step": node.step} | {end: None}
            self.replace(owner, field, ast.Slice(**other))

    def of_Set(self, owner, field, node):
        for number in range(len(node.elts)):
            rest = [value for place, value in enumerate(node.elts) if place != number]
            if rest:
                self.replace(node, "elts", rest, f"without `{text_of(node.elts[number])}` in the set")

    of_Tuple = of_List = lambda self, owner, field, node: (
        self.of_Set(owner, field, node) if isinstance(node.ctx, ast.Load) and len(node.elts) > 2 else None
    )

    def of_Dict(self, owner, field, node):
        for number, key in enumerate(node.keys):
            name = text_of(key if key is not None else node.values[number])[:40]

            removed = (node.keys[number], node.values[number])

            def make(number=number):
                del node.keys[number], node.values[number]

            def undo(number=number, removed=removed):
                node.keys.insert(number, removed[0])
                node.values.insert(number, removed[1])

            self.add(f"without the entry `{name}`", make, undo)
