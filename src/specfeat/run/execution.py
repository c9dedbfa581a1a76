"""Executes a plan with workers and a network.

If the network shows that finished rows cannot be used, the plan is replaced by one that computes all rows.
"""

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from specfeat.audio.worker_pool import WorkerPool
from specfeat.cpu_count import count_available_cores
from specfeat.output.summary import RunSummary
from specfeat.output.work_folder import WorkFolder
from specfeat.pipeline import extract_rows
from specfeat.row_types import convert_rows
from specfeat.run.failure_counter import FailureCounter
from specfeat.run.listener import RunListener
from specfeat.run.options import FailureLimit
from specfeat.run.plan import RunPlan, plan_full_recompute
from specfeat.run.provenance import add_network, copy_network_fields
from specfeat.run.request import ExtractionRequest
from specfeat.run.runner import ChangedSettingsError, RunOrigin, execute_plan

if TYPE_CHECKING:
    from specfeat.network.ready_network import ReadyNetwork


class Execution:
    """Executes the plan of a run.

    Args:
        request: what the caller asked for.
        work_folder: the work folder of the output, locked.
        listener: the object that is told how the run proceeds.
        network_threads: a stack that ends the network's threads when it is closed. The caller closes it after
            the work folder.
    """

    def __init__(
        self,
        request: ExtractionRequest,
        work_folder: WorkFolder,
        listener: RunListener,
        network_threads: ExitStack,
    ) -> None:
        self._request = request
        self._work_folder = work_folder
        self._listener = listener
        self._network_threads = network_threads
        self._network: ReadyNetwork | None = None

    def run(self, plan: RunPlan) -> RunSummary:
        """Execute the plan. If finished rows have other settings and may be discarded, recompute all rows."""
        try:
            return self._execute(plan)
        except ChangedSettingsError:
            # Nothing has been written yet, so the run can begin again; the network is built already.
            if not plan.can_discard_finished:
                raise
        plan = plan_full_recompute(plan, self._work_folder)
        for note in plan.notes:
            self._listener.on_note(note)
        return self._execute(plan)

    def _execute(self, plan: RunPlan) -> RunSummary:
        # Also without remaining sounds: too many of the finished ones may have failed.
        counter = make_failure_counter(plan, self._request.execution.failure_limit)
        return self._extract_remaining(plan, counter) if plan.remaining else self._rearrange_finished(plan)

    def _extract_remaining(self, plan: RunPlan, counter: FailureCounter) -> RunSummary:
        execution = self._request.execution
        workers = min(execution.workers or count_available_cores(), len(plan.remaining))
        # The workers start first: they decode while TensorFlow loads.
        with WorkerPool(
            plan.config.settings,
            workers,
            timeout_s=execution.timeout_s,
            keep_partial=self._request.options.keep_partial,
        ) as pool:
            streams = pool.stream_clips(plan.remaining)
            network, rows = self._build_network(), plan.config.settings.rows
            events = self._network_threads.enter_context(
                closing(extract_rows(streams, network, rows.statistics))
            )
            provenance = add_network(plan.provenance, network, rows)
            if rows.dtype != "float32":
                events = self._network_threads.enter_context(closing(convert_rows(events, provenance.dtype)))
            origin = self._make_origin(network.seconds, network.batch - network.places)
            with self._listener.show_progress(plan.remaining):
                counted_events = counter.count_failures(events)
                return execute_plan(
                    plan, counted_events, provenance, origin, self._work_folder, self._listener
                )

    def _rearrange_finished(self, plan: RunPlan) -> RunSummary:
        """Write an output that has finished rows only, so that no network is needed."""
        provenance = copy_network_fields(plan.provenance, plan.previous_runs[-1].provenance)
        with self._listener.show_progress(()):
            return execute_plan(plan, (), provenance, self._make_origin(), self._work_folder, self._listener)

    def _build_network(self) -> "ReadyNetwork":
        if self._network is None:
            self._network = self._request.build_network(self._request.config, self._request.execution)
            self._listener.on_network(self._network)
        return self._network

    def _make_origin(self, build_seconds: float = 0.0, empty_places: int = 0) -> RunOrigin:
        return RunOrigin(
            command=self._request.command, build_seconds=build_seconds, empty_places=empty_places
        )


def make_failure_counter(plan: RunPlan, limit: FailureLimit) -> FailureCounter:
    """Return the failure counter of a run.

    A resumed run also counts the failures before the interruption. Otherwise, a user could exceed the limit
    by resuming again and again. An update counts only the files that it extracts.
    """
    if plan.is_update:
        return FailureCounter(limit, len(plan.remaining))
    failed = [
        sound.path
        for sound in plan.sounds
        if (finished := plan.finished.get(sound.key)) and finished.entry.is_failure
    ]
    return FailureCounter(limit, len(plan.sounds), failed)
