import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Rule } from './fakes/bluebubbles.ts'
import { eventually } from './rig/hub.ts'
import { type Scene, startScene } from './rig/scene.ts'
import { events, startWorld, statusIs, type World } from './rig/world.ts'

const deadlineMs = 3_500
const timeoutMs = 2_000
const ann = '+14155550100'

let world: World
const scenes: Scene[] = []
async function scenario(rules: readonly Rule[] = []): Promise<Scene> {
  const scene = await startScene(world, { rules })
  scenes.push(scene)
  return scene
}

beforeAll(async () => {
  world = await startWorld({
    UNKNOWN_OUTCOME_DEADLINE_MS: `${deadlineMs}`,
    BRIDGE_TIMEOUT_MS: `${timeoutMs}`,
    HEALTH_EVERY_MS: '500',
    SWEEP_EVERY_MS: '500',
  })
})
afterAll(async () => {
  await world.close()
  for (const scene of scenes) await scene.close()
})

describe.concurrent('webhooks of the bridge', () => {
  const orders: [name: string, rule: Rule, told: string[]][] = [
    ['before our call returned', { webhooks: ['new-message', 'delivered'], webhooksWhen: 'before', delayMs: 300 }, ['sent', 'delivered']],
    ['by an id that we do not know yet', { webhooks: ['delivered'], webhooksWhen: 'before', delayMs: 300 }, ['sent', 'delivered']],
    ['read, by an id that we do not know yet', { webhooks: ['read'], webhooksWhen: 'before', delayMs: 300 }, ['sent', 'delivered', 'opened']],
    ['late', { webhooks: ['new-message', 'delivered'], webhooksDelayMs: 900 }, ['sent', 'delivered']],
    ['twice', { webhooks: ['new-message', 'new-message', 'delivered', 'delivered', 'read', 'read'] }, ['sent', 'delivered', 'opened']],
    ['out of order', { webhooks: ['read', 'delivered', 'new-message', 'delivered', 'new-message'] }, ['sent', 'delivered', 'opened']],
  ]
  test.each(orders)('%s', async (_name, rule, told) => {
    const scene = await scenario([rule])
    const { id } = await scene.send({ recipientPhone: ann })
    await scene.receiver.until(() => scene.told(id).includes(`${told.at(-1)}`))
    const message = await scene.until(id, statusIs('delivered'))
    expect(message.readAt !== null).toBe(told.includes('opened'))
    expect(message.externalMessageId).toBe(scene.ledger()[0]?.guid)
    expect(scene.ledger()).toHaveLength(1)
    // Another message on the same line: when that is through, nothing more is coming about the first one.
    const { id: second } = await scene.send({ recipientPhone: ann, message: 'And another' })
    await scene.receiver.until(() => scene.told(second).includes(`${told.at(-1)}`))
    const known = scene.told(id)
    expect(known.slice(0, 2)).toEqual(['queued', 'pending'])
    // Whichever came first tells how far it is: a receipt of delivery makes the news of sending superfluous.
    expect(known.filter((type) => type !== 'sent')).toEqual(['queued', 'pending', ...told.slice(1)])
    expect(known.filter((type) => type === 'sent').length).toBeLessThanOrEqual(1)
  })

  test('ids that nobody knows change nothing and disturb nobody', async () => {
    const scene = await scenario()
    const { id } = await scene.send({ recipientPhone: ann })
    await scene.until(id, statusIs('delivered'))
    const before = await scene.call('GET', '/api/messages')
    const data = { guid: 'UNKNOWN-1', text: 'Hello', handle: { address: ann }, isFromMe: true, error: 22, dateCreated: 1 }
    for (const type of ['new-message', 'updated-message', 'message-send-error', 'typing-indicator']) await scene.post(type, data)
    await scene.post('message-send-error', { guid: null, tempGuid: 'att_00000000000000000000000000', error: 22 })
    expect((await scene.call('GET', '/api/messages')).body).toEqual(before.body)
  })

  test('error 22 after `sent` makes it fall back, with its event; after `delivered` it is not believed', async () => {
    const scene = await scenario([{ webhooks: ['new-message'] }])
    const { id } = await scene.send({ recipientPhone: ann })
    await scene.until(id, statusIs('sent'))
    const guid = scene.ledger()[0]?.guid
    await scene.post('message-send-error', {
      guid,
      text: 'Hello',
      handle: { address: ann },
      isFromMe: true,
      error: 22,
      dateCreated: Date.parse('2026-01-01'),
    })
    const message = await scene.until(id, statusIs('fallback'))
    expect(message.reason).toMatch(/not on iMessage/i)
    await scene.receiver.until(() => scene.told(id).includes('fallback'))
    expect(scene.told(id)).toEqual(['queued', 'pending', 'sent', 'fallback'])

    // Somebody else: of this one it is known now that iMessage does not reach them.
    scene.script({ rules: [{ webhooks: ['new-message', 'delivered'] }] })
    const second = await scene.send({ recipientPhone: '+14155550177', message: 'Another' })
    await scene.until(second.id, statusIs('delivered'))
    await scene.post('message-send-error', { guid: scene.ledger()[1]?.guid, isFromMe: true, error: 22 })
    expect((await scene.message(second.id)).status).toBe('delivered')
  })

  test('another error after `sent` fails it', async () => {
    const scene = await scenario([{ webhooks: ['new-message'] }])
    const { id } = await scene.send({ recipientPhone: ann })
    await scene.until(id, statusIs('sent'))
    await scene.post('updated-message', { guid: scene.ledger()[0]?.guid, isFromMe: true, error: 43 })
    expect((await scene.until(id, statusIs('failed'))).failure?.detail).toContain('43')
  })

  test('a receipt after the deadline turns `outcome_unknown` into `sent` and `delivered`', async () => {
    const scene = await scenario([{ send: 'stall_after_send', webhooks: [] }])
    const { id } = await scene.send({ recipientPhone: ann })
    await eventually(
      async () => scene.ledger().length,
      (sends) => sends === 1,
    )
    await scene.down()
    const failed = await scene.until(id, statusIs('failed'), deadlineMs * 3)
    expect(failed.failure?.code).toBe('outcome_unknown')
    const { guid, tempGuid } = scene.ledger()[0] ?? {}
    await scene.post('new-message', { guid, tempGuid, isFromMe: true, error: 0, text: 'Hello', handle: { address: ann } })
    expect(await scene.until(id, statusIs('sent'))).toMatchObject({ failure: null, failedAt: null, externalMessageId: guid })
    await scene.post('updated-message', { guid, isFromMe: true, error: 0, isDelivered: true })
    await scene.until(id, statusIs('delivered'))
    await scene.receiver.until(() => scene.told(id).includes('delivered'))
    expect(scene.told(id)).toEqual(['queued', 'pending', 'failed', 'sent', 'delivered'])
  })

  test('a wrong secret and a line that is not there are refused alike', async () => {
    const scene = await scenario()
    const answers = await Promise.all(
      [`/hooks/lines/${scene.lineId}/wrong`, '/hooks/lines/line_00000000000000000000000000/wrong'].map(async (path) => {
        const answer = await fetch(`${world.hub.url}${path}`, { method: 'POST', body: '{}' })
        const { correlationId, ...problem } = (await answer.json()) as Record<string, unknown>
        expect(correlationId).toEqual(expect.any(String))
        return { status: answer.status, problem }
      }),
    )
    expect(answers[0]).toMatchObject({ status: 401 })
    expect(answers[1]).toEqual(answers[0])
  })
})

