import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Inbound, LookupRequest, SendRequest, SendResult, Transport } from '../transport/transport.ts'

/** The world in which one transport is examined. Opened anew for each case. */
export interface TransportRig {
  readonly transport: Transport
  /** Everything the transport was given and must never tell. */
  readonly secrets: readonly string[]
  /** Makes the next send end so, and answers the address to write to. For `unknown` the message really goes out. */
  arrange(arm: SendResult['type']): Promise<string>
  /** Makes the next send hang after bytes left; `reached` resolves when it does. Null: this channel has no wire to hang on. */
  hang(): Promise<{ address: string; reached: Promise<unknown> } | null>
  /** How many messages really went to this address: the vendor's ledger. Null: the vendor keeps none. */
  sentTo(address: string): number | null
  /** The time by the clocks of the transport and its vendor. */
  now(): Date
  /** Lets time pass. */
  pass(ms: number): Promise<void>
  /** `asks`: what became of a message can be looked up; `cannot`: there is nobody to ask. */
  readonly lookups: 'asks' | 'cannot'
  close(): Promise<void>
}

export function sendRequestTo(address: string, more: Partial<SendRequest> = {}): SendRequest {
  return {
    messageId: 'msg_01ARZ3NDEKTSV4RRFFQ69G5FAV',
    attemptId: 'att_01ARZ3NDEKTSV4RRFFQ69G5FAV',
    attemptNumber: 1,
    address,
    text: 'Hello there',
    subject: 'Greetings',
    attachmentUrls: [],
    unsubscribeUrl: null,
    ...more,
  }
}

export function lookupOf(request: SendRequest, more: Partial<LookupRequest> & { since: Date }): LookupRequest {
  const { messageId, attemptId, attemptNumber, address, text } = request
  return { messageId, attemptId, attemptNumber, address, text, externalId: null, isTaken: async () => false, ...more }
}

