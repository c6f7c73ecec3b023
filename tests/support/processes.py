"""The processes of a program that a test has started."""

from pathlib import Path


def processes_of_session(leader: int) -> dict[int, str]:
    """The running processes of a session, with their commands."""
    commands = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                command = (folder / "cmdline").read_text().replace("\0", " ")
                commands[int(folder.name)] = command[:200]
        except OSError:
            continue
    return commands
