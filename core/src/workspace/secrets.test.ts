import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSealer } from './secrets.ts'

describe('a sealed secret', () => {
  const old = randomBytes(32)
  const sealer = createSealer([old])

  it('opens to what was sealed, whatever it was, and shows none of it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 8 }), fc.string(), fc.string(), (plain, workspaceId, field) => {
        const text = Buffer.from(plain).toString('utf8')
        const sealed = sealer.seal(workspaceId, field, text)
        expect(sealer.open(workspaceId, field, sealed)).toBe(text)
        expect(sealed).toMatch(/^s1\.[0-9a-f]{8}\.[\w-]+$/)
      }),
    )
  })

  it('never looks the same twice', () => {
    expect(sealer.seal('ws_a', 'token', 'x')).not.toBe(sealer.seal('ws_a', 'token', 'x'))
  })

  it('opens for no other workspace, no other field, and not where both run together', () => {
    const sealed = sealer.seal('ws_a', 'token', 'x')
    expect(() => sealer.open('ws_b', 'token', sealed)).toThrow('belongs elsewhere')
    expect(() => sealer.open('ws_a', 'password', sealed)).toThrow('belongs elsewhere')
    expect(() => sealer.open('ws_at', 'oken', sealed)).toThrow('belongs elsewhere')
  })

  it('opens no more when any one of its characters is changed', () => {
    const sealed = sealer.seal('ws_a', 'token', 'a secret of some length')
    for (let at = 0; at < sealed.length; at++) {
      const other = sealed[at] === 'A' ? 'B' : 'A'
      expect(() => sealer.open('ws_a', 'token', sealed.slice(0, at) + other + sealed.slice(at + 1)), `character ${at}`).toThrow()
    }
    expect(() => sealer.open('ws_a', 'token', sealed.slice(0, -4))).toThrow()
    expect(() => sealer.open('ws_a', 'token', `${sealed}.x`)).toThrow()
    expect(() => sealer.open('ws_a', 'token', '')).toThrow()
  })

  it('survives rotation: the new key seals, both open; without the old one it is refused', () => {
    const fresh = randomBytes(32)
    const sealed = sealer.seal('ws_a', 'token', 'x')
    const rotated = createSealer([fresh, old])
    expect(rotated.open('ws_a', 'token', sealed)).toBe('x')
    const resealed = rotated.seal('ws_a', 'token', 'x')
    expect(createSealer([fresh]).open('ws_a', 'token', resealed)).toBe('x')
    expect(() => createSealer([fresh]).open('ws_a', 'token', sealed)).toThrow('not among the encryption keys')
    expect(() => sealer.open('ws_a', 'token', resealed)).toThrow('not among the encryption keys')
  })

  it('is for one purpose: a derived sealer opens nothing of its parent and the other way round', () => {
    const derived = sealer.derive('unsubscribe')
    expect(derived.open('', 'x', sealer.derive('unsubscribe').seal('', 'x', 'y'))).toBe('y')
    expect(() => sealer.open('', 'x', derived.seal('', 'x', 'y'))).toThrow()
    expect(() => derived.open('', 'x', sealer.seal('', 'x', 'y'))).toThrow()
    expect(() => derived.open('', 'x', sealer.derive('state').seal('', 'x', 'y'))).toThrow()
  })

  it('needs keys of 32 bytes', () => {
    expect(() => createSealer([])).toThrow('at least one')
    expect(() => createSealer([randomBytes(16)])).toThrow('32 bytes')
  })
})
