import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LeadInput } from '../operations.ts'
import { createRecordsRig, type RecordsRig } from '../testing/records-rig.ts'

let rig: RecordsRig
beforeEach(async () => {
  rig = await createRecordsRig()
})
afterEach(() => rig.close())

const phone = (n: number) => `+1415555${String(1000 + n)}`

describe('saving leads', () => {
  it('keeps them normalised, with an event and a place in the list each', async () => {
    const list = await rig.leads.createList(rig.caller, { name: 'Customers' })
    const { leads, duplicates } = await rig.leads.save(rig.caller, [
      { phone: '415 555 1001', email: 'ADA@x.com', listId: list.id, consent: { sms: { granted: true, at: '2026-01-01T00:00:00Z' } } },
      { altEmail1: 'bob@x.com', listId: '' },
    ])
    expect(duplicates).toEqual([])
    expect(leads.map((lead) => [lead.phone, lead.email, lead.altEmail1])).toEqual([
      [phone(1), 'ada@x.com', null],
      [null, null, 'bob@x.com'],
    ])
    expect(rig.eventTypes()).toEqual(['lead.created', 'lead.created'])
    expect(await rig.leads.getList(rig.workspaceId, list.id)).toMatchObject({ leadCount: 1 })
    const stored = await rig.leads.get(rig.workspaceId, leads[0]?.id ?? '')
    expect(stored.consent.sms?.at).toEqual(new Date('2026-01-01T00:00:00Z'))
  })

  it('reads national numbers in the country of the workspace', async () => {
    await rig.workspaces.update(rig.caller, rig.workspaceId, { defaultCountryCode: '+44' })
    const { leads } = await rig.leads.save(rig.caller, [{ phone: '07911 123456' }])
    expect(leads[0]?.phone).toBe('+447911123456')
  })

  it('takes the same address twice in one request, or a known one, as a duplicate, and puts that lead in the list all the same', async () => {
    const list = await rig.leads.createList(rig.caller, { name: 'Import' })
    const known = (await rig.leads.save(rig.caller, [{ phone: phone(1) }])).leads[0]
    const inputs: LeadInput[] = [
      { phone: phone(2) },
      { altPhone1: phone(2), email: 'new@x.com' },
      { altPhone2: phone(1), email: 'other@x.com' },
      { email: 'other@x.com' },
    ]
    const { leads, duplicates } = await rig.leads.save(
      rig.caller,
      inputs.map((input) => ({ ...input, listId: list.id })),
    )
    expect(leads.map((lead) => lead.phone ?? lead.email)).toEqual([phone(2), 'other@x.com'])
    expect(duplicates.map((each) => each.existingLeadId)).toEqual([leads[0]?.id, known?.id])
    expect(duplicates.map((each) => each.input.altPhone1 ?? each.input.altPhone2)).toEqual([phone(2), phone(1)])
    expect(await rig.leads.getList(rig.workspaceId, list.id)).toMatchObject({ leadCount: 3 })
  })

  it('refuses all for one fault, names each, and writes nothing', async () => {
    const inputs = [{ phone: phone(1) }, { altPhone1: '12', email: 'x' }, { firstName: 'Nobody' }]
    await expect(rig.leads.save(rig.caller, inputs)).rejects.toMatchObject({
      code: 'VALIDATION',
      issues: [{ path: 'leads.1.altPhone1' }, { path: 'leads.1.email' }, { path: 'leads.2.phone' }],
    })
    await expect(rig.leads.save(rig.caller, [{ phone: phone(1), listId: 'list_none' }])).rejects.toMatchObject({ code: 'LIST_NOT_FOUND' })
    expect(rig.calls).not.toContain('leads.insert')
  })

  it('made again with the same reserved id, after a crash in the middle, ends in the same leads', async () => {
    const inputs = [{ phone: phone(1) }, { phone: phone(2) }, { phone: phone(3) }]
    let inserts = 0
    rig.before.set('leads.insert', () => {
      if (++inserts === 2) throw new Error('the process dies here')
    })
    const reserved = { id: rig.parts.runtime.id('lead') }
    await expect(rig.leads.save(rig.caller, inputs, reserved)).rejects.toThrow('dies here')
    rig.before.clear()
    const again = await rig.leads.save(rig.caller, inputs, reserved)
    expect(again.duplicates).toEqual([])
    expect(again.leads.map((lead) => lead.phone)).toEqual([phone(1), phone(2), phone(3)])
    expect(again.leads[0]?.id).toBe(reserved.id)
    const third = await rig.leads.save(rig.caller, inputs, reserved)
    expect(third.leads.map((lead) => lead.id)).toEqual(again.leads.map((lead) => lead.id))
    expect((await rig.leads.find(rig.workspaceId, {}, { limit: 10 })).leads).toHaveLength(3)
  })

  it('when somebody else takes an address first, ends with the lead that has it, and still saves what only repeated the loser', async () => {
    rig.before.set('leads.insert', async () => {
      rig.before.clear()
      await rig.leads.save(rig.caller, [{ phone: phone(1) }])
    })
    const { leads, duplicates } = await rig.leads.save(rig.caller, [{ phone: phone(1), email: 'a@x.com' }, { email: 'a@x.com' }])
    const winner = (await rig.leads.find(rig.workspaceId, { address: phone(1) }, { limit: 1 })).leads[0]
    expect(duplicates.map((each) => each.existingLeadId)).toEqual([winner?.id])
    expect(leads.map((lead) => [lead.phone, lead.email])).toEqual([[null, 'a@x.com']])
  })

  it('takes a thousand in one call', async () => {
    const { leads } = await rig.leads.save(
      rig.caller,
      Array.from({ length: 1_000 }, (_, n) => ({ phone: phone(n) })),
    )
    expect(leads.map((lead) => lead.phone)).toEqual(Array.from({ length: 1_000 }, (_, n) => phone(n)))
    expect(rig.calls.filter((call) => call === 'leads.byAddresses')).toHaveLength(1)
  })
})

