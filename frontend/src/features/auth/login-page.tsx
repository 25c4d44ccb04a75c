import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useEffect, useId, useRef, useState } from 'react'
import { count } from '@/lib/format'
import { Button } from '@/ui/button'
import { inputClass } from '@/ui/field'
import { Brand } from '@/ui/mark'
import { type LoginAnswer, login } from './login'

function message(answer: LoginAnswer | null, secondsLeft: number): string {
  if (answer?.outcome === 'wrong') return 'Wrong password.'
  if (answer?.outcome === 'failed') return answer.message
  if (answer?.outcome === 'wait') {
    return secondsLeft > 0
      ? `Too many attempts. Try again in ${count(secondsLeft, 'second')}.`
      : 'You can try again now.'
  }
  return ''
}

function useCountdown(from: number): number {
  const [left, setLeft] = useState(from)
  useEffect(() => {
    const end = Date.now() + from * 1_000
    setLeft(from)
    if (from === 0) return
    const timer = setInterval(() => {
      const seconds = Math.max(0, Math.ceil((end - Date.now()) / 1_000))
      setLeft(seconds)
      if (seconds === 0) clearInterval(timer)
    }, 250)
    return () => clearInterval(timer)
  }, [from])
  return left
}

export function LoginPage({ hasExpired }: { hasExpired: boolean }) {
  const client = useQueryClient()
  const [password, setPassword] = useState('')
  const [isBusy, setBusy] = useState(false)
  const [answer, setAnswer] = useState<LoginAnswer | null>(null)
  const field = useRef<HTMLInputElement>(null)
  const errorId = useId()
  const secondsLeft = useCountdown(answer?.outcome === 'wait' ? answer.seconds : 0)
  const isWaiting = answer?.outcome === 'wait' && secondsLeft > 0
  const text = message(answer, secondsLeft)
  useEffect(() => {
    document.title = 'Sign in · Mainstay'
    field.current?.focus()
  }, [])

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (isBusy || isWaiting) return
    setBusy(true)
    const got = await login(password)
    setBusy(false)
    setAnswer(got)
    if (got.outcome === 'ok') {
      await client.resetQueries()
    } else {
      setPassword('')
      field.current?.focus()
    }
  }
  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <div className="w-full max-w-sm">
        <p className="mb-6 flex justify-center">
          <Brand />
        </p>
        <form onSubmit={(event) => void submit(event)} className="rounded-xl border border-line bg-panel p-6">
          <h1 className="font-semibold text-lg">Sign in</h1>
          <p className="mt-1 text-muted">
            {hasExpired
              ? 'Your session has expired. Sign in to go on where you were.'
              : 'Enter the password of this Mainstay.'}
          </p>
          <label className="mt-5 block font-medium" htmlFor="password">
            Password
          </label>
          <input
            ref={field}
            id="password"
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            aria-invalid={answer?.outcome === 'wrong'}
            aria-describedby={errorId}
            className={`${inputClass} mt-1.5 h-10 w-full aria-invalid:border-bad`}
          />
          <p id={errorId} role="alert" className="mt-2 min-h-5 text-bad">
            {text}
          </p>
          <div className="mt-2 grid">
            <Button type="submit" variant="primary" disabled={isBusy || isWaiting}>
              {isBusy ? 'Signing in…' : 'Sign in'}
            </Button>
          </div>
        </form>
      </div>
    </main>
  )
}
