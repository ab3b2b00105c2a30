"""`omni operators`: through the running server, or in its database while no server runs."""

from __future__ import annotations

import pwd
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast, get_args

import click

from omni_console.commands.asking import ask
from omni_console.commands.errors import Code, CommandError
from omni_console.commands.options import Options
from omni_console.commands.output import json_option, moment, print_json, print_table
from server.protocol import NewOperator, NewToken, OperatorInfo, Role, Scope, TokenInfo, TokenMade

if TYPE_CHECKING:
    pass

T = TypeVar("T")
LOGIN = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,31}")


@click.group()
def operators() -> None:
    """Operators and their tokens. Changing anything needs an administrator."""


@operators.command(name="list")
@json_option
@click.pass_obj
def list_(options: Options, as_json: bool) -> None:
    """Everybody who may sign in."""

    def offline(data_dir: Path) -> list[OperatorInfo]:
        from server.store.offline import list_operators

        return list_operators(data_dir)

    found = ask(options, lambda api: api.get("/v1/operators", list[OperatorInfo]), offline)
    _print(found, as_json)


@operators.command()
@click.argument("login")
@click.option("--name", default="", help="What customers see; the login if not given.")
@click.option("--role", type=click.Choice(get_args(Role)), default="operator", show_default=True)
@click.option("--uid", type=click.IntRange(min=0), help="The local Unix account, by number.")
@click.option("--account", help="The local Unix account, by name; by itself the one that is called LOGIN.")
@json_option
@click.pass_obj
def add(
    options: Options, login: str, name: str, role: str, uid: int | None, account: str | None, as_json: bool
) -> None:
    """Let LOGIN in: whoever comes to the socket from that Unix account is this operator."""
    if not LOGIN.fullmatch(login):
        raise CommandError(
            f"{login!r} is not a login",
            hint="small Latin letters, digits, dot, hyphen and underscore, at most 32",
            code=Code.USAGE,
        )
    new = NewOperator(login=login, name=name or login, role=cast("Role", role), uid=_uid(login, uid, account))

    def offline(data_dir: Path) -> OperatorInfo:
        from server.store.offline import add_operator

        return add_operator(data_dir, new.login, new.name, new.role, new.uid)

    _print([ask(options, lambda api: api.post("/v1/operators", new, OperatorInfo), offline)], as_json)


@operators.command()
@click.argument("login")
@json_option
@click.pass_obj
def disable(options: Options, login: str, as_json: bool) -> None:
    """Shut LOGIN out. What LOGIN wrote stays; open conversations can be assigned to others."""
    _check_login(login)

    def offline(data_dir: Path) -> OperatorInfo:
        from server.store.offline import disable_operator

        return disable_operator(data_dir, login)

    _print(
        [ask(options, lambda api: api.post(f"/v1/operators/{login}/disable", None, OperatorInfo), offline)],
        as_json,
    )


@operators.command()
@click.argument("login")
@json_option
@click.pass_obj
def enable(options: Options, login: str, as_json: bool) -> None:
    """Let LOGIN in again. Tokens made before are ended: make new ones."""
    _check_login(login)

    def offline(data_dir: Path) -> OperatorInfo:
        from server.store.offline import enable_operator

        return enable_operator(data_dir, login)

    _print(
        [ask(options, lambda api: api.post(f"/v1/operators/{login}/enable", None, OperatorInfo), offline)],
        as_json,
    )


# --- tokens -----------------------------------------------------------------------------------------


class Span(click.ParamType[int]):
    """`90d`, `12h`, `2w` → seconds; `never` → 0."""

    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        if value == "never":
            return 0
        found = re.fullmatch(r"([1-9][0-9]{0,4})([hdw])", str(value))
        if found is None:
            self.fail(f"{value!r} is not a time such as 90d, 12h, 2w or never", param, ctx)
        return int(found[1]) * {"h": 3600, "d": 86_400, "w": 7 * 86_400}[found[2]]


