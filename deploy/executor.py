"""Airflow's LocalExecutor, warm: what every task would import and load is there already.

A task is forked from a worker, the workers from the scheduler. What the scheduler has
imported before, they share, memory included: seven tasks a pass would else each import the
pipeline anew, which costs more than most of their work. After an upgrade of the project,
start the scheduler again.
"""

from __future__ import annotations

from airflow.executors.local_executor import LocalExecutor


class WarmExecutor(LocalExecutor):
    """Imports the pipeline and loads the language model before it forks its workers.

    The tagger is not loaded: the threads of its runtime do not live through a fork.
    """

    def start(self) -> None:
        from pipeline.adapters.nlp import open_nlp
        from pipeline.app import open_app
        from pipeline.errors import PipelineError

        try:
            open_nlp(open_app().settings.nlp_model)
        except PipelineError as error:  # the tasks fail by it, and say so one by one
            self.log.error("nothing is loaded before the tasks: %s", error)
        super().start()
