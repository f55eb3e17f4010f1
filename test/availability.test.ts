import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Rule } from './fakes/bluebubbles.ts'
import { eventually } from './rig/hub.ts'
import { noGaps, type Scene, startScene } from './rig/scene.ts'
import { calmZone, wallClock } from './rig/wall-clock.ts'
import { events, holdIs, startWorld, statusIs, type World } from './rig/world.ts'

const isOut = statusIs('sent', 'delivered')
const zone = calmZone()

/** In the order of product.md §3. */
const eight = {
  phone: '+14155550001',
  email: 'ann@example.com',
  altPhone1: '+14155550011',
  altPhone2: '+14155550012',
  altPhone3: '+14155550013',
  altEmail1: 'ann.1@example.com',
  altEmail2: 'ann.2@example.com',
  altEmail3: 'ann.3@example.com',
}
const order = Object.values(eight)
const ann = { recipientPhone: eight.phone }
const bob = { recipientPhone: '+14155550099' }

let world: World
const scenes: Scene[] = []
async function scenario(
  rules: readonly Rule[] = [],
  more: { line?: Record<string, unknown>; method?: 'private-api' | 'apple-script' } = {},
): Promise<Scene> {
  const scene = await startScene(world, { rules, ...more, line: { ...noGaps, timezone: zone, ...more.line } })
  scenes.push(scene)
  return scene
}
const asked = (scene: Scene) => scene.checks().map((check) => check.address)

beforeAll(async () => {
  world = await startWorld({ SWEEP_EVERY_MS: '500' })
})
afterAll(async () => {
  await world.close()
  for (const scene of scenes) await scene.close()
})

describe.concurrent('a lead with eight addresses', () => {
  test.each(order.map((address, index) => [index + 1, address] as const))(
    'is asked for in order, up to the first that is there: no. %i',
    async (count, there) => {
      const scene = await scenario([{ address: there, available: true }, { available: false }])
      // Given in the other order: what counts is the field.
      const lead = await scene.addLead(Object.fromEntries(Object.entries(eight).reverse()))
      const { id } = await scene.send({ leadId: lead.id })
      const message = await scene.until(id, isOut)
      expect(asked(scene)).toEqual(order.slice(0, count))
      expect(message.checkedAddresses.map((entry) => [entry.address, entry.available])).toEqual(
        order.slice(0, count).map((address) => [address, address === there]),
      )
      expect(scene.ledger().map((entry) => entry.address)).toEqual([there])
      // What a send says of its lead is written right after it, in one go.
      await eventually(
        () => scene.lead(lead.id),
        (found) => found.availabilityStatus === 'available' && found.availableAddress === there,
      )
    },
  )

  test('of which none is there falls back, with every answer, once asked and not again', async () => {
    const scene = await scenario([{ available: false }])
    const lead = await scene.addLead(eight)
    const first = await scene.send({ leadId: lead.id })
    const fallen = await scene.until(first.id, statusIs('fallback'))
    expect(asked(scene)).toEqual(order)
    expect(fallen.checkedAddresses.map((entry) => [entry.address, entry.available, entry.source])).toEqual(
      order.map((address) => [address, false, scene.lineId]),
    )
    await eventually(
      () => scene.lead(lead.id),
      (found) => found.availabilityStatus === 'unavailable' && found.availableAddress === null,
    )
    await scene.receiver.until(() => scene.told(first.id).includes('fallback'))
    const told = events(scene.receiver).find((event) => event.event === 'message.fallback')
    expect(told?.checkedAddresses?.map((entry) => entry.address)).toEqual(order)

    const second = await scene.send({ leadId: lead.id })
    const again = await scene.until(second.id, statusIs('fallback'))
    expect(again.checkedAddresses.map((entry) => entry.source)).toEqual(order.map(() => 'cache'))
    expect(asked(scene)).toEqual(order)
    expect((await scene.line(scene.lineId)).usage.availabilityChecksCount).toBe(order.length)
    expect(scene.ledger()).toEqual([])
  })
})

describe.concurrent('an answer', () => {
  test('that is fresh costs no question, whoever asks', async () => {
    const scene = await scenario()
    const lead = await scene.addLead({ phone: ann.recipientPhone })
    const path = `/api/check-availability?address=${encodeURIComponent(ann.recipientPhone)}`
    for (let i = 0; i < 3; i++)
      expect((await scene.call('GET', path)).body).toMatchObject({ address: ann.recipientPhone, available: true, status: 'available' })
    expect((await scene.call('GET', `/api/leads/check-availability?id=${lead.id}`)).body).toMatchObject({ leadId: lead.id, available: true })
    const { id } = await scene.send({ leadId: lead.id })
    expect((await scene.until(id, isOut)).checkedAddresses).toMatchObject([{ address: ann.recipientPhone, source: 'cache' }])
    expect(asked(scene)).toEqual([ann.recipientPhone])
  })

  test('costs one question of the day, and a gap of the device', async () => {
    const scene = await scenario([], { line: { availabilityGapSeconds: 1, dailyAvailabilityChecksLimit: 10 } })
    const people = ['+14155550021', '+14155550022', '+14155550023']
    const sent = await Promise.all(people.map((recipientPhone) => scene.send({ recipientPhone })))
    for (const { id } of sent) await scene.until(id, isOut)
    expect(asked(scene).sort()).toEqual(people)
    const times = scene.checks().map((check) => check.at)
    for (const [index, at] of times.slice(1).entries()) expect(at - (times[index] ?? 0)).toBeGreaterThanOrEqual(1_000)
    const line = await scene.line(scene.lineId)
    expect([line.usage.availabilityChecksCount, line.remaining.availabilityChecks]).toEqual([3, 7])
  })

  test('can no longer be had when the day is used up: held until midnight where the line is; who is known goes on', async () => {
    const scene = await scenario([], { line: { dailyAvailabilityChecksLimit: 1 } })
    const first = await scene.send(ann)
    await scene.until(first.id, isOut)
    const second = await scene.send(bob)
    const held = await scene.until(second.id, holdIs('availability_quota'))
    expect(held.status).toBe('queued')
    expect(wallClock(new Date(`${held.hold?.until}`), zone).time).toBe('00:00')
    expect(Date.parse(`${held.hold?.until}`) - Date.now()).toBeLessThanOrEqual(86_400_000)
    const third = await scene.send({ ...ann, message: 'Once more' })
    await scene.until(third.id, isOut)
    expect(asked(scene)).toEqual([ann.recipientPhone])
  })
})

