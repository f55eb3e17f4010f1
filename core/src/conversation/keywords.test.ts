import { describe, expect, test } from 'vitest'
import { keywordOf, stopKeywords } from './keywords.ts'

describe('keywords', () => {
  test('each of the list opts out, in any case and with any punctuation', () => {
    for (const word of stopKeywords) {
      for (const spelling of [word, word.toUpperCase(), `${word}.`, ` ${word}!! `, `"${word}"`]) expect(keywordOf(spelling, [])).toBe('stop')
    }
    expect(keywordOf('ＳＴＯＰ', [])).toBe('stop')
    expect(keywordOf('opt-out', [])).toBe('stop')
  })

  test('only a whole message counts', () => {
    for (const text of ['please stop by at five', 'stop it', 'the end', 'cancel my order', 'do not contact my wife', '', '...'])
      expect(keywordOf(text, [])).toBeNull()
  })

  test('START and UNSTOP opt in again; YES is an answer, not a keyword', () => {
    expect([keywordOf('start', []), keywordOf('UNSTOP.', []), keywordOf('yes', [])]).toEqual(['start', 'start', null])
  })

  test('a workspace adds its own', () => {
    expect(keywordOf('Arrêt!', ['arrêt'])).toBe('stop')
    expect(keywordOf('Arrêt!', [])).toBeNull()
  })
})
