import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from './rig/hub.ts'
import { noGaps, type Scene, startScene } from './rig/scene.ts'
import { calmZone, wallClock } from './rig/wall-clock.ts'
import { holdIs, type MessageView, startWorld, statusIs, type World } from './rig/world.ts'

const zone = calmZone()
const person = (n: number) => ({ recipientPhone: `+1415555${String(1000 + n)}` })
const isOut = statusIs('sent', 'delivered')

let world: World
const scenes: Scene[] = []
async function scenario(line: Record<string, unknown>): Promise<Scene> {
  const scene = await startScene(world, { line: { ...noGaps, timezone: zone, ...line } })
  scenes.push(scene)
  return scene
}

beforeAll(async () => {
  world = await startWorld({ SWEEP_EVERY_MS: '500' })
})
afterAll(async () => {
  await world.close()
  for (const scene of scenes) await scene.close()
})

/** Posts what there is with so many callers at once. */
async function inParallel<T>(callers: number, jobs: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = []
  const left = [...jobs]
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (let job = left.shift(); job; job = left.shift()) results.push(await job())
    }),
  )
  return results
}

async function all(scene: Scene): Promise<MessageView[]> {
  const found: MessageView[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { body }: { body: { messages: MessageView[]; nextCursor: string | null } } = await scene.call(
      'GET',
      `/api/messages?limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`,
    )
    found.push(...body.messages)
    cursor = body.nextCursor
  }
  return found
}

/** Every message has either gone out or says why it waits. */
const settled = (messages: readonly MessageView[]) => messages.every((message) => isOut(message) || message.hold !== null)

describe.concurrent('a limit of the day', () => {
  test('is met exactly by ten times the demand over sixteen callers; the rest waits for midnight where the line is', async () => {
    const limit = 20
    const scene = await scenario({ dailyTotalMessagesLimit: limit, dailyNewConversationsLimit: 1_000 })
    await inParallel(
      16,
      Array.from({ length: limit * 10 }, (_, n) => () => scene.send(person(n))),
    )
    const messages = await eventually(() => all(scene), settled)
    expect(messages).toHaveLength(limit * 10)
    const waiting = messages.filter((message) => message.status === 'queued')
    expect(waiting).toHaveLength(limit * 9)
    expect(new Set(waiting.map((message) => message.hold?.reason))).toEqual(new Set(['daily_total_limit']))
    for (const { hold } of waiting) {
      const until = new Date(`${hold?.until}`)
      expect(wallClock(until, zone).time).toBe('00:00')
      expect(until.getTime() - Date.now()).toBeGreaterThan(0)
      expect(until.getTime() - Date.now()).toBeLessThanOrEqual(86_400_000)
    }
    expect(scene.ledger()).toHaveLength(limit)
    const line = await scene.line(scene.lineId)
    expect(line.usage).toMatchObject({ date: wallClock(new Date(), zone).date, totalMessagesCount: limit })
    expect(line.remaining.totalMessages).toBe(0)
  })

  test('for new conversations lets those go on who were written to before', async () => {
    const scene = await scenario({ dailyNewConversationsLimit: 3 })
    const first = [scene.send(person(1)), scene.send(person(2)), scene.send(person(3))]
    for (const { id } of await Promise.all(first)) await scene.until(id, isOut)
    const fourth = await scene.send(person(4))
    const held = await scene.until(fourth.id, holdIs('daily_new_limit'))
    expect(wallClock(new Date(`${held.hold?.until}`), zone).time).toBe('00:00')
    const again = await scene.send({ ...person(1), message: 'Still there?' })
    await scene.until(again.id, isOut)
    expect((await scene.line(scene.lineId)).usage).toMatchObject({ newConversationsCount: 3, totalMessagesCount: 4 })
    expect(scene.ledger()).toHaveLength(4)
  })

  test('for new conversations of an hour waits for the next full hour', async () => {
    const scene = await scenario({ hourlyNewConversationsLimit: 2 })
    const sent = await Promise.all([1, 2, 3].map((n) => scene.send(person(n))))
    const messages = await eventually(() => Promise.all(sent.map(({ id }) => scene.message(id))), settled)
    const waiting = messages.filter((message) => message.status === 'queued')
    expect(waiting.map((message) => message.hold?.reason)).toEqual(['hourly_new_limit'])
    expect(new Date(`${waiting[0]?.hold?.until}`).getUTCMinutes() % 30).toBe(0)
    expect(Date.parse(`${waiting[0]?.hold?.until}`) - Date.now()).toBeLessThanOrEqual(3_600_000)
    expect(scene.ledger()).toHaveLength(2)
  })

  test('for new conversations does not hold who wrote within 24 h; the total does', async () => {
    const scene = await scenario({ dailyNewConversationsLimit: 1, dailyTotalMessagesLimit: 2 })
    const first = await scene.send(person(1))
    await scene.until(first.id, isOut)
    await scene.inbound(person(2).recipientPhone, 'Hi, is this the shop?')
    const answer = await scene.send({ ...person(2), message: 'It is.' })
    await scene.until(answer.id, isOut)
    await scene.inbound(person(3).recipientPhone, 'Me too')
    const beyond = await scene.send({ ...person(3), message: 'Yes?' })
    await scene.until(beyond.id, holdIs('daily_total_limit'))
    expect(scene.ledger().map((entry) => entry.address)).toEqual([person(1).recipientPhone, person(2).recipientPhone])
  })

  test('gets its place back from what was cancelled, and somebody who waits takes it', async () => {
    const scene = await scenario({ dailyTotalMessagesLimit: 2, deviceGapSeconds: 3 })
    const first = await scene.send(person(1))
    await scene.until(first.id, isOut)
    const second = await scene.send(person(2))
    await scene.until(second.id, statusIs('pending'))
    const third = await scene.send(person(3))
    await scene.until(third.id, holdIs('daily_total_limit'))
    const cancelled = await scene.call<{ status: string }>('POST', `/api/messages/${second.id}/cancel`)
    expect(cancelled.body.status).toBe('cancelled')
    await scene.until(third.id, isOut)
    expect(scene.ledger().map((entry) => entry.address)).toEqual([person(1).recipientPhone, person(3).recipientPhone])
    expect((await scene.line(scene.lineId)).usage.totalMessagesCount).toBe(2)
  })

  test('gets its place back from what was not on iMessage after all', async () => {
    const scene = await scenario({ dailyTotalMessagesLimit: 1 })
    scene.script({ rules: [{ address: person(1).recipientPhone, send: 'not_on_imessage' }] })
    const first = await scene.send(person(1))
    await scene.until(first.id, statusIs('fallback'))
    const second = await scene.send(person(2))
    await scene.until(second.id, isOut)
  })

  test('that is raised lets go what waits', async () => {
    const scene = await scenario({ dailyTotalMessagesLimit: 0 })
    const { id } = await scene.send(person(1))
    await scene.until(id, holdIs('daily_total_limit'))
    expect((await scene.call('PATCH', `/api/lines/${scene.lineId}`, { dailyTotalMessagesLimit: 1 })).status).toBe(200)
    await scene.until(id, isOut)
  })
})

