"""No text reaches a widget that parses markup, or the terminal raw: over the syntax tree of the console.

A call that paints (SINKS) may get a literal, a translated literal, or something that text.py made. Names are
followed to where they were assigned in the same function. Everything else is a finding, whoever wrote it.
"""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "omni_console"
# Files that draw; the commands of `omni` print plain lines and have their own rule.
FILES = sorted(
    path
    for folder in ("*.py", "screens/*.py", "widgets/**/*.py", "images/*.py")
    for path in PACKAGE.glob(folder)
    if path.name not in ("cli.py", "people_file.py")  # the latter reads files, and paints nothing
)

# What makes safe content, and what takes only safe content (by the name that is called).
SAFE_MAKERS = {
    "safe_text", "safe_line", "short_name", "fit", "already_clean",
    "title_sequence", "notification",
}  # fmt: skip
TRANSLATORS = {"_", "N_", "ngettext"}
SINKS = {
    "Static", "Label", "Button", "Checkbox", "RadioButton", "Digits", "Markdown", "Collapsible",
    "Option", "OptionList", "Select", "Selection", "SelectionList", "Tab", "TabPane", "ListItem",
    "DataTable", "add_row", "add_column", "add_columns", "add_option", "Tree", "add_leaf", "notify",
    "Hit", "DiscoveryHit", "Toast", "Tooltip", "Header", "Placeholder", "Pretty", "RichLog", "Log",
    "write_line", "print", "from_markup", "bell_message", "set_title", "deliver_text",
    "copy_to_clipboard", "with_tooltip", "emit",
}  # fmt: skip
# Whose write() goes to the terminal as it is; the one place that does is OmniConsole.emit, a sink itself.
TERMINALS = ("_driver", "stdout", "stderr", "__stdout__", "__stderr__")
DOOR_TO_THE_DRIVER = "app.py"
# Content() itself parses nothing, but paints control characters as they are.
RAW_MAKERS = {"Content", "Text", "styled", "assemble"}
ATTRIBUTES = {
    "border_title",
    "border_subtitle",
    "tooltip",
    "title",
    "sub_title",
    "placeholder",
    "loading_text",
}
# Numbers, ages and words of our own: functions that only ever give our own characters.
OURS = {
    "age",
    "hour",
    "day",
    "moment",
    "duration",
    "size",
    "shown",
    "key_for",
    "slot_of",
    "rjust",
    "ljust",
}
MODULES_ALLOWED_TO_PRINT = {"keymap.py"}


