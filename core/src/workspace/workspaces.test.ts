import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRecordsRig, type RecordsRig } from '../testing/records-rig.ts'
import { generateKeyText } from './key-text.ts'
import { createKeys } from './keys.ts'
import { createSealer } from './secrets.ts'
import { createWorkspaces } from './workspaces.ts'

let rig: RecordsRig
beforeEach(async () => {
  rig = await createRecordsRig({ empty: true })
})
afterEach(() => rig.close())

const own = `tl_${'o'.repeat(40)}`
const firstId = `ws_${'0'.repeat(26)}`

describe('the first start', () => {
  it('makes a workspace, its key, and a sandbox line without gaps', async () => {
    const { workspaceId, generatedKey } = await rig.workspaces.bootstrap({ adminApiKey: null, sandboxLine: true })
    expect(await rig.keys.authenticate(generatedKey ?? '')).toMatchObject({ workspaceId, isInstallation: true, scopes: ['read', 'write', 'admin'] })
    const [line] = await rig.lines.list(workspaceId, {})
    expect(line).toMatchObject({
      channel: 'imessage',
      transport: { type: 'sandbox' },
      isActive: true,
      limits: { deviceGapSeconds: 0, contactGapSeconds: 0 },
    })
    expect(line?.health).toMatchObject({ status: 'healthy', canCheckAvailability: true })
    expect(await rig.workspaces.get(workspaceId)).toMatchObject({ timezone: 'UTC', defaultCountryCode: '+1', optOutScope: 'lead', readOnly: null })
  })

  it("takes the operator's key, tells no other, and makes no line unless asked", async () => {
    expect(await rig.workspaces.bootstrap({ adminApiKey: own, sandboxLine: false })).toEqual({ workspaceId: firstId, generatedKey: null })
    expect(await rig.keys.authenticate(own)).toMatchObject({ workspaceId: firstId, isInstallation: true })
    expect(await rig.lines.list(firstId, {})).toEqual([])
  })

  it('of several processes at once ends in one of everything, and one of them tells the key', async () => {
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => createWorkspaces({ ...rig.parts, lines: rig.lines }).bootstrap({ adminApiKey: null, sandboxLine: true })),
    )
    const told = answers.flatMap(({ generatedKey }) => generatedKey ?? [])
    expect(told).toHaveLength(1)
    expect(await rig.keys.authenticate(told[0] ?? '')).toMatchObject({ workspaceId: firstId })
    expect((await rig.workspaces.list({ limit: 10 })).workspaces).toHaveLength(1)
    expect(await rig.lines.list(firstId, {})).toHaveLength(1)
    expect(await rig.keys.list(firstId)).toHaveLength(1)
  })

  it('is finished by the next one wherever it died', async () => {
    for (const step of ['workspaces.insert', 'lines.insert', 'keys.insert']) {
      rig.before.set(step, () => {
        throw new Error(`dies at ${step}`)
      })
      await expect(rig.workspaces.bootstrap({ adminApiKey: own, sandboxLine: true })).rejects.toThrow(`dies at ${step}`)
      rig.before.clear()
    }
    await rig.workspaces.bootstrap({ adminApiKey: own, sandboxLine: true })
    expect(await rig.lines.list(firstId, {})).toHaveLength(1)
    expect(await createKeys(rig.parts).authenticate(own)).not.toBeNull()
  })

  it('makes a key of which the last one is not revoked, or nobody could get in', async () => {
    const { workspaceId } = await rig.workspaces.bootstrap({ adminApiKey: own, sandboxLine: false })
    const caller = { ...rig.caller, workspaceId }
    const [first] = await rig.keys.list(workspaceId)
    await expect(rig.keys.revoke(caller, first?.id ?? '')).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await rig.keys.authenticate(own)).not.toBeNull()
    const { key: second } = await rig.keys.rotate(caller, first?.id ?? '')
    await rig.keys.revoke(caller, first?.id ?? '')
    await expect(rig.keys.revoke(caller, second.id)).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('happens once: what people take away later stays away', async () => {
    await rig.workspaces.bootstrap({ adminApiKey: own, sandboxLine: true })
    const caller = { ...rig.caller, workspaceId: firstId }
    const [line] = await rig.lines.list(firstId, {})
    await rig.lines.remove(caller, line?.id ?? '')
    const [key] = await rig.keys.list(firstId)
    await rig.keys.rotate(caller, key?.id ?? '')
    await rig.keys.revoke(caller, key?.id ?? '')
    expect(await rig.workspaces.bootstrap({ adminApiKey: own, sandboxLine: true })).toEqual({ workspaceId: firstId, generatedKey: null })
    expect(await rig.lines.list(firstId, {})).toEqual([])
    expect(await rig.keys.authenticate(own)).toBeNull()
  })

  it('is refused with another encryption key than the store was sealed with; a newer one before it is welcome', async () => {
    const [old, newer] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
    const bootWith = (...keys: Buffer[]) =>
      createWorkspaces({ ...rig.parts, lines: rig.lines, sealer: createSealer(keys) }).bootstrap({ adminApiKey: own, sandboxLine: false })
    await bootWith(old)
    await expect(bootWith(newer)).rejects.toThrow('ENCRYPTION_KEY')
    expect(await bootWith(newer, old)).toEqual({ workspaceId: firstId, generatedKey: null })
  })

  it('refuses a key that is too short, and a generated one with a typo, before anything is written', async () => {
    const generated = generateKeyText()
    const typo = `${generated.slice(0, -1)}${generated.endsWith('a') ? 'b' : 'a'}`
    for (const adminApiKey of ['tl_short', typo]) {
      await expect(rig.workspaces.bootstrap({ adminApiKey, sandboxLine: true })).rejects.toThrow('ADMIN_API_KEY')
    }
    expect((await rig.workspaces.list({ limit: 10 })).workspaces).toEqual([])
  })
})