@operators.command()
@click.argument("login")
@click.option("--name", default="", help="What it is for.")
@click.option(
    "--scope",
    type=click.Choice(get_args(Scope)),
    default="write",
    show_default=True,
    help="How far it goes, within the role of LOGIN.",
)
@click.option(
    "--expires", "expires_in_s", type=Span(), default="90d", show_default=True, help="90d, 12h, 2w or never."
)
@json_option
@click.pass_obj
def token(options: Options, login: str, name: str, scope: str, expires_in_s: int, as_json: bool) -> None:
    """Make a token with which a program speaks for LOGIN over TCP. It is shown this once."""
    _check_login(login)
    new = NewToken(name=name, scope=cast("Scope", scope), expires_in_s=expires_in_s or None)

    def offline(data_dir: Path) -> TokenMade:
        from server.store import offline, tokens

        offline.create(data_dir)
        return offline.write(data_dir, lambda tx: tokens.add(tx, login, new))

    made = ask(options, lambda api: api.post(f"/v1/operators/{login}/tokens", new, TokenMade), offline)
    if as_json:
        print_json(made)
        return
    click.echo(made.token)
    until = "never expires" if made.info.expires_at is None else f"expires {moment(made.info.expires_at)}"
    click.echo(
        f"token {made.info.id} of {login}, scope {scope}, {until}. It is not shown again;"
        f" omni operators revoke {made.info.id} ends it.",
        err=True,
    )


@operators.command()
@click.argument("login", required=False)
@json_option
@click.pass_obj
def tokens(options: Options, login: str | None, as_json: bool) -> None:
    """The tokens there are: all of them, or those of LOGIN."""
    if login is not None:
        _check_login(login)

    def offline(data_dir: Path) -> list[TokenInfo]:
        from server.store import offline
        from server.store import tokens as store

        offline.create(data_dir)
        return offline.write(data_dir, lambda tx: store.listed(tx, login))

    path = "/v1/tokens" if login is None else f"/v1/tokens?login={login}"
    _print_tokens(ask(options, lambda api: api.get(path, list[TokenInfo]), offline), as_json)


@operators.command()
@click.argument("token_id", type=click.IntRange(min=1))
@json_option
@click.pass_obj
def revoke(options: Options, token_id: int, as_json: bool) -> None:
    """End a token at once, by the number that `omni operators tokens` shows."""

    def offline(data_dir: Path) -> TokenInfo:
        from server.store import offline, tokens

        offline.create(data_dir)
        return offline.write(data_dir, lambda tx: tokens.revoke(tx, token_id))

    ended = ask(options, lambda api: api.post(f"/v1/tokens/{token_id}/revoke", None, TokenInfo), offline)
    _print_tokens([ended], as_json)


def _print_tokens(found: list[TokenInfo], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    now = int(time.time() * 1000)
    rows = []
    for one in found:
        expires = "never" if one.expires_at is None else moment(one.expires_at)
        if one.expires_at is not None and one.expires_at <= now:
            expires += " (over)"
        used = moment(one.last_used_at)
        rows.append((str(one.id), one.login, one.scope, moment(one.created_at), used, expires, one.name))
    print_table(("ID", "LOGIN", "SCOPE", "MADE", "LAST USED", "EXPIRES", "NAME"), rows)


def _check_login(login: str) -> None:
    if not LOGIN.fullmatch(login):
        raise CommandError(f"{login!r} is not a login", code=Code.USAGE)


def _uid(login: str, uid: int | None, account: str | None) -> int | None:
    if uid is not None:
        if account is not None:
            raise CommandError("--uid and --account say the same thing: give one", code=Code.USAGE)
        return uid
    try:
        return pwd.getpwnam(account or login).pw_uid
    except KeyError:
        if account is None:
            raise CommandError(
                f"there is no Unix account {login!r} on this host",
                hint="name the account with --account, or its number with --uid",
                code=Code.USAGE,
            ) from None
        raise CommandError(f"there is no Unix account {account!r} on this host", code=Code.USAGE) from None


def _print(found: list[OperatorInfo], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    print_table(
        ("LOGIN", "NAME", "ROLE", "UNIX ACCOUNT", "STATE"),
        [
            (
                one.login,
                one.name,
                one.role,
                "-" if one.uid is None else _account(one.uid),
                "disabled" if one.disabled else "online" if one.online else "offline",
            )
            for one in found
        ],
    )


def _account(uid: int) -> str:
    try:
        return f"{pwd.getpwuid(uid).pw_name} ({uid})"
    except KeyError:
        return str(uid)
