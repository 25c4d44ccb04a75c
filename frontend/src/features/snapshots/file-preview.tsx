/** A small text out of a snapshot, shown in the page. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Download, X } from 'lucide-react'
import { downloadUrl, type Place, PREVIEW_BYTES, textOfFile } from '@/lib/entry-path'
import { buttonClass } from '@/ui/button'
import { Refused } from '@/ui/query-state'
import { Skeleton } from '@/ui/skeleton'

/** The file `name` in the directory `place`. */
function placeIn(place: Place, name: string): Place {
  if (place.path_bytes) {
    const hex = [...new TextEncoder().encode(`/${name}`)].map((byte) => byte.toString(16).padStart(2, '0'))
    return { path_bytes: place.path_bytes + hex.join('') }
  }
  return { path: place.path ? `${place.path}/${name}` : name }
}

async function fetchText(url: string, signal: AbortSignal): Promise<string | null> {
  const answer = await fetch(url, { signal })
  if (!answer.ok) throw await answer.json()
  // A link may name a file of any size; only its list entry was looked at.
  if (Number(answer.headers.get('content-length')) > PREVIEW_BYTES) return null
  return textOfFile(await answer.arrayBuffer())
}

export function FilePreview({ id, place, name }: { id: string; place: Place; name: string }) {
  const url = downloadUrl(id, placeIn(place, name))
  const query = useQuery({
    queryKey: ['file-text', url],
    queryFn: ({ signal }) => fetchText(url, signal),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  })
  return (
    <section aria-label={`Content of ${name}`} className="border-line border-b bg-bg">
      <div className="flex flex-wrap items-center justify-between gap-2 px-4 py-2">
        <h3 className="min-w-0 break-all font-medium">{name}</h3>
        <div className="flex gap-1">
          <a href={url} download={name} className={buttonClass('outline', 'sm')}>
            <Download aria-hidden /> Download
          </a>
          <Link
            to="/snapshots/$id"
            params={{ id }}
            search={place}
            resetScroll={false}
            className={buttonClass('ghost', 'sm')}
          >
            <X aria-hidden /> Close
          </Link>
        </div>
      </div>
      {query.isPending && (
        <div className="px-4 pb-3">
          <Skeleton size="h-24" />
        </div>
      )}
      {query.error && <Refused title="The file could not be read" error={query.error} />}
      {query.data === null && (
        <p className="px-4 pb-3 text-muted">This is no text, or too large to show. Download it.</p>
      )}
      {query.data === '' && <p className="px-4 pb-3 text-muted">The file is empty.</p>}
      {query.data && (
        <pre
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
          tabIndex={0}
          className="max-h-96 overflow-auto px-4 pb-3 font-mono text-xs leading-5"
        >
          {query.data}
        </pre>
      )}
    </section>
  )
}
