import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noGaps, type Scene, startScene } from './rig/scene.ts'
import { type MessageView, startWorld, statusIs, type World } from './rig/world.ts'

const ann = { recipientPhone: '+14155550100' }
const isOut = statusIs('sent', 'delivered')
const serviceToken = 'a-token-for-outside-workers'

let world: World
const scenes: Scene[] = []
async function scenario(): Promise<Scene> {
  const scene = await startScene(world)
  scenes.push(scene)
  return scene
}

beforeAll(async () => {
  world = await startWorld({ SWEEP_EVERY_MS: '500', SERVICE_TOKEN: serviceToken })
})
afterAll(async () => {
  await world.close()
  for (const scene of scenes) await scene.close()
})

describe.concurrent('a caller who asks again', () => {
  test('fifty times at once with one key gets one message, sent once, and the same answer', async () => {
    const scene = await scenario()
    const post = () =>
      scene.call<{ message: MessageView; code: string }>('POST', '/api/messages', { message: 'Once', ...ann }, { 'idempotency-key': 'order-1' })
    const answers = await Promise.all(Array.from({ length: 50 }, post))
    // Who comes while the first one runs is told so, and gets the answer when he asks again.
    for (const answer of answers) expect([201, 409]).toContain(answer.status)
    for (const { body } of answers.filter((answer) => answer.status === 409)) expect(body.code).toBe('IDEMPOTENCY_RUNNING')
    const later = await post()
    const ids = [...answers, later].filter((answer) => answer.status === 201).map((answer) => answer.body.message.id)
    expect(new Set(ids).size).toBe(1)
    await scene.until(`${ids[0]}`, isOut)
    expect((await scene.call<{ messages: unknown[] }>('GET', '/api/messages')).body.messages).toHaveLength(1)
    expect(scene.ledger()).toHaveLength(1)
    const other = await scene.call<{ code: string }>('POST', '/api/messages', { message: 'Twice', ...ann }, { 'idempotency-key': 'order-1' })
    expect([other.status, other.body.code]).toEqual([422, 'IDEMPOTENCY_MISMATCH'])
  })

  test('for the same lead in many ways gets one lead', async () => {
    const scene = await scenario()
    const spellings = ['+1 (415) 555-0111', '415-555-0111', '+14155550111', '1 415 555 0111']
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, n) => scene.call<{ leadIds: string[] }>('POST', '/api/leads', { phone: spellings[n % 4] })),
    )
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1)
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(15)
    const { body } = await scene.call<{ leads: { id: string }[] }>('GET', '/api/leads')
    expect(body.leads).toHaveLength(1)
  })

  test('for one new recipient by many messages at once gets one lead, and every message', async () => {
    const scene = await scenario()
    const sent = await Promise.all(Array.from({ length: 16 }, (_, n) => scene.send({ ...ann, message: `No. ${n}` })))
    expect(new Set(sent.map((message) => message.leadId)).size).toBe(1)
    for (const { id } of sent) await scene.until(id, isOut)
    expect(
      scene
        .ledger()
        .map((entry) => entry.text)
        .sort(),
    ).toEqual(sent.map((message) => message.message).sort())
  })
})

describe.concurrent('an address named beside a lead', () => {
  test("is tried before the lead's others when it is the lead's own, and refused by name when it is not", async () => {
    const scene = await scenario()
    const lead = await scene.addLead({ phone: '+14155550120', altPhone1: '+14155550121' })
    const own = await scene.until((await scene.send({ leadId: lead.id, recipientPhone: '(415) 555-0121' })).id, isOut)
    expect([own.recipientPhone, scene.ledger().map((entry) => entry.address)]).toEqual(['+14155550121', ['+14155550121']])
    const body = { message: 'Hello', leadId: lead.id, recipientPhone: '+14155550199' }
    expect(await scene.call('POST', '/api/messages', body)).toMatchObject({ status: 400, body: { errors: [{ path: 'recipientPhone' }] } })
  })

  test('is not written to when it belongs to somebody who opted out', async () => {
    const scene = await scenario()
    const silent = await scene.addLead({ phone: '+14155550131' })
    await scene.call('POST', '/api/dnc', { leadId: silent.id })
    await scene.addLead({ phone: '+14155550130' })
    scene.script({ rules: [{ address: '+14155550130', available: false }] })
    const sent = await scene.send({ recipientPhone: '+14155550130', altPhone1: '+14155550131' })
    expect((await scene.until(sent.id, statusIs('fallback'))).checkedAddresses.map(({ address }) => address)).toEqual(['+14155550130'])
    expect(scene.ledger()).toEqual([])
  })
})

