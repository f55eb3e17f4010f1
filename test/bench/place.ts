import { randomBytes } from 'node:crypto'
import { adminKey, type Call, client, type HubProcess, startHub, tempDir } from '../rig/hub.ts'
import { type Child, startChild } from './child.ts'
import { monotonicMs } from './clock.ts'
import type { Load, Loaded, LoaderCommands } from './loader.ts'
import type { Way } from './options.ts'
import type { ReceiverCommands } from './receiver.ts'
import type { Servers } from './servers.ts'

export type Role = 'all' | 'api' | 'worker'

/** A hub of as many processes as asked for, on an empty store, with a client and a receiver in processes of their own. */
export interface Place {
  readonly way: Way
  readonly hubs: { role: Role; process: HubProcess }[]
  readonly call: Call
  readonly lineId: string
  /** Process ids of the client and the receiver. */
  readonly pids: { client: number; receiver: number }
  readonly receiver: Child<ReceiverCommands>
  readonly receiverUrl: string
  /** An endpoint that takes connections and never answers. */
  readonly deadUrl: string
  /** From the start of the process that listens to its first good answer of /readyz. */
  readonly upMs: number
  load(what: Pick<Load, 'what' | 'pace' | 'seconds'> & { lineId?: string; scheduledDate?: string }): Promise<Loaded>
  /** Tells the client how many came to the receiver. */
  drained(count: number): Promise<void>
  addWebhook(url: string, events: readonly string[]): Promise<{ id: string; secret: string }>
  start(role: Role): Promise<HubProcess>
  stop(): Promise<void>
}

/** More than any run sends; the most the API takes. */
const limit = 1_000_000
const limits = { dailyTotalMessagesLimit: limit, dailyNewConversationsLimit: limit, dailyAvailabilityChecksLimit: limit }
const noGaps = { deviceGapSeconds: 0, contactGapSeconds: 0, availabilityGapSeconds: 0 }

/** Where lines are made without limits that a benchmark would meet. */
export const unlimited = { ...limits, ...noGaps }

export async function openPlace(parts: { way: Way; servers: Servers; roles: readonly Role[]; profileDir: string | null }): Promise<Place> {
  const { way, servers, roles, profileDir } = parts
  const dir = tempDir()
  const env: Record<string, string> = {
    DATA_DIR: dir.path,
    ALLOW_PRIVATE_ADDRESSES: 'true',
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    ...(await servers.fresh(way)),
    ...(profileDir === null ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDir}` }),
  }
  const hubs: Place['hubs'] = []
  const start = async (role: Role) => {
    const hub = await startHub({ ...env, ROLE: role })
    hubs.push({ role, process: hub })
    return hub
  }
  const receiver = startChild<ReceiverCommands>(new URL('receiver.ts', import.meta.url))
  const loader = startChild<LoaderCommands>(new URL('loader.ts', import.meta.url))
  // However this process ends, the hubs and their directory must not outlive it; the other children notice by themselves.
  const sweep = () => {
    for (const { process: hub } of hubs) killNow(hub.pid)
    dir.remove()
  }
  process.once('exit', sweep)
  const stop = async () => {
    process.removeListener('exit', sweep)
    await Promise.all([receiver.stop(), loader.stop(), ...hubs.map((hub) => hub.process.stop())])
    dir.remove()
  }

  try {
    const startedMs = monotonicMs()
    const [first = 'all', ...others] = roles
    await start(first)
    const url = () => hubs.find((hub) => hub.role !== 'worker')?.process.url ?? ''
    await fetch(`${url()}/readyz`)
    const upMs = monotonicMs() - startedMs
    // One after the other: the first makes the store.
    for (const role of others) await start(role)

    const call: Call = (method, path, body, headers) => client(url())(method, path, body, headers)
    const [addresses, lineId] = await Promise.all([receiver.ask('open', undefined as never), sandboxLine(call)])
    await loader.ask('seed', { url: url(), key: adminKey })
    return {
      way,
      hubs,
      call,
      lineId,
      pids: { client: loader.pid, receiver: receiver.pid },
      receiver,
      receiverUrl: addresses.url,
      deadUrl: addresses.deadUrl,
      upMs,
      load: ({ lineId: named, scheduledDate = null, ...what }) =>
        loader.ask('load', { ...what, url: url(), key: adminKey, lineId: named ?? lineId, scheduledDate }),
      drained: (count) => loader.ask('drained', count),
      addWebhook: (to, events) => made(call, '/api/webhooks', { url: to, events: [...events], name: 'bench' }),
      start,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function made<T>(call: Call, path: string, body: unknown): Promise<T> {
  const answer = await call<T>('POST', path, body)
  if (answer.status !== 201) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

async function sandboxLine(call: Call): Promise<string> {
  const body = { name: 'Bench', channel: 'imessage', phone: '+15005550199', transport: { type: 'sandbox' }, timezone: 'UTC', ...unlimited }
  return (await made<{ id: string }>(call, '/api/lines', body)).id
}

/** A line to a vendor over HTTP, whose receipts come in at the returned hook. */
export async function bridgeLine(call: Call, at: { url: string; password: string }): Promise<{ id: string; hookPath: string }> {
  const transport = { type: 'bluebubbles', url: at.url, password: at.password, method: 'private-api' }
  const body = { name: 'Bridge', channel: 'imessage', phone: '+15005550198', transport, timezone: 'UTC', ...unlimited }
  const line = await made<{ id: string; hookUrl: string }>(call, '/api/lines', body)
  return { id: line.id, hookPath: new URL(line.hookUrl).pathname }
}
