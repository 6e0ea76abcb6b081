"""Runs in the background: who asks submits a configuration and reads snapshots; nobody waits."""

from wavenames.jobs.lists import name_list
from wavenames.jobs.scheduler import Scheduler
from wavenames.jobs.snapshot import Series, Snapshot

__all__ = ["Scheduler", "Series", "Snapshot", "name_list"]
