import { createChecks } from './availability/checks.ts'
import { createProbe } from './availability/probe.ts'
import { createInbound } from './conversation/inbound.ts'
import { AppError } from './errors.ts'
import { createAnnouncer, lazily, trimmed } from './event/announcer.ts'
import type { ConsumerKind } from './event/consumer.ts'
import { createDeliverer } from './event/deliver.ts'
import type { Relay } from './event/event.ts'
import { createRelay } from './event/relay.ts'
import { createConsent } from './lead/consent-keeper.ts'
import { createLeads } from './lead/leads.ts'
import { createCapacity } from './line/capacity.ts'
import { createKeeper } from './line/keeper.ts'
import type { Line } from './line/line.ts'
import { createLines } from './line/lines.ts'
import { createObserve } from './line/observe.ts'
import { createReclaim } from './line/reclaim.ts'
import { createAccept } from './message/accept.ts'
import { createAdvance } from './message/advance.ts'
import { createAttempts } from './message/attempt.ts'
import { createCommits } from './message/commit.ts'
import { createCancelOpen, createMessages } from './message/messages.ts'
import { createMove } from './message/move.ts'
import { createNudge } from './message/nudge.ts'
import { createReceipts } from './message/receipts.ts'
import type { Metrics } from './metrics.ts'
import type { Audit, Availability, Consent, Jobs, Keys, Leads, Lines, Messages, Replies, Workspaces } from './operations.ts'
import type { Queue } from './queue/queue.ts'
import type { Runtime } from './runtime.ts'
import type { Stores } from './store/stores.ts'
import { createSweeper } from './sweeper.ts'
import { createTicker } from './ticker.ts'
import { createTransports } from './transport/registry.ts'
import type { TransportKind } from './transport/transport.ts'
import { createWebhookKind } from './webhook/consumer.ts'
import { createEndpoints, type Webhooks } from './webhook/endpoints.ts'
import { createPoster } from './webhook/post.ts'
import { createReplays, type Replays } from './webhook/replays.ts'
import { createSecrets } from './webhook/secrets.ts'
import { createSwitchOff } from './webhook/switch-off.ts'
import { createTally } from './webhook/tally.ts'
import { createAudit } from './workspace/audit.ts'
import { createKeys } from './workspace/keys.ts'
import type { Sealer } from './workspace/secrets.ts'
import { createWorkspaces } from './workspace/workspaces.ts'

export interface EngineParts {
  stores: Stores
  queue: Queue
  runtime: Runtime
  metrics: Metrics
  sealer: Sealer
  transportKinds: readonly TransportKind[]
  settings: EngineSettings
}

/** Times in milliseconds. */
export interface EngineSettings {
  /** Where vendors and mail clients reach us, without a trailing slash. */
  publicUrl: string
  sendConcurrency: number
  deliveryConcurrency: number
  sweepEveryMs: number
  healthEveryMs: number
  unknownOutcomeDeadlineMs: number
  bridgeTimeoutMs: number
  webhookTimeoutMs: number
  webhookRetryScheduleMs: readonly number[]
  /** A line's own server may be on a private address. */
  allowPrivateBridges: boolean
  /** Webhooks and downloads may lead to private addresses (tests). */
  allowPrivateUrls: boolean
}

export interface Engine {
  readonly workspaces: Workspaces
  readonly keys: Keys
  readonly audit: Audit
  readonly leads: Leads
  readonly consent: Consent
  readonly lines: Lines
  readonly messages: Messages
  readonly availability: Availability
  readonly replies: Replies
  readonly jobs: Jobs
  readonly webhooks: Webhooks
  readonly replays: Replays
  /** What a bridge posted to a line's hook. False when the line is unknown or the secret is wrong, alike. */
  receive(lineId: string, secret: string, body: unknown): Promise<boolean>
  /** Starts working: takes hints, sweeps, checks lines. An `api` process never calls this. */
  work(): Promise<void>
  /** Stops intake, lets what runs finish until the deadline, writes what is kept back. The stores stay open. */
  stop(deadlineMs: number): Promise<void>
  backlog(): Promise<{
    messages: { count: number; oldestDueAt: Date | null }
    deliveries: { count: number; oldestDueAt: Date | null }
    queue: { waiting: number; delayed: number }
  }>
}

