import { z } from 'zod'
import { downloadAttachments } from './attachments.ts'
import { composeMail } from './smtp-mail.ts'
import { runSession, type SmtpServer } from './smtp-session.ts'
import { judgeFailure } from './smtp-verdict.ts'
import type { Checkup, SendRequest, SendResult, TransportContext, TransportKind } from './transport.ts'

/** `address` or `Name <address>`. Nothing that could end a header or a command. */
const mailbox = /^(?:([^<>"\p{Cc}]{1,100}?)\s*<)?([^\s<>"(),:;@\\\p{Cc}]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63})+)>?$/u

const settings = z.strictObject({
  host: z
    .string()
    .regex(/^[\w.:[\]-]{1,253}$/, 'a host name or an address')
    .meta({ title: 'Server' }),
  port: z.int().min(1).max(65_535).default(587),
  secure: z.boolean().default(false).meta({ title: 'TLS from the start (465)', description: 'Otherwise STARTTLS, when the server offers it.' }),
  user: z.string().max(300).optional(),
  pass: z.string().max(500).optional().meta({ secret: true, title: 'Password' }),
  from: z.string().trim().max(300).regex(mailbox, 'an email address, or Name <address>').meta({ title: 'From' }),
})

/**
 * Email by an SMTP relay. What it accepts is sent, never more: a relay tells no receipts and cannot be asked. Bounces come to the envelope
 * sender, outside of this.
 */
export const smtp: TransportKind = {
  type: 'smtp',
  channels: ['email'],
  settings,
  noGaps: false,
  open(context) {
    const { host, port, secure, user, pass, from } = settings.parse(context.settings)
    const [, name, address = from] = mailbox.exec(from) ?? []
    const server = { host, port, secure, user: user || null, pass: pass || null, allowPrivate: context.allowPrivate }
    return {
      send: (request, signal) => send({ context, server, from: address, fromName: name?.trim() || null }, request, signal),
      lookup: async () => ({ type: 'unavailable', why: 'SMTP cannot be asked what became of a message' }),
      check: async () => ({ type: 'error', why: 'an email line cannot tell who is on iMessage' }),
      checkup: (signal) => checkup(context, server, signal),
      receive: () => [{ type: 'ignored', why: 'SMTP has no hook' }],
      close: async () => {},
    }
  },
}

interface Way {
  context: TransportContext
  server: SmtpServer
  from: string
  fromName: string | null
}

async function send({ context, server, from, fromName }: Way, request: SendRequest, signal: AbortSignal): Promise<SendResult> {
  if (!mailbox.test(request.address) || request.address.includes('<')) {
    return { type: 'refused', class: 'recipient', code: 'smtp_address', detail: 'not an address that can be written to' }
  }
  const { runtime, timeoutMs, allowPrivateFetch } = context
  const fetched = await downloadAttachments(request.attachmentUrls, { runtime, timeoutMs, allowPrivate: allowPrivateFetch, signal })
  if (fetched.type === 'gone') return { type: 'refused', class: 'content', code: 'attachment_unavailable', detail: fetched.why }
  if (fetched.type === 'unavailable') return { type: 'unavailable', why: fetched.why, fault: 'content' }

  const mail = await composeMail(request, { from, fromName, attachments: fetched.attachments })
  const result = await runSession(server, { from, to: request.address, raw: mail.raw }, { runtime, timeoutMs, signal })
  return result.type === 'done' ? { type: 'accepted', externalId: mail.messageId } : judgeFailure(result.failure)
}

/** Greeting, TLS and login, as for a message, and then goodbye. */
async function checkup({ runtime, timeoutMs }: TransportContext, server: SmtpServer, signal: AbortSignal): Promise<Checkup> {
  const result = await runSession(server, null, { runtime, timeoutMs, signal })
  return { ok: result.type === 'done', why: result.type === 'done' ? null : result.failure.detail, canCheckAvailability: false }
}