/** What every transport promises, whatever vendor is behind it. */
export function transportSuite(name: string, open: () => Promise<TransportRig>): void {
  describe(`${name} keeps the transport's promises`, () => {
    let rig: TransportRig
    let told: unknown[]
    const never = new AbortController().signal

    /** Remembers what was told, to look for secrets in it. */
    async function tell<T>(result: Promise<T>): Promise<T> {
      const value = await result
      told.push(value)
      return value
    }

    beforeEach(async () => {
      rig = await open()
      told = []
    })

    afterEach(async () => {
      const everything = JSON.stringify(told)
      await rig.close()
      for (const secret of rig.secrets) expect(everything).not.toContain(secret)
    })

    test('accepted: the channel took it, once, and says under which id', async () => {
      const address = await rig.arrange('accepted')
      const result = await tell(rig.transport.send(sendRequestTo(address), never))
      expect(result).toMatchObject({ type: 'accepted', externalId: expect.stringMatching(/^.{3,300}$/) })
      expect(rig.sentTo(address) ?? 1).toBe(1)
    })

    test('refused: never sent, with whose fault it is and in which code', async () => {
      const address = await rig.arrange('refused')
      const result = await tell(rig.transport.send(sendRequestTo(address), never))
      expect(result).toMatchObject({ type: 'refused', code: expect.stringMatching(/^[a-z0-9_]+$/), detail: expect.stringMatching(/\w/) })
      expect(rig.sentTo(address) ?? 0).toBe(0)
    })

    test('unavailable: surely not sent', async () => {
      const address = await rig.arrange('unavailable')
      const result = await tell(rig.transport.send(sendRequestTo(address), never))
      expect(result).toMatchObject({ type: 'unavailable', why: expect.stringMatching(/\w/) })
      expect(rig.sentTo(address) ?? 0).toBe(0)
    })

    test('unknown: it went out and nobody said so', async () => {
      const address = await rig.arrange('unknown')
      const result = await tell(rig.transport.send(sendRequestTo(address), never))
      expect(result).toMatchObject({ type: 'unknown', why: expect.stringMatching(/\w/) })
      expect(rig.sentTo(address) ?? 1).toBe(1)
    })

    test('lookup finds what an unknown hand-over did, or says that it cannot be asked', async () => {
      const address = await rig.arrange('unknown')
      const since = rig.now()
      const request = sendRequestTo(address)
      await rig.transport.send(request, never)
      await rig.pass(2_000)
      const result = await tell(rig.transport.lookup(lookupOf(request, { since }), never))
      if (rig.lookups === 'cannot') return expect(result).toMatchObject({ type: 'unavailable', why: expect.stringMatching(/\w/) })
      expect(result).toMatchObject({
        type: 'found',
        externalId: expect.stringMatching(/^.{3,300}$/),
        status: expect.stringMatching(/^(sent|delivered|read)$/),
      })
    })

    test('lookup never gives one vendor message to two of ours', async () => {
      const address = await rig.arrange('unknown')
      const since = rig.now()
      const request = sendRequestTo(address)
      await rig.transport.send(request, never)
      await rig.pass(2_000)
      const result = await tell(rig.transport.lookup(lookupOf(request, { since, isTaken: async () => true }), never))
      expect(result.type).toBe(rig.lookups === 'asks' ? 'missing' : 'unavailable')
    })

    test('a send that was called off before it began is not sent', async () => {
      const address = await rig.arrange('accepted')
      const result = await tell(rig.transport.send(sendRequestTo(address), AbortSignal.abort()))
      expect(result.type).toBe('unavailable')
      expect(rig.sentTo(address) ?? 0).toBe(0)
    })

    test('a send that is called off on the way ends as unknown; a channel without a wire is done before', async () => {
      const hanging = await rig.hang()
      const address = hanging?.address ?? (await rig.arrange('accepted'))
      const caller = new AbortController()
      const sending = rig.transport.send(sendRequestTo(address), caller.signal)
      await hanging?.reached
      caller.abort()
      expect((await tell(sending)).type).toBe(hanging === null ? 'accepted' : 'unknown')
    })

    test('no call throws when it is called off', async () => {
      const address = await rig.arrange('accepted')
      const since = rig.now()
      const gone = AbortSignal.abort()
      const check = await tell(rig.transport.check(address, gone))
      expect(['answer', 'error']).toContain(check.type)
      const checkup = await tell(rig.transport.checkup(gone))
      expect(checkup.ok).toBe(checkup.why === null)
      const lookup = await tell(rig.transport.lookup(lookupOf(sendRequestTo(address), { since }), gone))
      expect(['found', 'missing', 'unavailable']).toContain(lookup.type)
    })

    test('a checkup of a channel that works is ok', async () => {
      expect(await tell(rig.transport.checkup(never))).toMatchObject({ ok: true, why: null })
    })

    test('receive never throws, whatever is posted to a hook', () => {
      fc.assert(
        fc.property(fc.oneof(fc.anything(), fc.jsonValue(), vendorLike), (body) => {
          const events = rig.transport.receive(body)
          expect(events.length).toBeGreaterThan(0)
          for (const event of events) expectWellFormed(event)
        }),
        { numRuns: 300 },
      )
    })
  })
}

/** Bodies that come near enough to a vendor's to get past its first checks. */
const rubbish = fc.oneof(
  fc.constant(null),
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.boolean(),
  fc.constant('\u0000'),
  fc.array(fc.anything(), { maxLength: 2 }),
)
const vendorLike = fc.record(
  {
    type: fc.constantFrom('new-message', 'updated-message', 'message-send-error', 'typing-indicator'),
    data: fc.record(
      {
        guid: fc.oneof(fc.string({ minLength: 1 }), rubbish),
        tempGuid: rubbish,
        text: rubbish,
        error: fc.oneof(fc.constantFrom(0, 4, 22), rubbish),
        isFromMe: fc.oneof(fc.boolean(), rubbish),
        dateCreated: fc.oneof(fc.integer(), rubbish),
        dateRead: fc.oneof(fc.integer(), rubbish),
        handle: fc.oneof(fc.record({ address: fc.oneof(fc.constantFrom('+14155550100', 'A@B.CO'), rubbish) }), rubbish),
        chats: fc.oneof(fc.array(fc.record({ guid: rubbish, style: rubbish })), rubbish),
        attachments: rubbish,
        itemType: rubbish,
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['type'] },
)

function expectWellFormed(event: Inbound): void {
  if (event.type === 'ignored') {
    expect(event.why).toMatch(/\w/)
    return
  }
  expect(Number.isFinite(event.at.getTime())).toBe(true)
  const written = JSON.stringify(event)
  expect(written).not.toContain('\\u0000')
  expect(written).not.toMatch(/\\ud[89a-f]/)
  if (event.type === 'receipt') expect(event.externalId !== null || event.attemptId !== null).toBe(true)
  else expect(event.from).toMatch(/^(\+[1-9]\d{5,14}|[^\sA-Z]+@\S+)$/)
}
