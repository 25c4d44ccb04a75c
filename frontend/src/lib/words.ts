/** The words for the API's fixed values. One place, so that a thing has one name on every page. */
import type { JobKind, JobState, Level, Schemas } from '@/api/client'

export const jobStateWord: Record<JobState, string> = {
  queued: 'Queued',
  running: 'Running',
  succeeded: 'Succeeded',
  partial: 'Partial',
  failed: 'Failed',
  cancelled: 'Cancelled',
  interrupted: 'Interrupted',
}

export const jobKindWord: Record<JobKind, string> = {
  backup: 'Backup',
  restore: 'Restore',
  verify: 'Verify',
  drill: 'Drill',
  forget: 'Forget',
  reconcile: 'Reconcile',
  import: 'Import',
}

export const triggerWord: Record<Schemas['Trigger'], string> = {
  manual: 'Started by hand',
  schedule: 'Started by schedule',
  label: 'Started by a label',
  api: 'Started through the API',
  cli: 'Started from the command line',
}

/** What a step does, as said in a list of steps. */
export const stepWord: Record<Schemas['StepName'], string> = {
  resolve: 'Find out what there is',
  preflight: 'Check everything first',
  dump: 'Dump the databases',
  precopy: 'Read what can be read while it runs',
  pre_hooks: 'Run the commands before',
  quiesce: 'Bring it to rest',
  capture: 'Capture the data',
  resume: 'Start again what was stopped',
  post_hooks: 'Run the commands afterwards',
  publish: 'Store the data',
  verify: 'Verify what was stored',
  unpack: 'Unpack the snapshot beside the data',
  replace: 'Put the new data in place',
  load: 'Load the databases',
  command: 'Run your command over the files',
  retention: 'Apply retention',
  record: 'Put it on record',
  report: 'Record the result',
}

/** What a running job is doing. */
export const phaseWord: Record<Schemas['StepName'], string> = {
  resolve: 'Finding out what there is',
  preflight: 'Checking everything first',
  dump: 'Dumping the databases',
  precopy: 'Reading while it runs',
  pre_hooks: 'Running the commands before',
  quiesce: 'Bringing it to rest',
  capture: 'Capturing the data',
  resume: 'Starting again what was stopped',
  post_hooks: 'Running the commands afterwards',
  publish: 'Storing the data',
  verify: 'Verifying what was stored',
  unpack: 'Unpacking the snapshot beside the data',
  replace: 'Putting the new data in place',
  load: 'Loading the databases',
  command: 'Running your command over the files',
  retention: 'Applying retention',
  record: 'Putting it on record',
  report: 'Recording the result',
}

/** How the data was made safe, and what that means for the stop. */
export const strategyWord: Record<Schemas['Strategy'], string> = {
  direct: 'Read at rest',
  staging: 'Copied before the stop',
  splice: 'Read before the stop, changes spliced in',
  snapshot: 'Read before the stop, changes cloned',
}

export const stepStateWord: Record<Schemas['StepState'], string> = {
  pending: 'Waiting',
  running: 'At work',
  succeeded: 'Done',
  skipped: 'Skipped',
  failed: 'Failed',
}

export const targetKindWord: Record<Schemas['TargetKind'], string> = {
  compose: 'Compose files',
  data: 'Stack directory',
  volume: 'Volume',
  bind: 'Bind mount',
  database: 'Database',
  path: 'Path',
}

export const targetStateWord: Record<Schemas['TargetState'], string> = {
  pending: 'Waiting',
  succeeded: 'Captured',
  partial: 'Captured with gaps',
  failed: 'Not captured',
  skipped: 'Skipped',
}

/** The same for a restore. */
export const restoredStateWord: Record<Schemas['TargetState'], string> = {
  pending: 'Waiting',
  succeeded: 'Restored',
  partial: 'Restored with gaps',
  failed: 'Not restored',
  skipped: 'Left out',
}

export const restoreSideWord: Record<Schemas['RestoreSide'], string> = {
  old: 'what was there before',
  new: 'what was restored',
}

export const stackStateWord: Record<Schemas['StackState'], string> = {
  running: 'Running',
  partial: 'Partly running',
  stopped: 'Stopped',
  unknown: 'Unknown',
}

export const sourceWord: Record<Schemas['StackSource'], string> = {
  directory: 'its directory',
  labels: 'its containers’ labels',
  both: 'its directory and its containers’ labels',
}

export const levelWord: Record<Level, string> = {
  DEBUG: 'Debug',
  INFO: 'Info',
  SUCCESS: 'Success',
  WARNING: 'Warning',
  ERROR: 'Error',
}

export const backendWord: Record<Schemas['BackendKind'], string> = {
  archive: 'Archives',
  restic: 'restic repository',
  custom_image: 'Image of your own',
}

export const originWord: Record<Schemas['Origin'], string> = {
  config: 'from the configuration',
  label: 'from labels',
  api: 'made here or through the API',
}

export const planTargetWord: Record<Schemas['PlanTargetKind'], string> = {
  volume: 'Volume',
  db: 'Database',
  stack: 'Stack',
  path: 'Path',
}

export const missedRunWord: Record<Schemas['MissedRun'], string> = {
  skip: 'is left out',
  once: 'is made up for, once',
}

export const pullWord: Record<Schemas['PullPolicy'], string> = {
  always: 'before every run',
  if_missing: 'when it is not there',
  never: 'never',
}

export const scopeWord: Record<Schemas['Scope'], string> = {
  read: 'look only',
  operate: 'look, and run jobs',
  admin: 'do everything',
}

export const entryKindWord: Record<Schemas['EntryKind'], string> = {
  file: 'File',
  directory: 'Directory',
  symlink: 'Symbolic link',
  hard_link: 'Further name of a file',
  fifo: 'Pipe',
  char_device: 'Character device',
  block_device: 'Block device',
}
