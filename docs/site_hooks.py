"""Makes the documents a site: the README is its first page, and other files are on the forge."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the README as the first page, and a page on the Python interface."""
    files.append(File.generated(config, "index.md", content=_readme()))
    files.append(File.generated(config, "api.md", content=_interface()))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Links to files that are not in the site become names of those files."""
    here = (Path(config.docs_dir) / page.file.src_uri).parent

    def mended(match: re.Match[str]) -> str:
        text, target = match[1], match[2]
        place = (here / target).resolve()
        if place.is_dir() or not place.is_relative_to(config.docs_dir):
            name = place.relative_to(ROOT) if place.is_relative_to(ROOT) else target
            return f"{text} (`{name}`)" if text.strip("`") != str(name) else f"`{name}`"
        return match[0]

    return LINK.sub(mended, markdown)


def _readme() -> str:
    """The README with links from the folder of the documents."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return text.replace("](docs/", "](").replace("](analysis/", "](../analysis/")


def _interface() -> str:
    """What `from PACKAGE import NAME` finds, from docstrings."""
    parts = ["# Python interface\n"]
    for package in ("searchspace", "trainers", "studies"):
        parts.append(f"## {package}\n")
        stub = (ROOT / package / "__init__.pyi").read_text(encoding="utf-8")
        for module, name in re.findall(r"^from \.(\S+) import (\w+) as", stub, re.M):
            parts.append(f"::: {package}.{module}.{name}\n")
    return "\n".join(parts)
