import { AppError } from '../errors.ts'
import type { Announcer } from '../event/announcer.ts'
import type { Relay } from '../event/event.ts'
import type { Capacity } from '../line/capacity.ts'
import type { Metrics } from '../metrics.ts'
import type { Queue } from '../queue/queue.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import { applyFact, type Fact } from './fact.ts'
import { isEnded } from './lifecycle.ts'
import type { Message } from './message.ts'

export interface CommitParts {
  stores: Stores
  runtime: Runtime
  queue: Queue
  capacity: Capacity
  metrics: Metrics
  relay: Relay
  trim: Announcer['trim']
  /** A place was given back. */
  freed(workspaceId: string, lineId: string): void
  /** What is due sooner than this gets a hint of its own; the rest is the sweeper's. */
  hintWithinMs: number
}

export interface Commits {
  /** The fact on the version that was read. Null: somebody else was first (read again), or the lifecycle refuses it. */
  commit(message: Message, fact: Fact): Promise<Message | null>
  /** Two facts in one write, both announced. */
  both(message: Message, first: Fact, second: Fact): Promise<Message | null>
  /** Looks at the message again at `dueAt` (null: never), without a fact. */
  postpone(message: Message, dueAt: Date | null): Promise<void>
  /** Whether this vendor id is another message's. */
  isTaken(message: Message, externalId: string): Promise<boolean>
  /** Reads, decides, commits; on conflict again, a few times. Null when `decide` says so or the lifecycle refuses. */
  change(workspaceId: string, id: string, decide: (message: Message) => Fact | null): Promise<{ message: Message; changed: boolean } | null>
  /** Gives a place back that a finished message still holds. */
  release(message: Message): Promise<void>
  hint(message: Pick<Message, 'workspaceId' | 'id' | 'dueAt' | 'priority'>): void
}

const roundsMax = 5

export function createCommits({ stores, runtime, queue, capacity, metrics, relay, trim, freed, hintWithinMs }: CommitParts): Commits {
  function hint(message: Pick<Message, 'workspaceId' | 'id' | 'dueAt' | 'priority'>): void {
    if (message.dueAt === null || message.dueAt.getTime() - runtime.now().getTime() > hintWithinMs) return
    queue
      .add([{ kind: 'message', workspaceId: message.workspaceId, id: message.id, at: message.dueAt, urgent: message.priority === 'high' }])
      .catch((error: unknown) => runtime.log.debug({ error, messageId: message.id }, 'the queue is away; the sweeper will bring the message'))
  }

  async function release(message: Message): Promise<void> {
    const place = message.reservation
    if (place?.state !== 'releasing') return
    await capacity.release(message.workspaceId, place.lineId, message.id, place.day)
    freed(message.workspaceId, place.lineId)
    // Not a fact of the lifecycle: nobody is told, and losing the race to another writer only means that this is done again.
    const dueAt = isEnded(message.status) ? null : message.dueAt
    await stores.messages.commit({ ...message, reservation: null, dueAt })
  }

  /** The channel itself said no: the answer that a question got before must not send the next message there again. */
  async function correctAnswer({ workspaceId, address, attempt, messageType }: Message): Promise<void> {
    const workspace = messageType === 'imessage' && attempt !== null ? await stores.workspaces.get(workspaceId) : null
    if (workspace === null || address === null || attempt === null) return
    const checkedAt = runtime.now()
    const expiresAt = new Date(checkedAt.getTime() + workspace.availability.unavailableTtlHours * 3_600_000)
    await stores.availability.put(workspaceId, { address, available: false, checkedAt, expiresAt, lineId: attempt.lineId })
  }

  function commit(message: Message, fact: Fact): Promise<Message | null> {
    const applied = applyFact(message, fact, runtime.now(), () => runtime.id('evt'))
    return applied.ok ? write(message, applied.message, fact) : Promise.resolve(null)
  }

  async function write(message: Message, changed: Message, fact: Fact): Promise<Message | null> {
    const kept = await trim(changed)
    if (!(await stores.messages.commit(kept))) return null
    const doc = { ...kept, version: kept.version + 1 }
    if (doc.outbox.length > 0) relay('message', doc)
    if (doc.status !== message.status) metrics.message(doc.status, doc.messageType)
    if (fact.type === 'held' || fact.type === 'unreserved' || fact.type === 'not_sent') metrics.held(fact.hold.reason)
    if (fact.type === 'unreachable') await correctAnswer(doc)
    const place = doc.reservation
    if (place?.state === 'releasing') await release(doc)
    else if (place !== null && handedOver(doc)) capacity.settle(doc.workspaceId, place.lineId, doc.id)
    // The one who wrote the fence goes on by itself; should it die, the sweeper knows when to ask.
    if (fact.type !== 'attempted' && !isEnded(doc.status)) hint(doc)
    return doc
  }

  return {
    commit,
    async both(message, first, second) {
      const now = runtime.now()
      const one = applyFact(message, first, now, () => runtime.id('evt'))
      if (!one.ok) return null
      const two = applyFact(one.message, second, now, () => runtime.id('evt'))
      return two.ok ? write(message, two.message, second) : null
    },
    async postpone(message, dueAt) {
      if (await stores.messages.commit({ ...message, dueAt })) hint({ ...message, dueAt })
    },
    async isTaken(message, externalId) {
      const other = await stores.messages.byExternalId(message.workspaceId, message.attempt?.lineId ?? null, externalId)
      return other !== null && other.id !== message.id
    },
    release,
    hint,
    async change(workspaceId, id, decide) {
      for (let round = 0; round < roundsMax; round++) {
        const message = await stores.messages.get(workspaceId, id)
        if (message === null) return null
        const fact = decide(message)
        if (fact === null) return { message, changed: false }
        const applied = applyFact(message, fact, runtime.now(), () => 'evt')
        if (!applied.ok) return { message, changed: false }
        const doc = await commit(message, fact)
        if (doc !== null) return { message: doc, changed: true }
      }
      throw new AppError('CONFLICT', 'the message is being changed by others; try again')
    },
  }
}

function handedOver(message: Message): boolean {
  return message.status === 'sent' || message.status === 'delivered' || message.failure?.code === 'outcome_unknown'
}
