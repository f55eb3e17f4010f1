import { AppError, type ErrorCode, errorTable, type Issue } from '@trunkline/core'
import type { z } from 'zod'

/** An answer before it becomes bytes on the wire. `code` is null for a success. */
export interface Answer {
  status: number
  /** The exact body; empty for 204. */
  text: string
  code: ErrorCode | null
  headers?: Record<string, string>
}

const issuesMax = 50

/** RFC 9457, with `error` (the text again), `code`, `errors` on validation and `correlationId`. */
export function problem(error: AppError, correlationId: string): Answer {
  const { status, title, retry } = errorTable[error.code]
  const { 'retry-after': retryAfter, ...extra } = error.extra
  const text = JSON.stringify({
    ...extra,
    type: `urn:trunkline:problem:${error.code.toLowerCase()}`,
    title,
    status,
    detail: error.message,
    code: error.code,
    error: error.message,
    ...(error.issues.length > 0 && { errors: error.issues.slice(0, issuesMax) }),
    correlationId,
  })
  const headers: Record<string, string> = {}
  if (typeof retryAfter === 'number') headers['retry-after'] = String(retryAfter)
  else if (retry) headers['retry-after'] = '1'
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="trunkline"'
  return { status, text, code: error.code, headers }
}

/** Anything that was thrown, as a refusal for the caller; what was not expected tells the caller nothing about our insides. */
export function asRefusal(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  return new AppError('INTERNAL', 'Something went wrong here. Try again; the correlation id leads us to the cause.', { cause: thrown })
}

/** What a schema found wrong, each unknown key with its own path. */
export function issuesOf(error: z.ZodError): Issue[] {
  const issues: Issue[] = []
  for (const issue of error.issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) issues.push({ path: [...issue.path, key].map(String).join('.').slice(0, 200), message: 'unknown field' })
    } else issues.push({ path: issue.path.map(String).join('.').slice(0, 200), message: issue.message })
    if (issues.length >= issuesMax) break
  }
  return issues
}

export function validationError(issues: Issue[]): AppError {
  const first = issues[0]
  const detail = first ? `${first.path === '' ? 'The body' : first.path}: ${first.message}` : 'The request is not valid'
  return new AppError('VALIDATION', detail, { issues })
}
