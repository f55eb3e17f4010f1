import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Rule } from './fakes/bluebubbles.ts'
import { eventually } from './rig/hub.ts'
import { type Scene, startScene } from './rig/scene.ts'
import { events, holdIs, type LineView, startWorld, statusIs, type World } from './rig/world.ts'

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

describe.concurrent('what becomes of one call', () => {
  // What the bridge did, whether it really sent, and what must be told.
  const cases: [name: string, rule: Rule, sends: number, ends: string, code: string | null][] = [
    ['a slow answer', { delayMs: timeoutMs - 800 }, 1, 'delivered', null],
    ['no answer in time, though it was sent', { send: 'stall_after_send' }, 1, 'delivered', null],
    ['500 after really sending', { send: 'error500_after_send' }, 1, 'delivered', null],
    ['500 after really sending, and no webhook', { send: 'error500_after_send', webhooks: [] }, 1, 'sent', null],
    ['a reset after really sending, and no webhook', { send: 'reset_after_send', webhooks: [] }, 1, 'sent', null],
    ['half an answer after really sending, and no webhook', { send: 'half_after_send', webhooks: [] }, 1, 'sent', null],
    ['504 after really sending, and no webhook', { send: 'timeout504_after_send', webhooks: [] }, 1, 'sent', null],
    ['500 and nothing was sent', { send: 'error500_before_send' }, 0, 'failed', 'outcome_unknown'],
    ['a reset and nothing was sent', { send: 'reset_before_send' }, 0, 'failed', 'outcome_unknown'],
    ['no answer and nothing was sent', { send: 'stall_before_send' }, 0, 'failed', 'outcome_unknown'],
    ['already queued in the bridge, where it is not', { send: 'already_queued' }, 0, 'failed', 'outcome_unknown'],
    ['error 22 in a failed answer', { send: 'not_on_imessage' }, 0, 'fallback', null],
    ['error 22 in a good answer', { send: 'not_on_imessage_200' }, 0, 'fallback', null],
  ]
  test.each(cases)('%s: %j', async (_name, rule, sends, ends, code) => {
    const scene = await scenario([rule])
    const { id } = await scene.send({ recipientPhone: ann })
    const message = await scene.until(id, (found) => found.status === ends, deadlineMs * 3)
    expect(message.failure?.code ?? null).toBe(code)
    expect(scene.ledger()).toHaveLength(sends)
    expect(message.externalMessageId).toBe(sends === 0 && ends !== 'fallback' ? null : (scene.ledger()[0]?.guid ?? message.externalMessageId))
    await scene.receiver.until(() => scene.told(id).at(-1) === ends)
    expect(scene.told(id).filter((type) => type === ends)).toHaveLength(1)
  })

  test('429 is surely not sent: held as `retry`, then sent', async () => {
    const scene = await scenario()
    await scene.call('GET', `/api/check-availability?address=${encodeURIComponent(ann)}`)
    scene.script({ rules: [{ send: 'rate_limited', times: 1 }] })
    const { id } = await scene.send({ recipientPhone: ann })
    const held = await scene.until(id, holdIs('retry'))
    expect(held.status).toBe('queued')
    const message = await scene.until(id, statusIs('sent', 'delivered'))
    expect(scene.ledger()).toHaveLength(1)
    expect(message.history.filter((entry) => entry.status === 'sending')).toHaveLength(2)
  })
})

describe.concurrent('equal texts to one person', () => {
  test('are as many messages as were asked for', async () => {
    const scene = await scenario()
    const sent = await Promise.all(Array.from({ length: 5 }, () => scene.send({ recipientPhone: ann })))
    const messages = await Promise.all(sent.map(({ id }) => scene.until(id, statusIs('delivered'))))
    expect(scene.ledger()).toHaveLength(5)
    expect(new Set(messages.map((message) => message.externalMessageId))).toEqual(new Set(scene.ledger().map((entry) => entry.guid)))
  })

  test('whose calls all failed after sending find each its own', async () => {
    const scene = await scenario([{ send: 'error500_after_send', webhooks: [] }])
    const sent = await Promise.all(Array.from({ length: 5 }, () => scene.send({ recipientPhone: ann })))
    const messages = await Promise.all(sent.map(({ id }) => scene.until(id, statusIs('sent', 'failed'), deadlineMs * 3)))
    expect(messages.map((message) => message.status)).toEqual(sent.map(() => 'sent'))
    expect(scene.ledger()).toHaveLength(5)
    expect(new Set(messages.map((message) => message.externalMessageId)).size).toBe(5)
  })

  test('of which one went and one did not: one is found, the other is given up', async () => {
    const scene = await scenario()
    await scene.call('GET', `/api/check-availability?address=${encodeURIComponent(ann)}`)
    scene.script({
      rules: [
        { send: 'error500_before_send', times: 1 },
        { send: 'error500_after_send', times: 1, webhooks: [] },
      ],
    })
    const sent = await Promise.all([scene.send({ recipientPhone: ann }), scene.send({ recipientPhone: ann })])
    const messages = await Promise.all(sent.map(({ id }) => scene.until(id, statusIs('sent', 'failed'), deadlineMs * 3)))
    expect(messages.map((message) => message.status).sort()).toEqual(['failed', 'sent'])
    expect(scene.ledger()).toHaveLength(1)
  })
})

