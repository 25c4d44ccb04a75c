/// <reference types="vitest/config" />
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Where `npm run dev` finds the service. */
const service = process.env.MAINSTAY_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  build: {
    target: 'baseline-widely-available',
    sourcemap: false,
    manifest: true,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': service, '/swagger-ui': service } },
  // Most tests need no DOM; those that do say `@vitest-environment jsdom` on their first line.
  test: { environment: 'node', setupFiles: ['test/setup.ts'], include: ['src/**/*.test.{ts,tsx}'] },
})