describe('the lead of a recipient', () => {
  it('is made once by two at once, and costs one read the next time', async () => {
    const both = await Promise.all([1, 2].map(() => rig.leads.forRecipient(rig.caller, { phone: phone(1), firstName: 'Ada' })))
    expect(both[0]?.id).toBe(both[1]?.id)
    expect((await rig.leads.lists(rig.workspaceId)).map(({ name, leadCount }) => [name, leadCount])).toEqual([['Quick Sends', 1]])
    rig.calls.length = 0
    const again = await rig.leads.forRecipient(rig.caller, { altPhone1: phone(1), email: 'new@x.com' })
    expect(again.id).toBe(both[0]?.id)
    expect(rig.calls).toEqual(['leads.byAddresses', 'leads.get'])
    expect(again.email).toBeNull()
  })

  it('for a new one costs a read, an insert and a place in the list', async () => {
    await rig.leads.forRecipient(rig.caller, { phone: phone(1) })
    rig.calls.length = 0
    await rig.leads.forRecipient(rig.caller, { phone: phone(2) })
    expect(rig.calls).toEqual(['leads.byAddresses', 'leads.insert', 'leads.addToList'])
  })

  it('makes the list anew when somebody removed it', async () => {
    await rig.leads.forRecipient(rig.caller, { phone: phone(1) })
    const [list] = await rig.leads.lists(rig.workspaceId)
    await rig.leads.removeList(rig.caller, list?.id ?? '')
    await rig.leads.forRecipient(rig.caller, { phone: phone(2) })
    expect(await rig.leads.lists(rig.workspaceId)).toMatchObject([{ name: 'Quick Sends', leadCount: 1 }])
  })

  it('refuses nobody, faults under the names of a message, and a foreign lead', async () => {
    await expect(rig.leads.forRecipient(rig.caller, { phone: '' })).rejects.toMatchObject({ code: 'NO_RECIPIENT' })
    await expect(rig.leads.forRecipient(rig.caller, { phone: '12' })).rejects.toMatchObject({
      code: 'VALIDATION',
      issues: [{ path: 'recipientPhone' }],
    })
    const lead = await rig.leads.forRecipient(rig.caller, { phone: phone(1) })
    const foreign = await rig.workspaces.create(rig.caller, { name: 'Other' })
    const stranger = { ...rig.caller, workspaceId: foreign.workspace.id }
    await expect(rig.leads.forRecipient(stranger, { leadId: lead.id })).rejects.toMatchObject({ code: 'LEAD_NOT_FOUND' })
    expect((await rig.leads.forRecipient(stranger, { phone: phone(1) })).id).not.toBe(lead.id)
  })
})

