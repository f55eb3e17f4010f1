import { describe, expect, it } from 'vitest'
import type { messageFixture } from '../../testing/message-fixture.ts'
import { createAggregateCodec } from './aggregate.ts'

const at = new Date('2026-11-22T10:00:00Z')
const codec = createAggregateCodec<Doc>({ dates: { createdAt: true, updatedAt: true }, blank: { note: null } })
type Doc = Pick<ReturnType<typeof messageFixture>, 'id' | 'workspaceId' | 'version' | 'seq' | 'outbox'> & {
  note: string | null
  metadata: Record<string, unknown>
  createdAt: Date
  updatedAt: Date
}
const doc: Doc = {
  id: 'msg_1',
  workspaceId: 'ws_1',
  version: 3,
  seq: 0,
  outbox: [],
  note: null,
  metadata: { note: null },
  createdAt: at,
  updatedAt: at,
}

describe('createAggregateCodec', () => {
  it('leaves version, outbox and nulls out of the document, and puts them back', () => {
    const row = codec.toRow(doc)
    expect(Object.keys(JSON.parse(row.doc)).toSorted()).toEqual(['createdAt', 'id', 'metadata', 'seq', 'updatedAt', 'workspaceId'])
    expect(codec.fromRow(row)).toEqual(doc)
  })

  it('stands in the list of what is not relayed only while it has events', () => {
    const outbox = [{ id: 'evt_1', type: 'message.sent', seq: 1, at, data: {} }] as const
    const row = codec.toRow({ ...doc, outbox })
    expect([row.outbox_at, codec.toRow(doc).outbox_at]).toEqual([at.getTime(), null])
    expect(codec.fromRow(row)).toEqual({ ...doc, outbox })
  })

  it('gives null for a field that older documents do not have', () => {
    expect(codec.fromRow({ version: 1, outbox: null, doc: '{"id":"msg_1"}' }).note).toBeNull()
  })
})