describe.concurrent('a bridge that is down', () => {
  const healthOf = async (line: Promise<LineView>) => (await line).health

  test('and up again: `retry` until then, sent once', async () => {
    const scene = await scenario()
    await scene.call('GET', `/api/check-availability?address=${encodeURIComponent(ann)}`)
    await scene.down()
    const { id } = await scene.send({ recipientPhone: ann })
    const held = await scene.until(id, holdIs('retry'))
    expect(held).toMatchObject({ status: 'queued', hold: { until: expect.any(String), detail: expect.stringMatching(/refused/i) } })
    await scene.up()
    const message = await scene.until(id, statusIs('delivered'))
    expect(scene.ledger()).toHaveLength(1)
    expect(message.history.some((entry) => entry.why.startsWith('retry:'))).toBe(true)
    await scene.receiver.until(() => scene.told(id).includes('delivered'))
    expect(scene.told(id)).toEqual(['queued', 'pending', 'sent', 'delivered'])
  })

  test('for the files that callers attach, the line stays what it was', async () => {
    const scene = await scenario()
    const people = ['+14155550111', '+14155550112', '+14155550113', '+14155550114']
    // Known by now, so that no check that works comes between what fails.
    await scene.call('POST', '/api/check-availability', { addresses: people })
    for (const recipientPhone of people) {
      const { id } = await scene.send({ recipientPhone, attachmentUrls: ['http://127.0.0.1:1/a.png'] })
      expect(await scene.until(id, holdIs('retry'))).toMatchObject({ status: 'queued' })
    }
    const { id } = await scene.send({ recipientPhone: ann })
    await scene.until(id, statusIs('delivered'))
    expect(scene.ledger()).toHaveLength(1)
    expect(events(scene.receiver).filter((event) => event.event === 'line.health_changed')).toEqual([])
  })

  test('for the checks: unhealthy with an event, messages held, and all of it ends by itself', async () => {
    const scene = await scenario()
    await eventually(
      () => healthOf(scene.line(scene.lineId)),
      (health) => health.lastCheckedAt !== null,
    )
    await scene.call('GET', `/api/check-availability?address=${encodeURIComponent(ann)}`)
    await scene.down()
    const ill = await eventually(
      () => healthOf(scene.line(scene.lineId)),
      (health) => health.status === 'unhealthy',
    )
    expect(ill.reasons.join()).toMatch(/3 checks failed/)
    const changes = () => events(scene.receiver).filter((event) => event.event === 'line.health_changed')
    await scene.receiver.until(() => changes().some((event) => event.data.status === 'unhealthy'))
    expect(changes().map((event) => event.data.status)).toEqual(['degraded', 'unhealthy'])
    expect(changes().at(-1)?.data).toMatchObject({ previousStatus: 'degraded', consecutiveFailures: 3, reasons: [expect.stringMatching(/refused/i)] })

    const waiting = [await scene.send({ recipientPhone: ann, fromLineId: scene.lineId }), await scene.send({ recipientPhone: '+14155550101' })]
    for (const { id } of waiting) expect(await scene.until(id, holdIs('line_unhealthy'))).toMatchObject({ status: 'queued' })

    await scene.up()
    // Sooner than the half minute after which a hold without an end is looked at again.
    for (const { id } of waiting) await scene.until(id, statusIs('delivered'), 10_000)
    expect((await scene.line(scene.lineId)).health).toMatchObject({ status: 'healthy', reasons: [] })
    await scene.receiver.until(() => changes().some((event) => event.data.status === 'healthy'))
    expect(scene.ledger()).toHaveLength(2)
  })
})
