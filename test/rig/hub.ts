import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const adminKey = `tl_${'a'.repeat(40)}`

export interface HubProcess {
  readonly url: string
  readonly pid: number
  /** SIGKILL: no goodbye. Resolves when it is gone. */
  kill(): Promise<void>
  /** SIGTERM. Resolves with its exit code. */
  stop(): Promise<number | null>
  readonly exited: Promise<number | null>
  /** Everything it printed. */
  output(): string
}

export interface Answer<T = unknown> {
  status: number
  body: T
  headers: Headers
}

const main = fileURLToPath(new URL('../../gateway/src/main.ts', import.meta.url))

/** A directory that is gone when the returned function was called. */
export function tempDir(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'trunkline-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) }
}

/** Starts the hub as an operator does, as a process of its own, on a free port. Resolves when it listens. */
export async function startHub(env: Record<string, string>): Promise<HubProcess> {
  const child: ChildProcess = spawn(process.execPath, [main], {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, PORT: '0', ADMIN_API_KEY: adminKey, RATE_LIMITS: 'off', LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // However the test's process ends, the hub must not outlive it.
  const reap = () => child.kill('SIGKILL')
  process.once('exit', reap)
  child.once('exit', () => process.removeListener('exit', reap))
  const printed: string[] = []
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  const { promise: listening, resolve: found, reject: lost } = Promise.withResolvers<string>()
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue
    createInterface({ input: stream }).on('line', (line) => {
      printed.push(line)
      const url = /listens on (http:\/\/\S+?);/.exec(line)?.[1]
      if (url) found(url)
    })
  }
  void exited.then((code) => lost(new Error(`the hub ended with ${code} before it listened:\n${printed.join('\n')}`)))
  const url = await listening
  const pid = child.pid
  if (pid === undefined) throw new Error('the hub has no process id')
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    return exited
  }
  return { url, pid, exited, output: () => printed.join('\n'), kill: async () => void (await end('SIGKILL')), stop: () => end('SIGTERM') }
}

export type Call = <T = unknown>(method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer<T>>

/** A client of the REST API with one key. */
export function client(url: string, key: string = adminKey): Call {
  return async <T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, body: (text === '' ? null : JSON.parse(text)) as T }
  }
}

/** Asks again until the answer will do; fails with the last one after `patienceMs`. For processes whose clock cannot be moved. */
export async function eventually<T>(ask: () => Promise<T>, will: (answer: T) => boolean, patienceMs = 20_000, everyMs = 50): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const answer = await ask()
    if (will(answer)) return answer
    if (performance.now() > deadline) throw new Error(`still not so after ${patienceMs} ms: ${JSON.stringify(answer).slice(0, 2_000)}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