describe.concurrent('a question that fails', () => {
  test('is no answer: the message waits and says so, and nothing is kept', async () => {
    const scene = await scenario([{ available: 'error' }])
    const { id } = await scene.send(ann)
    const held = await scene.until(id, holdIs('availability_error'))
    expect(held).toMatchObject({ status: 'queued', checkedAddresses: [] })
    expect(Date.parse(`${held.hold?.until}`)).toBeGreaterThan(Date.now())
    scene.script({ rules: [] })
    expect((await scene.call('GET', `/api/check-availability?address=${encodeURIComponent(ann.recipientPhone)}`)).body).toMatchObject({
      available: true,
    })
  })

  test('is asked again by itself, soon at first', async () => {
    const scene = await scenario([{ available: 'error' }])
    const { id } = await scene.send(ann)
    await scene.until(id, holdIs('availability_error'))
    scene.script({ rules: [] })
    await scene.until(id, isOut, 12_000)
    expect(asked(scene)).toEqual([ann.recipientPhone, ann.recipientPhone])
  })

  test('goes to another line that can, and the message still leaves by its own', async () => {
    const scene = await scenario([{ available: 'error' }])
    const lender = await scenario()
    const second = await scene.addLine({ ...noGaps, name: 'lender', channel: 'imessage', transport: lender.transport })
    const { id } = await scene.send({ ...ann, fromLineId: scene.lineId })
    const message = await scene.until(id, isOut)
    expect(message).toMatchObject({
      fromLineId: scene.lineId,
      checkedAddresses: [{ address: ann.recipientPhone, available: true, source: second.id }],
    })
    expect(asked(lender)).toEqual([ann.recipientPhone])
    expect([scene.ledger().length, lender.ledger().length]).toEqual([1, 0])
    expect((await scene.line(second.id)).usage.availabilityChecksCount).toBe(1)
  })

  test('for many in a row makes the line unhealthy, with an event', async () => {
    const scene = await scenario([{ available: 'error' }])
    for (let n = 0; n < 6; n++) await scene.send({ recipientPhone: `+1415555003${n}` })
    const ill = () => events(scene.receiver).find((event) => event.event === 'line.health_changed' && event.data.status === 'unhealthy')
    await scene.receiver.until(() => ill() !== undefined)
    expect(ill()?.data.reasons).toEqual([expect.stringMatching(/in a row/)])
    expect((await scene.line(scene.lineId)).health.status).toBe('unhealthy')
  })
})

test('a bridge that sends otherwise than it answered is believed: the next message is not handed to it', async () => {
  const scene = await scenario([{ address: bob.recipientPhone, available: true, send: 'not_on_imessage' }])
  await scene.until((await scene.send(bob)).id, statusIs('fallback'))
  const second = await scene.until((await scene.send(bob)).id, statusIs('fallback'))
  expect(second.history.map((entry) => entry.status)).toEqual(['queued', 'fallback'])
  expect(second.checkedAddresses).toMatchObject([{ address: bob.recipientPhone, available: false, source: 'cache' }])
  expect(asked(scene)).toEqual([bob.recipientPhone])
})

describe.concurrent('a bridge without the Private API', () => {
  test('cannot be asked: the message goes out, and its own error 22 decides', async () => {
    const scene = await scenario([{ address: bob.recipientPhone, send: 'not_on_imessage' }], { method: 'apple-script' })
    scene.script({ privateApi: false, helperConnected: false })
    const there = await scene.send(ann)
    await scene.until(there.id, isOut)
    const away = await scene.send(bob)
    const ended = await scene.until(away.id, statusIs('fallback'))
    expect(ended.reason).toMatch(/not on iMessage/i)
    expect(ended.checkedAddresses).toMatchObject([{ address: bob.recipientPhone, available: false, source: scene.lineId }])
    expect(asked(scene)).toEqual([])
    expect(scene.ledger().map((entry) => entry.address)).toEqual([ann.recipientPhone])
  })

  test('borrows the question from a line that can', async () => {
    const scene = await scenario([], { method: 'apple-script' })
    scene.script({ privateApi: false, helperConnected: false })
    const lender = await scenario([{ available: false }])
    await scene.addLine({ ...noGaps, name: 'lender', channel: 'imessage', transport: lender.transport })
    const { id } = await scene.send({ ...ann, fromLineId: scene.lineId })
    await scene.until(id, statusIs('fallback'))
    expect([asked(scene), asked(lender)]).toEqual([[], [ann.recipientPhone]])
    expect(scene.ledger()).toEqual([])
  })
})
