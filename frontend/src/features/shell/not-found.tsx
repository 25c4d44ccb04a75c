import { type ErrorComponentProps, Link } from '@tanstack/react-router'
import { problemText } from '@/api/problem'
import { buttonClass } from '@/ui/button'
import { PageHead } from '@/ui/page'

/** The answer to an address that leads nowhere. */
export function NotFound({ what = 'page' }: { what?: string }) {
  return (
    <div className="py-10">
      <PageHead
        documentTitle="Not found"
        title={`There is no such ${what}`}
        lead="The address is mistyped, or what was here is gone."
      />
      <Link to="/" className={buttonClass('primary')}>
        To the overview
      </Link>
    </div>
  )
}

/** Shown when a page itself breaks; the rest of the dashboard stays usable. */
export function PageBroke({ error, reset }: ErrorComponentProps) {
  return (
    <div role="alert" className="py-10">
      <PageHead documentTitle="Error" title="This page broke" lead={problemText(error)} />
      <button type="button" className={buttonClass('primary')} onClick={reset}>
        Try again
      </button>
    </div>
  )
}
