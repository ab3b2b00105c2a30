"""A machine of its own under a real systemd: namespaces, an overlay over this system, systemd as process 1.

Needs root, as any machine that boots does. Nothing of it reaches the outside: no network but its own
loopback, no file but in its overlay, and its control groups are below a group of its own, which is removed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS = 150

# What a machine without devices, disks and people does not need.
_MASKED = (
    "systemd-udevd.service",
    "systemd-udev-trigger.service",
    "systemd-udevd-control.socket",
    "systemd-udevd-kernel.socket",
    "systemd-modules-load.service",
    "systemd-networkd.service",
    "systemd-resolved.service",
    "systemd-timesyncd.service",
    "systemd-logind.service",
    "getty.target",
    "dev-hugepages.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "proc-sys-fs-binfmt_misc.automount",
    "systemd-remount-fs.service",
    "systemd-machine-id-commit.service",
    "sys-fs-fuse-connections.mount",
    "systemd-firstboot.service",
    "systemd-update-utmp.service",
)

_OMNI = """\
#!/opt/omni/bin/python3 -I
import sys
sys.path[:0] = ["/opt/omni/source", "/opt/omni/site", "/opt/omni/more"]
from omni_console.cli import main
if __name__ == "__main__":
    sys.exit(main())
"""

_PROBE = """\
[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/opt/probe
StandardOutput=append:/out/said
StandardError=append:/out/errors
ExecStopPost=/bin/systemctl --no-block exit
"""

_TARGET = """\
[Unit]
Requires=basic.target probe.service
After=basic.target
AllowIsolate=yes
"""

# $1 a folder for the overlay, $2 what is copied into it, $3 where output goes. Runs in namespaces of its own.
_BOOT = """\
set -e
mount --make-rprivate /
mount -t tmpfs -o size=1G tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
rm -rf etc/systemd/system/*.wants
cp -a "$2/." .
mount --bind "$SITE_PLACE" opt/omni/site
mount --bind "$SOURCE_PLACE" opt/omni/source
: > etc/fstab
: > etc/machine-id
chroot . systemd-sysusers
mount -t proc proc proc
mount -t sysfs sysfs sys
# Mounted anew, a hierarchy begins at the group that this namespace began in: nothing above it is in reach.
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
  while IFS=: read -r _ names _; do
    group=sys/fs/cgroup/${names#name=}
    case "$names" in
      "") mkdir sys/fs/cgroup/unified; mount -t cgroup2 cgroup2 sys/fs/cgroup/unified ;;
      name=*) mkdir "$group"; mount -t cgroup -o "none,$names" cgroup "$group" ;;
      *) mkdir "$group"; mount -t cgroup -o "$names" cgroup "$group" ;;
    esac
  done < /proc/self/cgroup
fi
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done
mkdir dev/pts dev/shm
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mkdir -p out
mount --bind "$3" out
ln -s /out/console dev/console
mount -t tmpfs tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
exec chroot . /usr/bin/env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=probe.target --show-status=no --log-target=console
"""


class SystemdHost:
    """`run(script)`: boot with deploy/'s files in place, run the script as root, power off; what it said."""

    def __init__(self, folder: Path) -> None:
        self._tree = folder / "tree"
        self._overlay = folder / "overlay"
        self._out = folder / "out"
        for path in (self._tree, self._overlay, self._out):
            path.mkdir()
        (self._out / "console").touch()
        self._furnish()

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file of that machine."""
        target = self._tree / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.chmod(mode)

    def _furnish(self) -> None:
        deploy = ROOT / "deploy"
        for pattern in ("*.service", "*.socket", "*.timer"):
            for unit in deploy.glob(pattern):
                self.write(f"/etc/systemd/system/{unit.name}", unit.read_text())
        self.write("/etc/sysusers.d/omni.conf", (deploy / "omni.sysusers").read_text())
        self.write("/etc/tmpfiles.d/omni.conf", (deploy / "omni.tmpfiles").read_text())
        self.write("/opt/omni/bin/omni", _OMNI, 0o755)
        (self._tree / "opt/omni/bin/python3").symlink_to(_python())
        for name in ("site", "source"):
            (self._tree / "opt/omni" / name).mkdir()
        self.write("/etc/systemd/system/probe.service", _PROBE)
        self.write("/etc/systemd/system/probe.target", _TARGET)
        for name in _MASKED:
            (self._tree / "etc/systemd/system" / name).symlink_to("/dev/null")

    def run(self, script: str) -> str:
        """Raises AssertionError where the machine does not come up; its console is in the message."""
        self.write("/opt/probe", "#!/bin/bash\n" + textwrap.dedent(script), 0o755)
        places = {"site": sysconfig.get_paths()["purelib"], "source": str(ROOT)}
        arguments = ["boot", str(self._overlay), str(self._tree), str(self._out)]
        namespaces = ("--mount", "--pid", "--fork", "--kill-child", "--net", "--uts", "--ipc", "--cgroup")
        with _own_groups() as groups:
            enter = "".join(f"echo $$ > {group}/cgroup.procs\n" for group in groups)
            command = ["bash", "-c", f'{enter}exec unshare {" ".join(namespaces)} bash -c "$0" "$@"', _BOOT]
            done = subprocess.run(
                [*command, *arguments],
                env={**os.environ, **{f"{name.upper()}_PLACE": place for name, place in places.items()}},
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        said = self._out / "said"
        console = (self._out / "console").read_text(errors="replace")
        assert said.exists(), f"systemd did not come up: {done.stderr[-2000:]}\n{console[-2000:]}"
        return said.read_text(errors="replace")

    def errors(self) -> str:
        path = self._out / "errors"
        return path.read_text(errors="replace") if path.exists() else ""


def _python() -> str:
    """An interpreter of this version that is not in anybody's home, which the units do not see; or ""."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (f"/usr/bin/{name}", f"{sys.base_prefix}/bin/{name}"):
        if os.path.exists(path) and not path.startswith(("/root/", "/home/")):
            return path
    return ""


@contextlib.contextmanager
def _own_groups() -> Iterator[list[Path]]:
    """A control group below the present one, in each hierarchy that lets us make one."""
    groups = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        base = Path("/sys/fs/cgroup")
        if controllers:
            base /= controllers.removeprefix("name=")
        elif (base / "unified").is_dir():
            base /= "unified"
        group = base / path.strip("/") / f"omni-test-{os.getpid()}"
        try:
            group.mkdir()
            for name in ("cpuset.cpus", "cpuset.mems"):  # an empty one holds no process
                if (group / name).exists() and not (group / name).read_text().strip():
                    (group / name).write_text((group.parent / name).read_text())
        except OSError:
            continue
        groups.append(group)
    try:
        yield groups
    finally:
        for group in groups:
            _remove(group)


def _remove(group: Path) -> None:
    """Control groups are removed from below; their last process may still be ending."""
    for _ in range(50):
        with contextlib.suppress(OSError):
            for folder, _, _ in os.walk(group, topdown=False):
                os.rmdir(folder)
            return
        time.sleep(0.1)


def why_not() -> str:
    """What is missing for it here, or ""."""
    for program, package in (
        ("systemctl", "systemd"),
        ("unshare", "util-linux"),
        ("setpriv", "util-linux"),
        ("curl", "curl"),
    ):
        if shutil.which(program) is None:
            return f"{program} is not installed: apt-get install {package}"
    if not Path("/lib/systemd/systemd").exists():
        return "systemd is not installed: apt-get install systemd"
    if not _python():
        return "there is no Python of this version outside of homes: apt-get install python3"
    return ""
