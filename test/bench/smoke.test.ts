import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

test('the benchmark runs to its end, embedded, and what it accepts is delivered exactly', { timeout: 120_000 }, async () => {
  const child = spawn(process.execPath, [fileURLToPath(new URL('main.ts', import.meta.url)), '--smoke'], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill())
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const [printed, said, code] = await Promise.all([text(child.stdout), text(child.stderr), exit])
  expect(code, said).toBe(0)
  for (const figure of ['accept only', 'accept -> vendor', 'time to be up', 'webhook dispatch', 'at 50/s, vendor over HTTP', 'one dead endpoint']) {
    expect(printed).toMatch(new RegExp(`^embedded +[^\\n]*${figure}`, 'm'))
  }
  expect(printed.match(/ {2}exact: [1-9]\d* of [1-9]\d*/g)).toHaveLength(6)
})
