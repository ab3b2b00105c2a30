"""What the console does not do before its first screen: each in a process of its own, as a start is."""

from __future__ import annotations

import subprocess
import sys

import pytest

HOLDS_ITS_QUESTIONS = {"desk_screen", "choice_screen", "form_screen"}  # asked from everywhere, and small


def said_by(program: str) -> str:
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return run.stdout.strip()


def test_windows_are_imported_when_they_are_opened() -> None:
    said = said_by(
        "import sys, omni_console.app\n"
        "print(*(name for name in sys.modules if name.startswith('omni_console.')))"
    )
    modules = {name.rpartition(".")[2] for name in said.split()}
    assert "desk_screen" in modules
    assert {name for name in modules if name.endswith("_screen")} <= HOLDS_ITS_QUESTIONS
    assert not {"lead_lines", "lead_lists"} & modules, "only the lead's screen is drawn with them"


@pytest.mark.parametrize(
    "speaks",
    [
        "with no_authorities():\n    import omni_console.app\n",
        "from omni_console.cli import run\nassert run(['list', '--socket', '/nowhere/omni.sock']) == 3\n",
    ],
    ids=["console", "line mode"],
)
def test_the_certificates_of_all_authorities_are_not_read_for_a_socket(speaks: str) -> None:
    said = said_by(
        "import os, ssl\n"
        "from omni_console.commands.reach import no_authorities\n"
        "os.environ['SSL_CERT_FILE'] = '/own/authority.pem'\n"
        "read = []\n"
        "paths = ssl.SSLContext.set_default_verify_paths\n"
        "def noted(self):\n"
        "    read.append(os.environ['SSL_CERT_FILE'])\n"
        "    paths(self)\n"
        "ssl.SSLContext.set_default_verify_paths = noted\n"
        f"{speaks}"
        "print(sorted(set(read)), os.environ['SSL_CERT_FILE'])"
    )
    assert said == "['/dev/null'] /own/authority.pem", "an operator's own authority is there again afterwards"


def test_without_an_authority_of_his_own_none_is_left_in_the_environment() -> None:
    said = said_by(
        "import os\n"
        "from omni_console.commands.reach import no_authorities\n"
        "os.environ.pop('SSL_CERT_FILE', None)\n"
        "with no_authorities():\n"
        "    pass\n"
        "print('SSL_CERT_FILE' in os.environ)"
    )
    assert said == "False"


def test_whoever_looks_for_the_socket_needs_no_channel_and_no_database() -> None:
    said = said_by("import sys, omni_console.commands.console, server.config\nprint(*sys.modules)")
    assert not {"sqlite3", "phonenumbers", "server.store", "channels.webhook"} & set(said.split())
