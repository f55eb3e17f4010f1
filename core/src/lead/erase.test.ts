import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Delivery } from '../event/store.ts'
import { messageFixture } from '../testing/message-fixture.ts'
import { createRecordsRig, type RecordsRig } from '../testing/records-rig.ts'
import type { Lead } from './lead.ts'

const phone = '+14155551001'
let rig: RecordsRig
let lead: Lead
beforeEach(async () => {
  rig = await createRecordsRig()
  const saved = await rig.leads.save(rig.caller, [
    { phone, email: 'ada@x.com', firstName: 'Ada', hsContactId: '42', customFields: { note: 'secret' } },
  ])
  if (!saved.leads[0]) throw new Error('not saved')
  lead = saved.leads[0]
  const { workspaceId } = rig
  const now = rig.parts.runtime.now()
  await rig.opened.messages.insert(messageFixture({ id: 'msg_1', workspaceId, leadId: lead.id, status: 'delivered' }))
  await rig.opened.availability.put(workspaceId, { address: phone, available: true, checkedAt: now, expiresAt: now, lineId: 'line_1' })
  const delivery: Delivery = {
    id: 'evt_1.webhook:whk_1',
    workspaceId,
    version: 1,
    consumer: 'webhook:whk_1',
    event: 'message.sent',
    eventId: 'evt_1',
    aggregateId: 'msg_1',
    leadId: lead.id,
    body: '{}',
    correlationId: null,
    status: 'pending',
    attempts: [],
    dueAt: now,
    createdAt: now,
  }
  await rig.opened.deliveries.insert([delivery])
  await rig.opened.replies.insert(
    {
      id: 'rpl_1',
      workspaceId,
      version: 1,
      text: 'hi',
      from: phone,
      to: null,
      channel: 'sms',
      lineId: null,
      leadId: lead.id,
      campaignId: null,
      messageId: null,
      externalId: null,
      keyword: null,
      attachments: [],
      at: now,
      announced: true,
      createdAt: now,
    },
    { contentKey: 'x', withinMs: 1 },
  )
  rig.events.length = 0
})
afterEach(() => rig.close())

async function leftovers() {
  const { opened, workspaceId } = rig
  return [
    await opened.leads.get(workspaceId, lead.id),
    await opened.messages.get(workspaceId, 'msg_1'),
    await opened.replies.get(workspaceId, 'rpl_1'),
    await opened.deliveries.get(workspaceId, 'evt_1.webhook:whk_1'),
    (await opened.availability.get(workspaceId, [phone]))[0] ?? null,
    (await opened.leads.byAddresses(workspaceId, [phone, 'ada@x.com'])).get(phone) ?? null,
  ]
}
const nothing = [null, null, null, null, null, null]

describe('erasing a lead', () => {
  it('takes everything of it, cancels what is open first, and announces it with ids only', async () => {
    expect(await leftovers()).not.toContain(null)
    await rig.leads.remove(rig.caller, lead.id)
    expect(await leftovers()).toEqual(nothing)
    expect(rig.cancelled).toEqual([{ recipient: { leadId: lead.id }, why: 'the lead was deleted', channels: null }])
    expect(rig.events.map(({ type, id, seq }) => [type, id, seq])).toEqual([['lead.deleted', `evt_${lead.id.slice('lead_'.length)}`, 2]])
    await expect(rig.leads.remove(rig.caller, lead.id)).rejects.toMatchObject({ code: 'LEAD_NOT_FOUND' })
  })

  it('shows the consumers of the event nothing of the person', async () => {
    let last: Lead | null = null
    rig.before.set('leads.remove', async () => {
      last = await rig.opened.leads.get(rig.workspaceId, lead.id)
    })
    await rig.leads.remove(rig.caller, lead.id)
    expect(last).toMatchObject({ id: lead.id, hsContactId: '42', firstName: null, phone: null, email: null, customFields: {} })
    expect(JSON.stringify(rig.events)).not.toMatch(/Ada|4155551001|secret/)
  })

  it('is finished by calling again, wherever it died', async () => {
    const steps = [
      'dnc.blank',
      'messages.removeForLead',
      'replies.removeForLead',
      'availability.remove',
      'deliveries.removeForLead',
      'leads.commit',
      'leads.remove',
    ]
    for (const step of steps) {
      rig.before.set(step, () => {
        throw new Error(`dies at ${step}`)
      })
      await expect(rig.leads.remove(rig.caller, lead.id)).rejects.toThrow(`dies at ${step}`)
      rig.before.clear()
    }
    await rig.leads.remove(rig.caller, lead.id)
    expect(await leftovers()).toEqual(nothing)
    expect(new Set(rig.events.map((event) => event.id)).size).toBe(1)
  })

  it('does not let the lead go before its last event was taken off', async () => {
    const silent = rig.silentRelay()
    await expect(silent.remove(rig.caller, lead.id)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await rig.opened.leads.get(rig.workspaceId, lead.id)).toMatchObject({ phone: null, outbox: [{ type: 'lead.deleted' }] })
    await rig.leads.remove(rig.caller, lead.id)
    expect(await leftovers()).toEqual(nothing)
  })

  it('takes away a message that was accepted while it went on', async () => {
    rig.before.set('leads.remove', async () => {
      await rig.opened.messages.insert(messageFixture({ id: 'msg_1', workspaceId: rig.workspaceId, leadId: lead.id }))
    })
    await rig.leads.remove(rig.caller, lead.id)
    expect(await rig.opened.messages.get(rig.workspaceId, 'msg_1')).toBeNull()
  })
})
