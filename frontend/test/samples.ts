/** Records for tests, plausible in every field; each test changes what it is about. */
import type { Instance, Job, Plan, PlanTarget, Stack } from '@/api/client'

export function aJob(over: Partial<Job> = {}): Job {
  return {
    id: 'job_1',
    kind: 'backup',
    state: 'running',
    stack: 'blog',
    instance: null,
    plan: null,
    trigger: 'manual',
    quiesce: null,
    dry_run: false,
    queued_at: '2026-11-21T03:00:00.000Z',
    started_at: '2026-11-21T03:00:00.100Z',
    finished_at: null,
    progress: { phase: null, fraction: null, bytes_done: 0, bytes_total: null, files_done: 0, current: null },
    steps: [],
    targets: [],
    stopped_ms: null,
    strategy: null,
    bytes_captured_while_stopped: null,
    bytes_read: 0,
    bytes_stored: 0,
    snapshot_id: null,
    error: null,
    ...over,
  }
}

export function aStack(name: string, over: Partial<Stack> = {}): Stack {
  return {
    name,
    host: 'local',
    state: 'running',
    source: 'both',
    directory: `/opt/stacks/${name}`,
    services: [],
    volumes: [],
    binds: [],
    databases: [],
    skip_stop: false,
    warnings: [],
    last_job: null,
    last_success_at: null,
    protected: true,
    next_run_at: null,
    last_drill: null,
    ...over,
  }
}

export function aPlanTarget(over: Partial<PlanTarget> = {}): PlanTarget {
  return {
    kind: 'volume',
    name: 'blog_uploads',
    origin: 'config',
    paths: [],
    stop_attached: null,
    db_kind: null,
    exclude: [],
    tags: [],
    has_pre_hook: false,
    has_post_hook: false,
    hooks: { pre: [], post: [] },
    has_dump_args: false,
    ...over,
  }
}

export function aPlan(over: Partial<Plan> = {}): Plan {
  return {
    id: 'nightly',
    origin: 'api',
    executor: 'mainstay',
    instance: 'nas',
    repository: null,
    sources: [],
    targets: [],
    excludes: [],
    schedule: '0 2 * * *',
    schedule_text: 'every day at 02:00',
    timezone: 'Europe/Berlin',
    missed_run: 'skip',
    hooks: { pre: [], post: [] },
    quiesce: 'stop',
    stop_attached: true,
    retention: '7d:4w:6m',
    enabled: true,
    next_run_at: null,
    next_runs: [],
    last_job: null,
    last_success_at: null,
    warnings: [],
    drill: null,
    last_drill: null,
    backrest: null,
    ...over,
  }
}

export function anInstance(over: Partial<Instance> = {}): Instance {
  return {
    id: 'nas',
    origin: 'api',
    backend: 'restic',
    repository: 'sftp:backup@nas:/srv/restic',
    custom_image: null,
    pull: null,
    registry_user: null,
    timeout: null,
    memory_bytes: null,
    cpus: null,
    check: null,
    adopt_old_snapshots: false,
    restic_timeout: null,
    schedule: '0 2 * * *',
    schedule_text: 'every day at 02:00',
    timezone: 'Europe/Berlin',
    retention: '7d:4w:6m',
    retention_enforced: true,
    missed_run: 'skip',
    stop_attached: null,
    quiesce: null,
    enabled: true,
    env_keys: [],
    hooks: { pre: [], post: [] },
    exclude: [],
    tags: [],
    targets: [],
    next_run_at: null,
    next_runs: [],
    last_job: null,
    last_success_at: null,
    warnings: [],
    ...over,
  }
}