/** Puts the domains together. Nothing runs until `work`. */
export function createEngine(parts: EngineParts): Engine {
  const { stores, queue, runtime, metrics, sealer, settings } = parts
  const background = new Set<Promise<unknown>>()
  const track = (work: Promise<unknown>, what: string) => {
    const settled = work.catch((error: unknown) => runtime.log.warn({ error }, what)).finally(() => background.delete(settled))
    background.add(settled)
  }

  const audit = createAudit({ stores, runtime })
  const keys = createKeys({ stores, runtime, audit })
  const poster = createPoster({ allowPrivate: settings.allowPrivateUrls, timeoutMs: settings.webhookTimeoutMs, runtime })
  const secrets = createSecrets({ sealer, runtime })
  const tally = createTally({ webhooks: stores.webhooks, runtime })
  const kinds: ConsumerKind[] = []
  const outbox = lazily(stores.messages, { after: runtime.after, delayMs: 500 })
  const relays = createRelay({ stores: { ...stores, messages: { ...stores.messages, ...outbox } }, runtime, kinds, queue })
  const { relay, trim, settled, idle: announced } = createAnnouncer({ relays, kinds, runtime })
  const switchOff = createSwitchOff({ stores, runtime, relay: (webhook) => relays.relay('webhook', webhook) })
  kinds.push(
    createWebhookKind({ webhooks: stores.webhooks, runtime, poster, secrets, tally, switchOff, scheduleMs: settings.webhookRetryScheduleMs }),
  )
  const deliverer = createDeliverer({
    stores,
    runtime,
    kinds,
    log: runtime.log,
    queue,
    scheduleMs: settings.webhookRetryScheduleMs,
    timeoutMs: settings.webhookTimeoutMs,
    metrics: { attempted: ({ consumer, outcome, latencyMs }) => metrics.delivery(consumer, outcome, latencyMs) },
  })

  const capacity = createCapacity({ lines: stores.lines, runtime })
  const commits = createCommits({
    stores,
    runtime,
    queue,
    capacity,
    metrics,
    relay,
    trim,
    freed: (workspaceId, lineId) => nudge.freed(workspaceId, lineId),
    hintWithinMs: settings.sweepEveryMs * 2,
  })
  const nudge = createNudge({ stores, runtime, commits })
  const cancelOpen = createCancelOpen({ stores, commits })
  const told = { ...stores, leads: trimmed(stores.leads, trim) }
  const leads = createLeads({ stores: told, runtime, sealer, relay, audit, announced: settled, cancelOpen })
  const consent = createConsent({ stores: told, runtime, sealer, relay, audit, cancelOpen })

  const transports = createTransports({
    kinds: parts.transportKinds,
    runtime,
    metrics,
    sealer,
    timeoutMs: settings.bridgeTimeoutMs,
    allowPrivate: settings.allowPrivateBridges,
    allowPrivateFetch: settings.allowPrivateUrls,
    inbound: (line, event) => track(receipts.take(line, event), 'what a channel said could not be written'),
  })
  const checkup = (line: Line) => transports.of(line).checkup(AbortSignal.timeout(Math.min(30_000, settings.bridgeTimeoutMs)))
  const tellOfLine: Relay = (kind, doc) => {
    relay(kind, doc)
    const isWell = doc.outbox.some((event) => event.type === 'line.health_changed' && event.data.status === 'healthy')
    if (isWell) track(nudge.recovered(doc.workspaceId), 'what waited for a line was not woken; it looks again by itself')
  }
  const observe = createObserve({ lines: stores.lines, runtime, relay: tellOfLine })
  const lines = createLines({ stores, runtime, sealer, relay: tellOfLine, audit, kinds: transports.kinds, checkup })
  const keeper = createKeeper({ lines: stores.lines, runtime, observe, checkup })
  const inbound = createInbound({ stores: told, runtime, relay, leads, consent })
  const receipts = createReceipts({ stores, runtime, commits, inbound, outcome: keeper.outcome })
  const attempts = createAttempts({
    runtime,
    commits,
    capacity,
    transports,
    metrics,
    allows: consent.allows,
    joinParked: receipts.join,
    outcome: keeper.outcome,
    unsubscribeUrl: (message) =>
      message.address === null
        ? null
        : `${settings.publicUrl}/unsubscribe/${consent.unsubscribeToken(message.workspaceId, { leadId: message.leadId, address: message.address })}`,
    callTimeoutMs: settings.bridgeTimeoutMs,
    unknownDeadlineMs: settings.unknownOutcomeDeadlineMs,
  })
  const probe = createProbe({ stores, runtime, transports, capacity, examined: keeper.examined, outcome: keeper.outcome })
  const move = createMove({ stores, runtime, commits, attempts, capacity, probe, leads, consent })
  const advance = createAdvance({
    ...{ stores, runtime, commits, attempts, move },
    leave: (work) => track(work, 'a slow message was not brought on; the sweeper brings it again'),
  })
  const checks = createChecks({ stores, runtime, probe, queue, leads })
  // Fallback routes come as plugins; until one is installed and enabled there is nothing to fall back to.
  const accept = createAccept({ stores, runtime, commits, metrics, relay, trim, leads, consent, canFallBack: () => Promise.resolve(false) })
  const messages = createMessages({ stores, commits, accept, receipts })
  const sweeper = createSweeper({ stores, runtime, queue, metrics, inbound, relayLeftovers: relays.relayLeftovers, everyMs: settings.sweepEveryMs })
  const tickers = [
    // A little oftener than promised: what is promised within that time has to be found and queued by then.
    createTicker({ runtime, everyMs: settings.sweepEveryMs * 0.8, run: sweeper.sweep, name: 'sweep' }),
    createTicker({ runtime, everyMs: settings.healthEveryMs, run: keeper.checkAll, name: 'health' }),
    createTicker({ runtime, everyMs: settings.healthEveryMs, run: createReclaim({ stores, capacity, freed: nudge.freed }), name: 'reclaim' }),
  ]

  const workspaces = createWorkspaces({ stores, runtime, sealer, audit, lines })
  const waking = <T extends { id: string }>(changed: T, wake: (changed: T) => Promise<void>): T => {
    track(wake(changed), 'what waits was not woken; it looks again by itself')
    return changed
  }

  return {
    workspaces: {
      ...workspaces,
      update: async (caller, id, patch) => waking(await workspaces.update(caller, id, patch), () => nudge.workspace(id)),
      setReadOnly: async (caller, id, readOnly) => waking(await workspaces.setReadOnly(caller, id, readOnly), () => nudge.workspace(id)),
    },
    keys,
    audit,
    leads,
    consent,
    lines: { ...lines, update: async (caller, id, patch) => waking(await lines.update(caller, id, patch), () => nudge.line(caller.workspaceId, id)) },
    messages,
    availability: checks,
    webhooks: createEndpoints({ stores, runtime, secrets, poster, allowPrivate: settings.allowPrivateUrls }),
    replays: createReplays({ stores, runtime, queue }),
    replies: {
      async get(workspaceId, id) {
        const reply = await stores.replies.get(workspaceId, id)
        if (reply === null) throw new AppError('NOT_FOUND', 'there is no such reply')
        return reply
      },
      find: (workspaceId, filter, page) => stores.replies.find(workspaceId, filter, page),
    },
    jobs: {
      async get(workspaceId, id) {
        const job = await stores.jobs.get(workspaceId, id)
        if (job === null) throw new AppError('NOT_FOUND', 'there is no such job')
        return job
      },
    },
    async receive(lineId, secret, body) {
      const line = await keeper.byHook(lineId, secret)
      if (line === null) return false
      for (const event of transports.of(line).receive(body)) {
        if (event.type === 'ignored') runtime.log.debug({ lineId, why: event.why }, 'hook.ignored')
        await receipts.take(line, event)
      }
      return true
    },
    async work() {
      await queue.work({
        message: { run: (hint, signal) => advance(hint.workspaceId, hint.id, signal), concurrency: settings.sendConcurrency },
        delivery: { run: (hint, signal) => deliverer.deliver(hint, signal), concurrency: settings.deliveryConcurrency },
        relay: { run: async () => void (await relays.relayLeftovers(500)), concurrency: 1 },
        job: {
          concurrency: 2,
          run: async (hint, signal) => {
            const job = await stores.jobs.get(hint.workspaceId, hint.id)
            if (job?.status === 'running' && job.dueAt !== null && job.dueAt <= runtime.now()) await checks.runJob(job, signal)
          },
        },
      })
      for (const ticker of tickers) ticker.start()
    },
    async stop(deadlineMs) {
      const endsAt = runtime.now().getTime() + deadlineMs
      // One deadline for all of it: a vendor that does not answer must not be waited for once per step.
      const inTime = (work: Promise<unknown>) => withDeadline(work, Math.max(0, endsAt - runtime.now().getTime()), runtime)
      for (const ticker of tickers) ticker.stop()
      await queue.stop(deadlineMs)
      await inTime(Promise.all([deliverer.idle(), attempts.idle()]))
      while (background.size > 0 && (await inTime(Promise.all(background))));
      await announced()
      await outbox.flush()
      await capacity.flush()
      await tally.flush()
      await inTime(Promise.all([transports.close(), poster.close()]))
    },
    async backlog() {
      const now = runtime.now()
      const [open, deliveries, depth] = await Promise.all([
        stores.messages.backlog(now),
        stores.deliveries.backlog(now),
        queue.depth().catch(() => ({ waiting: -1, delayed: -1 })),
      ])
      return { messages: open, deliveries, queue: depth }
    },
  }
}

/** True when the work ended in time. */
async function withDeadline(work: Promise<unknown>, deadlineMs: number, runtime: Pick<Runtime, 'after'>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<false>()
  const cancel = runtime.after(deadlineMs, () => resolve(false))
  return Promise.race([work.then(() => true as const), promise]).finally(cancel)
}
