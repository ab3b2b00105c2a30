"""What is typed behind `:`, read and completed. Pure and total: any text is an order, nothing, or a sentence.

close delivery moved to tomorrow     the action by its name, then what it takes
close "late delivery" moved          several words in one argument
thread.assign boris he knows the order
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence

import msgspec

from omni_console.actions import BY_ID, BY_NAME, Action, Takes, command_of, name_of
from omni_console.due import parse_due
from omni_console.i18n import _
from omni_console.keymap import latin
from omni_console.state_words import PRIORITIES, SPAM_ANSWERS, STATES, presence_word, priority_word, view_word
from omni_console.timing import Clock
from omni_console.views import VIEWS

LINE_MAX = 2_000  # characters of one command


class Order(msgspec.Struct, frozen=True):
    """An action with what was given to it; no words: it asks for them, as its key does."""

    action: Action
    words: tuple[str, ...] = ()

    def spelled(self) -> str:
        """As it would be typed."""
        takes = self.action.takes
        last = len(takes) - 1
        said = [quoted(word) if at < last else word for at, word in enumerate(self.words)]
        return " ".join([name_of(self.action), *said])


class Misread(msgspec.Struct, frozen=True):
    """`sentence` says what is wrong, and what may have been meant."""

    sentence: str


class Known(msgspec.Struct, frozen=True):
    """What arguments can be, as the console knows it now."""

    clock: Clock
    operators: Mapping[str, str] = {}  # login -> name
    tags: Sequence[str] = ()
    topics: Sequence[str] = ()
    templates: Sequence[str] = ()  # codes


# --- reading ------------------------------------------------------------------------------------------


def read(line: str, known: Known) -> Order | Misread | None:
    """The order that a line stands for; None for an empty one. The `:` before it may stand or not."""
    name, _space, rest = line[:LINE_MAX].strip().lstrip(":").strip().partition(" ")
    if not name:
        return None
    action = action_called(name)
    if action is None:
        near = nearest(name)
        hint = _(" (did you mean {near}?)").format(near=near) if near else ""
        return Misread(_("there is no command {name}").format(name=name) + hint)
    rest = rest.strip()
    if not rest:
        return Order(action)
    if not action.takes:
        return Misread(_("{command} takes nothing behind it").format(command=name_of(action)))
    words: list[str] = []
    given = arguments(rest, len(action.takes))
    for takes, word in zip(action.takes, given, strict=False):
        read_word = _READ.get(takes, _as_it_is)
        value = read_word(word, known)
        if isinstance(value, Misread):
            return value
        words.append(value)
    return Order(action, tuple(words))


def check(line: str) -> Misread | None:
    """What is wrong with a line wherever it is carried out: its name, or that something stands behind it."""
    name, _space, rest = line.strip().lstrip(":").strip().partition(" ")
    action = action_called(name) if name else None
    if action is None:
        found = read(name, Known(Clock()))
        return found if isinstance(found, Misread) else Misread(_("there is no command in it"))
    if rest.strip() and not action.takes:
        return Misread(_("{command} takes nothing behind it").format(command=name_of(action)))
    return None


def action_called(name: str) -> Action | None:
    """By its short name or its id, in either keyboard layout."""
    for spelled in (name, name.casefold(), latin(name).casefold()):
        found = BY_NAME.get(spelled) or BY_ID.get(spelled)
        if found is not None:
            return found
    return None


def nearest(name: str) -> str:
    """The known command that is most like it, or ""."""
    for spelled in (name.casefold(), latin(name).casefold()):
        begins = [known for known in BY_NAME if known.startswith(spelled)]
        close = difflib.get_close_matches(spelled, [*BY_NAME, *BY_ID], n=1, cutoff=0.5)
        if len(begins) == 1 or close or begins:
            return begins[0] if len(begins) == 1 else (close or sorted(begins))[0]
    return ""


def arguments(text: str, most: int) -> list[str]:
    """At most `most` arguments; the last one is the rest. "…" holds several words together."""
    found: list[str] = []
    text = text.strip()
    while text and len(found) < most:
        word, rest = _first(text)
        if len(found) == most - 1:
            found.append(word if not rest else text)
            break
        found.append(word)
        text = rest
    return found


def _first(text: str) -> tuple[str, str]:
    """The first argument and what is behind it. A quote that is not closed takes the rest."""
    if text[0] in "\"'«":
        closing = {"«": "»"}.get(text[0], text[0])
        end = text.find(closing, 1)
        word, rest = (text[1:], "") if end < 0 else (text[1:end], text[end + 1 :])
        return word.strip(), rest.strip()
    word, _space, rest = text.partition(" ")
    return word, rest.strip()


def quoted(word: str) -> str:
    if word and " " not in word and word[0] not in "\"'«":
        return word
    return f"«{word}»" if '"' in word else f'"{word}"'


def _as_it_is(word: str, _known: Known) -> str | Misread:
    return word


def _operator(word: str, known: Known) -> str | Misread:
    """A login; by it, by its beginning, or by a name that only one has."""
    wanted = word.lstrip("@").casefold()
    if wanted in known.operators:
        return wanted
    found = [
        login
        for login, name in known.operators.items()
        if login.casefold().startswith(wanted)
        or any(part.startswith(wanted) for part in (name.casefold(), *name.casefold().split()))
    ]
    if len(found) == 1:
        return found[0]
    if found:
        return Misread(_("{word} may be {which}").format(word=word, which=", ".join(sorted(found)[:6])))
    return Misread(_("nobody here is called {word}").format(word=word) + _near(wanted, known.operators))


def _moment(word: str, known: Known) -> str | Misread:
    if parse_due(word, known.clock) is not None:
        return word
    return Misread(_("not a time: {text}. Try 2h, 14:00, tomorrow 14:00, fri, 25.11 10:00").format(text=word))


def _tags(word: str, _known: Known) -> str | Misread:
    tags = [tag for tag in word.replace(",", " ").split() if tag.strip("#+-")]
    return " ".join(tags) if tags else Misread(_("which tags?"))


def _one_of(choices: Callable[[], Mapping[str, str]]) -> Callable[[str, Known], str | Misread]:
    """One of a few keywords, in English or in the operator's language, or the beginning of one."""

    def read_one(word: str, _known: Known) -> str | Misread:
        wanted, table = word.casefold(), choices()
        for key, shown in table.items():
            if wanted in (key, shown.casefold()):
                return key
        found = [
            key
            for key, shown in table.items()
            if key.startswith(wanted) or shown.casefold().startswith(wanted)
        ]
        if len(found) == 1:
            return found[0]
        which = ", ".join(dict.fromkeys(table.values()))
        return Misread(_("{word} is none of {which}").format(word=word, which=which))

    return read_one


