"""On Record: who said what about the war in Ukraine, when, and what is new in it.

The import package is called ``pipeline`` because its user asked for that name; the
distribution and the command are ``onrecord``.
"""

__version__ = "0.1.0"
