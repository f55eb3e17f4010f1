import { describe, expect, it } from 'vitest'
import { createGuard, key } from './columns.ts'

describe('key', () => {
  it('leaves an ordinary text as it is', () => {
    expect(key('msg_01 é \u{1F600} "quoted"')).toBe('msg_01 é \u{1F600} "quoted"')
  })

  it.each(['a\0b', 'half \ud83d', '~tilde', 'x'.repeat(401)])('makes a digest of %j, the same each time, another for another', (text) => {
    expect(key(text)).toMatch(/^~[0-9a-f]{64}$/)
    expect(key(text)).toBe(key(text))
    expect(key(text)).not.toBe(key(`${text}x`))
    expect(key(key(text))).toBe(key(text))
  })
})

describe('createGuard', () => {
  it('keeps the declared columns only, makes texts fit and leaves documents alone', () => {
    const guard = createGuard({ name: 'text', note: 'text?', at: 'int?', doc: 'json' })
    const row = { name: 'a\0', note: null, at: 0, doc: `"${'x'.repeat(500)}"`, clear: '+1' }
    expect(guard(row)).toEqual({ name: key('a\0'), note: null, at: 0, doc: row.doc })
  })
})
