# SPDX-License-Identifier: CC0-1.0
"""Loads copies of the Python reference, one module of which can be a wrong version.

Each copy has modules of its own. Loops count their steps, so that a wrong version that does not end is noticed by the number
of its steps and not by the time that it takes. Points of the curve are computed once for all copies whose mutant does not
change the functions that compute them.
"""

import ast
import sys
import types
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3] / "test-vectors/reference"
# In the order in which they import each other.
MODULES = ("ripemd160", "transaction", "secp256k1", "digests", "script", "verify", "whole")
# The most expensive functions, each with the definitions of its module that it depends on, besides the constants. Their
# arguments and results are plain values.
CACHED = {
    "secp256k1": {
        "combine": {"combine", "jacobian_add", "jacobian_double", "to_affine"},
        "lift_x": {"lift_x", "is_square_root"},
    },
    "ripemd160": {"ripemd160": {"ripemd160"}},
}


class TooManySteps(BaseException):
    """A loop of a mutant does not end. No `except` clause of the reference catches it."""


class Steps:
    """Counts the steps of all loops in one verification."""

    def __init__(self):
        self.left = 0
        self.taken = 0

    def reset(self, limit):
        self.left, self.taken = limit, 0

    def __call__(self):
        self.take(1)

    def take(self, steps):
        self.taken += steps
        if self.taken > self.left:
            raise TooManySteps


STEPS = Steps()
STEP_NAME = "_count_step"


class CountSteps(ast.NodeTransformer):
    """Puts a call that counts at the start of every loop's body."""

    def loop(self, node):
        self.generic_visit(node)
        call = ast.parse(f"{STEP_NAME}()").body[0]
        ast.copy_location(call, node.body[0])
        ast.fix_missing_locations(call)
        node.body.insert(0, call)
        return node

    visit_For = visit_While = loop


def source(name):
    return (FOLDER / f"{name}.py").read_text()


def parse(text, name):
    """The syntax tree of a module's text, with steps counted. Documentation and type hints stay as they are."""
    return CountSteps().visit(ast.parse(text, f"{name}.py"))


class Reference:
    """The unchanged reference, and the copies of it in which one module is replaced."""

    def __init__(self):
        self.trees = {name: parse(source(name), name) for name in MODULES}
        self.code = {name: compile(tree, f"{name}.py", "exec") for name, tree in self.trees.items()}
        self.caches = {name: {} for names in CACHED.values() for name in names}
        # The cached functions that were called since this set was emptied.
        self.called = set()

    def load(self, changed=None, code=None, functions=None):
        """Returns the modules by name. `code` replaces that of the module `changed`.

        `functions` are the functions that the code changes; None if it changes what is outside of functions.
        """
        modules = {}
        saved = {name: sys.modules.get(name) for name in MODULES}
        try:
            for name in MODULES:
                module = types.ModuleType(name)
                module.__file__ = str(FOLDER / f"{name}.py")
                setattr(module, STEP_NAME, STEPS)
                sys.modules[name] = modules[name] = module
                exec(code if name == changed else self.code[name], vars(module))
                for function, needed in CACHED.get(name, {}).items():
                    same = name != changed or functions is not None and not needed & functions
                    self.cache(module, function, self.caches[function] if same else {})
        finally:
            for name, module in saved.items():
                if module is None:
                    sys.modules.pop(name, None)
                else:
                    sys.modules[name] = module
        return modules

    def cache(self, module, name, known):
        """Replaces a function by one that computes each result once. A result that is known costs as many steps again."""
        function = getattr(module, name)

        def cached(*arguments):
            self.called.add(name)
            if arguments in known:
                result, steps = known[arguments]
                STEPS.take(steps)
                return result
            before = STEPS.taken
            result = function(*arguments)
            known[arguments] = (result, STEPS.taken - before)
            return result

        setattr(module, name, cached)
