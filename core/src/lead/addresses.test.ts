import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isNational, normaliseAddress, normaliseEmail, normalisePhone, orderFor } from './addresses.ts'

const read = (text: string, country = '+1') => {
  const answer = normalisePhone(text, country)
  return answer.ok ? answer.value : answer.why
}

describe('a phone number', () => {
  it.each([
    ['415 555 0123', '+1', '+14155550123'],
    ['1 (415) 555-0123', '+1', '+14155550123'],
    ['+1.415.555.0123', '+44', '+14155550123'],
    ['07911 123456', '+44', '+447911123456'],
    ['0044 7911 123456', '+1', '+447911123456'],
    ['+39 06 1234 5678', '+1', '+390612345678'],
    [' +15551234567 ', '+1', '+15551234567'],
    ['+44 7700 900123', '+1', '+447700900123'],
    ['４１５５５５０１２３', '+1', '+14155550123'],
  ])('reads %s under %s as %s', (text, country, value) => {
    expect(read(text, country)).toBe(value)
  })

  it('of no country under a code that no country has is refused, not thrown', () => {
    expect(read('415 555 0123', '+999')).toMatch(/needs its country code/)
    expect(read('+1 415 555 0123', '+999')).toBe('+14155550123')
  })

  it('accepts every sandbox number', () => {
    for (let i = 1; i <= 9; i++) expect(read(`+1500555000${i}`)).toBe(`+1500555000${i}`)
  })

  it.each([
    ['', 'not a phone number'],
    ['hello', 'not a phone number'],
    ['call 415 555 0123', 'not a phone number'],
    ['1-800-FLOWERS', 'not a phone number'],
    ['+14155550123, +14155550124', 'not a phone number'],
    ['+1 415 555 0123 ext 5', 'an extension'],
    ['911', 'too few or too many digits'],
    ['+1415555012', 'too few or too many digits'],
    ['+141555501234', 'too few or too many digits'],
    [`+1${'4'.repeat(60)}`, 'too long'],
  ])('refuses %s: it %s', (text, why) => {
    expect(normalisePhone(text, '+1')).toEqual({ ok: false, why: expect.stringContaining(why) })
  })

  it('once normalised stays as it is, under any country', () => {
    const number = fc.tuple(fc.integer({ min: 200, max: 999 }), fc.integer({ min: 0, max: 9_999_999 }))
    fc.assert(
      fc.property(number, fc.constantFrom('+1', '+44', '+49', '+81'), fc.constantFrom(' ', '-', '.', ''), ([area, rest], country, dash) => {
        const digits = `${area}${dash}${String(rest).padStart(7, '0')}`
        const value = read(digits, '+1')
        expect(value).toBe(`+1${digits.replace(/\D/g, '')}`)
        expect(read(value, country)).toBe(value)
        expect(isNational(value)).toBe(false)
      }),
    )
  })

  it('is E.164 or refused, never a throw, whatever is written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 60 }), fc.stringMatching(/^[+0-9 ()-]{0,30}$/)), (text) => {
        const answer = normalisePhone(text, '+1')
        if (answer.ok) expect(answer.value).toMatch(/^\+[1-9]\d{4,16}$/)
        else expect(answer.why).not.toBe('')
      }),
    )
  })
})

describe('an email address', () => {
  it.each([
    [' Ada@Example.COM ', 'ada@example.com'],
    ["o'brien+list@sub.example.co.uk", "o'brien+list@sub.example.co.uk"],
    ['delivered@sandbox.trunkline.test', 'delivered@sandbox.trunkline.test'],
    ['ü@müller.example', 'ü@müller.example'],
  ])('reads %s as %s', (text, value) => {
    expect(normaliseEmail(text)).toEqual({ ok: true, value })
  })

  it.each([
    '',
    '@',
    'a@',
    '@b.com',
    'a@b',
    'a b@c.com',
    'a@b..com',
    'a@-b.com',
    'a@b.com\r\nBcc: x@y.com',
    'Ada <a@b.com>',
    'a@b@c.com',
    'a,b@c.com',
    `${'a'.repeat(65)}@b.com`,
    `a@${'b'.repeat(250)}.com`,
  ])('refuses %j', (text) => {
    expect(normaliseEmail(text).ok).toBe(false)
  })

  it('once normalised stays as it is and never holds a line break', () => {
    fc.assert(
      fc.property(fc.oneof(fc.emailAddress(), fc.string({ unit: 'binary' })), (text) => {
        const answer = normaliseEmail(text)
        if (!answer.ok) return
        expect(normaliseEmail(answer.value)).toEqual(answer)
        expect(answer.value).not.toMatch(/[\r\n\s]/)
      }),
    )
  })
})

describe('the order of addresses', () => {
  const lead = {
    phone: 'p',
    email: 'e',
    altPhone1: 'p1',
    altPhone2: null,
    altPhone3: 'p3',
    altEmail1: 'e1',
    altEmail2: 'e2',
    altEmail3: 'e',
  }

  it('is all for iMessage, phones for SMS, emails for email, each once', () => {
    expect(orderFor('imessage', lead)).toEqual(['p', 'e', 'p1', 'p3', 'e1', 'e2'])
    expect(orderFor('sms', lead)).toEqual(['p', 'p1', 'p3'])
    expect(orderFor('email', lead)).toEqual(['e', 'e1', 'e2'])
  })

  it('tells phones from emails', () => {
    expect(normaliseAddress('A@b.com', '+1')).toEqual({ ok: true, value: 'a@b.com' })
    expect(normaliseAddress('4155550123', '+1')).toEqual({ ok: true, value: '+14155550123' })
  })
})
