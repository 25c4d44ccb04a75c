import { Check, Copy } from 'lucide-react'
import { useState } from 'react'
import { copyText } from '@/lib/clipboard'
import { Button } from './button'

/** A command to copy. */
export function Command({ text, label }: { text: string; label: string }) {
  const [isCopied, setCopied] = useState(false)
  const copy = async () => {
    setCopied(await copyText(text))
    setTimeout(() => setCopied(false), 2_000)
  }
  return (
    <div className="flex items-start gap-2 rounded-lg border border-line bg-bg p-2 pl-3">
      <code className="min-w-0 flex-1 whitespace-pre-wrap break-all py-1.5 font-mono text-xs">{text}</code>
      <Button size="sm" aria-label={`Copy ${label}`} onClick={() => void copy()}>
        {isCopied ? <Check aria-hidden /> : <Copy aria-hidden />}
        <span aria-live="polite">{isCopied ? 'Copied' : 'Copy'}</span>
      </Button>
    </div>
  )
}
