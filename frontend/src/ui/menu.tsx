import { Menu } from '@base-ui/react/menu'
import { Check } from 'lucide-react'
import type { ReactElement } from 'react'

/** A menu in which exactly one choice holds. */
export function ChoiceMenu<T extends string>(props: {
  trigger: ReactElement
  label: string
  value: T
  choices: readonly { value: T; label: string }[]
  onChoose: (value: T) => void
}) {
  const { trigger, label, value, choices, onChoose } = props
  return (
    <Menu.Root>
      <Menu.Trigger render={trigger} />
      <Menu.Portal>
        <Menu.Positioner sideOffset={6} className="z-40 outline-none">
          <Menu.Popup className="min-w-40 rounded-lg border border-line bg-panel p-1 shadow-lg outline-none">
            <Menu.RadioGroup value={value} onValueChange={(next) => onChoose(next as T)} aria-label={label}>
              {choices.map((choice) => (
                <Menu.RadioItem
                  key={choice.value}
                  value={choice.value}
                  closeOnClick
                  className="flex h-8 cursor-pointer items-center justify-between gap-4 rounded-md px-2.5 outline-none data-[highlighted]:bg-raised"
                >
                  {choice.label}
                  <Menu.RadioItemIndicator>
                    <Check className="size-4 text-accent" aria-hidden />
                  </Menu.RadioItemIndicator>
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  )
}

/** A menu of links to other pages. */
export function LinkMenu({ trigger, links }: { trigger: ReactElement; links: readonly ReactElement[] }) {
  return (
    <Menu.Root>
      <Menu.Trigger render={trigger} />
      <Menu.Portal>
        <Menu.Positioner sideOffset={6} className="z-40 outline-none">
          <Menu.Popup className="min-w-40 rounded-lg border border-line bg-panel p-1 shadow-lg outline-none">
            {links.map((link) => (
              <Menu.LinkItem
                key={link.key}
                render={link}
                closeOnClick
                className="flex h-11 items-center gap-3 rounded-md px-3 outline-none data-[highlighted]:bg-raised"
              />
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  )
}
