"""Airflow's LocalExecutor, warm: what every task would import and load is there already.

A task is forked from a worker, the workers from the scheduler. What the scheduler has
imported before, they share, memory included: seven tasks a pass would else each import the
pipeline anew, which costs more than most of their work. After an upgrade of the project,
start the scheduler again.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

from airflow.executors.local_executor import LocalExecutor

COLD = frozenset(
    f"pipeline.{name}"
    for name in (
        *("cli", "bulk", "adapters.sql"),
        *("adapters.networks", "adapters.tagger", "adapters.matcher"),
    )
)
"""What no task needs, or what must not be there before a fork."""


class WarmExecutor(LocalExecutor):
    """Imports the pipeline and loads the language model before it forks its workers.

    The tagger is not loaded: the threads of its runtime do not live through a fork.
    """

    def start(self) -> None:
        import pipeline
        from pipeline.adapters.nlp import open_nlp
        from pipeline.app import open_app
        from pipeline.errors import PipelineError

        for module in walk_packages(pipeline.__path__, "pipeline."):
            if module.name not in COLD:
                import_module(module.name)
        try:
            open_nlp(open_app().settings.nlp_model)
        except PipelineError as error:  # the tasks fail by it, and say so one by one
            self.log.error("nothing is loaded before the tasks: %s", error)
        super().start()
