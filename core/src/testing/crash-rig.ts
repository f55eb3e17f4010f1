import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { z } from 'zod'
import { createEngine, type Engine } from '../engine.ts'
import type { Message } from '../message/message.ts'
import { noMetrics } from '../metrics.ts'
import type { Caller, LineInput } from '../operations.ts'
import { createMemoryQueue } from '../queue/memory.ts'
import type { Hint, Queue } from '../queue/queue.ts'
import { createSqliteStores } from '../store/sql/index.ts'
import type { Stores } from '../store/stores.ts'
import type { Inbound, SendRequest, SendResult, Transport, TransportKind } from '../transport/transport.ts'
import { createSealer } from '../workspace/secrets.ts'
import { createLife, type Death, type Life } from './mortal.ts'
import { createMovedClock, type MovedClock } from './moved-clock.ts'

/** One process on the rig's data: an engine with a clock of its own, working until it dies or is stopped. */
export interface Process {
  readonly engine: Engine
  readonly life: Life
  readonly clock: MovedClock
  /** Past the process, for the judge. */
  readonly stores: Stores
  /** Moves the clock until `will` holds or `patienceMs` of its time have passed, or the process is dead. Answers whether it held. */
  until(will: () => Promise<boolean>, patienceMs?: number): Promise<boolean>
  readonly queue: Pick<Queue, 'add'>
  /** Every hint that it was given, in order. */
  readonly hints: readonly Hint[]
  end(): Promise<void>
}

export interface Told {
  readonly id: string
  readonly event: string
  readonly seq: number
  readonly messageId: string | null
}

type Said = { type: 'accepted' } | Exclude<SendResult, { type: 'accepted' }>

/** The clock's step: small while something may be on a socket, larger when only time is waited for. */
const stepMs = { first: 100, later: 1_000 } as const

/** A vendor that keeps a ledger, a webhook receiver, and a data directory on which one process after the other works. */
export async function createCrashRig({
  send = () => ({ type: 'accepted' }),
  check = async (address) => ({ type: 'answer', available: !address.endsWith('0002') }),
}: {
  send?: (request: SendRequest) => Said | Promise<Said>
  check?: Transport['check']
} = {}) {
  const root = mkdtempSync(join(tmpdir(), 'trunkline-crash-'))
  const [directory, furnished] = [join(root, 'data'), join(root, 'furnished')]
  const sealer = createSealer([randomBytes(32)])
  /** Every send the vendor really made. */
  const ledger: SendRequest[] = []
  const told: Told[] = []
  const startsMs = Date.parse('2026-11-22T12:00:00Z')
  let nowMs = startsMs

  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      told.push(JSON.parse(Buffer.concat(chunks).toString()) as Told)
      response.end()
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`

  const guidOf = (attemptId: string) => `guid-${attemptId}`
  const kindFor = (life: Life): TransportKind => ({
    type: 'vendor',
    channels: ['imessage'],
    settings: z.strictObject({}),
    noGaps: true,
    open: () =>
      life.transport({
        async send(request) {
          const said = await send(request)
          if (said.type === 'accepted' || said.type === 'unknown') ledger.push(request)
          return said.type === 'accepted' ? { type: 'accepted', externalId: guidOf(request.attemptId) } : said
        },
        async lookup(request) {
          const made = ledger.some(({ attemptId }) => attemptId === request.attemptId)
          return made
            ? { type: 'found', externalId: guidOf(request.attemptId), status: 'sent', at: null, detail: 'the vendor has it' }
            : { type: 'missing' }
        },
        check,
        checkup: async () => ({ ok: true, why: null, canCheckAvailability: true }),
        receive: (body) => body as Inbound[],
        close: async () => undefined,
      }),
  })

  async function start({
    death = null,
    spoil = (queue: Queue) => queue,
  }: {
    death?: Death | null
    spoil?: (queue: Queue) => Queue
  } = {}): Promise<Process> {
    nowMs += 1_000
    const clock = createMovedClock({ startsAt: new Date(nowMs).toISOString() })
    const { runtime } = clock
    const life = createLife(death)
    const stores = await createSqliteStores({ file: join(directory, 'hub.db'), log: runtime.log })
    const hints: Hint[] = []
    const plain = spoil(createMemoryQueue({ runtime, log: runtime.log }))
    const queue: Queue = {
      ...plain,
      add: (given) => {
        hints.push(...given)
        return plain.add(given)
      },
    }
    const engine = createEngine({
      stores: life.stores(stores),
      queue: life.queue(queue),
      runtime,
      metrics: noMetrics,
      sealer,
      transportKinds: [kindFor(life)],
      settings: {
        ...{ publicUrl: 'http://localhost:3000', sendConcurrency: 16, deliveryConcurrency: 16, sweepEveryMs: 1_000, healthEveryMs: 5_000 },
        ...{
          unknownOutcomeDeadlineMs: 10_000,
          bridgeTimeoutMs: 5_000,
          webhookTimeoutMs: 5_000,
          webhookRetryScheduleMs: [1_000, 1_000, 1_000, 1_000],
        },
        ...{ allowPrivateBridges: true, allowPrivateUrls: true },
      },
    })
    return {
      engine,
      life,
      clock,
      stores,
      queue: plain,
      hints,
      async until(will, patienceMs = 120_000) {
        for (let passed = 0, ms = 0; passed < patienceMs; passed += ms) {
          if (life.isOver()) return false
          if (await will()) return true
          ms = passed < 2_000 ? stepMs.first : stepMs.later
          await clock.advance(ms)
          nowMs += ms
          // Webhooks go over a real socket: it gets its turns.
          for (let i = 0; i < 8; i++) await turn()
        }
        return will()
      },
      async end() {
        let stopped = false
        if (!life.isOver()) void engine.stop(1_000).then(() => (stopped = true))
        // It may die of its last step here too.
        while (!stopped && !life.isOver()) {
          await clock.advance(stepMs.first)
          await turn()
        }
        await stores.close()
      },
    }
  }

  return {
    ledger,
    told,
    start,
    /** A workspace with lines of the vendor and an endpoint that wants everything: what every story begins with. */
    async furnish(lines: readonly LineInput[] = [{}]): Promise<Caller> {
      const process = await start()
      const { engine } = process
      const { workspaceId } = await engine.workspaces.bootstrap({ adminApiKey: null, sandboxLine: false })
      const caller = { workspaceId, actor: 'key:test', correlationId: null }
      for (const [n, line] of lines.entries()) {
        await engine.lines.create(caller, { name: `line ${n}`, channel: 'imessage', transport: { type: 'vendor' }, ...line })
      }
      await engine.webhooks.create(caller, { url, events: ['*'], name: 'all' })
      await process.end()
      cpSync(directory, furnished, { recursive: true })
      return caller
    },
    /** The story begins anew. */
    again() {
      rmSync(directory, { recursive: true, force: true })
      cpSync(furnished, directory, { recursive: true })
      ledger.length = 0
      told.length = 0
      nowMs = startsMs
    },
    receipt(message: Message, status: 'sent' | 'delivered' | 'read' | 'failed'): Inbound {
      const attemptId = message.attempt?.id ?? ''
      return { type: 'receipt', externalId: guidOf(attemptId), attemptId: null, status, at: new Date(nowMs), detail: `the vendor says ${status}` }
    },
    async close() {
      receiver.closeAllConnections()
      await new Promise((resolve) => receiver.close(resolve))
      rmSync(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

export type CrashRig = Awaited<ReturnType<typeof createCrashRig>>
