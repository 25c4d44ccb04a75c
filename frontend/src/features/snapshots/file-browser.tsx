/** What is in a snapshot: a directory at a time, page by page, with the way to it in the address. */
import { getRouteApi, Link } from '@tanstack/react-router'
import { ChevronRight, Download, File, FileSymlink, Folder, type LucideIcon, Undo2 } from 'lucide-react'
import { useState } from 'react'
import { api, BY_CURSOR, type Schemas } from '@/api/client'
import { isProblem, problemText } from '@/api/problem'
import { crumbsOf, downloadUrl, type Place, PREVIEW_BYTES, placeOfEntry, tarUrl } from '@/lib/entry-path'
import { bytes, count } from '@/lib/format'
import { type Ticked, toggle } from '@/lib/selection'
import { entryKindWord } from '@/lib/words'
import { Button, buttonClass } from '@/ui/button'
import { Card, Empty } from '@/ui/card'
import { Checkbox } from '@/ui/checkbox'
import { QueryError } from '@/ui/query-state'
import { SkeletonRows } from '@/ui/skeleton'
import { When } from '@/ui/time'
import { FilePreview } from './file-preview'

type Entry = Schemas['ArchiveEntry']

const route = getRouteApi('/snapshots/$id')
const PAGE = 100
const LINK = 'break-all font-medium underline-offset-4 hover:underline'

const ICON: Partial<Record<Entry['kind'], LucideIcon>> = { directory: Folder, symlink: FileSymlink }
const hasContent = (entry: Entry) => entry.kind === 'file' || entry.kind === 'hard_link'

/** An index that is being made anew is worth waiting for; anything else is an answer. */
const isBeingMade = (error: unknown) => isProblem(error) && error.code === 'index_rebuilding'

function useEntries(id: string, place: Place) {
  return api.useInfiniteQuery(
    'get',
    '/api/v1/snapshots/{id}/files',
    { params: { path: { id }, query: { limit: PAGE, ...place } } },
    {
      ...BY_CURSOR,
      staleTime: 600_000,
      retry: (failures: number, error: unknown) => isBeingMade(error) && failures < 200,
      retryDelay: 3_000,
    },
  )
}

function Crumbs({ id, place }: { id: string; place: Place }) {
  const crumbs = crumbsOf(place)
  return (
    <nav aria-label="Way to this directory" className="min-w-0 border-line border-b px-4 py-2.5">
      <ol className="flex flex-wrap items-center gap-1">
        <li>
          {crumbs.length === 0 ? (
            <span aria-current="page">Everything</span>
          ) : (
            <Link to="/snapshots/$id" params={{ id }} search={{}} resetScroll={false} className={LINK}>
              Everything
            </Link>
          )}
        </li>
        {crumbs.map((crumb, i) => (
          <li key={JSON.stringify(crumb.place)} className="flex min-w-0 items-center gap-1">
            <ChevronRight className="size-4 shrink-0 text-muted" aria-hidden />
            {i === crumbs.length - 1 ? (
              <span aria-current="page" className="break-all">
                {crumb.name}
              </span>
            ) : (
              <Link
                to="/snapshots/$id"
                params={{ id }}
                search={crumb.place}
                resetScroll={false}
                className={LINK}
              >
                {crumb.name}
              </Link>
            )}
          </li>
        ))}
      </ol>
    </nav>
  )
}

function Name({ id, place, entry }: { id: string; place: Place; entry: Entry }) {
  if (entry.kind === 'directory') {
    return (
      <Link
        to="/snapshots/$id"
        params={{ id }}
        search={placeOfEntry(entry)}
        resetScroll={false}
        className={LINK}
      >
        {entry.name}
      </Link>
    )
  }
  if (hasContent(entry) && entry.size_bytes <= PREVIEW_BYTES && !entry.path_bytes) {
    return (
      <Link
        to="/snapshots/$id"
        params={{ id }}
        search={{ ...place, file: entry.name }}
        resetScroll={false}
        className={LINK}
      >
        {entry.name}
      </Link>
    )
  }
  return <span className="break-all">{entry.name}</span>
}

/** A file as it is, a directory as a tar; nothing else has a content. */
function DownloadLink({ id, entry }: { id: string; entry: Entry }) {
  const isDirectory = entry.kind === 'directory'
  if (!isDirectory && !hasContent(entry)) return <span />
  const place = placeOfEntry(entry)
  return (
    <a
      href={isDirectory ? tarUrl(id, place) : downloadUrl(id, place)}
      download={isDirectory ? `${entry.name}.tar` : entry.name}
      className={buttonClass('ghost', 'icon')}
      aria-label={`Download ${entry.name}`}
      title={isDirectory ? 'Download as a tar' : 'Download'}
    >
      <Download aria-hidden />
    </a>
  )
}

