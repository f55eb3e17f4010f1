import type { Lead } from '../lead/lead.ts'
import type { Hint, Queue } from '../queue/queue.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import { eventBody, leadIdOf, type Subject, viewsOf } from './body.ts'
import { type Consumer, type ConsumerKind, deliveryId } from './consumer.ts'
import type { OutboxEvent } from './event.ts'
import type { Delivery } from './store.ts'

export type SubjectKind = Subject['kind']
type DocOf<K extends SubjectKind> = Extract<Subject, { kind: K }>['doc']

export interface Relayed {
  /** Deliveries that exist for these events now and are to be made. */
  readonly deliveries: number
  /** False: the queue was away; the sweeper will find them by their due time. */
  readonly hinted: boolean
}

export interface Relay {
  /**
   * Turns the outbox of a document that was just committed into deliveries, hints the queue, and takes the events off the outbox.
   * Twice is harmless. Rejects when the store could not be reached: the events stay in the outbox and `relayLeftovers` finds them.
   */
  relay<K extends SubjectKind>(kind: K, doc: DocOf<K>): Promise<Relayed>
  /** Relays what a crash left behind, at most `limit` documents of each kind. Returns how many there were. */
  relayLeftovers(limit: number): Promise<number>
}

export interface RelayOptions {
  readonly stores: Pick<Stores, 'messages' | 'leads' | 'lines' | 'webhooks' | 'workspaces' | 'deliveries'>
  readonly runtime: Pick<Runtime, 'now' | 'log'>
  readonly kinds: readonly ConsumerKind[]
  readonly queue: Pick<Queue, 'add'>
  /** An outbox is a leftover when its document was last written so long ago: its own process had that time. */
  readonly graceMs?: number
}

export function createRelay({ stores, runtime, kinds, queue, graceMs = 5_000 }: RelayOptions): Relay {
  const outboxes = { message: stores.messages, lead: stores.leads, line: stores.lines, webhook: stores.webhooks, workspace: stores.workspaces }

  async function relaySubject(subject: Subject): Promise<Relayed> {
    const { kind, doc } = subject
    if (doc.outbox.length === 0) return { deliveries: 0, hinted: true }
    const consumers = (await Promise.all(kinds.map((each) => each.list(doc.workspaceId)))).flat()
    // An endpoint is not told that it was itself switched off.
    const others = kind === 'webhook' ? consumers.filter(({ key }) => key !== `webhook:${doc.id}`) : consumers
    const pairs = doc.outbox.flatMap((event) => others.filter((consumer) => consumer.wants(event.type)).map((consumer) => ({ event, consumer })))
    const deliveries = pairs.length === 0 ? [] : await build(subject, pairs)
    if (deliveries.length > 0) await stores.deliveries.insert(deliveries)
    const hinted = await hint(deliveries)
    await outboxes[kind].relayed({ workspaceId: doc.workspaceId, id: doc.id, version: doc.version })
    return { deliveries: deliveries.filter(({ status }) => status === 'pending').length, hinted }
  }

  async function build(subject: Subject, pairs: readonly { event: OutboxEvent; consumer: Consumer }[]): Promise<Delivery[]> {
    const { workspaceId, id: aggregateId } = subject.doc
    const leads = new Map<string, Lead | null>()
    for (const leadId of subject.kind === 'lead' ? [] : new Set(pairs.map(({ event }) => leadIdOf(subject, event)))) {
      if (leadId !== null) leads.set(leadId, await stores.leads.get(workspaceId, leadId))
    }
    const ofMessage = subject.kind === 'message' ? subject.doc.correlationId : null
    const now = runtime.now()
    const bodies = new Map<string, string>()
    return pairs.map(({ event, consumer }) => {
      const leadId = leadIdOf(subject, event)
      let body = bodies.get(event.id)
      if (body === undefined) {
        body = JSON.stringify(eventBody(subject, event, viewsOf(subject, leadId === null ? null : (leads.get(leadId) ?? null))))
        bodies.set(event.id, body)
      }
      return {
        id: deliveryId(event.id, consumer.key),
        workspaceId,
        version: 1,
        consumer: consumer.key,
        event: event.type,
        eventId: event.id,
        aggregateId,
        leadId,
        body,
        correlationId: event.correlationId ?? ofMessage,
        status: consumer.state === 'on' ? 'pending' : 'skipped',
        attempts: [],
        dueAt: consumer.state === 'on' ? now : null,
        createdAt: now,
      }
    })
  }

  async function hint(deliveries: readonly Delivery[]): Promise<boolean> {
    const hints: Hint[] = deliveries
      .filter(({ status }) => status === 'pending')
      .map(({ workspaceId, id }) => ({ kind: 'delivery', workspaceId, id }))
    if (hints.length === 0) return true
    return queue.add(hints).then(
      () => true,
      () => false,
    )
  }

  async function load(kind: SubjectKind, workspaceId: string, id: string): Promise<Subject | null> {
    switch (kind) {
      case 'message': {
        const doc = await stores.messages.get(workspaceId, id)
        return doc && { kind, doc }
      }
      case 'lead': {
        const doc = await stores.leads.get(workspaceId, id)
        return doc && { kind, doc }
      }
      case 'line': {
        const doc = await stores.lines.get(workspaceId, id)
        return doc && { kind, doc }
      }
      case 'webhook': {
        const doc = await stores.webhooks.get(workspaceId, id)
        return doc && { kind, doc }
      }
      case 'workspace': {
        const doc = await stores.workspaces.get(id)
        return doc && { kind, doc }
      }
    }
  }

  return {
    relay: (kind, doc) => relaySubject({ kind, doc } as Subject),
    async relayLeftovers(limit) {
      const before = new Date(runtime.now().getTime() - graceMs)
      let found = 0
      let failed: { error: unknown } | null = null
      for (const kind of Object.keys(outboxes) as SubjectKind[]) {
        for (const { workspaceId, id } of await outboxes[kind].unrelayed(before, limit)) {
          // One outbox that cannot be relayed keeps none of those behind it back.
          try {
            const subject = await load(kind, workspaceId, id)
            if (!subject) continue
            const { deliveries, hinted } = await relaySubject(subject)
            runtime.log.info({ workspaceId, subjectId: id, kind, deliveries, hinted }, 'outbox.recovered')
            found++
          } catch (error) {
            failed ??= { error }
            runtime.log.warn({ workspaceId, subjectId: id, kind, error }, 'outbox.stuck')
          }
        }
      }
      if (failed !== null) throw failed.error
      return found
    },
  }
}
