import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeSmtp, startFakeSmtp } from './fakes/smtp.ts'
import { startReceiver } from './rig/receiver.ts'
import { events, holdIs, startWorld, statusIs, toldOf, type World } from './rig/world.ts'

const bob = 'bob@example.com'
let world: World
const mailers: FakeSmtp[] = []

beforeAll(async () => {
  world = await startWorld({
    SWEEP_EVERY_MS: '500',
    UNKNOWN_OUTCOME_DEADLINE_MS: '2000',
    BRIDGE_TIMEOUT_MS: '1500',
    PUBLIC_URL: 'https://hub.example.com',
  })
})
afterAll(async () => {
  await world.close()
  for (const mailer of mailers) await mailer.close()
})

/** A workspace with one email line on a mail server of its own. */
async function scenario() {
  const [tenant, smtp] = await Promise.all([world.tenant('mail'), startFakeSmtp({ auth: { user: 'hub', pass: 'secret-pass' } })])
  mailers.push(smtp)
  const transport = { type: 'smtp', host: smtp.host, port: smtp.port, secure: false, user: 'hub', pass: 'secret-pass', from: 'hub@example.com' }
  const line = await tenant.addLine({
    name: 'mail',
    channel: 'email',
    email: 'hub@example.com',
    transport,
    deviceGapSeconds: 0,
    contactGapSeconds: 0,
  })
  return {
    ...tenant,
    smtp,
    line,
    mail: (more: Record<string, unknown> = {}) =>
      tenant.send({ messageType: 'email', recipientEmail: bob, subject: 'Hello', message: 'Hi Bob', ...more }),
  }
}

describe.concurrent('an email', () => {
  test('goes out once over SMTP, and its password is shown to nobody', async () => {
    const scene = await scenario()
    const { id } = await scene.mail()
    await scene.until(id, statusIs('sent'))
    expect(scene.smtp.ledger).toHaveLength(1)
    const [sent] = scene.smtp.ledger
    expect(sent?.to).toEqual([bob])
    expect(sent?.raw).toMatch(/^Subject: Hello\r?$/m)
    expect(sent?.raw).toContain('Hi Bob')
    expect(JSON.stringify(scene.line)).not.toContain('secret-pass')
    expect(JSON.stringify((await scene.call('GET', '/api/lines')).body)).not.toContain('secret-pass')
  })

  test('carries one-click unsubscribe, which opts out at once and cancels what waits', async () => {
    const scene = await scenario()
    const receiver = await startReceiver()
    await scene.addWebhook(receiver)
    const { id, leadId } = await scene.mail()
    await scene.until(id, statusIs('sent'))
    const raw = scene.smtp.ledger[0]?.raw.replace(/\r\n[ \t]+/g, ' ') ?? ''
    expect(raw).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r?$/m)
    const link = /^List-Unsubscribe: <(https:\/\/hub\.example\.com\/[^>]+)>/m.exec(raw)?.[1] ?? ''
    const waiting = await scene.mail({ scheduledDate: '2036-01-01T00:00:00Z' })
    const here = `${world.hub.url}${new URL(link).pathname}`
    // Mail scanners open every link: only a POST means it.
    expect((await fetch(here)).status).toBe(200)
    expect((await scene.message(waiting.id)).status).toBe('queued')
    const answer = await fetch(here, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'List-Unsubscribe=One-Click',
    })
    expect(answer.status).toBe(200)
    await scene.until(waiting.id, statusIs('cancelled'))
    await receiver.until(() => events(receiver).some((event) => event.event === 'lead.opted_out' && event.leadId === leadId))
    const again = await scene.call<{ code: string }>('POST', '/api/messages', { messageType: 'email', recipientEmail: bob, message: 'Again' })
    expect([again.status, again.body.code]).toEqual([403, 'OPTED_OUT'])
    expect((await fetch(`${here}x`, { method: 'POST' })).status).toBeGreaterThanOrEqual(400)
    await receiver.close()
  })

  test('that the server refuses for good fails; one it refuses for now is held and goes later', async () => {
    const scene = await scenario()
    scene.smtp.script({ RCPT: '550 5.1.1 no such user' })
    const refused = await scene.mail()
    expect((await scene.until(refused.id, statusIs('failed'))).failure).toMatchObject({ permanent: true, detail: expect.stringContaining('5.1.1') })
    scene.smtp.script({ RCPT: '451 4.7.1 greylisted, try again' })
    const greylisted = await scene.mail({ message: 'Second' })
    await scene.until(greylisted.id, holdIs('retry'))
    scene.smtp.script({})
    await scene.until(greylisted.id, statusIs('sent'))
    expect(scene.smtp.ledger).toHaveLength(1)
  })

  test('of which nobody knows whether it was taken is not sent again', async () => {
    const scene = await scenario()
    const receiver = await startReceiver()
    await scene.addWebhook(receiver)
    scene.smtp.script({ body: 'reset' })
    const { id } = await scene.mail()
    expect((await scene.until(id, statusIs('failed'))).failure?.code).toBe('outcome_unknown')
    expect(scene.smtp.ledger).toHaveLength(1)
    await receiver.until(() => toldOf(receiver, id).includes('message.failed'))
    await receiver.close()
  })

  test('to somebody without an email address is refused in words', async () => {
    const scene = await scenario()
    const lead = await scene.addLead({ phone: '+14155550100' })
    const answer = await scene.call<{ code: string }>('POST', '/api/messages', { messageType: 'email', leadId: lead.id, message: 'Hi' })
    expect([answer.status, answer.body.code]).toEqual([400, 'NO_RECIPIENT'])
    const other = await scene.call<{ code: string }>('POST', '/api/messages', { recipientPhone: '+14155550100', message: 'Hi' })
    expect([other.status, other.body.code]).toEqual([400, 'NO_LINE'])
  })
})