class Finder(ast.NodeVisitor):
    def __init__(self, name: str) -> None:
        self.name = name
        self.findings: list[str] = []
        self._scopes: list[dict[str, list[ast.expr]]] = [{}]

    def _scope(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module) -> None:
        found: dict[str, list[ast.expr]] = {}
        for inner in ast.walk(node):
            if isinstance(inner, ast.Assign):
                for target in inner.targets:
                    names = target.elts if isinstance(target, ast.Tuple) else [target]
                    for name in names:
                        if isinstance(name, ast.Name):
                            found.setdefault(name.id, []).append(inner.value)
            elif isinstance(inner, (ast.AnnAssign, ast.NamedExpr)) and isinstance(inner.target, ast.Name):
                if inner.value is not None:
                    found.setdefault(inner.target.id, []).append(inner.value)
            elif isinstance(inner, ast.AugAssign) and isinstance(inner.target, ast.Name):
                found.setdefault(inner.target.id, []).append(inner.value)
        self._scopes.append(found)
        self.generic_visit(node)
        self._scopes.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._scope(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._scope(node)

    def visit_Call(self, node: ast.Call) -> None:
        called = _called(node)
        if called in SINKS and not (called == "print" and self.name in MODULES_ALLOWED_TO_PRINT):
            self._check(node, called, safe=self._is_safe)
        elif called in RAW_MAKERS and self.name != "text.py":
            self._check(node, called, safe=self._is_ours)
        elif called in ("write", "writelines") and self.name != DOOR_TO_THE_DRIVER:
            assert isinstance(node.func, (ast.Attribute, ast.Name))
            if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value).endswith(TERMINALS):
                self._check(node, called, safe=self._is_safe)
        for keyword in node.keywords:
            if keyword.arg in ATTRIBUTES - {"title"} and not self._is_safe(keyword.value):
                self.findings.append(f"{self.name}:{node.lineno}: {keyword.arg}={ast.unparse(keyword.value)}")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            if (
                isinstance(target, ast.Attribute)
                and target.attr in ATTRIBUTES
                and not self._is_safe(node.value)
            ):
                self.findings.append(f"{self.name}:{node.lineno}: {ast.unparse(node)}")
        self.generic_visit(node)

    def _check(self, node: ast.Call, called: str, *, safe: object) -> None:
        assert callable(safe)
        values = [
            *node.args,
            *(keyword.value for keyword in node.keywords if keyword.arg in ("label", "prompt")),
        ]
        for value in values:
            if not safe(value):
                self.findings.append(f"{self.name}:{node.lineno}: {called}({ast.unparse(value)})")

    def _is_safe(self, node: ast.expr, depth: int = 0) -> bool:
        """Content, or a literal of ours."""
        if isinstance(node, ast.Call) and _called(node) in SAFE_MAKERS | RAW_MAKERS:
            return True
        return self._is_ours(node, depth)

    def _is_ours(self, node: ast.expr, depth: int = 0) -> bool:
        """A string in which no character can come from outside."""
        if depth > 6:
            return False
        if isinstance(node, ast.Constant):
            return True
        if isinstance(node, ast.JoinedStr):
            return all(
                isinstance(part, ast.Constant)
                or (isinstance(part, ast.FormattedValue) and self._is_ours(part.value, depth + 1))
                for part in node.values
            )
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            return isinstance(node.left, ast.Constant)
        if isinstance(node, ast.Tuple):
            return all(self._is_ours(value, depth + 1) for value in node.elts)
        if isinstance(node, ast.Dict):
            return all(self._is_ours(value, depth + 1) for value in node.values)
        if isinstance(node, ast.Subscript):
            return self._is_ours(node.value, depth + 1)
        if isinstance(node, ast.BinOp):
            return self._is_ours(node.left, depth + 1) and self._is_ours(node.right, depth + 1)
        if isinstance(node, ast.IfExp):
            return self._is_ours(node.body, depth + 1) and self._is_ours(node.orelse, depth + 1)
        if isinstance(node, ast.BoolOp):
            return all(self._is_ours(value, depth + 1) for value in node.values)
        if isinstance(node, ast.Call):
            return self._is_our_call(node, depth)
        if isinstance(node, ast.Name):
            return self._is_our_name(node, depth)
        return isinstance(node, ast.Attribute) and node.attr in ("length", "text_max")

    def _is_our_call(self, node: ast.Call, depth: int) -> bool:
        called = _called(node)
        if called in TRANSLATORS:
            return all(
                isinstance(value, (ast.Constant, ast.Call, ast.Name))
                or (isinstance(value, ast.Attribute) and value.attr in ("label", "help", "hint_label"))
                for value in node.args
            )
        if called == "format" and isinstance(node.func, ast.Attribute):
            values = [*node.args, *(keyword.value for keyword in node.keywords)]
            return self._is_ours(node.func.value, depth + 1) and all(
                self._is_ours(value, depth + 1) for value in values
            )
        if called == "get" and isinstance(node.func, ast.Attribute):
            return all(self._is_ours(value, depth + 1) for value in (node.func.value, *node.args[1:]))
        if called in ("rjust", "ljust") and isinstance(node.func, ast.Attribute):
            return self._is_ours(node.func.value, depth + 1)
        return called in OURS or called in ("len", "round", "int")

    def _is_our_name(self, node: ast.Name, depth: int) -> bool:
        for scope in reversed(self._scopes):
            if node.id in scope:
                return all(self._is_ours(value, depth + 1) for value in scope[node.id])
        return node.id in ("SIGNS", "KEEP_TITLE", "BRING_BACK_TITLE")


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def findings(source: str, name: str) -> list[str]:
    finder = Finder(name)
    finder.visit(ast.parse(source))
    return finder.findings


def test_the_console_paints_nothing_that_did_not_come_through_the_door() -> None:
    found = [line for path in FILES for line in findings(path.read_text(encoding="utf-8"), path.name)]
    assert found == []


@pytest.mark.parametrize(
    "bad",
    [
        "Static(row.customer)",
        "Label(f'from {name}')",
        "app.notify(message.text)",
        "widget.border_title = row.subject",
        "table.add_row(row.preview, 'x')",
        "Option(prompt=name)",
        "Content(row.customer)",
        "Content('by ' + row.customer)",
        "Content(_('by {name}').format(name=row.customer))",
        "Content.from_markup(f'[b]{name}[/b]')",
        "Text(name)",
        "text = row.customer\nStatic(text)",
        "log.write_line(message.text)",
        "copy_to_clipboard(message.text)",
        "widget.border_subtitle = f'{name}'",
        "widget.placeholder = row.customer",
        "widget.tooltip = message.text",
        "app.title = row.customer",
        "app.sub_title = 'Omni ' + name",
        "Input(placeholder=name)",
        "Input(tooltip=_('by {name}').format(name=name))",
        "Vertical(border_title=row.subject)",
        "app.notify(_('by {name}').format(name=name))",
        "console.emit('\\x1b]2;' + name + '\\x07')",
        "console.emit(row.customer)",
        "self._driver.write(f'\\x1b]0;{name}\\x07')",
        "sys.stdout.write(message.text)",
        "sys.__stderr__.writelines(message.text)",
    ],
)
def test_a_planted_finding_is_caught(bad: str) -> None:
    source = "def paint(self, row, name, message, text_of, app, table, widget, log):\n" + textwrap.indent(
        bad, "    "
    )
    assert findings(source, "planted.py"), bad


@pytest.mark.parametrize(
    "good",
    [
        "Static(safe_line(row.customer))",
        "Content(_('no name'))",
        "Content(ngettext('{n} file', '{n} files', n).format(n=len(files)))",
        "Content(f'{clock.age(at)} ')",
        "text = _('x')\nContent(text)",
        "widget.border_title = _('Keys')",
        "Input(placeholder=_('who'))",
        "console.emit(title_sequence(row.customer))",
        "file.write(message.text)",
    ],
)
def test_what_is_allowed_passes(good: str) -> None:
    source = "def paint(self, row, clock, at, files, n, widget):\n" + textwrap.indent(good, "    ")
    assert findings(source, "planted.py") == [], good