describe.concurrent('without a line named', () => {
  test('a lead keeps the line that talked to it, and new leads are spread', async () => {
    const scene = await scenario()
    const second = await scene.addLine({ ...noGaps, name: 'second', channel: 'imessage', transport: scene.transport })
    const lineOf = async (body: Record<string, unknown>) => (await scene.until((await scene.send(body)).id, isOut)).fromLineId
    expect(await lineOf({ ...ann, fromLineId: second.id })).toBe(second.id)
    for (let n = 0; n < 4; n++) expect(await lineOf({ ...ann, message: `No. ${n}` })).toBe(second.id)
    const used: (string | null)[] = []
    for (let n = 0; n < 12; n++) used.push(await lineOf({ recipientPhone: `+141555502${String(n).padStart(2, '0')}` }))
    expect(new Set(used)).toEqual(new Set([scene.lineId, second.id]))
  })
})

describe.concurrent('the service endpoint', () => {
  const report = async (body: unknown, headers: Record<string, string> = { authorization: `Bearer ${serviceToken}` }) => {
    const answer = await fetch(`${world.hub.url}/api/webhooks/v1-message`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    return { status: answer.status, body: (await answer.json()) as { applied?: boolean; status?: string; code?: string } }
  }

  test('takes what an outside worker reports, once, and only forwards', async () => {
    const scene = await scenario()
    scene.script({ rules: [{ webhooks: [] }] })
    const { id } = await scene.send(ann)
    await scene.until(id, statusIs('sent'))
    expect((await report({ event: 'message.delivered', messageId: id })).body).toEqual({ applied: true, status: 'delivered' })
    expect((await report({ event: 'message.delivered', messageId: id })).body).toEqual({ applied: false, status: 'delivered' })
    expect((await report({ event: 'message.sent', messageId: id })).body).toEqual({ applied: false, status: 'delivered' })
    expect((await report({ event: 'message.failed', messageId: id, error: 'late' })).body).toEqual({ applied: false, status: 'delivered' })
    expect((await report({ event: 'message.opened', externalMessageId: scene.ledger()[0]?.guid })).body).toEqual({
      applied: true,
      status: 'delivered',
    })
    expect((await report({ event: 'message.opened', messageId: id })).body.applied).toBe(false)
    expect((await scene.message(id)).readAt).toEqual(expect.any(String))
    await scene.receiver.until(() => scene.told(id).includes('opened'))
    expect(scene.told(id)).toEqual(['queued', 'pending', 'sent', 'delivered', 'opened'])
  })

  test('takes a fallback with what was checked, and a reply', async () => {
    const scene = await scenario()
    scene.script({ rules: [{ webhooks: [] }] })
    const { id } = await scene.send(ann)
    await scene.until(id, statusIs('sent'))
    const reply = { text: 'Hello back', from: ann.recipientPhone, id: 'outside-1' }
    for (const applied of [true, false])
      expect((await report({ event: 'message.reply', messageId: id, reply })).body).toEqual({ applied, status: 'sent' })
    const checkedAddresses = [{ address: ann.recipientPhone, available: false }]
    expect((await report({ event: 'message.fallback', messageId: id, reason: 'not on iMessage', checkedAddresses })).body).toEqual({
      applied: true,
      status: 'fallback',
    })
    expect(await scene.message(id)).toMatchObject({ status: 'fallback', reason: 'not on iMessage', checkedAddresses })
    await scene.receiver.until(() => scene.told(id).includes('fallback') && scene.told(id).includes('reply'))
  })

  test('is open to nobody else', async () => {
    const scene = await scenario()
    const { id } = await scene.send({ ...ann, scheduledDate: '2036-01-01T00:00:00Z' })
    const body = { event: 'message.delivered', messageId: id }
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { 'x-service-token': '' }, { authorization: `Basic ${serviceToken}` }]) {
      expect((await report(body, headers as Record<string, string>)).status).toBe(401)
    }
    expect((await scene.call('POST', '/api/webhooks/v1-message', body)).status).toBe(401)
    expect((await scene.message(id)).status).toBe('queued')
    expect((await report({ ...body, messageId: 'msg_00000000000000000000000000' }, { 'x-service-token': serviceToken })).status).toBe(404)
  })
})
