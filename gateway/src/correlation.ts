import type { Runtime } from '@trunkline/core'

const wanted = /^[\x21-\x7e]{1,128}$/

/** The caller's `X-Correlation-Id` when it is 1 to 128 visible ASCII characters, else a new one: a log line or header takes no other text. */
export function correlate(header: string | undefined, runtime: Pick<Runtime, 'id'>): string {
  return header !== undefined && wanted.test(header) ? header : runtime.id('req')
}
