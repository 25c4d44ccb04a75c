import { Monitor, Moon, Sun } from 'lucide-react'
import type { ReactElement } from 'react'
import { setTheme, THEMES, type Theme, useTheme } from '@/lib/theme'
import { Button } from '@/ui/button'
import { ChoiceMenu } from '@/ui/menu'

const ICON = { system: Monitor, light: Sun, dark: Moon }
const NAME: Record<Theme, string> = { system: 'System', light: 'Light', dark: 'Dark' }

export function ThemeMenu() {
  const theme = useTheme()
  const Icon = ICON[theme]
  const trigger: ReactElement = (
    <Button variant="ghost" size="icon" aria-label={`Theme: ${NAME[theme]}`}>
      <Icon aria-hidden />
    </Button>
  )
  const choices = THEMES.map((value) => ({ value, label: NAME[value] }))
  return <ChoiceMenu trigger={trigger} label="Theme" value={theme} choices={choices} onChoose={setTheme} />
}
