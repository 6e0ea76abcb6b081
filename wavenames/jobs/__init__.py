"""Runs in the background: who asks submits a configuration and reads snapshots; nobody waits."""

from wavenames.jobs.lists import name_list
from wavenames.jobs.scheduler import Scheduler
from wavenames.jobs.snapshot import Snapshot

__all__ = ["Scheduler", "Snapshot", "name_list"]
