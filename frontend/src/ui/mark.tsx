/** The product's mark: a mast held by its stays. `public/favicon.svg` is the same drawing on a ground. */
export function Mark() {
  return (
    <svg
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      className="size-6 text-accent"
      aria-hidden="true"
    >
      <path
        d="M12 2.5v17.5M12 4.5 4.2 17M12 4.5 19.8 17"
        strokeWidth="1.9"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <path d="M3.5 20.5h17" strokeWidth="2.3" strokeLinecap="round" />
    </svg>
  )
}

export function Brand() {
  return (
    <span className="inline-flex items-center gap-2 font-semibold text-base tracking-tight">
      <Mark /> Mainstay
    </span>
  )
}
