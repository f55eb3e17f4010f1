import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRecordsRig, type RecordsRig } from '../testing/records-rig.ts'
import { generateKeyText, hintOf, judgeKeyText } from './key-text.ts'
import { createKeys } from './keys.ts'

describe('the text of a key', () => {
  it('is recognised, and with any one character changed is not', () => {
    const text = generateKeyText()
    expect(text).toMatch(/^tl_[0-9A-Za-z]{8}_[0-9A-Za-z]{30}$/)
    expect(judgeKeyText(text)).toBe('ok')
    for (let at = 3; at < text.length; at++) {
      if (at === 11) continue
      expect(judgeKeyText(text.slice(0, at) + (text[at] === 'a' ? 'b' : 'a') + text.slice(at + 1)), `character ${at}`).toBe('bad_checksum')
    }
    expect(generateKeyText()).not.toBe(text)
  })

  it("lets an operator's own be anything that is long enough", () => {
    expect(judgeKeyText(`tl_${'x'.repeat(32)}`)).toBe('ok')
    expect(judgeKeyText(`tl_${'x'.repeat(31)}`)).toBe('malformed')
    expect(judgeKeyText('x'.repeat(60))).toBe('malformed')
    expect(judgeKeyText(`tl_${'x'.repeat(5_000)}`)).toBe('malformed')
    expect(judgeKeyText('')).toBe('malformed')
  })

  it('is hinted at by its public part only', () => {
    const text = generateKeyText()
    expect(hintOf(text)).toBe(text.slice(0, 11))
    expect(hintOf('tl_my-own-key-of-some-forty-characters-x')).toBe('tl_my-o')
  })
})

describe('keys', () => {
  let rig: RecordsRig
  beforeEach(async () => {
    rig = await createRecordsRig()
  })
  afterEach(() => rig.close())
  const make = () => rig.keys.create(rig.caller, { name: ' CI ', scopes: ['write', 'read'] })
  const reads = () => rig.calls.filter((call) => call === 'keys.byHash').length

  it('open their workspace with their scopes, and are stored as a hash', async () => {
    const { key, secret } = await make()
    expect(await rig.keys.authenticate(secret)).toEqual(key)
    expect(key).toMatchObject({
      workspaceId: rig.workspaceId,
      name: 'CI',
      scopes: ['read', 'write'],
      isInstallation: false,
      hint: secret.slice(0, 11),
    })
    expect(JSON.stringify(await rig.opened.keys.get(rig.workspaceId, key.id))).not.toContain(secret.slice(11))
    expect(JSON.stringify(await rig.audit.find(rig.workspaceId, { limit: 10 }))).not.toContain(secret.slice(11))
  })

  it('refuse a typo without asking the store, and a stranger after asking', async () => {
    const { secret } = await make()
    expect(await rig.keys.authenticate(`${secret.slice(0, -1)}${secret.endsWith('a') ? 'b' : 'a'}`)).toBeNull()
    expect(await rig.keys.authenticate('')).toBeNull()
    expect(reads()).toBe(0)
    expect(await rig.keys.authenticate(generateKeyText())).toBeNull()
    expect(reads()).toBe(1)
  })

  it('are asked for once in half a second, however many come at once', async () => {
    const { secret } = await make()
    await Promise.all(Array.from({ length: 20 }, () => rig.keys.authenticate(secret)))
    await rig.clock.advance(499)
    await rig.keys.authenticate(secret)
    expect(reads()).toBe(1)
    await rig.clock.advance(1)
    await rig.keys.authenticate(secret)
    expect(reads()).toBe(2)
  })

  it('end at once here when revoked, and within half a second elsewhere', async () => {
    const { key, secret } = await make()
    const elsewhere = createKeys(rig.parts)
    await rig.keys.authenticate(secret)
    await elsewhere.authenticate(secret)
    await rig.keys.revoke(rig.caller, key.id)
    expect(await rig.keys.authenticate(secret)).toBeNull()
    expect(await elsewhere.authenticate(secret)).not.toBeNull()
    await rig.clock.advance(500)
    expect(await elsewhere.authenticate(secret)).toBeNull()
    expect(await rig.keys.list(rig.workspaceId)).not.toContainEqual(expect.objectContaining({ id: key.id }))
  })

  it('stay ended when an answer from before the revocation arrives after it', async () => {
    const { key, secret } = await make()
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const answered = await rig.opened.keys.byHash(key.hash)
    const asked: string[] = []
    const byHash = async (hash: string) => {
      asked.push(hash)
      await gate
      return answered
    }
    const slow = createKeys({ ...rig.parts, stores: { keys: { ...rig.opened.keys, byHash } } })
    const early = slow.authenticate(secret)
    await slow.revoke(rig.caller, key.id)
    release()
    await early
    asked.length = 0
    await slow.authenticate(secret)
    expect(asked).toEqual([key.hash])
  })

  it('rotate: the new one at once, the old one for a day', async () => {
    const { key, secret } = await make()
    const rotated = await rig.keys.rotate(rig.caller, key.id)
    expect(rotated.key).toMatchObject({ name: 'CI', scopes: ['read', 'write'] })
    expect(rotated.key.id).not.toBe(key.id)
    await rig.clock.advance(24 * 3_600_000 - 1)
    expect(await rig.keys.authenticate(secret)).not.toBeNull()
    await rig.clock.advance(1)
    expect(await rig.keys.authenticate(secret)).toBeNull()
    expect((await rig.keys.authenticate(rotated.secret))?.id).toBe(rotated.key.id)
    await expect(rig.keys.rotate(rig.caller, key.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('made twice under one reserved id: the secret that nobody was told ends, a new one is told', async () => {
    const first = await rig.keys.create(rig.caller, { name: 'CI', scopes: ['read'] }, { id: 'key_reserved' })
    const second = await rig.keys.create(rig.caller, { name: 'CI', scopes: ['read'] }, { id: 'key_reserved' })
    expect(await rig.keys.authenticate(first.secret)).toBeNull()
    expect((await rig.keys.authenticate(second.secret))?.id).toBe(second.key.id)
  })

  it('are of their workspace only, and refuse what is no key', async () => {
    const { key, secret } = await make()
    const stranger = { ...rig.caller, workspaceId: 'ws_other' }
    await expect(rig.keys.revoke(stranger, key.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(rig.keys.rotate(stranger, key.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await rig.keys.authenticate(secret)).not.toBeNull()
    await expect(rig.keys.create(rig.caller, { name: ' ', scopes: ['read'] })).rejects.toMatchObject({ issues: [{ path: 'name' }] })
    await expect(rig.keys.create(rig.caller, { name: 'x', scopes: [] })).rejects.toMatchObject({ issues: [{ path: 'scopes' }] })
  })
})
