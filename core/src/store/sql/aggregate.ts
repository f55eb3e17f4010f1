import type { Aggregate, OutboxEvent } from '../../event/event.ts'
import { createReader, type DatePath } from './codec.ts'

export interface AggregateRow {
  workspace_id: string
  id: string
  version: number
  created_at: number
  outbox: string | null
  outbox_at: number | null
  doc: string
}

export const aggregateRead = ['version', 'outbox', 'doc'] as const

const readOutbox = createReader<{ events: OutboxEvent[] }>({ 'events[].at': true })

/** Fields that may be null: `blank` gives each of them. */
type Blank<T> = { readonly [K in keyof T as null extends T[K] ? K : never]-?: null }
type Stored<T> = Omit<T, 'version' | 'outbox'>

/**
 * How an aggregate stands in its row. Version and outbox have columns of their own and are not in `doc`: taking events off then rewrites
 * no document, and there is no second copy to disagree with. Nulls are left out, and filled in again from `blank`: they are half of a document.
 */
export function createAggregateCodec<T extends Aggregate & { createdAt: Date; updatedAt: Date }>({
  dates,
  blank,
}: {
  dates: Readonly<Record<DatePath<Stored<T>>, true>>
  blank: Blank<T>
}): { toRow: (doc: T) => AggregateRow; fromRow: (row: Pick<AggregateRow, 'version' | 'outbox' | 'doc'>) => T } {
  const read = createReader<Stored<T>>(dates)
  const nullable = Object.keys(blank) as (keyof T)[]
  return {
    toRow(doc) {
      const isEmpty = doc.outbox.length === 0
      const stored: { [K in keyof T]?: T[K] | undefined } = { ...doc, version: undefined, outbox: undefined }
      for (const name of nullable) if (stored[name] === null) stored[name] = undefined
      return {
        workspace_id: doc.workspaceId,
        id: doc.id,
        version: doc.version,
        created_at: doc.createdAt.getTime(),
        outbox: isEmpty ? null : JSON.stringify({ events: doc.outbox }),
        outbox_at: isEmpty ? null : doc.updatedAt.getTime(),
        doc: JSON.stringify(stored),
      }
    },
    fromRow(row) {
      const outbox = row.outbox === null ? [] : readOutbox(row.outbox).events
      return { ...blank, ...read(row.doc), version: row.version, outbox } as unknown as T
    },
  }
}
