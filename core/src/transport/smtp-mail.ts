import { createHash } from 'node:crypto'
import MailComposer from 'nodemailer/lib/mail-composer'
import type { Attachment } from './attachments.ts'
import type { SendRequest } from './transport.ts'

export interface Mail {
  readonly messageId: string
  readonly raw: Buffer
}

/**
 * The message as it goes over the wire. Plain text only: what people write here is text, a made-up HTML part would add nothing but a way to
 * get the escaping wrong, and one-to-one mail is plain. One-click unsubscribe by RFC 8058.
 */
export async function composeMail(
  request: SendRequest,
  { from, fromName, attachments }: { from: string; fromName: string | null; attachments: readonly Attachment[] },
): Promise<Mail> {
  const messageId = messageIdOf(request, from)
  const unsubscribe = unsubscribeHeader(request.unsubscribeUrl)
  const composer = new MailComposer({
    from: fromName === null ? from : { name: oneLine(fromName), address: from },
    to: { name: '', address: request.address },
    subject: oneLine(request.subject ?? ''),
    text: request.text.replaceAll('\u0000', '').toWellFormed(),
    messageId,
    headers: {
      ...(unsubscribe === null
        ? {}
        : { 'List-Unsubscribe': { prepared: true, value: unsubscribe }, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }),
    },
    attachments: attachments.map(({ name, mimeType, content }) => ({
      filename: name,
      contentType: mimeType,
      content,
      contentDisposition: 'attachment' as const,
    })),
    disableFileAccess: true,
    disableUrlAccess: true,
    xMailer: false,
  })
  return { messageId, raw: await composer.compile().build() }
}

/**
 * Made of the message and the attempt, on the sender's domain: the copy of an unknown outcome that was handed over again is recognised by
 * its first half, and mail servers that drop repeated ids do it for us.
 */
export function messageIdOf({ messageId, attemptNumber }: Pick<SendRequest, 'messageId' | 'attemptNumber'>, from: string): string {
  const local = /^[\w-]{1,60}$/.test(messageId) ? messageId : createHash('sha256').update(messageId).digest('hex').slice(0, 32)
  return `<${local}.${attemptNumber}@${from.slice(from.lastIndexOf('@') + 1)}>`
}

/** CR and LF would end the header and begin the next; other controls have no business in one. */
function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim()
    .slice(0, 900)
}

/** Written unfolded and as it is: an address with anything a header could take amiss is left out, never repaired. */
function unsubscribeHeader(url: string | null): string | null {
  const parsed = url === null ? null : URL.parse(url)
  return parsed !== null && /^https?:$/.test(parsed.protocol) && /^[\x21-\x7e]{1,900}$/.test(parsed.href) && !/[<>]/.test(parsed.href)
    ? `<${parsed.href}>`
    : null
}
