// Runs before the first paint, so that the theme never flashes. A file and not inline: the content security
// policy allows no inline scripts. `src/lib/theme.ts` holds the same rule for later changes.
;(() => {
  let stored = null
  try {
    stored = localStorage.getItem('theme')
  } catch {
    // Storage may be switched off; the system's theme then decides.
  }
  const isDark =
    stored === 'dark' || (stored !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.classList.toggle('dark', isDark)
})()
