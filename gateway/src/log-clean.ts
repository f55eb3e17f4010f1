/** Fields that may be logged. Anything else is dropped by name: a new field is a decision, not an accident. */
const allowed = new Set([
  ...['workspaceId', 'messageId', 'leadId', 'lineId', 'listId', 'campaignId', 'replyId', 'webhookId', 'deliveryId', 'eventId', 'aggregateId'],
  ...['subjectId', 'attemptId', 'jobId', 'keyId', 'batchId', 'id', 'externalId', 'correlationId', 'actor', 'consumer', 'plugin', 'endpoint'],
  ...[
    'route',
    'method',
    'status',
    'statusCode',
    'code',
    'origin',
    'host',
    'port',
    'publicUrl',
    'dataDir',
    'mode',
    'role',
    'version',
    'pid',
    'signal',
  ],
  ...[
    'event',
    'kind',
    'op',
    'channel',
    'transport',
    'outcome',
    'state',
    'fact',
    'reason',
    'reasons',
    'hold',
    'why',
    'health',
    'ticker',
    'what',
    'who',
  ],
  ...['attempt', 'attempts', 'attemptNumber', 'count', 'total', 'limit', 'lines', 'messages', 'deliveries', 'jobs', 'hints', 'hinted', 'waiting'],
  ...['delayed', 'unsaid', 'written', 'firstTouch', 'urgent', 'stepIndex', 'epoch', 'seq'],
  ...['at', 'dueAt', 'nextAt', 'until', 'since', 'sendAt', 'progressAt', 'oldestDueAt', 'latencyMs', 'durationMs', 'delayMs', 'lateMs', 'timeoutMs'],
])

const textMax = 500
const listMax = 20
const stackLinesMax = 12
const causesMax = 3

/** `+1500•••0001`, `a•••@x.test`; of anything else nothing stays. Masking twice changes nothing. */
export function maskAddress(text: string): string {
  const at = text.lastIndexOf('@')
  if (at > 0) return `${text.slice(0, 1)}•••${text.slice(at)}`
  if (/^\+\d{10,15}$/.test(text)) return `${text.slice(0, 5)}•••${text.slice(-4)}`
  return /^\+\d{4}•••\d{4}$/.test(text) ? text : '•••'
}

const ourId = /^(?:[a-z]{2,5}_)?[0-9A-HJKMNP-TV-Z]{26}(?:_[0-9A-HJKMNP-TV-Z]{26})*$/
/** Words and our own ids, which are most of what is logged: nothing to hide, and quickly seen. */
const plain = /^(?:[a-z]{1,10}:)?[a-z]{2,5}_[0-9A-HJKMNP-TV-Z]{26}(?:_[0-9A-HJKMNP-TV-Z]{26})?$|^[a-z. ]{1,60}$/
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * A text without what must not be logged: of addresses on the web no user, query or fragment stays, phones and emails are masked, and
 * words that look like keys, tokens or signatures are cut. Linear in the length of the text.
 */
export function cleanText(text: string): string {
  if (plain.test(text)) return text
  return text
    .slice(0, 16_384)
    .replace(/\b([a-z][a-z0-9+.-]{1,20}:\/\/)(?:[^\s/?#"'<>@]{0,256}@)?([^\s?#"'<>]*)[?#]?[^\s"'<>]*/gi, '$1$2')
    .replace(/\b(Bearer|Basic)\s+\S+/gi, '$1 •••')
    .replace(/(?:\+|%2B)\d{7,15}\b/g, (phone) => maskAddress(phone.replace('%2B', '+')))
    .replace(/[^\s@<>"'()[\],;:=/]{1,64}(?:@|%40)(?=[a-z0-9-]{1,63}\.)/gi, (name) => `${name.slice(0, 1)}•••@`)
    .replace(/\b(tl_|whsec_|sk_|pat-)[\w-]+/g, '$1•••')
    .replace(/[A-Za-z0-9_-]{24,}/g, (word) => (!/\d/.test(word) || ourId.test(word) || uuid.test(word) ? word : '•••'))
}

function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max)}…` : text
}

/** Type, message, stack and causes, all cleaned. Properties that a library hung on the error are left behind: they hold requests and keys. */
export function cleanError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error, message: typeof error === 'string' ? cut(cleanText(error), textMax) : '' }
  const lines = cleanText(error.stack ?? '').split('\n')
  const frames = lines.filter((line) => /^\s+at /.test(line)).slice(0, stackLinesMax)
  return {
    type: error.name,
    message: cut(cleanText(error.message), textMax),
    ...('code' in error && typeof error.code === 'string' && { code: cut(cleanText(error.code), 64) }),
    stack: frames.map((line) => line.trim()).join('\n'),
    ...(error.cause !== undefined && depth < causesMax && { cause: cleanError(error.cause, depth + 1) }),
  }
}

function cleanValue(value: unknown): string | number | boolean | null | undefined {
  if (typeof value === 'string') return cut(cleanText(value), textMax)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (typeof value === 'bigint') return String(value)
  return value === null || typeof value === 'number' || typeof value === 'boolean' ? value : undefined
}

/** The fields that may be logged, cleaned; the names of the others in `dropped`. */
export function cleanFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const clean: Record<string, unknown> = {}
  const dropped: string[] = []
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    if (name === 'error' || name === 'err') clean.error = cleanError(value)
    else if (name === 'address' && typeof value === 'string') clean.address = maskAddress(value)
    // Chosen by the caller to be found again, here and at his end: it is let through whole.
    else if (name === 'correlationId' && typeof value === 'string') clean.correlationId = cut(value, 200)
    else if (!allowed.has(name)) dropped.push(name)
    else if (Array.isArray(value)) clean[name] = value.slice(0, listMax).map((one) => cleanValue(one) ?? null)
    else {
      const one = cleanValue(value)
      if (one === undefined) dropped.push(name)
      else clean[name] = one
    }
  }
  if (dropped.length > 0) clean.dropped = dropped.slice(0, listMax).map((name) => cut(cleanText(name), 40))
  return clean
}
