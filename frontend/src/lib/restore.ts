/** The command that unpacks a snapshot without Mainstay: promised to be enough for ever. */

/** `text` as one word of a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** The command for an archive at `path`, into a directory of its own. */
export function unpackCommand(path: string): string {
  const archive = shellQuote(path)
  const flags = '--numeric-owner --xattrs'
  const target = 'mkdir -p restore &&'
  const isEncrypted = path.endsWith('.age')
  const plain = isEncrypted ? path.slice(0, -'.age'.length) : path
  const unpack = plain.endsWith('.zst')
    ? '--zstd'
    : plain.endsWith('.gz') || plain.endsWith('.tgz')
      ? '-z'
      : ''
  const options = ['-x', unpack, flags, '-p'].filter(Boolean).join(' ')
  if (isEncrypted) return `${target} age -d -i key.txt ${archive} | tar ${options} -C restore -f -`
  return `${target} tar ${options} -C restore -f ${archive}`
}
