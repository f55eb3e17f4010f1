import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Runtime } from '../runtime.ts'
import { createRuntime } from '../runtime.ts'
import { type FakeSmtp, fakeCertificate, type SmtpMoment, type SmtpReply, startCuttingProxy, startFakeSmtp } from '../testing/fakes/index.ts'
import { createMovedClock, silentLog } from '../testing/moved-clock.ts'
import { sendRequestTo, transportSuite } from '../testing/transport-suite.ts'
import { smtp } from './smtp.ts'
import type { Transport } from './transport.ts'

const never = new AbortController().signal
const pass = 'geheim passwört'
const auth = { user: 'relay@acme.test', pass }
const to = 'ann@example.com'

interface OpenOptions {
  host?: string
  port: number
  runtime?: Runtime
  allowPrivate?: boolean
  settings?: Record<string, unknown>
}

function open({ host = '127.0.0.1', port, runtime = createRuntime(silentLog), allowPrivate = true, settings = {} }: OpenOptions): Transport {
  return smtp.open({
    runtime,
    line: { id: 'line_1', workspaceId: 'ws_1', phone: null, email: 'hello@acme.test', channel: 'email', name: 'Mail' },
    settings: { host, port, secure: false, user: auth.user, pass, from: 'Acme Sales <hello@acme.test>', ...settings },
    timeoutMs: 5_000,
    allowPrivate,
    allowPrivateFetch: true,
    inbound: () => {},
  })
}

transportSuite('smtp', async () => {
  const fake = await startFakeSmtp({ auth })
  const transport = open({ port: fake.port })
  return {
    transport,
    secrets: [pass, btoa(`\0${auth.user}\0${pass}`), 'geheim'],
    async arrange(arm) {
      const scripts = {
        accepted: {},
        refused: { RCPT: `550 5.1.1 nobody, ${pass}` },
        unavailable: { MAIL: '451 4.3.0 later' },
        unknown: { body: 'reset' },
      } as const
      fake.script(scripts[arm])
      return to
    },
    async hang() {
      fake.script({ body: 'stall' })
      return { address: to, reached: fake.nextMessage() }
    },
    sentTo: (address) => fake.ledger.filter((entry) => entry.to.includes(address)).length,
    now: () => new Date(),
    pass: async () => {},
    lookups: 'cannot',
    async close() {
      await transport.close()
      await fake.close()
    },
  }
})

