"""`omni operators`: through the running server, or in its database while no server runs."""

from __future__ import annotations

import pwd
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast, get_args

import click

from omni_console.commands.errors import Code, CommandError
from omni_console.commands.options import Options
from omni_console.commands.output import json_option, print_json, print_table, quiet_logs
from server.protocol import NewOperator, OperatorInfo, Role

if TYPE_CHECKING:
    from omni_console.commands.api import Api

T = TypeVar("T")
LOGIN = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,31}")


@click.group()
def operators() -> None:
    """Add, list and disable operators. Adding and disabling needs an administrator."""


@operators.command(name="list")
@json_option
@click.pass_obj
def list_(options: Options, as_json: bool) -> None:
    """Everybody who may sign in."""

    def offline(data_dir: Path) -> list[OperatorInfo]:
        from server.store.offline import list_operators

        return list_operators(data_dir)

    found = _ask(options, lambda api: api.get("/v1/operators", list[OperatorInfo]), offline)
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

    _print([_ask(options, lambda api: api.post("/v1/operators", new, OperatorInfo), offline)], as_json)


@operators.command()
@click.argument("login")
@json_option
@click.pass_obj
def disable(options: Options, login: str, as_json: bool) -> None:
    """Shut LOGIN out. What LOGIN wrote stays; open conversations can be assigned to others."""
    if not LOGIN.fullmatch(login):
        raise CommandError(f"{login!r} is not a login", code=Code.USAGE)

    def offline(data_dir: Path) -> OperatorInfo:
        from server.store.offline import disable_operator

        return disable_operator(data_dir, login)

    _print(
        [_ask(options, lambda api: api.post(f"/v1/operators/{login}/disable", None, OperatorInfo), offline)],
        as_json,
    )


def _ask(options: Options, online: Callable[[Api], T], offline: Callable[[Path], T]) -> T:
    """Ask the running server; where none runs, work on its database under the data lock."""
    from omni_console.commands.api import Api, AwayError

    try:
        return online(Api(options.socket_path()))
    except AwayError as away:
        if options.socket is not None:
            raise  # a server that was named is meant, and no other
        from server.config import ConfigError
        from server.lock import DataLock

        try:
            data_dir = options.server().data_dir
        except ConfigError:
            raise away from None
        if not data_dir.is_dir():
            raise CommandError(
                "no server answers, and there is no database yet",
                where=str(data_dir),
                hint="omni init makes it",
                code=Code.AWAY,
            ) from None
        quiet_logs()
        with DataLock(data_dir):
            return offline(data_dir)


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
