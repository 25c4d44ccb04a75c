/** The reader's choice of theme, kept in the browser. `public/theme.js` holds the rule for the first paint. */
import { useSyncExternalStore } from 'react'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const listeners = new Set<() => void>()
let chosen: Theme | null = null

function stored(): Theme {
  try {
    const value = localStorage.getItem('theme')
    return value === 'dark' || value === 'light' ? value : 'system'
  } catch {
    return 'system'
  }
}

const current = (): Theme => {
  chosen ??= stored()
  return chosen
}

function apply(): void {
  const theme = current()
  const isDark =
    theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.classList.toggle('dark', isDark)
}

export function setTheme(theme: Theme): void {
  chosen = theme
  try {
    if (theme === 'system') localStorage.removeItem('theme')
    else localStorage.setItem('theme', theme)
  } catch {
    // Storage may be switched off; the choice then lasts as long as the page.
  }
  apply()
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  const system = matchMedia('(prefers-color-scheme: dark)')
  system.addEventListener('change', apply)
  return () => {
    listeners.delete(listener)
    system.removeEventListener('change', apply)
  }
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, current)
}