describe('against a server that behaves and misbehaves', () => {
  let fake: FakeSmtp
  let transport: Transport

  beforeEach(async () => {
    fake = await startFakeSmtp({ auth })
    transport = open({ port: fake.port })
  })

  afterEach(() => fake.close())

  const headersOf = (raw: string) =>
    raw
      .slice(0, raw.indexOf('\r\n\r\n'))
      .replace(/\r\n[ \t]+/g, ' ')
      .split('\r\n')

  test('the message on the wire: sender, recipient, text, and an id made of message and attempt', async () => {
    const result = await transport.send(sendRequestTo(to, { attemptNumber: 2, text: 'Hi Ann\n.\n..dots stay', subject: 'Grüße' }), never)
    expect(result).toEqual({ type: 'accepted', externalId: '<msg_01ARZ3NDEKTSV4RRFFQ69G5FAV.2@acme.test>' })
    const [mail] = fake.ledger
    expect(mail).toMatchObject({ from: 'hello@acme.test', to: [to] })
    const headers = headersOf(mail?.raw ?? '')
    expect(headers).toContain('From: Acme Sales <hello@acme.test>')
    expect(headers).toContain('To: ann@example.com')
    expect(headers).toContain('Message-ID: <msg_01ARZ3NDEKTSV4RRFFQ69G5FAV.2@acme.test>')
    expect(headers.find((line) => line.startsWith('Subject:'))).toMatch(/^Subject: =\?UTF-8\?/)
    expect(headers.filter((line) => /^List-Unsubscribe/.test(line))).toEqual([])
    expect(mail?.raw).toContain('Hi Ann\r\n.\r\n..dots stay')
    expect(fake.logins).toEqual([`${auth.user}:${Buffer.from(pass).toString('utf8')}`])
  })

  test('one-click unsubscribe (RFC 8058) when there is an address for it', async () => {
    const unsubscribeUrl = `https://hub.example.com/u/${'t'.repeat(120)}?a=1`
    await transport.send(sendRequestTo(to, { unsubscribeUrl }), never)
    const raw = fake.ledger[0]?.raw ?? ''
    expect(headersOf(raw)).toContain(`List-Unsubscribe: <${unsubscribeUrl}>`)
    expect(headersOf(raw)).toContain('List-Unsubscribe-Post: List-Unsubscribe=One-Click')
  })

  test.each([
    ['a subject', { subject: 'Hi\r\nBcc: victim@example.com\r\n\r\nbody' }],
    ['a subject with a lone line feed', { subject: 'Hi\nBcc: victim@example.com' }],
    ['a subject with a Unicode line end', { subject: 'Hi\u2028Bcc: victim@example.com\u0085' }],
    ['an unsubscribe address', { unsubscribeUrl: 'https://a.example/\r\nBcc: victim@example.com' }],
    ['a message id', { messageId: 'msg_1>\r\nBcc: victim@example.com' }],
  ])('%s cannot add a header', async (_, more) => {
    await transport.send(sendRequestTo(to, more), never)
    const names = headersOf(fake.ledger[0]?.raw ?? '').map((line) => line.split(':')[0]?.toLowerCase())
    expect(names).not.toContain('bcc')
    expect(fake.ledger).toMatchObject([{ to: [to] }])
    expect(fake.commands.filter((line) => line.startsWith('RCPT'))).toHaveLength(1)
  })

  test.each(['ann@example.com>\r\nRCPT TO:<victim@example.com', 'ann@example.com, victim@example.com', 'Ann <ann@example.com>', '+14155550123'])(
    'an address that is not one is refused before anybody is called: %j',
    async (address) => {
      expect(await transport.send(sendRequestTo(address), never)).toMatchObject({ type: 'refused', class: 'recipient' })
      expect(fake.commands).toEqual([])
    },
  )

  const cases: [SmtpMoment, SmtpReply, object][] = [
    ['greeting', '421 4.3.2 busy', { type: 'unavailable' }],
    ['greeting', '554 5.7.1 go away', { type: 'refused', class: 'sender', code: 'smtp_554' }],
    ['greeting', 'reset', { type: 'unavailable' }],
    ['AUTH', '535 5.7.8 no', { type: 'refused', class: 'sender', code: 'smtp_535' }],
    ['AUTH', '454 4.7.0 later', { type: 'unavailable' }],
    ['MAIL', '451 4.3.0 later', { type: 'unavailable' }],
    ['MAIL', '550 5.7.1 not you', { type: 'refused', class: 'sender', code: 'smtp_550' }],
    ['MAIL', 'reset', { type: 'unavailable' }],
    ['RCPT', '450 4.2.1 greylisted', { type: 'unavailable' }],
    ['RCPT', '550 5.1.1 nobody', { type: 'refused', class: 'recipient', code: 'smtp_550', detail: '550 5.1.1 nobody' }],
    ['RCPT', 'reset', { type: 'unavailable' }],
    ['DATA', '452 4.3.1 full', { type: 'unavailable' }],
    ['DATA', '554 5.5.1 no', { type: 'refused', class: 'sender' }],
    ['DATA', 'reset', { type: 'unavailable' }],
    ['body', '451 4.7.1 later', { type: 'unavailable' }],
    ['body', '554 5.7.1 looks like spam', { type: 'refused', class: 'content', code: 'smtp_554' }],
    ['body', 'reset', { type: 'unknown' }],
    ['body', { half: '250 2.0.0 que' }, { type: 'unknown' }],
    ['body', { half: '550 5.7' }, { type: 'unknown' }],
  ]
  test.each(cases)('%s answered by %j is %j', async (moment, reply, result) => {
    fake.script({ [moment]: reply })
    expect(await transport.send(sendRequestTo(to), never)).toMatchObject(result)
  })

  test('a large message cut off on its way in was surely not handed over', async () => {
    fake.script({ 'half-body': 'reset' })
    expect(await transport.send(sendRequestTo(to, { text: 'x'.repeat(8_000_000) }), never)).toMatchObject({ type: 'unavailable' })
    expect(fake.ledger).toEqual([])
  })

  test.each([
    ['greeting', 'unavailable'],
    ['body', 'unknown'],
  ] as const)('no answer to the %s in time is %s', async (moment, type) => {
    const clock = createMovedClock()
    const slow = open({ port: fake.port, runtime: clock.runtime })
    fake.script({ [moment]: 'stall' })
    const reached = moment === 'body' ? fake.nextMessage() : fake.nextConnection()
    const sending = slow.send(sendRequestTo(to), never)
    await reached
    await clock.advance(5_000)
    expect(await sending).toEqual({ type, why: 'no answer within 5000 ms' })
  })

  test('broken at any byte of the answers: the ledger has it at most once, and never when it counts as not sent', async () => {
    const proxy = await startCuttingProxy(fake)
    const through = open({ port: proxy.port })
    for (let afterBytes = 0; afterBytes < 260; afterBytes += 13) {
      const before = fake.ledger.length
      proxy.cut({ direction: 'answer', afterBytes, how: afterBytes % 2 === 0 ? 'reset' : 'end' })
      const result = await through.send(sendRequestTo(to), never)
      const sent = fake.ledger.length - before
      expect(sent, `${afterBytes}: ${result.type}`).toBeLessThanOrEqual(1)
      if (result.type === 'unavailable' || result.type === 'refused') expect(sent, `${afterBytes}: ${result.type}`).toBe(0)
    }
    await proxy.close()
  })

  test('files go along with it', async () => {
    const web = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/csv' }).end('a,b')).listen(0, '127.0.0.1')
    await once(web, 'listening')
    const { port } = web.address() as AddressInfo
    await transport.send(sendRequestTo(to, { attachmentUrls: [`http://127.0.0.1:${port}/list.csv`] }), never)
    expect(fake.ledger[0]?.raw).toMatch(/Content-Type: text\/csv; name=list\.csv[\s\S]*filename=list\.csv[\s\S]*YSxi/)
    web.close()
    await once(web, 'close')
  })

  test('a checkup logs in and sends nothing', async () => {
    expect(await transport.checkup(never)).toEqual({ ok: true, why: null, canCheckAvailability: false })
    expect(fake.logins).toHaveLength(1)
    fake.script({ AUTH: '535 5.7.8 no' })
    expect(await transport.checkup(never)).toEqual({ ok: false, why: '535 5.7.8 no', canCheckAvailability: false })
    expect(fake.ledger).toEqual([])
  })

  test('a private server is not connected to unless the operator allows it', async () => {
    for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
      const guarded = open({ host, port: fake.port, allowPrivate: false })
      expect(await guarded.send(sendRequestTo(to), never)).toEqual({
        type: 'unavailable',
        why: 'its address may not be called (ALLOW_PRIVATE_ADDRESSES)',
      })
    }
    expect(fake.commands).toEqual([])
  })
})

