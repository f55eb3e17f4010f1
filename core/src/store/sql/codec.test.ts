import { describe, expect, it } from 'vitest'
import { createReader } from './codec.ts'

interface Doc {
  at: Date | null
  hold: { until: Date | null } | null
  history: { at: Date | null }[] | null
  metadata: Record<string, unknown>
}

describe('createReader', () => {
  const read = createReader<Doc>({ at: true, 'hold.until': true, 'history[].at': true })
  const at = new Date('2026-11-22T10:00:00.123Z')

  it('makes dates of the named paths, through objects and lists', () => {
    const doc = { at, hold: { until: at }, history: [{ at }, { at: null }], metadata: {} }
    expect(read(JSON.stringify(doc))).toEqual(doc)
  })

  it('leaves what only looks like a date, at any other place', () => {
    const doc = { at: null, hold: null, history: null, metadata: { at: at.toISOString(), hold: { until: at.toISOString() } } }
    expect(read(JSON.stringify(doc))).toEqual(doc)
  })

  it('keeps a key named __proto__ a key', () => {
    expect(JSON.stringify(read('{"metadata":{"__proto__":{"x":1}}}'))).toBe('{"metadata":{"__proto__":{"x":1}}}')
  })

  it('does not compile when a date is forgotten', () => {
    // @ts-expect-error history[].at is missing
    expect(createReader<Doc>({ at: true, 'hold.until': true })('{"history":[{"at":"x"}]}').history).toEqual([{ at: 'x' }])
  })
})
