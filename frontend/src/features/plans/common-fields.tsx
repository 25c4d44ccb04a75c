/** What plans and instances are asked alike: when, how long, and what happens meanwhile. */

import { api } from '@/api/client'
import type { FieldErrors } from '@/api/field-errors'
import { retentionText } from '@/lib/retention'
import type { CommonForm } from '@/lib/spec'
import { missedRunWord } from '@/lib/words'
import { Card } from '@/ui/card'
import { FormChoice, FormLines, FormText } from '@/ui/form'
import { TargetFields } from './target-fields'

export interface FieldsProps {
  form: CommonForm
  errors: FieldErrors
  change: (change: Partial<CommonForm>) => void
}

const SCHEDULES = [
  { value: '0 2 * * *', label: 'Every night at 02:00' },
  { value: '0 */6 * * *', label: 'Every six hours' },
  { value: '@hourly', label: 'Every hour' },
  { value: '0 3 * * 0', label: 'Every Sunday at 03:00' },
  { value: '', label: 'Only on demand' },
  { value: 'other', label: 'Something else…' },
] as const
type Known = (typeof SCHEDULES)[number]['value']

const isKnown = (schedule: string): schedule is Known =>
  schedule !== 'other' && SCHEDULES.some((one) => one.value === schedule)

const MISSED = (['skip', 'once'] as const).map((value) => ({
  value,
  label: `A missed run ${missedRunWord[value]}`,
}))

function Schedule({ form, errors, change }: FieldsProps) {
  const zone = api.useQuery('get', '/api/v1/info', {}, { staleTime: 600_000 }).data?.timezone
  return (
    <div className="grid gap-4 px-4 py-3 sm:grid-cols-2">
      <FormChoice
        label="When it runs"
        value={isKnown(form.schedule) ? form.schedule : 'other'}
        options={SCHEDULES}
        onChange={(value) => change({ schedule: value === 'other' ? '30 2 * * *' : value })}
      />
      <FormText
        label="As cron"
        value={form.schedule}
        placeholder="only on demand"
        onChange={(event) => change({ schedule: event.target.value })}
        hint="Minute, hour, day, month, weekday; the page of the plan shows the next five runs"
        error={errors.at('/schedule')}
      />
      <FormText
        label="Time zone"
        value={form.timezone}
        placeholder={zone ?? ''}
        onChange={(event) => change({ timezone: event.target.value })}
        hint="Such as Europe/Berlin; of the service when empty"
        error={errors.at('/timezone')}
      />
      <FormChoice
        label="When it was missed"
        value={form.missedRun}
        options={MISSED}
        onChange={(missedRun) => change({ missedRun })}
        error={errors.at('/missed_run')}
      />
      <FormText
        label="What is kept"
        value={form.retention}
        onChange={(event) => change({ retention: event.target.value })}
        hint={
          form.retention.trim() && retentionText(form.retention.trim()) !== form.retention.trim()
            ? `Keeps ${retentionText(form.retention.trim())}`
            : 'Such as 7d:4w:6m, or last=7,daily=7,within=90d'
        }
        error={errors.at('/retention')}
      />
      <label className="flex cursor-pointer items-center gap-3 self-center">
        <input
          type="checkbox"
          checked={form.enabled}
          onChange={() => change({ enabled: !form.enabled })}
          className="size-4.5 cursor-pointer accent-accent"
        />
        Runs by the clock
      </label>
    </div>
  )
}

function Meanwhile({ form, errors, change }: FieldsProps) {
  return (
    <div className="grid gap-4 px-4 py-3 sm:grid-cols-2">
      <FormChoice
        label="Containers that write to it"
        value={form.stopAttached}
        options={[
          { value: '', label: 'As is set elsewhere' },
          { value: 'yes', label: 'Rest while it is read' },
          { value: 'no', label: 'Run on' },
        ]}
        onChange={(stopAttached) => change({ stopAttached })}
        error={errors.at('/stop_attached')}
      />
      <FormChoice
        label="How they rest"
        value={form.quiesce}
        options={[
          { value: '', label: 'As is set elsewhere' },
          { value: 'stop', label: 'They are stopped and started again' },
          { value: 'pause', label: 'They are paused' },
          { value: 'none', label: 'Not at all' },
        ]}
        onChange={(quiesce) => change({ quiesce })}
        error={errors.at('/quiesce')}
      />
      <FormLines
        label="Commands before"
        value={form.before}
        onChange={(event) => change({ before: event.target.value })}
        hint="One a line. Those that are there stay while both are empty; they are never shown again"
        error={errors.at('/hooks/pre')}
      />
      <FormLines
        label="Commands after"
        value={form.after}
        onChange={(event) => change({ after: event.target.value })}
        hint="One a line; they run whatever happened"
        error={errors.at('/hooks/post')}
      />
    </div>
  )
}

/** `excludesAt` is what the service calls the patterns of what is left out. */
export function CommonFields({ excludesAt, ...props }: FieldsProps & { excludesAt: string }) {
  const { form, errors, change } = props
  return (
    <>
      <Card title="What it captures">
        <TargetFields targets={form.targets} errors={errors} onChange={(targets) => change({ targets })} />
        <div className="border-line border-t px-4 py-3">
          <FormLines
            label="Leave out"
            value={form.excludes}
            onChange={(event) => change({ excludes: event.target.value })}
            hint="Patterns, one a line, such as *.tmp"
            error={errors.at(excludesAt)}
          />
        </div>
      </Card>
      <Card title="When, and for how long">
        <Schedule {...props} />
      </Card>
      <Card title="Meanwhile">
        <Meanwhile {...props} />
      </Card>
    </>
  )
}

/** The fields that show their own errors; what is wrong elsewhere stands at the top. */
export const COMMON_POINTERS = [
  '/id',
  '/schedule',
  '/timezone',
  '/retention',
  '/missed_run',
  '/quiesce',
  '/stop_attached',
  '/targets',
  '/hooks',
] as const