describe('workspaces', () => {
  it('are made with an admin key of their own, which is not the installation’s', async () => {
    const { workspace, apiKey } = await rig.workspaces.create(rig.caller, { name: 'Acme', externalId: 'org_1' })
    expect(await rig.keys.authenticate(apiKey)).toMatchObject({
      workspaceId: workspace.id,
      isInstallation: false,
      scopes: ['read', 'write', 'admin'],
    })
    expect(await rig.workspaces.byExternalId('org_1')).toEqual(workspace)
    await expect(rig.workspaces.create(rig.caller, { name: 'Copy', externalId: 'org_1' })).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(rig.workspaces.create(rig.caller, {})).rejects.toMatchObject({ issues: [{ path: 'name' }] })
    await expect(rig.workspaces.get('ws_none')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('made twice under one reserved id are one, with a key that works', async () => {
    const id = rig.parts.runtime.id('ws')
    const first = await rig.workspaces.create(rig.caller, { name: 'Acme' }, { id })
    const second = await rig.workspaces.create(rig.caller, { name: 'Acme' }, { id })
    expect(second.workspace).toEqual(first.workspace)
    expect(await rig.keys.authenticate(second.apiKey)).not.toBeNull()
    expect(await rig.keys.authenticate(first.apiKey)).toBeNull()
  })

  it('change by patch, go read-only and back, and leave that in the audit log', async () => {
    const { workspace } = await rig.workspaces.create(rig.caller, { name: 'Acme', externalId: 'org_1' })
    await rig.workspaces.create(rig.caller, { name: 'Other', externalId: 'org_2' })
    expect(await rig.workspaces.update(rig.caller, workspace.id, { optOutScope: 'address' })).toMatchObject({
      name: 'Acme',
      optOutScope: 'address',
      version: 2,
    })
    await expect(rig.workspaces.update(rig.caller, workspace.id, { externalId: 'org_2' })).rejects.toMatchObject({ code: 'CONFLICT' })
    expect((await rig.workspaces.setReadOnly(rig.caller, workspace.id, { reason: 'unpaid' })).readOnly).toEqual({ reason: 'unpaid' })
    expect((await rig.workspaces.setReadOnly(rig.caller, workspace.id, null)).readOnly).toBeNull()
    const { entries } = await rig.audit.find(workspace.id, { limit: 10 })
    expect(entries.map((entry) => entry.action).sort()).toEqual([
      'workspace.created',
      'workspace.read_only_set',
      'workspace.read_only_set',
      'workspace.updated',
    ])
    expect(entries.every((entry) => entry.actor === rig.caller.actor && entry.data.correlationId === 'corr-1')).toBe(true)
  })
})
