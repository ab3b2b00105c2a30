"""`omni init`: a configuration, a data directory, a database, and the first administrator."""

from __future__ import annotations

import os
import pwd
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from omni_console.commands.errors import Code, CommandError
from omni_console.commands.output import quiet_logs
from omni_console.commands.template import Answers, example, render

if TYPE_CHECKING:
    from server.settings import Config

MAILBOX_FILE = "support.password"  # holds what was typed, next to omni.toml
SECRET = re.compile(r"(env|file):.+")


@click.command()
@click.option("--yes", is_flag=True, help="Ask nothing: take the flags and the defaults.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep everything in this directory: omni.toml, data and socket.",
)
@click.option("--site", help="The name that customers know.")
@click.option("--country", help="Country of phone numbers without a country code: RU, DE, US, ...")
@click.option("--language", type=click.Choice(["en", "ru"]), help="What the server speaks to customers.")
@click.option("--base-url", default="", help="How the world reaches this server: https://help.example.org")
@click.option("--email", help="A mailbox to answer from: support@example.org")
@click.option("--imap", help="Its IMAP server: HOST (TLS, port 993), or HOST:143 (STARTTLS).")
@click.option("--smtp", help="Its SMTP server: HOST (TLS, port 465), or HOST:587 (STARTTLS).")
@click.option("--email-password", help="Where its password is: env:NAME or file:PATH.")
@click.option(
    "--chat-origin", "chat_origins", multiple=True, help="A site that shows the chat: https://shop.example"
)
@click.option("--no-mail-test", is_flag=True, help="Do not try the mailbox out.")
@click.option("--group", default="", help="A team's server: the Unix group of the operators.")
@click.option("--account", default="", help="As root: the Unix account under which the server will run.")
def init(
    yes: bool,
    directory: Path | None,
    site: str | None,
    country: str | None,
    language: str | None,
    base_url: str,
    email: str | None,
    imap: str | None,
    smtp: str | None,
    email_password: str | None,
    chat_origins: tuple[str, ...],
    no_mail_test: bool,
    group: str,
    account: str,
) -> int:
    """Write a configuration, make the database, and make you its first administrator.

    Everything is asked for unless --yes is given. Nothing that exists is overwritten. A mailbox is tried
    out: both servers are asked, and a mail is sent to it that must arrive. Exit code 1 where that fails;
    what was written stays, and omni mail test tries again.
    """
    from server.config import decode, make_channels
    from server.lock import DataLock
    from server.store import offline

    quiet_logs()
    target = config_target(directory)
    owner, service = _owner(account), _service(account)
    if target.exists():
        raise CommandError(
            "there is a configuration already", where=str(target), hint="omni doctor checks it"
        )
    _check_reference(email_password)
    password = ""
    if not yes:
        site = site or click.prompt("Name of your site, as customers know it", default="Omni")
        language = language or click.prompt(
            "Language in which the server speaks to customers", type=click.Choice(["en", "ru"]), default="en"
        )
        country = country or click.prompt("Country of phone numbers without a country code", default="RU")
        if email is None:
            email = click.prompt("Mailbox to answer from (empty: none)", default="", show_default=False)
        if email:
            domain = email.rpartition("@")[2]
            imap = imap or click.prompt("Its IMAP server", default=f"imap.{domain}")
            smtp = smtp or click.prompt("Its SMTP server", default=f"smtp.{domain}")
            if not email_password:
                password = click.prompt("Its password (kept in a file of its own)", hide_input=True)
                email_password = f"file:{MAILBOX_FILE}"
        if not chat_origins:
            origin = click.prompt(
                "Site that shows the chat, such as https://shop.example (empty: none)",
                default="",
                show_default=False,
            )
            chat_origins = (origin,) if origin else ()
    answers = Answers(
        site=site or "Omni",
        country=(country or "RU").upper(),
        language=language or "en",
        data_dir="data" if directory else "",
        socket="data/omni.sock" if directory else "",
        group=group,
        base_url=base_url,
        email=email or "",
        imap=imap or "",
        smtp=smtp or "",
        email_password=email_password or "",
        chat_origins=chat_origins,
    )
    if answers.email and not (answers.imap and answers.smtp and answers.email_password):
        raise CommandError(
            "a mailbox needs its servers and its password",
            hint="give --imap, --smtp and --email-password env:NAME (or file:PATH)",
            code=Code.USAGE,
        )
    text = render(example(), answers)
    written: list[Path] = []
    try:
        _directory(target.parent, 0o755 if target.parent == Path("/etc/omni") else 0o700, written)
        if password:
            _write(target.parent / MAILBOX_FILE, password + "\n", written)
        config = decode(text.encode(), target)
        make_channels(config)  # what the server would refuse to start with is refused now
        data_dir = config.server.data_dir
        database = data_dir / offline.DATABASE
        if database.exists():
            raise CommandError(
                "there is a database already",
                where=str(database),
                hint="write a configuration for it by hand, or choose another --dir",
            )
        _directory(data_dir, 0o700, written)
        with DataLock(data_dir):
            made = offline.create(data_dir)
            who = offline.add_operator(data_dir, owner.login, owner.name, "admin", owner.uid)
        _write(target, text, written)
    except BaseException:
        _undo(written)
        raise
    if service is not None:
        _give([*(path for path in written if path.is_file()), data_dir], service)
    click.echo(f"configuration  {target}")
    click.echo(f"database       {made}")
    click.echo(f"administrator  {who.login} (Unix account {owner.login}, uid {owner.uid})")
    well = no_mail_test or _try_mailboxes(config)
    named = f" --config {target}" if directory and directory.absolute() != Path.cwd() else ""
    click.echo(
        f"\nNext:\n  omni{named} doctor\n  omni{named} serve\n  omni{named} console   (in another terminal)"
    )
    if os.geteuid() == 0 and service is None:
        click.echo("\nThe files belong to root. A service should have an account of its own: --account NAME")
    if not well:
        click.echo(f"\nThe mailbox does not work yet: correct {target}, then\n  omni{named} mail test")
    return int(not well)