test('a server that is not there: surely not sent', async () => {
  const gone = await startFakeSmtp()
  await gone.close()
  expect(await open({ port: gone.port }).send(sendRequestTo(to), never)).toEqual({ type: 'unavailable', why: 'the connection was refused' })
})

describe.each(['implicit', 'starttls'] as const)('%s TLS', (tls) => {
  const trusted = getCACertificates('default')
  let fake: FakeSmtp

  beforeEach(async () => {
    fake = await startFakeSmtp({ auth, tls })
  })

  afterEach(async () => {
    setDefaultCACertificates(trusted)
    await fake.close()
  })

  const secure = tls === 'implicit'

  test('the address is checked, the name is what the certificate must show', async () => {
    setDefaultCACertificates([...trusted, fakeCertificate.cert])
    const transport = open({ host: 'localhost', port: fake.port, settings: { secure } })
    expect(await transport.send(sendRequestTo(to), never)).toMatchObject({ type: 'accepted' })
    expect(fake.logins).toHaveLength(1)
    const byAddress = open({ host: '127.0.0.1', port: fake.port, settings: { secure } })
    expect(await byAddress.send(sendRequestTo(to), never)).toMatchObject({ type: 'unavailable' })
    expect(fake.ledger).toHaveLength(1)
  })

  test('a certificate that nobody vouches for gets neither the password nor the message', async () => {
    const transport = open({ host: 'localhost', port: fake.port, settings: { secure } })
    expect(await transport.send(sendRequestTo(to), never)).toMatchObject({ type: 'unavailable' })
    expect(fake.logins).toEqual([])
    expect(fake.ledger).toEqual([])
  })
})

test('TLS from the start with a server that speaks none: surely not sent', async () => {
  const fake = await startFakeSmtp()
  const transport = open({ port: fake.port, settings: { secure: true } })
  expect(await transport.send(sendRequestTo(to), never)).toMatchObject({ type: 'unavailable' })
  await fake.close()
})

test.each([
  [{ from: 'hello@acme.test' }, true],
  [{ from: 'Acme <hello@acme.test>' }, true],
  [{ from: 'Acme\r\nBcc: x@y.z <hello@acme.test>' }, false],
  [{ from: 'hello' }, false],
  [{ host: 'mail.acme.test/x' }, false],
  [{ port: 0 }, false],
  [{ extra: 1 }, false],
])('settings %j: %s', (more, ok) => {
  expect(smtp.settings.safeParse({ host: 'mail.acme.test', port: 587, secure: false, from: 'a@b.co', ...more }).success).toBe(ok)
})
