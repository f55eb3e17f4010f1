import type { SendResult } from './transport.ts'

/** How far an SMTP conversation came, and how it broke off. */
export interface SmtpFailure {
  /** The last byte of the message was given to the connection: from here the server may have taken it. */
  readonly handedOver: boolean
  /** nodemailer's: what the connection was doing. `API`: nothing was said to the server. */
  readonly command: string
  /** nodemailer's: EAUTH, EENVELOPE, EMESSAGE, ETLS, … */
  readonly code: string
  /** The server's three digits, when it is the server that said no. */
  readonly responseCode: number | null
  readonly detail: string
}

/**
 * RFC 5321 §4.2.1: 4yz, the action did not take place and may be asked again; 5yz, it did not and should not. A reply counts only as the
 * answer to a command: a line that came with the connection breaking off is no answer to the message (`CONN`).
 */
export function judgeFailure({ handedOver, command, code, responseCode, detail }: SmtpFailure): SendResult {
  const answered = responseCode !== null && responseCode >= 400 && !(handedOver && command === 'CONN')
  if (handedOver && !answered) return { type: 'unknown', why: detail }
  if (answered && (responseCode < 500 || responseCode === 503)) return { type: 'unavailable', why: detail }
  if (answered) return refusal({ handedOver, command, responseCode, detail })
  if (code === 'EAUTH') return { type: 'refused', class: 'sender', code: 'smtp_auth', detail }
  // Said by nodemailer before the server hears of it: an announced SIZE that is too small for the message.
  if (code === 'EMESSAGE') return { type: 'refused', class: 'content', code: 'smtp_too_large', detail }
  if (code === 'EENVELOPE' && command === 'API') return { type: 'refused', class: 'recipient', code: 'smtp_address', detail }
  return { type: 'unavailable', why: detail }
}

function refusal({
  handedOver,
  command,
  responseCode,
  detail,
}: {
  handedOver: boolean
  command: string
  responseCode: number
  detail: string
}): SendResult {
  const code = `smtp_${responseCode}`
  if (command === 'RCPT TO') return { type: 'refused', class: 'recipient', code, detail }
  if (handedOver) return { type: 'refused', class: 'content', code, detail }
  // Greeting, EHLO, AUTH, MAIL FROM, and DATA before a word of the message was read: it is us the server will not have.
  return { type: 'refused', class: 'sender', code, detail }
}
