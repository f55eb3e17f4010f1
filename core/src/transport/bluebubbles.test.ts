import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FakeBlueBubbles, startFakeBlueBubbles } from '../testing/fakes/index.ts'
import { lookupOf, sendRequestTo, transportSuite } from '../testing/transport-suite.ts'
import { freePort, never, open, password, startWeb, to } from './bluebubbles.test-rig.ts'
import type { Transport } from './transport.ts'

transportSuite('bluebubbles', async () => {
  const fake = await startFakeBlueBubbles({ password })
  const transport = open({ url: fake.url })
  return {
    transport,
    secrets: [password, encodeURIComponent(password), 'hünter2'],
    async arrange(arm) {
      const sends = { accepted: 'ok', refused: 'not_on_imessage', unavailable: 'rate_limited', unknown: 'error500_after_send' } as const
      fake.script({ rules: [{ send: sends[arm] }] })
      return to
    },
    async hang() {
      fake.script({ rules: [{ send: 'stall_after_send' }] })
      return { address: to, reached: fake.nextSend() }
    },
    sentTo: (address) => fake.ledger.filter((entry) => entry.address === address).length,
    now: () => new Date(),
    pass: async () => {},
    lookups: 'asks',
    async close() {
      await fake.close()
      await transport.close()
      expect(fake.violations).toEqual([])
    },
  }
})

