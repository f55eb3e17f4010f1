import type { Runtime } from '../runtime.ts'
import type { ConsumerKind } from './consumer.ts'
import type { Aggregate, AggregateKind, Outboxes, Relay } from './event.ts'
import type { Relay as Relays } from './relay.ts'

export interface AnnouncerParts {
  relays: Pick<Relays, 'relay'>
  kinds: readonly ConsumerKind[]
  runtime: Pick<Runtime, 'log'>
}

export interface Announcer {
  readonly relay: Relay
  /** The document without the events that nobody here wants and those that are relayed already: what is to be committed. */
  trim<T extends Aggregate>(doc: T): Promise<T>
  /** Resolves when what is being relayed now has been. */
  settled(): Promise<void>
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
}

const rememberedMax = 50_000

/**
 * Relays in the background what was just committed. An event that no consumer of its workspace wants at the moment of the commit is
 * not kept: consumers hear nothing from before they were there. The question is asked anew for each commit, in one read for all
 * that commit in the same moment.
 */
export function createAnnouncer({ relays, kinds, runtime }: AnnouncerParts): Announcer {
  const underWay = new Set<Promise<unknown>>()
  const relayed = new Set<string>()

  async function trim<T extends Aggregate>(doc: T): Promise<T> {
    if (doc.outbox.length === 0) return doc
    const consumers = (await Promise.all(kinds.map((kind) => kind.list(doc.workspaceId)))).flat()
    const outbox = doc.outbox.filter((event) => !relayed.has(event.id) && consumers.some((consumer) => consumer.wants(event.type)))
    return outbox.length === doc.outbox.length ? doc : { ...doc, outbox }
  }

  async function announce(kind: AggregateKind, doc: Aggregate): Promise<void> {
    const wanted = await trim(doc)
    if (wanted.outbox.length === 0) return
    await relays.relay(kind, wanted as never)
    for (const event of wanted.outbox) relayed.add(event.id)
    for (const oldest of relayed) {
      if (relayed.size <= rememberedMax) break
      relayed.delete(oldest)
    }
  }

  return {
    trim,
    relay(kind, doc) {
      if (doc.outbox.length === 0) return
      const work = announce(kind, doc)
        .catch((error: unknown) => runtime.log.warn({ error, kind, subjectId: doc.id }, 'relay.put_off'))
        .finally(() => underWay.delete(work))
      underWay.add(work)
    },
    async settled() {
      await Promise.all(underWay)
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay)
    },
  }
}

/** A store whose documents are committed without the events that nobody wants. */
export function trimmed<T extends Aggregate, R, S extends { insert(doc: T): Promise<R>; commit(doc: T): Promise<unknown> }>(
  store: S,
  trim: Announcer['trim'],
): S {
  return { ...store, insert: async (doc: T) => store.insert(await trim(doc)), commit: async (doc: T) => store.commit(await trim(doc)) }
}

/**
 * Outboxes whose clearing waits a moment: a message on its way is committed again at once, and that commit leaves out what was relayed.
 * What a crash leaves uncleared is relayed once more, into the deliveries that exist already.
 */
export function lazily(outboxes: Outboxes, { after, delayMs }: { after: Runtime['after']; delayMs: number }): Outboxes & { flush(): Promise<void> } {
  let waiting = new Map<string, { workspaceId: string; id: string; version: number }>()
  let scheduled = false

  async function flush(): Promise<void> {
    scheduled = false
    const docs = waiting
    waiting = new Map()
    await Promise.all([...docs.values()].map((doc) => outboxes.relayed(doc)))
  }

  return {
    flush,
    relayed(doc) {
      waiting.set(doc.id, doc)
      if (!scheduled) {
        scheduled = true
        // A store that is away now keeps the events where they are: the sweeper finds them.
        after(delayMs, () => void flush().catch(() => {}))
      }
      return Promise.resolve()
    },
    unrelayed: (before, limit) => outboxes.unrelayed(before, limit),
  }
}
