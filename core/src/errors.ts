/**
 * Every refusal that leaves the engine, in one table: the HTTP status that fits, a title for people, and whether
 * the same call may succeed later without a change by the caller.
 */
export const errorTable = {
  VALIDATION: { status: 400, title: 'The request is not valid', retry: false },
  NO_RECIPIENT: { status: 400, title: 'The message has no recipient', retry: false },
  NO_LINE: { status: 400, title: 'No active line for this channel', retry: false },
  FALLBACK_NOT_CONFIGURED: { status: 400, title: 'No fallback route is configured', retry: false },
  URL_REFUSED: { status: 400, title: 'The address may not be called', retry: false },
  UNAUTHENTICATED: { status: 401, title: 'Credentials are missing or wrong', retry: false },
  READ_ONLY: { status: 402, title: 'The workspace is read-only', retry: false },
  FORBIDDEN: { status: 403, title: 'The key may not do this', retry: false },
  OPTED_OUT: { status: 403, title: 'The recipient opted out', retry: false },
  NOT_FOUND: { status: 404, title: 'Not found', retry: false },
  LEAD_NOT_FOUND: { status: 404, title: 'Lead not found', retry: false },
  LINE_NOT_FOUND: { status: 404, title: 'Line not found', retry: false },
  LIST_NOT_FOUND: { status: 404, title: 'List not found', retry: false },
  MESSAGE_NOT_FOUND: { status: 404, title: 'Message not found', retry: false },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Method not allowed', retry: false },
  ADDRESS_TAKEN: { status: 409, title: 'The address belongs to another lead', retry: false },
  NOT_CANCELLABLE: { status: 409, title: 'The message can no longer be cancelled', retry: false },
  LINE_IN_USE: { status: 409, title: 'The line still has messages to send', retry: true },
  CONFLICT: { status: 409, title: 'Changed by somebody else at the same time', retry: true },
  IDEMPOTENCY_RUNNING: { status: 409, title: 'The first request with this key is still running', retry: true },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'The body is too large', retry: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The body has an unsupported type', retry: false },
  IDEMPOTENCY_MISMATCH: { status: 422, title: 'The key was used with another request', retry: false },
  RATE_LIMITED: { status: 429, title: 'Too many requests', retry: true },
  INTERNAL: { status: 500, title: 'Something went wrong here', retry: true },
  UNAVAILABLE: { status: 503, title: 'Temporarily unavailable', retry: true },
} as const satisfies Record<string, { status: number; title: string; retry: boolean }>

export type ErrorCode = keyof typeof errorTable

export interface Issue {
  /** The field, dotted: `leads.0.phone`. */
  path: string
  message: string
}

/** A refusal on its way to the caller. `detail` is for the caller; `cause` is ours. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly issues: readonly Issue[]
  readonly extra: Record<string, unknown>

  constructor(code: ErrorCode, detail: string, more: { issues?: Issue[]; extra?: Record<string, unknown>; cause?: unknown } = {}) {
    super(detail, { cause: more.cause })
    this.name = 'AppError'
    this.code = code
    this.issues = more.issues ?? []
    this.extra = more.extra ?? {}
  }
}

/** A refusal of one field of the input. */
export function invalid(path: string, message: string): AppError {
  return new AppError('VALIDATION', `${path}: ${message}`, { issues: [{ path, message }] })
}
