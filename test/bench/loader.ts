import { Pool } from 'undici'
import { obey } from './child.ts'
import { monotonicMs } from './clock.ts'

// As a program of the benchmark: the client. Posts messages or leads over kept-alive connections and remembers what was answered 201.

export interface Load {
  url: string
  key: string
  what: 'message' | 'lead'
  /** `full`: as many at once as `inFlight`, and no more than `windowMax` accepted that have not come to the receiver. `steady`: at fixed times, whatever comes back. */
  pace: { type: 'full'; inFlight: number; windowMax: number } | { type: 'steady'; perSecond: number }
  seconds: number
  /** The line for messages, or null for whichever the hub takes. */
  lineId: string | null
  /** When messages are to be sent (ISO), or null for at once. */
  scheduledDate: string | null
}

export interface Loaded {
  /** Each 201: its id, and when it was to be posted (steady) or was (full). */
  accepted: { id: string; atMs: number }[]
  /** From the post to its answer. */
  latenciesMs: number[]
  refused: number
  firstRefusal: string | null
  fromMs: number
  toMs: number
}

const knownMax = 2_000
/** Numbers in areas of their own: no magic sandbox address, no meeting with those of another run of the same store. */
const phoneOf = (area: number, n: number) => `+1${area + Math.floor(n / 7_000_000)}${2_000_000 + (n % 7_000_000)}`
const knownPhone = (n: number) => phoneOf(212, n % knownMax)
const text = 'Hi, this is a message of an ordinary length, as a person would write it to one other person.'

let made = 0
let drained = 0
let acceptedEver = 0

/** Every second message goes to a lead that is there already, every other to somebody new. */
function bodyOf({ what, lineId, scheduledDate }: Load, n: number): string {
  if (what === 'lead') return JSON.stringify({ firstName: 'Ann', phone: phoneOf(213, n), tags: ['bench'] })
  const recipientPhone = n % 2 === 0 ? knownPhone(n / 2) : phoneOf(213, n)
  return JSON.stringify({
    message: text,
    recipientPhone,
    metadata: { n },
    ...(lineId === null ? {} : { fromLineId: lineId }),
    ...(scheduledDate === null ? {} : { scheduledDate }),
  })
}

async function load(job: Load): Promise<Loaded> {
  const pool = new Pool(job.url, { connections: 64, pipelining: 1, keepAliveTimeout: 30_000 })
  const result: Loaded = { accepted: [], latenciesMs: [], refused: 0, firstRefusal: null, fromMs: monotonicMs(), toMs: 0 }
  const pattern = job.what === 'lead' ? /"leadIds":\["(lead_\w+)"/ : /"id":"(msg_\w+)"/
  const path = job.what === 'lead' ? '/api/leads' : '/api/messages'
  const run = process.pid.toString(36)

  async function post(atMs: number): Promise<void> {
    const n = made++
    const headers = { authorization: `Bearer ${job.key}`, 'content-type': 'application/json', 'idempotency-key': `bench-${run}-${n}` }
    const sentMs = monotonicMs()
    try {
      const answer = await pool.request({ method: 'POST', path, headers, body: bodyOf(job, n) })
      const said = await answer.body.text()
      const id = pattern.exec(said)?.[1]
      if (answer.statusCode !== 201 || id === undefined) throw new Error(`${answer.statusCode} ${said.slice(0, 300)}`)
      result.latenciesMs.push(monotonicMs() - sentMs)
      result.accepted.push({ id, atMs })
      acceptedEver++
    } catch (error) {
      // A hub that is away would be asked thousands of times a second.
      await new Promise((resolve) => setTimeout(resolve, 20))
      result.refused++
      result.firstRefusal ??= error instanceof Error ? error.message : String(error)
    }
  }

  const untilMs = result.fromMs + job.seconds * 1_000
  if (job.pace.type === 'full') {
    const { inFlight, windowMax } = job.pace
    const one = async () => {
      while (monotonicMs() < untilMs) {
        if (acceptedEver - drained < windowMax) await post(monotonicMs())
        else await new Promise((resolve) => setTimeout(resolve, 2))
      }
    }
    await Promise.all(Array.from({ length: inFlight }, one))
  } else {
    const { perSecond } = job.pace
    const posts: Promise<void>[] = []
    for (let i = 0; i < perSecond * job.seconds; i++) {
      const atMs = result.fromMs + (i * 1_000) / perSecond
      const waitMs = atMs - monotonicMs()
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
      // Counted from when it was due, so that a client that fell behind hides nothing.
      posts.push(post(atMs))
    }
    await Promise.all(posts)
  }
  result.toMs = monotonicMs()
  await pool.close()
  return result
}

const commands = {
  load,
  /** How many of everything accepted so far have come to the receiver: opens the window of `full`. */
  drained(count: number) {
    drained = count
  },
  /** Saves the leads that every second message goes to. */
  async seed({ url, key }: { url: string; key: string }) {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    for (let from = 0; from < knownMax; from += 500) {
      const leads = Array.from({ length: 500 }, (_, i) => ({ firstName: 'Known', phone: knownPhone(from + i) }))
      const answer = await fetch(`${url}/api/leads`, { method: 'POST', headers, body: JSON.stringify({ leads }) })
      if (!answer.ok) throw new Error(`seeding answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`)
      await answer.arrayBuffer()
    }
  },
}
export type LoaderCommands = typeof commands

obey(commands)
