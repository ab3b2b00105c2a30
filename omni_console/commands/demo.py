from __future__ import annotations

import click


@click.command()
@click.option(
    "--check", is_flag=True, help="Run the whole story without a terminal and say whether it went well."
)
@click.option("--keep", is_flag=True, help="Keep the demo's data and say where it is.")
@click.option("--lang", type=click.Choice(["en", "ru"]), help="Language of the console and the customers.")
@click.option("--tour/--no-tour", default=None, help="The first steps; by itself only the first time.")
def demo(check: bool, keep: bool, lang: str | None, tour: bool | None) -> int:
    """Try everything now: a server, mail, a site chat, and customers who write by themselves.

    Nothing outside of a temporary directory is touched.
    """
    from omni_console.demo import run

    return run(check=check, keep=keep, lang=lang, tour=tour)
