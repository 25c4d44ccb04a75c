// A script or style that did not come leaves an empty page: the network changed meanwhile (a browser on the Docker
// host sees that whenever containers start or stop), or an update of Mainstay took the file away. Then the page is
// loaded once more; not again within ten seconds, so that it never loops.
;(() => {
  const reload = () => {
    try {
      const last = Number(sessionStorage.getItem('reloaded_at') ?? 0)
      if (Date.now() - last < 10_000) return false
      sessionStorage.setItem('reloaded_at', String(Date.now()))
    } catch {
      return false // Without storage a loop could not be told from a first time.
    }
    if (document.readyState === 'complete') location.reload()
    else addEventListener('load', () => location.reload())
    return true
  }
  // Errors of elements do not bubble, hence the capture.
  addEventListener('error', ({ target }) => void (target instanceof HTMLElement && reload()), true)
  // A page's own script, fetched when the page is opened.
  addEventListener('vite:preloadError', (event) => reload() && event.preventDefault())
})()
