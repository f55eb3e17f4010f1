import { describe, expect, it } from 'vitest'
import { cutPage, readCursor } from './cursor.ts'

const row = (created_at: number) => ({ created_at, id: `id_${created_at}` })

describe('cursor', () => {
  it('leads from the last row of a page to the next', () => {
    const { rows, nextCursor } = cutPage([row(3), row(2), row(1)], 2)
    expect(rows).toEqual([row(3), row(2)])
    expect(readCursor(nextCursor ?? '')).toEqual({ createdAt: 2, id: 'id_2' })
  })

  it('is null when nothing was read beyond the page', () => {
    expect(cutPage([row(3), row(2)], 2).nextCursor).toBeNull()
    expect(cutPage([], 2)).toEqual({ rows: [], nextCursor: null })
  })

  it('begins without one', () => {
    expect(readCursor(undefined)).toBeNull()
  })

  it.each(['[1]', '[1,2]', '["1","a"]', '[1.5,"a"]', '{}', 'null', '[1,{"$gt":""}]', 'no json'])('refuses %s', (text) => {
    expect(() => readCursor(Buffer.from(text).toString('base64url'))).toThrow(expect.objectContaining({ code: 'VALIDATION' }))
  })
})
