import { AlertDialog } from '@base-ui/react/alert-dialog'
import type { ReactElement, ReactNode } from 'react'
import { Button, type ButtonVariant } from './button'

/** Asks before something with an effect is done. Escape and the first button leave things as they are. */
export function ConfirmDialog(props: {
  /** The button that opens it. */
  trigger: ReactElement
  title: string
  children: ReactNode
  confirm: string
  keep?: string
  variant?: ButtonVariant
  onConfirm: () => void
}) {
  const { trigger, title, children, confirm, keep = 'Not now', variant = 'primary', onConfirm } = props
  return (
    <AlertDialog.Root>
      <AlertDialog.Trigger render={trigger} />
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="fixed inset-0 z-40 bg-black/55 transition-opacity data-[ending-style]:opacity-0 data-[starting-style]:opacity-0" />
        <AlertDialog.Popup className="-translate-x-1/2 -translate-y-1/2 fixed top-1/2 left-1/2 z-40 max-h-[calc(100dvh-2rem)] w-[calc(100vw-2rem)] max-w-lg overflow-auto rounded-xl border border-line bg-panel p-5 shadow-xl">
          <AlertDialog.Title className="font-semibold text-base">{title}</AlertDialog.Title>
          <AlertDialog.Description render={<div />} className="mt-2 space-y-3 text-muted">
            {children}
          </AlertDialog.Description>
          <div className="mt-5 flex flex-wrap justify-end gap-2">
            <AlertDialog.Close render={<Button>{keep}</Button>} />
            <AlertDialog.Close render={<Button variant={variant}>{confirm}</Button>} onClick={onConfirm} />
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}
