"""Drives a service through the Python client that was generated from the document: sign in, back up, follow, list.

MAINSTAY_E2E_URL, MAINSTAY_E2E_PASSWORD and MAINSTAY_E2E_STACK say where; `mainstay_client` is on the path.
"""

import json
import os

from mainstay_client import AuthenticatedClient, Client
from mainstay_client.api.auth import log_in
from mainstay_client.api.jobs import get_job, stream_job_log
from mainstay_client.api.snapshots import list_snapshots
from mainstay_client.api.stacks import backup_stack, get_stack
from mainstay_client.models import BackupOptions, Job, Login, Problem, Session, SnapshotList

URL = os.environ["MAINSTAY_E2E_URL"]
STACK = os.environ["MAINSTAY_E2E_STACK"]
# A backup of the sample stack takes a second; the stream stays open until its end.
TIMEOUT_SECONDS = 120


def expect(kind, answer):
    assert isinstance(answer, kind), f"expected {kind.__name__}, got {answer!r}"
    return answer


def events_of(text):
    """The events of a stream, each with its name and its JSON."""
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            yield fields["event"], json.loads(fields["data"]) if "data" in fields else None


def main():
    anonymous = Client(base_url=URL, timeout=TIMEOUT_SECONDS)
    session = expect(Session, log_in.sync(client=anonymous, body=Login(password=os.environ["MAINSTAY_E2E_PASSWORD"])))
    client = AuthenticatedClient(base_url=URL, token=session.token, timeout=TIMEOUT_SECONDS)

    job = expect(Job, backup_stack.sync(STACK, client=client, body=BackupOptions()))
    stream = stream_job_log.sync_detailed(job.id, client=client)
    events = list(events_of(stream.content.decode()))
    lines = [line for name, data in events if name == "log" for line in data]
    numbers = [line["n"] for line in lines]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), f"gaps in the log: {numbers}"
    assert events[-1][0] == "end", f"the stream ends with {events[-1]}"

    ended = expect(Job, get_job.sync(job.id, client=client))
    assert ended.state == "succeeded", ended
    snapshots = expect(SnapshotList, list_snapshots.sync(client=client, stack=STACK))
    assert ended.snapshot_id in [snapshot.id for snapshot in snapshots.items]

    problem = expect(Problem, get_stack.sync("no-such-stack", client=client))
    assert (problem.status, problem.code) == (404, "stack_not_found"), problem
    print(f"{len(lines)} lines, snapshot {ended.snapshot_id}")


if __name__ == "__main__":
    main()
