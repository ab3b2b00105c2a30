"""Lines of text out of words, breaks, quotations, lists and cells."""

from __future__ import annotations

from channels.email import html_ranges as ranges

MAX_TEXT = 400_000
MAX_DEPTH = 12  # of quotation and list indents that are still shown

_INVISIBLE = ranges.MARKS | str.maketrans("", "", "\u00ad\u034f\u200b\u2060\ufeff")


class Writer:
    """Text with collapsed spaces, pending line breaks and a prefix for quotations and lists."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.size = 0
        self.breaks = 0  # pending: 1 a new line, 2 an empty line between
        self.break_quotes = 0  # lowest depth of quotation since they are pending
        self.space = False
        self.cell = False
        self.flat = False  # in a row of a table that fits on one line: nothing in it breaks the line
        self.empty_line = True
        self.blanks = 0  # hard spaces alone: how programs write an empty line
        self.quotes = 0
        self.indent: list[str] = []
        self.bullet = ""
        self.marks: list[ranges.Mark] = []  # beginnings of ranges that wait for their first word

    @property
    def full(self) -> bool:
        return self.size > MAX_TEXT

    def break_line(self, count: int = 1) -> None:
        if self.flat:
            self.space = True
            return
        self._note_quotes()
        self.breaks = max(self.breaks, count)
        self.space = self.cell = False

    def explicit_break(self) -> None:
        if self.flat:
            self.space = True
            return
        self._note_quotes()
        self.breaks = min(self.breaks + 1, 2)
        self.space = self.cell = False

    def begin(self, mark: ranges.Mark) -> None:
        self.marks.append(mark)

    def end(self, mark: ranges.Mark) -> None:
        """A range without a word in it leaves nothing behind."""
        if mark in self.marks:
            self.marks.remove(mark)
        else:
            self.pieces.append(mark.end)

    def _note_quotes(self) -> None:
        self.break_quotes = min(self.break_quotes, self.quotes) if self.breaks else self.quotes

    def words(self, text: str) -> None:
        text = text.translate(_INVISIBLE)
        if not text or text.isspace():
            self.space = self.space or bool(text)
            self.blanks += "\xa0" in text
            return
        self._put(" ".join(text.split()), lead=text[0].isspace())
        self.space = text[-1].isspace()

    def verbatim(self, text: str) -> None:
        for index, line in enumerate(text.translate(ranges.MARKS).expandtabs(8).split("\n")):
            if index:
                # In preformatted text every line break counts.
                self._start_line() if self.breaks == 0 and self.empty_line else None
                self._newline()
            if line.strip("\r"):
                self._put(line.strip("\r"), lead=False, keep=True)

    def _newline(self) -> None:
        self._flush_breaks()
        self._emit("\n")
        self.empty_line = True

    def _put(self, text: str, lead: bool, keep: bool = False) -> None:
        self._flush_breaks()
        if self.marks:
            self.pieces.extend(mark.begin for mark in self.marks)
            self.marks.clear()
        if self.empty_line:
            self._start_line()
        elif self.cell:
            self._emit(" | ")
        elif (lead or self.space) and not keep:
            self._emit(" ")
        self.cell = self.space = False
        self._emit(text)
        self.empty_line = False

    def _flush_breaks(self) -> None:
        if self.breaks and self.pieces:
            if self.breaks == 2 and not self.empty_line:
                self._emit("\n")
                self._emit(("> " * min(self.break_quotes, self.quotes, MAX_DEPTH)).rstrip())
            self._emit("\n")
            self.empty_line = True
        self.breaks = 0

    def _start_line(self) -> None:
        indent = "".join(self.indent[:MAX_DEPTH])
        if self.bullet:
            indent = "".join(self.indent[:MAX_DEPTH][:-1]) + self.bullet
            self.bullet = ""
        self._emit("> " * min(self.quotes, MAX_DEPTH) + indent)
        self.empty_line = False

    def _emit(self, text: str) -> None:
        self.pieces.append(text)
        self.size += len(text)