describe('changing a lead', () => {
  const one = async (input: LeadInput) => {
    const lead = (await rig.leads.save(rig.caller, [input])).leads[0]
    if (!lead) throw new Error('not saved')
    return lead
  }

  it('announces what changed, and nothing when nothing did', async () => {
    const lead = await one({ phone: phone(1) })
    await rig.leads.update(rig.caller, lead.id, { firstName: 'Ada' })
    const again = await rig.leads.update(rig.caller, lead.id, { firstName: 'Ada', phone: '415-555-1001' })
    expect(again.firstName).toBe('Ada')
    expect(rig.events.map((event) => [event.type, event.seq, event.data])).toEqual([
      ['lead.created', 1, {}],
      ['lead.updated', 2, { changed: ['firstName'] }],
    ])
  })

  it('frees an address it takes off, refuses one that is taken, and keeps at least one', async () => {
    const lead = await one({ phone: phone(1), email: 'a@x.com' })
    const other = await one({ phone: phone(2) })
    await expect(rig.leads.update(rig.caller, lead.id, { phone: phone(2) })).rejects.toMatchObject({
      code: 'ADDRESS_TAKEN',
      extra: { leadId: other.id },
    })
    await expect(rig.leads.update(rig.caller, lead.id, { phone: null, email: '' })).rejects.toMatchObject({ code: 'VALIDATION' })
    await rig.leads.update(rig.caller, lead.id, { phone: null })
    expect((await one({ phone: phone(1) })).id).not.toBe(lead.id)
  })

  it('decides again when somebody else wrote in between, and gives up after three times', async () => {
    const lead = await one({ phone: phone(1) })
    rig.before.set('leads.commit', async () => {
      rig.before.clear()
      await rig.leads.update(rig.caller, lead.id, { lastName: 'Lovelace' })
    })
    expect(await rig.leads.update(rig.caller, lead.id, { firstName: 'Ada' })).toMatchObject({ firstName: 'Ada', lastName: 'Lovelace' })
    let rounds = 0
    rig.before.set('leads.commit', async () => {
      rounds++
      const current = await rig.opened.leads.get(rig.workspaceId, lead.id)
      if (current) await rig.opened.leads.commit(current)
    })
    await expect(rig.leads.update(rig.caller, lead.id, { firstName: 'Bob' })).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(rounds).toBe(3)
    await rig.leads.recordContact(rig.workspaceId, lead.id, { contactedAt: rig.parts.runtime.now() })
  })

  it('answers for a foreign or unknown lead as if it did not exist', async () => {
    const lead = await one({ phone: phone(1) })
    const stranger = { ...rig.caller, workspaceId: 'ws_other' }
    await expect(rig.leads.get('ws_other', lead.id)).rejects.toMatchObject({ code: 'LEAD_NOT_FOUND' })
    await expect(rig.leads.update(stranger, lead.id, { firstName: 'X' })).rejects.toMatchObject({ code: 'LEAD_NOT_FOUND' })
    await expect(rig.leads.remove(stranger, lead.id)).rejects.toMatchObject({ code: 'LEAD_NOT_FOUND' })
  })

  it('records a check with its event, and not the same old answers again', async () => {
    const lead = await one({ phone: phone(1) })
    const checkedAt = new Date('2026-11-22T11:00:00Z')
    const found = {
      status: 'available' as const,
      address: phone(1),
      checkedAddresses: [{ address: phone(1), available: true, checkedAt, source: 'line_1' }],
    }
    await rig.leads.recordAvailability(rig.workspaceId, lead.id, found)
    await rig.leads.recordAvailability(rig.workspaceId, lead.id, found)
    expect(await rig.leads.get(rig.workspaceId, lead.id)).toMatchObject({
      availabilityStatus: 'available',
      availableAddress: phone(1),
      availabilityCheckedAt: checkedAt,
    })
    expect(rig.eventTypes()).toEqual(['lead.created', 'availability.checked'])
    await rig.leads.recordAvailability(rig.workspaceId, lead.id, { status: 'unavailable', address: null, checkedAddresses: [] })
    expect(rig.eventTypes()).toHaveLength(3)
    await rig.leads.recordAvailability(rig.workspaceId, 'lead_gone', found)
  })

  it('moves contact times forward only, and not for every word', async () => {
    const lead = await one({ phone: phone(1) })
    const at = (minutes: number) => new Date(Date.UTC(2026, 10, 22, 12, minutes))
    for (const minutes of [5, 5.5, 3]) await rig.leads.recordContact(rig.workspaceId, lead.id, { contactedAt: at(minutes) })
    expect((await rig.leads.get(rig.workspaceId, lead.id)).lastContactedAt).toEqual(at(5))
    await rig.leads.recordContact(rig.workspaceId, lead.id, { contactedAt: at(7), repliedAt: at(8) })
    expect(await rig.leads.get(rig.workspaceId, lead.id)).toMatchObject({ lastContactedAt: at(7), lastRepliedAt: at(8) })
    expect(rig.eventTypes()).toEqual(['lead.created'])
  })
})

describe('lists', () => {
  it('take leads of the workspace, each once, and no other', async () => {
    const { leads } = await rig.leads.save(rig.caller, [{ phone: phone(1) }, { phone: phone(2) }])
    const list = await rig.leads.createList(rig.caller, { name: ' VIP ' }, { id: 'list_reserved' })
    expect(await rig.leads.createList(rig.caller, { name: 'VIP' }, { id: 'list_reserved' })).toEqual(list)
    const ids = leads.map((lead) => lead.id)
    expect(await rig.leads.addToList(rig.caller, list.id, [...ids, ...ids])).toEqual({ addedCount: 2 })
    expect(await rig.leads.addToList(rig.caller, list.id, ids)).toEqual({ addedCount: 0 })
    await expect(rig.leads.addToList(rig.caller, list.id, [...ids, 'lead_no'])).rejects.toMatchObject({ code: 'LEAD_NOT_FOUND' })
    await expect(rig.leads.addToList(rig.caller, 'list_no', ids)).rejects.toMatchObject({ code: 'LIST_NOT_FOUND' })
    await rig.leads.removeList(rig.caller, list.id)
    await expect(rig.leads.getList(rig.workspaceId, list.id)).rejects.toMatchObject({ code: 'LIST_NOT_FOUND' })
    await expect(rig.leads.removeList(rig.caller, list.id)).rejects.toMatchObject({ code: 'LIST_NOT_FOUND' })
  })
})