def _views() -> Mapping[str, str]:
    return {view: view_word(view) for view in VIEWS}


def _priorities() -> Mapping[str, str]:
    return {priority: priority_word(priority) for priority in PRIORITIES}


def _states() -> Mapping[str, str]:
    return {state: presence_word(state) for state in STATES}


def _spam_answers() -> Mapping[str, str]:
    return {answer: answer for answer in SPAM_ANSWERS}


_READ: Mapping[Takes, Callable[[str, Known], str | Misread]] = {
    "operator": _operator,
    "moment": _moment,
    "tags": _tags,
    "view": _one_of(_views),
    "priority": _one_of(_priorities),
    "presence": _one_of(_states),
    "spam": _one_of(_spam_answers),
}


def _near(word: str, choices: Sequence[str] | Mapping[str, str]) -> str:
    close = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.5)
    return _(" (did you mean {near}?)").format(near=close[0]) if close else ""


# --- completing -----------------------------------------------------------------------------------------


class Completion(msgspec.Struct, frozen=True):
    """`start`: where in the line the word begins that each of `words` could stand for."""

    start: int
    words: tuple[str, ...] = ()
    action: Action | None = None  # whose argument is being typed, or whose name it is


def complete(line: str, known: Known) -> Completion:
    """What the end of the line could become."""
    head = line[: len(line) - len(line.lstrip(" :"))]
    name, space, rest = line[len(head) :].partition(" ")
    if not space:
        return Completion(len(head), tuple(_names(name)), action_called(name))
    action = action_called(name)
    if action is None or not action.takes:
        return Completion(len(line), (), action)
    at, start = _last_argument(rest, len(action.takes))
    takes = action.takes[at]
    if takes == "tags":
        start += rest[start:].rpartition(" ")[0].__len__() + (1 if " " in rest[start:] else 0)
    start += len(head) + len(name) + 1
    begun = line[start:]
    found = [word for word in _choices(takes, begun, known) if word.casefold() != begun.casefold()]
    needs_quotes = at < len(action.takes) - 1
    return Completion(start, tuple(quoted(word) if needs_quotes else word for word in found), action)


def _names(begun: str) -> list[str]:
    wanted = latin(begun).casefold() if not begun.isascii() else begun.casefold()
    short = sorted(name for name in BY_NAME if name.startswith(wanted))
    if short or not wanted:
        return short
    return sorted({command_of(action) for action in BY_ID.values() if action.id.startswith(wanted)})


def _last_argument(text: str, most: int) -> tuple[int, int]:
    """Which argument the end of the text belongs to, and where that begins."""
    at, start = 0, len(text) - len(text.lstrip())
    while at < most - 1:
        rest = text[start:]
        if rest[:1] in ('"', "'", "«") and rest:
            closing = {"«": "»"}.get(rest[0], rest[0])
            end = rest.find(closing, 1)
            if end < 0:
                break
            end += 1
        else:
            end = rest.find(" ")
            if end < 0:
                break
        behind = rest[end:]
        if not behind.startswith(" "):
            break
        start += end + len(behind) - len(behind.lstrip())
        at += 1
    return at, start


def _choices(takes: Takes, begun: str, known: Known) -> list[str]:
    wanted = begun.strip("\"'«»").casefold()
    table: Sequence[str]
    if takes == "operator":
        found = [
            login
            for login, name in known.operators.items()
            if login.casefold().startswith(wanted.lstrip("@"))
            or any(part.casefold().startswith(wanted) for part in name.split())
        ]
        return sorted(found)
    if takes == "tags":
        sign = wanted[:1] if wanted[:1] in ("-", "+") else ""
        return [sign + tag for tag in known.tags if tag.casefold().startswith(wanted.lstrip("+-#"))]
    if takes == "moment":
        table = ("1h", "3h", "tomorrow 9:00", "mon 9:00")
    elif takes == "topic":
        table = known.topics
    elif takes == "template":
        table = known.templates
    else:
        table = tuple({"view": _views, "priority": _priorities, "presence": _states}.get(takes, dict)())
        table = SPAM_ANSWERS if takes == "spam" else table
    return [word for word in table if word.casefold().startswith(wanted)]


def completed(line: str, found: Completion) -> str:
    """The line as far as there is no choice: one word and a space, or what all of them begin with."""
    if not found.words:
        return line
    if len(found.words) == 1:
        return line[: found.start] + found.words[0] + " "
    shared = _shared(found.words)
    begun = line[found.start :]
    return line[: found.start] + shared if len(shared) > len(begun) else line


def _shared(words: Sequence[str]) -> str:
    """What all of them begin with."""
    first, last = min(words), max(words)
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[:same]
