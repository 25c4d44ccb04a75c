/** The address of a log file's text, or of its download. */
export function logFileUrl(name: string, isDownload: boolean): string {
  return `/api/v1/logs/files/${encodeURIComponent(name)}${isDownload ? '?download=1' : ''}`
}
