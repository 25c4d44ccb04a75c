import { Toast } from '@base-ui/react/toast'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { problemText } from '@/api/problem'

const manager = Toast.createToastManager()

/** Tells that something was done. Goes away by itself. */
export function tell(title: string, description?: string): void {
  manager.add({ title, ...(description ? { description } : {}) })
}

/**
 * Tells that an action failed, with the service's own words. Stays until it is dismissed. Not of high priority: such a
 * toast is hidden from assistive technology, with the button in it that has to be reached.
 */
export function tellProblem(title: string, error: unknown): void {
  manager.add({ title, description: problemText(error), type: 'error', timeout: 0 })
}

function List() {
  const { toasts } = Toast.useToastManager()
  return toasts.map((toast) => (
    <Toast.Root
      key={toast.id}
      toast={toast}
      className="flex items-start gap-3 rounded-lg border border-line bg-panel p-3 shadow-lg transition-all data-[ending-style]:translate-y-2 data-[starting-style]:translate-y-2 data-[ending-style]:opacity-0 data-[starting-style]:opacity-0 data-[type=error]:border-bad"
    >
      <div className="min-w-0 flex-1">
        <Toast.Title className="font-medium" />
        <Toast.Description className="break-words text-muted text-xs" />
      </div>
      <Toast.Close aria-label="Dismiss" className="rounded p-1 hover:bg-raised">
        <X className="size-4" aria-hidden />
      </Toast.Close>
    </Toast.Root>
  ))
}

export function Toasts({ children }: { children: ReactNode }) {
  return (
    <Toast.Provider toastManager={manager} timeout={6_000}>
      {children}
      <Toast.Portal>
        <Toast.Viewport className="fixed inset-x-4 bottom-20 z-50 flex flex-col gap-2 sm:left-auto sm:w-96 md:bottom-4">
          <List />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  )
}