describe('against a server that behaves and misbehaves', () => {
  let fake: FakeBlueBubbles
  let transport: Transport

  beforeEach(async () => {
    fake = await startFakeBlueBubbles({ password })
    transport = open({ url: fake.url })
  })

  afterEach(async () => {
    await fake.close()
    await transport.close()
    expect(fake.violations).toEqual([])
  })

  test('the guid of the answer is the external id, the attempt is the tempGuid', async () => {
    const result = await transport.send(sendRequestTo(to), never)
    expect(fake.ledger).toMatchObject([{ address: to, text: 'Hello there', tempGuid: 'att_01ARZ3NDEKTSV4RRFFQ69G5FAV' }])
    expect(result).toEqual({ type: 'accepted', externalId: fake.ledger[0]?.guid })
  })

  test.each([
    ['error500_after_send', 'unknown', 1],
    ['error500_before_send', 'unknown', 0],
    ['timeout504_after_send', 'unknown', 1],
    ['reset_after_send', 'unknown', 1],
    ['reset_before_send', 'unknown', 0],
    ['half_after_send', 'unknown', 1],
    ['already_queued', 'unknown', 0],
    ['rate_limited', 'unavailable', 0],
    ['no_helper', 'unavailable', 0],
  ] as const)('%s is %s', async (send, type, sent) => {
    fake.script({ rules: [{ send }] })
    expect(await transport.send(sendRequestTo(to), never)).toMatchObject({ type })
    expect(fake.ledger).toHaveLength(sent)
  })

  test.each(['stall_after_send', 'stall_before_send'] as const)('%s: no answer in time is unknown', async (send) => {
    const hasty = open({ url: fake.url, timeoutMs: 150 })
    fake.script({ rules: [{ send }] })
    expect(await hasty.send(sendRequestTo(to), never)).toEqual({ type: 'unknown', why: 'no answer within 150 ms' })
    await hasty.close().catch(() => {})
  })

  test.each(['not_on_imessage', 'not_on_imessage_200'] as const)('%s: error 22 is a final refusal, not on the channel', async (send) => {
    fake.script({ rules: [{ send }] })
    expect(await transport.send(sendRequestTo(to), never)).toMatchObject({ type: 'refused', class: 'not_on_channel', code: 'imessage_22' })
  })

  test('a wrong password is a fault of the sender, and is not told', async () => {
    const other = await startFakeBlueBubbles({ password: 'another' })
    const wrong = open({ url: other.url })
    const result = await wrong.send(sendRequestTo(to), never)
    expect(result).toMatchObject({ type: 'refused', class: 'sender', code: 'bridge_unauthorized' })
    expect(await wrong.checkup(never)).toMatchObject({ ok: false, why: 'the bridge refuses the password' })
    await wrong.close()
    await other.close()
  })

  test.each(['private-api', 'apple-script'] as const)('%s: a chat that is not there yet is opened, with the words', async (method) => {
    fake.script({ chatsMustExist: true })
    const opening = open({ url: fake.url, method })
    const first = await opening.send(sendRequestTo(to), never)
    expect(first).toEqual({ type: 'accepted', externalId: fake.ledger[0]?.guid })
    expect(await opening.send(sendRequestTo(to, { attemptId: 'att_2' }), never)).toMatchObject({ type: 'accepted' })
    expect(fake.ledger).toHaveLength(2)
    await opening.close()
  })

  test('what becomes of opening a chat counts as what becomes of the send', async () => {
    fake.script({ chatsMustExist: true, rules: [{ times: 1 }, { send: 'error500_after_send' }] })
    expect(await transport.send(sendRequestTo(to), never)).toMatchObject({ type: 'unknown' })
    expect(fake.ledger).toHaveLength(1)
  })

  test('an email address is written to in a chat of its own', async () => {
    await transport.send(sendRequestTo('ann+x@example.com'), never)
    expect(fake.ledger).toMatchObject([{ address: 'ann+x@example.com' }])
  })

  describe('files', () => {
    const attachmentUrls = (url: string) => [`${url}/a/cat%20photo.png`, `${url}/b.pdf`]

    test('go after the words, each once, and leave the id of the words', async () => {
      const web = await startWeb({ status: 200, headers: { 'content-type': 'image/png; x=y' }, body: 'bytes' })
      const result = await transport.send(sendRequestTo(to, { attachmentUrls: attachmentUrls(web.url) }), never)
      expect(fake.ledger.map(({ kind, name, bytes }) => ({ kind, name, bytes }))).toEqual([
        { kind: 'text', name: null, bytes: 11 },
        { kind: 'attachment', name: 'cat photo.png', bytes: 5 },
        { kind: 'attachment', name: 'b.pdf', bytes: 5 },
      ])
      expect(result).toEqual({ type: 'accepted', externalId: fake.ledger[0]?.guid })
      await web.close()
    })

    test('without words the first file is the message', async () => {
      const web = await startWeb({ status: 200, body: 'bytes' })
      const result = await transport.send(sendRequestTo(to, { text: '', attachmentUrls: attachmentUrls(web.url) }), never)
      expect(result).toEqual({ type: 'accepted', externalId: fake.ledger[0]?.guid })
      expect(fake.ledger).toMatchObject([{ kind: 'attachment', tempGuid: 'att_01ARZ3NDEKTSV4RRFFQ69G5FAV' }, { kind: 'attachment' }])
      await web.close()
    })

    test('a file that fails after the words went never makes the message one to be sent again', async () => {
      const web = await startWeb({ status: 200, body: 'bytes' })
      fake.script({ rules: [{ times: 1 }, { send: 'error500_before_send' }] })
      const result = await transport.send(sendRequestTo(to, { attachmentUrls: attachmentUrls(web.url) }), never)
      expect(result).toMatchObject({ type: 'accepted', detail: expect.stringContaining('file 1 of 2') })
      await web.close()
    })

    test('nothing is sent when a file is not there, or may not be fetched', async () => {
      const web = await startWeb({ status: 404 })
      const request = sendRequestTo(to, { attachmentUrls: attachmentUrls(web.url) })
      expect(await transport.send(request, never)).toMatchObject({ type: 'refused', class: 'content', code: 'attachment_unavailable' })
      const guarded = open({ url: fake.url, allowPrivateFetch: false })
      expect(await guarded.send(request, never)).toMatchObject({ type: 'refused', detail: expect.stringContaining('may not be called') })
      expect(web.seen).toHaveLength(1)
      expect(fake.ledger).toEqual([])
      await web.close()
      await guarded.close()
    })
  })

  test('availability is what the bridge says; a question it cannot answer is an error, never a no', async () => {
    fake.script({
      rules: [
        { address: to, available: false },
        { address: 'a@b.co', available: 'error' },
      ],
    })
    expect(await transport.check(to, never)).toEqual({ type: 'answer', available: false })
    expect(await transport.check('+14155550124', never)).toEqual({ type: 'answer', available: true })
    expect(await transport.check('a@b.co', never)).toMatchObject({ type: 'error' })
    fake.script({ helperConnected: false })
    expect(await transport.check('+14155550124', never)).toMatchObject({ type: 'error', why: expect.stringContaining('Helper is not connected') })
  })

  test('a checkup asks for the helper only where it is needed to send, and says who can check availability', async () => {
    const privately = open({ url: fake.url, method: 'private-api' })
    expect(await privately.checkup(never)).toEqual({ ok: true, why: null, canCheckAvailability: true })
    fake.script({ helperConnected: false })
    expect(await privately.checkup(never)).toEqual({ ok: false, why: 'the Private API helper is not connected', canCheckAvailability: false })
    expect(await transport.checkup(never)).toEqual({ ok: true, why: null, canCheckAvailability: false })
    await privately.close()
  })

  describe('looking up', () => {
    test('two equal texts to one person are two messages', async () => {
      fake.script({ rules: [{ send: 'error500_after_send' }] })
      const since = new Date()
      const request = sendRequestTo(to)
      await transport.send(request, never)
      await transport.send({ ...request, attemptId: 'att_2' }, never)
      const [first, second] = fake.ledger
      expect(await transport.lookup(lookupOf(request, { since }), never)).toMatchObject({ type: 'found', externalId: first?.guid })
      const taken = async (guid: string) => guid === first?.guid
      expect(await transport.lookup(lookupOf(request, { since, isTaken: taken }), never)).toMatchObject({ type: 'found', externalId: second?.guid })
    })

    test('another text, another address, or a time before the hand-over is not it', async () => {
      const request = sendRequestTo(to)
      await transport.send(request, never)
      const since = new Date()
      expect(await transport.lookup(lookupOf({ ...request, text: 'Hello ther' }, { since }), never)).toEqual({ type: 'missing' })
      expect(await transport.lookup(lookupOf({ ...request, address: '+14155550199' }, { since }), never)).toEqual({ type: 'missing' })
      const later = new Date(since.getTime() + 60_000)
      expect(await transport.lookup(lookupOf(request, { since: later }), never)).toEqual({ type: 'missing' })
    })

    test('what the recipient wrote in the same words is not ours', async () => {
      await fake.inbound({ from: to, text: 'Hello there' })
      expect(await transport.lookup(lookupOf(sendRequestTo(to), { since: new Date() }), never)).toEqual({ type: 'missing' })
    })

    test('by its id, with the state it has now', async () => {
      fake.script({ rules: [{ webhooks: ['delivered', 'read'], webhooksWhen: 'before' }] })
      const request = sendRequestTo(to)
      const sent = await transport.send(request, never)
      const externalId = sent.type === 'accepted' ? sent.externalId : null
      const since = new Date(0)
      expect(await transport.lookup(lookupOf(request, { since, externalId }), never)).toMatchObject({ type: 'found', externalId, status: 'read' })
      expect(await transport.lookup(lookupOf({ ...request, text: 'x' }, { since, externalId: 'NO-SUCH' }), never)).toEqual({ type: 'missing' })
    })

    test('a row that iMessage refused says so', async () => {
      fake.script({ rules: [{ send: 'not_on_imessage' }] })
      const request = sendRequestTo(to)
      await transport.send(request, never)
      expect(await transport.lookup(lookupOf(request, { since: new Date() }), never)).toMatchObject({ type: 'found', status: 'not_on_channel' })
    })

    test('a bridge that is away is no proof of anything', async () => {
      const away = open({ url: `http://127.0.0.1:${await freePort()}` })
      expect(await away.lookup(lookupOf(sendRequestTo(to), { since: new Date() }), never)).toEqual({
        type: 'unavailable',
        why: 'the connection was refused',
      })
      await away.close()
    })
  })
})
