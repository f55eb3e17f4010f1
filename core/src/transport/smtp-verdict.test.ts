import fc from 'fast-check'
import { expect, test } from 'vitest'
import { judgeFailure } from './smtp-verdict.ts'

const failure = fc.record({
  handedOver: fc.boolean(),
  command: fc.constantFrom('CONN', 'EHLO', 'AUTH PLAIN', 'MAIL FROM', 'RCPT TO', 'DATA', 'API'),
  code: fc.constantFrom('', 'ESOCKET', 'ETIMEDOUT', 'EAUTH', 'EENVELOPE', 'EMESSAGE', 'ETLS', 'EPROTOCOL'),
  responseCode: fc.option(fc.integer({ min: 200, max: 599 })),
  detail: fc.constant('why'),
})

test('after the hand-over only the server’s answer to the message says that it was not taken', () => {
  fc.assert(
    fc.property(failure, (one) => {
      const answered = one.responseCode !== null && one.responseCode >= 400 && one.command !== 'CONN'
      if (one.handedOver && !answered) expect(judgeFailure(one).type).toBe('unknown')
      else expect(['refused', 'unavailable']).toContain(judgeFailure(one).type)
    }),
  )
})

test('before the hand-over nothing is unknown, and a passing trouble is never a refusal', () => {
  fc.assert(
    fc.property(failure, (one) => {
      const result = judgeFailure({ ...one, handedOver: false })
      expect(result.type).not.toBe('unknown')
      if (one.responseCode !== null && one.responseCode >= 400 && one.responseCode < 500) expect(result.type).toBe('unavailable')
    }),
  )
})

test.each([
  ['MAIL FROM', false, 550, 'sender'],
  ['AUTH LOGIN', false, 535, 'sender'],
  ['CONN', false, 554, 'sender'],
  ['RCPT TO', false, 550, 'recipient'],
  ['DATA', true, 554, 'content'],
  ['DATA', false, 554, 'sender'],
])('5yz at %s (handed over: %s) is a refusal of the %3$s', (command, handedOver, responseCode, refusal) => {
  expect(judgeFailure({ command, handedOver, responseCode, code: '', detail: '' })).toMatchObject({ type: 'refused', class: refusal })
})

test('503 is a session in disorder, not a refusal of the message', () => {
  expect(judgeFailure({ command: 'RCPT TO', handedOver: false, responseCode: 503, code: 'EENVELOPE', detail: '' }).type).toBe('unavailable')
})
