"""Notebooks from Markdown templates: a fenced block of Python is a code cell."""

import re
from collections.abc import Mapping
from importlib.resources import files
from string import Template
from typing import Any

ABLATION = "ablation.md"
ABLATIONS = "ablations.yaml"
JOINT_SEARCH = "joint_search"
CODE = re.compile(r"^```python\n(.*?)\n```$", re.DOTALL | re.MULTILINE)


def notebook_sources() -> dict[str, str]:
    """The Markdown of each notebook by name."""
    import yaml

    texts: Mapping[str, Mapping[str, Any]] = yaml.safe_load(_read(ABLATIONS))
    template = Template(_read(ABLATION))
    ablations = {name: template.substitute(values) for name, values in texts.items()}
    return {**ablations, JOINT_SEARCH: _read(f"{JOINT_SEARCH}.md")}


def notebook(markdown: str) -> Any:
    """A notebook without outputs: fenced Python as code cells, the text between as Markdown."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    cells: list[Any] = []
    for number, text in enumerate(CODE.split(markdown)):
        # Every second part is what the fences enclose.
        source = "\n".join(line.rstrip() for line in text.strip().splitlines())
        if source:
            make: Any = new_code_cell if number % 2 else new_markdown_cell
            cells.append(make(source, id=f"cell-{len(cells)}"))
    make_notebook: Any = new_notebook
    return make_notebook(cells=cells)


def _read(name: str) -> str:
    return files("analysis.notebooks").joinpath(name).read_text(encoding="utf-8")
