import { describe, expect, it } from 'vitest'
import { createReader } from './codec.ts'

describe('createReader', () => {
  const read = createReader<unknown>(['at', 'hold.until', 'history[].at'])
  const at = new Date('2026-11-22T10:00:00.123Z')

  it('makes dates of the named paths, through objects and lists', () => {
    const doc = { at, hold: { until: at }, history: [{ at }, { at: null }] }
    expect(read(JSON.stringify(doc))).toEqual(doc)
  })

  it('leaves what only looks like a date, at any other place', () => {
    const doc = { at: null, hold: null, metadata: { at: at.toISOString(), hold: { until: at.toISOString() } } }
    expect(read(JSON.stringify(doc))).toEqual(doc)
  })

  it('passes paths that are not there', () => {
    expect(read('{"history":null}')).toEqual({ history: null })
  })

  it('keeps a key named __proto__ a key', () => {
    expect(JSON.stringify(read('{"metadata":{"__proto__":{"x":1}}}'))).toBe('{"metadata":{"__proto__":{"x":1}}}')
  })
})
