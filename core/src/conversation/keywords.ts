/** Whole messages that opt out, case and punctuation ignored (product.md §8; the first eight are also what carriers and Twilio honour). */
export const stopKeywords: readonly string[] = [
  'stop',
  'stopall',
  'unsubscribe',
  'cancel',
  'end',
  'quit',
  'revoke',
  'optout',
  'opt out',
  'remove me',
  'do not contact',
]
export const startKeywords: readonly string[] = ['start', 'unstop']

/** The keyword a message is, never one that it merely contains. */
export function keywordOf(text: string, alsoStop: readonly string[]): 'stop' | 'start' | null {
  if (text.length > 200) return null
  const said = plain(text)
  if (said === '') return null
  if (stopKeywords.includes(said) || alsoStop.some((word) => plain(word) === said)) return 'stop'
  return startKeywords.includes(said) ? 'start' : null
}

/** Lower case, everything but letters and digits is a space, spaces folded. */
function plain(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}
