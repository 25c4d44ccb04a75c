/**
 * Every page and its address, readable on one screen. A new page needs a route here and, when it is to stand in the
 * navigation, an entry in `features/shell/nav.tsx`. All but the overview are fetched when they are first opened.
 */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router'
import { AuthGate } from './features/auth/gate'
import { OverviewPage } from './features/overview/overview-page'
import { NotFound, PageBroke } from './features/shell/not-found'
import { Shell } from './features/shell/shell'
import {
  parseBrowserPlace,
  parseJobFilters,
  parseLogTab,
  parseRestoreSearch,
  parseSnapshotFilters,
} from './lib/filters'

const root = createRootRoute({
  component: () => (
    <AuthGate>
      <Shell />
    </AuthGate>
  ),
})
const getParentRoute = () => root

const overview = createRoute({ getParentRoute, path: '/', component: OverviewPage })
// Who is not signed in sees the sign-in at any address; this one exists for links from outside.
const login = createRoute({
  getParentRoute,
  path: '/login',
  beforeLoad: () => {
    throw redirect({ to: '/', replace: true })
  },
})
const stacks = createRoute({
  getParentRoute,
  path: '/stacks',
  component: lazyRouteComponent(() => import('./features/stacks/stacks-page'), 'StacksPage'),
})
const stack = createRoute({
  getParentRoute,
  path: '/stacks/$name',
  component: lazyRouteComponent(() => import('./features/stacks/stack-page'), 'StackPage'),
})
const plans = createRoute({
  getParentRoute,
  path: '/plans',
  component: lazyRouteComponent(() => import('./features/plans/plans-page'), 'PlansPage'),
})
const plan = createRoute({
  getParentRoute,
  path: '/plans/$id',
  component: lazyRouteComponent(() => import('./features/plans/plan-page'), 'PlanPage'),
})
const newPlan = createRoute({
  getParentRoute,
  path: '/plans/new',
  component: lazyRouteComponent(() => import('./features/plans/plan-form'), 'NewPlanPage'),
})
const editPlan = createRoute({
  getParentRoute,
  path: '/plans/$id/edit',
  component: lazyRouteComponent(() => import('./features/plans/plan-form'), 'EditPlanPage'),
})
const instances = createRoute({
  getParentRoute,
  path: '/instances',
  component: lazyRouteComponent(() => import('./features/instances/instances-page'), 'InstancesPage'),
})
const instance = createRoute({
  getParentRoute,
  path: '/instances/$id',
  component: lazyRouteComponent(() => import('./features/instances/instance-page'), 'InstancePage'),
})
const newInstance = createRoute({
  getParentRoute,
  path: '/instances/new',
  component: lazyRouteComponent(() => import('./features/instances/instance-form'), 'NewInstancePage'),
})
const editInstance = createRoute({
  getParentRoute,
  path: '/instances/$id/edit',
  component: lazyRouteComponent(() => import('./features/instances/instance-form'), 'EditInstancePage'),
})
const jobs = createRoute({
  getParentRoute,
  path: '/jobs',
  validateSearch: parseJobFilters,
  component: lazyRouteComponent(() => import('./features/jobs/jobs-page'), 'JobsPage'),
})
const job = createRoute({
  getParentRoute,
  path: '/jobs/$id',
  component: lazyRouteComponent(() => import('./features/jobs/job-page'), 'JobPage'),
})
const snapshots = createRoute({
  getParentRoute,
  path: '/snapshots',
  validateSearch: parseSnapshotFilters,
  component: lazyRouteComponent(() => import('./features/snapshots/snapshots-page'), 'SnapshotsPage'),
})
const snapshot = createRoute({
  getParentRoute,
  path: '/snapshots/$id',
  validateSearch: parseBrowserPlace,
  component: lazyRouteComponent(() => import('./features/snapshots/snapshot-page'), 'SnapshotPage'),
})
const restore = createRoute({
  getParentRoute,
  path: '/restore',
  validateSearch: parseRestoreSearch,
  component: lazyRouteComponent(() => import('./features/restore/restore-page'), 'RestorePage'),
})
const logs = createRoute({
  getParentRoute,
  path: '/logs',
  validateSearch: parseLogTab,
  component: lazyRouteComponent(() => import('./features/logs/logs-page'), 'LogsPage'),
})
const logFile = createRoute({
  getParentRoute,
  path: '/logs/files/$name',
  component: lazyRouteComponent(() => import('./features/logs/file-page'), 'LogFilePage'),
})
// The address of a log file in Docker Backup Manager; bookmarks of it go on working.
const seedLogFile = createRoute({
  getParentRoute,
  path: '/logs/$name',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/logs/files/$name', params: { name: params.name } })
  },
})

const settings = createRoute({
  getParentRoute,
  path: '/settings',
  component: lazyRouteComponent(() => import('./features/settings/settings-page'), 'SettingsPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([
    overview,
    login,
    stacks,
    stack,
    plans,
    plan,
    newPlan,
    editPlan,
    instances,
    instance,
    newInstance,
    editInstance,
    jobs,
    job,
    snapshots,
    snapshot,
    restore,
    logs,
    logFile,
    seedLogFile,
    settings,
  ]),
  scrollRestoration: true,
  defaultNotFoundComponent: () => <NotFound />,
  defaultErrorComponent: PageBroke,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
