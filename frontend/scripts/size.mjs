// Fails when the first load or a lazy chunk outgrows its budget (gzip bytes). Reads Vite's manifest, so that
// hashed file names do not matter. Raise a budget only with the reason in the commit.
import fs from 'node:fs'
import { gzipSync } from 'node:zlib'

const BUDGET = { firstJs: 200_000, firstCss: 15_000, lazyJs: 50_000 }

const manifest = JSON.parse(fs.readFileSync('dist/.vite/manifest.json', 'utf8'))
const gzipBytes = (file) => gzipSync(fs.readFileSync(`dist/${file}`)).length
const sum = (files) => [...new Set(files)].reduce((total, file) => total + gzipBytes(file), 0)

const first = new Set()
const walk = (key) => {
  if (first.has(key)) return
  first.add(key)
  for (const next of manifest[key].imports ?? []) walk(next)
}
for (const [key, chunk] of Object.entries(manifest)) if (chunk.isEntry) walk(key)

const lazy = Object.entries(manifest).filter(([key, chunk]) => !first.has(key) && chunk.file.endsWith('.js'))
const rows = [
  ['first load, script', sum([...first].map((key) => manifest[key].file)), BUDGET.firstJs],
  ['first load, style', sum([...first].flatMap((key) => manifest[key].css ?? [])), BUDGET.firstCss],
  ...lazy.map(([key, chunk]) => [`lazy ${key}`, gzipBytes(chunk.file), BUDGET.lazyJs]),
]
let over = 0
for (const [name, bytes, max] of rows) {
  if (bytes > max) over += 1
  console.log(`${bytes > max ? 'OVER' : 'ok  '} ${name}: ${(bytes / 1000).toFixed(1)} of ${max / 1000} kB`)
}
process.exit(over > 0 ? 1 : 0)