describe.concurrent('what people write back', () => {
  async function replies(call: Scene['call']) {
    const { body } = await call<{
      replies: { id: string; from: string; text: string; leadId: string | null; lineId: string | null; messageId: string | null }[]
    }>('GET', '/api/replies')
    return body.replies
  }

  test('is matched with the message, the lead and the line, and announced once, also when the bridge repeats itself', async () => {
    const scene = await scenario()
    const first = await scene.send({ recipientPhone: ann })
    await scene.until(first.id, statusIs('delivered'))
    const data = {
      guid: 'R-1',
      text: 'Yes please',
      handle: { address: ann },
      isFromMe: false,
      error: 0,
      dateCreated: Date.parse('2026-11-01T10:00:00Z'),
    }
    for (let i = 0; i < 3; i++) await scene.post('new-message', data)
    // The same bytes under a new id, as bridges do after a restart: by content and time.
    await scene.post('new-message', { ...data, guid: 'R-1-again' })
    expect(await replies(scene.call)).toEqual([
      expect.objectContaining({ from: ann, text: 'Yes please', messageId: first.id, leadId: first.leadId, lineId: scene.lineId }),
    ])
    await scene.post('new-message', { ...data, guid: 'R-2', dateCreated: data.dateCreated + 60_000 })
    expect(await replies(scene.call)).toHaveLength(2)
    await scene.receiver.until(() => scene.told(first.id).filter((type) => type === 'reply').length === 2)
    expect((await scene.lead(`${first.leadId}`)).lastRepliedAt).toEqual(expect.any(String))
    const told = events(scene.receiver).find((event) => event.event === 'message.reply')
    expect(told).toMatchObject({ messageId: first.id, leadId: first.leadId, data: { reply: { text: 'Yes please', from: ann } } })
  })

  test('answers the latest message of two', async () => {
    const scene = await scenario()
    for (const text of ['one', 'two']) {
      const { id } = await scene.send({ recipientPhone: ann, message: text })
      await scene.until(id, statusIs('delivered'))
    }
    await scene.inbound(ann, 'to the second')
    const [reply] = await replies(scene.call)
    expect((await scene.message(`${reply?.messageId}`)).message).toBe('two')
  })

  test('is kept when nobody knows who wrote, and when only the lead is known', async () => {
    const scene = await scenario()
    const lead = await scene.addLead({ email: 'bob@example.com' })
    await scene.inbound('+14155550177', 'Wrong number?')
    await scene.inbound('bob@example.com', 'Hi, Bob here')
    const found = await replies(scene.call)
    expect(found.find((reply) => reply.from === '+14155550177')).toMatchObject({ leadId: null, messageId: null, lineId: scene.lineId })
    expect(found.find((reply) => reply.from === 'bob@example.com')).toMatchObject({ leadId: lead.id, messageId: null })
    await scene.receiver.until(() => events(scene.receiver).filter((event) => event.event === 'message.reply').length === 2)
  })

  test('STOP opts the lead out on all addresses, cancels what waits, refuses what comes; START opts in again', async () => {
    const scene = await scenario()
    const lead = await scene.addLead({ phone: ann, email: 'ann@example.com' })
    const other = await scene.send({ recipientPhone: '+14155550199', scheduledDate: '2036-01-01T00:00:00Z' })
    const first = await scene.send({ leadId: lead.id })
    await scene.until(first.id, statusIs('delivered'))
    const waiting = [
      await scene.send({ leadId: lead.id, scheduledDate: '2036-01-01T00:00:00Z' }),
      await scene.send({ recipientPhone: ann, scheduledDate: '2036-01-01T00:00:00Z' }),
      await scene.send({ recipientEmail: 'ann@example.com', scheduledDate: '2036-01-01T00:00:00Z' }),
    ]
    const sends = scene.ledger().length
    await scene.inbound(ann, ' Stop! ')

    for (const { id } of waiting) expect((await scene.until(id, statusIs('cancelled'))).reason).toMatch(/opt/i)
    expect((await scene.message(other.id)).status).toBe('queued')
    await scene.receiver.until(() => events(scene.receiver).some((event) => event.event === 'lead.opted_out'))
    await scene.receiver.until(() => waiting.every(({ id }) => scene.told(id).includes('cancelled')))
    for (const to of [{ leadId: lead.id }, { recipientPhone: ann }, { recipientEmail: 'ann@example.com' }]) {
      const answer = await scene.call<{ code: string }>('POST', '/api/messages', { message: 'Again', ...to })
      expect([answer.status, answer.body.code]).toEqual([403, 'OPTED_OUT'])
    }
    expect(scene.ledger()).toHaveLength(sends)

    await scene.inbound(ann, 'start')
    await scene.receiver.until(() => events(scene.receiver).some((event) => event.event === 'lead.opted_in'))
    const again = await scene.send({ leadId: lead.id, message: 'Welcome back' })
    await scene.until(again.id, statusIs('delivered'))
  })
})
