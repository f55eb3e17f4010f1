import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Queue } from '../queue/queue.ts'
import { createRuntime } from '../runtime.ts'
import { silentLog } from './moved-clock.ts'
import { killAndWait, type ServerQueueWorld } from './queue-server-suite.ts'
import { startProxy } from './servers/proxy.ts'

export const realRuntime = createRuntime(silentLog)

/** A world on a real server: its queues go through a proxy of their own, so that being away is theirs alone. */
export async function openServerWorld(parts: {
  url: string
  port: number
  open(url: string): Promise<Queue>
  wipe(): Promise<void>
  /** How `queue-child.ts` is started. */
  childArgs: readonly string[]
}): Promise<ServerQueueWorld> {
  const target = new URL(parts.url)
  const proxy = await startProxy({ host: target.hostname, port: Number(target.port === '' ? parts.port : target.port) })
  const proxied = Object.assign(new URL(parts.url), { hostname: '127.0.0.1', port: String(proxy.port) }).href
  const queues: Queue[] = []
  const children: (() => Promise<void>)[] = []
  return {
    runtime: realRuntime,
    async open() {
      const queue = await parts.open(proxied)
      queues.push(queue)
      return queue
    },
    until: (what) => what,
    cut: proxy.halt,
    hang: proxy.stall,
    mend: proxy.resume,
    wipe: parts.wipe,
    async elsewhere() {
      const child = spawn(process.execPath, [fileURLToPath(new URL('queue-child.ts', import.meta.url)), ...parts.childArgs], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const kill = () => killAndWait(child)
      children.push(kill)
      const took = new Promise<string>((resolve, reject) => {
        createInterface({ input: child.stdout }).once('line', resolve)
        child.once('exit', () => reject(new Error('The other process ended by itself')))
      })
      took.catch(() => undefined)
      return { took, kill }
    },
    async close() {
      await Promise.all(children.map((kill) => kill()))
      await Promise.all(queues.map((queue) => queue.stop(0)))
      await proxy.close()
    },
  }
}