interface Choice {
  picked: Ticked
  toggle: (path: string) => void
}

function Row({ id, place, entry, picked, toggle }: { id: string; place: Place; entry: Entry } & Choice) {
  const Icon = ICON[entry.kind] ?? File
  return (
    <li
      data-entry={entry.name}
      className="grid grid-cols-[minmax(0,1fr)_2.25rem] items-center gap-x-4 px-4 py-1 hover:bg-raised/60 sm:grid-cols-[minmax(0,1fr)_6rem_11rem_5rem_2.25rem]"
    >
      <div className="flex min-h-9 min-w-0 items-center gap-2.5">
        {/* A path that is no UTF-8 cannot be named in a restore. */}
        {entry.path_bytes ? (
          <span className="-mx-2 w-10" />
        ) : (
          <Checkbox
            state={picked.has(entry.path) ? 'all' : 'none'}
            label={`Select ${entry.name}`}
            onToggle={() => toggle(entry.path)}
          />
        )}
        <Icon className="size-4 shrink-0 text-muted" aria-label={entryKindWord[entry.kind]} />
        <span className="min-w-0">
          <Name id={id} place={place} entry={entry} />
          {entry.target && <span className="break-all text-muted text-xs"> → {entry.target}</span>}
          <span className="block text-muted text-xs sm:hidden">
            {hasContent(entry) && `${bytes(entry.size_bytes)}, `}
            <When at={entry.modified_at} />
          </span>
        </span>
      </div>
      <span className="text-right text-muted tabular-nums max-sm:hidden">
        {hasContent(entry) && bytes(entry.size_bytes)}
      </span>
      <span className="text-muted max-sm:hidden">
        <When at={entry.modified_at} />
      </span>
      <span className="font-mono text-muted text-xs max-sm:hidden">{entry.mode}</span>
      <DownloadLink id={id} entry={entry} />
    </li>
  )
}

function Entries({ id, place, ...choice }: { id: string; place: Place } & Choice) {
  const query = useEntries(id, place)
  if (query.isPending) {
    return (
      <>
        {isBeingMade(query.failureReason) && (
          <p role="status" className="px-4 py-2.5 text-muted">
            The list of its files was missing and is being made anew. This goes on by itself…
          </p>
        )}
        <SkeletonRows rows={6} size="h-6" />
      </>
    )
  }
  if (!query.data) {
    return isProblem(query.error) && query.error.code === 'archive_not_indexed' ? (
      <Empty title="It cannot be looked into from here">{problemText(query.error)}.</Empty>
    ) : (
      <QueryError query={query} what="The files" />
    )
  }
  const entries = query.data.pages.flatMap((page) => page.items)
  if (entries.length === 0) return <Empty title="Empty directory" />
  return (
    <>
      <ul
        aria-label="Entries"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className="relative max-h-[65dvh] divide-y divide-line overflow-auto"
      >
        {entries.map((entry) => (
          <Row key={entry.path_bytes ?? entry.path} id={id} place={place} entry={entry} {...choice} />
        ))}
      </ul>
      <div className="flex flex-wrap items-center justify-between gap-3 border-line border-t px-4 py-2 text-muted text-xs">
        <span>
          {query.hasNextPage
            ? `The first ${count(entries.length, 'entry', 'entries')}`
            : count(entries.length, 'entry', 'entries')}
        </span>
        {query.hasNextPage && (
          <Button size="sm" disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {query.isFetchingNextPage ? 'Loading…' : 'Load more'}
          </Button>
        )}
      </div>
    </>
  )
}

/** What is ticked, in whichever directory, and the way to its restore. */
function Picked({ id, picked, clear }: { id: string; picked: Ticked; clear: () => void }) {
  if (picked.size === 0) return null
  return (
    <>
      <span role="status" className="text-muted">
        {picked.size} selected
      </span>
      <Button size="sm" variant="ghost" onClick={clear}>
        Clear
      </Button>
      <Link
        to="/restore"
        search={{ snapshot: id, path: [...picked].sort() }}
        className={buttonClass('primary', 'sm')}
      >
        <Undo2 aria-hidden /> Restore selected…
      </Link>
    </>
  )
}

export function FileBrowser({ id }: { id: string }) {
  const { file, ...place } = route.useSearch()
  const [picked, setPicked] = useState<Ticked>(new Set())
  return (
    <Card
      title="Files"
      hint="A small text opens here; files and directories can be downloaded"
      actions={<Picked id={id} picked={picked} clear={() => setPicked(new Set())} />}
    >
      <Crumbs id={id} place={place} />
      {file !== undefined && <FilePreview id={id} place={place} name={file} />}
      <Entries
        key={JSON.stringify(place)}
        id={id}
        place={place}
        picked={picked}
        toggle={(path) => setPicked((before) => toggle(before, path))}
      />
    </Card>
  )
}