def _try_mailboxes(config: Config) -> bool:
    from channels.email.settings import EmailSettings
    from omni_console.commands.mailbox_test import try_and_tell

    mailboxes = [one for one in config.channels.values() if isinstance(one, EmailSettings)]
    if mailboxes:
        click.echo("\nTrying the mailbox out:")
    return all([try_and_tell(one) for one in mailboxes])


# --- what is decided --------------------------------------------------------------------------------


def config_target(directory: Path | None) -> Path:
    """Where omni.toml will be: --dir, /etc/omni for root, else the user's configuration directory."""
    import platformdirs

    if directory is not None:
        return directory.absolute() / "omni.toml"
    if os.geteuid() == 0:
        return Path("/etc/omni/omni.toml")
    return Path(os.environ.get("XDG_CONFIG_HOME") or platformdirs.user_config_dir()) / "omni" / "omni.toml"


def _check_reference(email_password: str | None) -> None:
    if email_password and not SECRET.fullmatch(email_password):
        raise CommandError(
            "a password is never given on the command line",
            hint="put it into a file of mode 0600 and write --email-password file:PATH",
            code=Code.USAGE,
        )


# --- what is done -----------------------------------------------------------------------------------


@dataclass
class Owner:
    uid: int
    login: str
    name: str


def _owner(account: str) -> Owner:
    """Who becomes the administrator: who called sudo, else who runs this."""
    uid = os.getuid()
    if os.geteuid() == 0:
        sudo = os.environ.get("SUDO_UID", "")
        uid = int(sudo) if sudo.isascii() and sudo.isdigit() else uid
    try:
        found = pwd.getpwuid(uid)
    except KeyError:
        return Owner(uid, f"uid{uid}", f"uid{uid}")
    login = re.sub(r"[^a-z0-9_.-]", "-", found.pw_name.lower()).lstrip(".-")[:32] or f"uid{uid}"
    return Owner(uid, login, found.pw_gecos.partition(",")[0] or found.pw_name)


def _service(account: str) -> pwd.struct_passwd | None:
    """The account under which the server will run, where that is somebody else."""
    if not account:
        return None
    if os.geteuid() != 0:
        raise CommandError(
            "only root can give files to another account",
            hint="sudo omni init --account ...",
            code=Code.REFUSED,
        )
    try:
        return pwd.getpwnam(account)
    except KeyError:
        raise CommandError(
            f"there is no Unix account {account!r}",
            hint=f"useradd --system --home-dir /var/lib/omni --shell /usr/sbin/nologin {account}",
            code=Code.USAGE,
        ) from None


def _directory(path: Path, mode: int, written: list[Path]) -> None:
    if path.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=mode)
    path.chmod(mode)
    written.append(path)


def _write(path: Path, text: str, written: list[Path]) -> None:
    """Write a new file of mode 0600; one that exists is never touched."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandError("there is such a file already", where=str(path), hint="move it away") from None
    written.append(path)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _undo(written: Sequence[Path]) -> None:
    """Take back what this run made, newest first."""
    for path in reversed(written):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _give(paths: Sequence[Path], service: pwd.struct_passwd) -> None:
    for path in paths:
        inside = path.rglob("*") if path.is_dir() else ()
        for each in (path, *inside):
            os.chown(each, service.pw_uid, service.pw_gid, follow_symlinks=False)