describe.concurrent('gaps', () => {
  const distances = (scene: Scene) =>
    scene
      .ledger()
      .slice(1)
      .map((entry, index) => entry.at - (scene.ledger()[index]?.at ?? 0))

  test('between sends of a device are kept on the wire, by all its lines together', async () => {
    const scene = await scenario({ deviceGapSeconds: 1, deviceId: 'mac-1' })
    const second = await scene.addLine({
      ...noGaps,
      name: 'second',
      channel: 'imessage',
      transport: scene.transport,
      deviceGapSeconds: 1,
      deviceId: 'mac-1',
    })
    const sent = await Promise.all(
      Array.from({ length: 5 }, (_, n) => scene.send({ ...person(n), fromLineId: n % 2 === 0 ? scene.lineId : second.id })),
    )
    const lines = await Promise.all(sent.map(async ({ id }) => (await scene.until(id, isOut)).fromLineId))
    expect(new Set(lines)).toEqual(new Set([scene.lineId, second.id]))
    expect(scene.ledger()).toHaveLength(5)
    for (const distance of distances(scene)) expect(distance).toBeGreaterThanOrEqual(1_000)
  })

  test('between first touches of a line are kept on the wire; those who know us need not wait for them', async () => {
    const scene = await scenario({ contactGapSeconds: 2 })
    const known = await scene.send(person(0))
    await scene.until(known.id, isOut)
    const sent = await Promise.all([1, 2].map((n) => scene.send(person(n))))
    const again = await scene.send({ ...person(0), message: 'And you?' })
    await scene.until(again.id, isOut)
    for (const { id } of sent) await scene.until(id, isOut)
    const firsts = [0, 1, 2].map((n) => scene.ledger().find((entry) => entry.address === person(n).recipientPhone)?.at ?? 0).sort((a, b) => a - b)
    expect((firsts[1] ?? 0) - (firsts[0] ?? 0)).toBeGreaterThanOrEqual(2_000)
    expect((firsts[2] ?? 0) - (firsts[1] ?? 0)).toBeGreaterThanOrEqual(2_000)
    expect(scene.ledger().findIndex((entry) => entry.text === 'And you?')).toBe(1)
  })

  test('a message of high priority goes before those that only wait for their slot', async () => {
    const scene = await scenario({ deviceGapSeconds: 1 })
    const first = await scene.send({ ...person(0), message: 'normal 0' })
    await scene.until(first.id, isOut)
    const normal = await Promise.all([1, 2, 3, 4].map((n) => scene.send({ ...person(n), message: `normal ${n}` })))
    for (const { id } of normal) await scene.until(id, statusIs('pending', 'sending', 'sent', 'delivered'))
    const urgent = await scene.send({ ...person(9), message: 'urgent', priority: 'high' })
    for (const { id } of [...normal, urgent]) await scene.until(id, isOut)
    const texts = scene.ledger().map((entry) => entry.text)
    expect(texts.indexOf('urgent')).toBeLessThanOrEqual(3)
    expect(texts).toHaveLength(6)
    for (const distance of distances(scene)) expect(distance).toBeGreaterThanOrEqual(1_000)
  })
})
