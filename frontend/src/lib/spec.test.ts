import { describe, expect, it } from 'vitest'
import { anInstance, aPlan, aPlanTarget } from '../../test/samples'
import { emptyTarget, hasChanged, instanceForm, instanceSpec, planForm, planSpec, rowKey } from './spec'

describe('a plan', () => {
  it('is the same after it was shown and saved', () => {
    const plan = aPlan({
      excludes: ['*.tmp', 'cache'],
      stop_attached: false,
      targets: [aPlanTarget({ paths: ['a', 'b'], exclude: ['x'], tags: ['t'], stop_attached: true })],
    })
    expect(planSpec(planForm(plan))).toEqual({
      id: plan.id,
      instance: plan.instance,
      schedule: plan.schedule,
      timezone: plan.timezone,
      retention: plan.retention,
      missed_run: plan.missed_run,
      quiesce: plan.quiesce,
      stop_attached: false,
      enabled: true,
      excludes: ['*.tmp', 'cache'],
      targets: [
        {
          kind: 'volume',
          name: 'blog_uploads',
          paths: ['a', 'b'],
          exclude: ['x'],
          tags: ['t'],
          stop_attached: true,
          db_kind: null,
        },
      ],
    })
  })

  it('does not write down what labels add', () => {
    const plan = aPlan({ targets: [aPlanTarget({ origin: 'label' })] })
    expect(planSpec(planForm(plan)).targets).toEqual([])
  })

  it('leaves its commands out unless some are typed, so that they stay', () => {
    const form = planForm(aPlan())
    expect(planSpec(form)).not.toHaveProperty('hooks')
    expect(planSpec({ ...form, before: 'sync\n\ntouch /x', after: '' }).hooks).toEqual({
      pre: [{ command: 'sync' }, { command: 'touch /x' }],
      post: [],
    })
  })

  it('that is new leaves to the service what nobody chose', () => {
    const form = planForm(null, 'nas')
    const spec = planSpec({
      ...form,
      id: ' nightly ',
      schedule: '',
      targets: [{ ...emptyTarget(), name: 'blog' }],
    })
    expect(spec).toMatchObject({
      id: 'nightly',
      schedule: null,
      timezone: null,
      quiesce: null,
      stop_attached: null,
    })
    expect(spec.targets).toEqual([{ kind: 'stack', name: 'blog', paths: [] }])
  })
})

describe('an instance', () => {
  it('keeps what the form does not show, and secrets that nobody typed anew', () => {
    const before = anInstance({
      env_keys: ['RESTIC_PASSWORD', 'OLD'],
      restic_timeout: '60m',
      tags: ['home'],
      check: { schedule: '@weekly', subset: '5%' },
    })
    const form = instanceForm(before)
    const env = [
      ...form.env.filter((one) => one.name !== 'OLD'),
      { key: rowKey(), name: 'NEW', value: 'v', isKept: false },
    ]
    expect(instanceSpec({ ...form, env }, before)).toMatchObject({
      restic_timeout: '60m',
      tags: ['home'],
      check: { schedule: '@weekly', subset: '5%' },
      env: { RESTIC_PASSWORD: null, NEW: 'v' },
    })
  })

  it('names only the place of its own kind', () => {
    const form = { ...instanceForm(null), id: 'a', repository: '/srv/r', customImage: 'x/y' }
    expect(instanceSpec(form, null)).toMatchObject({ repository: '/srv/r', custom_image: null })
    expect(instanceSpec({ ...form, backend: 'archive' }, null)).toMatchObject({
      repository: null,
      custom_image: null,
    })
  })
})

describe('hasChanged', () => {
  const sent = { ...planForm(null, 'nas'), targets: [emptyTarget(), emptyTarget()] }
  const [first, second] = sent.targets
  it.each([
    ['nothing was sent', '/schedule', sent, null, false],
    ['nothing was changed', '/schedule', { ...sent }, sent, false],
    ['the field was', '/schedule', { ...sent, schedule: '@daily' }, sent, true],
    ['another one was', '/retention', { ...sent, schedule: '@daily' }, sent, false],
    [
      'it is called otherwise on the wire',
      '/missed_run',
      { ...sent, missedRun: 'once' as const },
      sent,
      true,
    ],
    [
      'the target was',
      '/targets/0/name',
      { ...sent, targets: [{ ...first, name: 'x' }, second] },
      sent,
      true,
    ],
    [
      'another target was',
      '/targets/1/name',
      { ...sent, targets: [{ ...first, name: 'x' }, second] },
      sent,
      false,
    ],
    ['a command was', '/hooks/post/0', { ...sent, before: 'x' }, sent, true],
    ['it is no field of the form', '/bogus', { ...sent, id: 'x' }, sent, false],
  ] as const)('when %s', (_, pointer, form, before, expected) =>
    expect(hasChanged(pointer, form as typeof sent, before)).toBe(expected),
  )
})
