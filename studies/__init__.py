"""Which trials answer a question, where they run, and what is kept of them.

Names are imported when they are first used; `__init__.pyi` lists them.
"""

from searchspace.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
